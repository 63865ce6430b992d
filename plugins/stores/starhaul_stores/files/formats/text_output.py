"""What formats of text have in common when they are written: how they are packed and encoded."""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager

import pyarrow as pa

from starhaul import ConfigError, cast
from starhaul_stores.files.compression.codecs import WRITTEN, compressed, suffix_of
from starhaul_stores.files.encodings import Encoded, canonical
from starhaul_stores.files.formats.output import OutputFormat


class TextOutput(OutputFormat):
    """A format of text."""

    @property
    def suffix(self) -> str:
        return suffix_of(self.params.codec())

    def accept(self, source: pa.Schema) -> pa.Schema:
        return pa.schema([pa.field(field.name, field.type) for field in source])

    def check(self, schema: pa.Schema) -> None:
        del schema
        if self.params.codec() not in WRITTEN:
            raise ConfigError("compress", f"text is not packed by {self.params.compress}", f"use {', '.join(WRITTEN)}")

    @contextmanager
    def text(self, file: io.RawIOBase) -> Iterator[Encoded]:
        """What takes the text that `file` is to hold, in the block of a `with`."""
        with compressed(file, self.params.codec()) as sink:
            yield Encoded(sink, canonical(self.params.encoding))


def expect_spelled(schema: pa.Schema) -> None:
    """Raise `ConfigError` if the hub makes no text of a column."""
    for field in schema:
        try:
            cast(pa.nulls(0, field.type), pa.string())
        except ConfigError as error:
            raise ConfigError(f"column {field.name}", error.problem, error.hint) from error
