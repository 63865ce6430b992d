"""The contract of a format that can be written."""

from __future__ import annotations

import io
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager

import pyarrow as pa

from starhaul_stores.files.write_params import FileWriterParams


class RowSink(ABC):
    """A file that takes rows."""

    @abstractmethod
    def write(self, batch: pa.RecordBatch) -> Mapping[int, str]:
        """Write the rows that can be written. Row → why it cannot be, for the others; the caller rejects these."""


class EncodedSink(RowSink):
    """A file that takes rows in an encoding, too."""

    @abstractmethod
    def write_encoded(self, data: bytes | bytearray | memoryview) -> Mapping[int, tuple[pa.RecordBatch, str]]:
        """`write` with rows in one of the format's `encodings`. Row → its values, and why it cannot be written."""


class OutputFormat(ABC):
    """Writes files of one format. Holds parameters only, so that one may serve several threads."""

    def __init__(self, params: FileWriterParams) -> None:
        self.params = params

    @property
    def suffix(self) -> str:
        """What the files' names end with if the job's `suffix` does not; such as `.gz`."""
        return ""

    @abstractmethod
    def accept(self, source: pa.Schema) -> pa.Schema:
        """The schema in which rows of this source are written without loss."""

    def encodings(self, schema: pa.Schema) -> Sequence[str]:
        """Names of the encodings in which rows of this schema (what `accept` answered) can be written as they come. If
        there are any, `open` gives an `EncodedSink`."""
        del schema
        return ()

    def check(self, schema: pa.Schema) -> None:
        """Raise `ConfigError` if rows of this schema cannot be written with these parameters."""
        del schema

    @abstractmethod
    def open(self, file: io.RawIOBase, schema: pa.Schema, memory: int) -> AbstractContextManager[RowSink]:
        """Begin a file of rows of this schema (what `accept` answered) in `file`, which takes bytes by `write` and
        nothing else, all that it is given. About `memory` bytes of rows may be held back, as for a row group. Leaving
        the block finishes what the format has at the end of a file, and does not close `file`; if the block fails,
        nothing more need be written."""
