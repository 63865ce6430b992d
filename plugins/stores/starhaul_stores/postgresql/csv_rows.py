"""The encoding `pgcopy/csv`: the rows of `COPY … (FORMAT csv)`, as one server prints them and another reads them.

It passes where each column goes to one of the same type: a server reads its own text back as the same value, whatever
the type (arrays, ranges, enums, composites, infinite dates). Rows that are refused are decoded, one by one.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from itertools import pairwise

import pyarrow as pa

from starhaul import Block, native_type
from starhaul_stores.postgresql.connection import Rows
from starhaul_stores.postgresql.copy_text import PLAIN, Form, batches, texts

ENCODING = "pgcopy/csv"

_ROW = re.compile(rb'(?:[^"\n]|"[^"]*")*\n')
"""A quote within quotes is written twice, so each pair of quotes holds what it holds, line ends among it."""


def passes(source: pa.Schema, target: pa.Schema) -> bool:
    """Whether rows of one schema can go to columns of the other in this encoding. Both name PostgreSQL's types."""
    names = list(map(native_type, source))
    return None not in names and names == list(map(native_type, target))


def blocks(messages: Iterable[Rows], schema: pa.Schema) -> Iterator[Block]:
    """The rows of a COPY as CSV, as the server sends them: each message is a row."""
    for rows in messages:
        yield Block(rows.data, len(rows), schema, lambda data: decoded(data, schema))


def row_ends(data: bytes | bytearray | memoryview) -> list[int]:
    """Where each row ends."""
    return [row.end() for row in _ROW.finditer(data)]


def decoded(data: bytes | bytearray | memoryview, schema: pa.Schema, form: Form = PLAIN) -> pa.RecordBatch:
    """Rows as a batch of the schema that they were read with; as texts if a value has no place there."""
    whole = bytes(data)
    lengths = [end - start for start, end in pairwise([0, *row_ends(whole)])]
    found = list(batches([Rows(bytearray(whole), lengths)], schema, None, lambda row, reason: None, form))
    if sum(map(len, found)) == len(lengths) and found:
        return pa.Table.from_batches(found).combine_chunks().to_batches()[0]
    return texts(whole, schema, form)
