"""Rows that pass from a reader to a writer as they are, in an encoding that both know."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import pyarrow as pa

SPELLED = "text/"
"""What the names of encodings begin with that hold values as the hub spells them. Such a one is agreed on where every
column becomes text by the hub's own rules (no pattern, no time zone of the job's), in the order of the source."""


@dataclass(frozen=True, slots=True)
class Block:
    """Some rows in a named encoding: what goes through the exchanger where reader and writer agree on one.

    An encoding is a name that tells all about the bytes (`pgcopy/binary`: the tuples of PostgreSQL's COPY in binary
    form, without header and trailer; `text/csv;delimiter=2c`: lines of CSV). A block holds whole rows, and it can be
    cut anywhere between two rows by whoever knows the encoding.
    """

    data: bytes | bytearray | memoryview
    num_rows: int
    schema: pa.Schema
    """Of the rows: what `Reader.schema` said, which the engine sees to."""
    decode: Callable[[bytes | bytearray | memoryview], pa.RecordBatch]
    """Makes a batch of some rows of this block, so that a row that is refused can be set aside with its values: in the
    reader's schema, or as texts if a value has no place there. Not on the way of rows that arrive."""

    @property
    def nbytes(self) -> int:
        """Size of `data` in bytes."""
        return memoryview(self.data).nbytes
