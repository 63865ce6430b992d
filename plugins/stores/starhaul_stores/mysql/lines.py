"""Rows off the wire as the encoding `lines/tab`, without a look at their values. Imported on first use: needs numpy.

A value's length stands before it in one byte, if it is short: that byte becomes the tab, and the first byte of the next
row's header becomes the line's end.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyarrow as pa

from starhaul_stores.mysql.decode import as_strings, loaded
from starhaul_stores.mysql.encode import Sent, as_file
from starhaul_stores.mysql.rows import Values
from starhaul_stores.mysql.types import Declared
from starhaul_stores.relational.lines import Data, values_of

_TAB, _LINE_END = 9, 10
NUMBERS = frozenset({"tinyint", "smallint", "mediumint", "int", "integer", "bigint", "decimal"})
"""Types whose values the server prints as digits."""
_SAFE = NUMBERS | {"date", "datetime", "timestamp", "time", "year", "float", "double"}


def has_lines(kind: Declared) -> bool:
    """Whether the server prints all values of a type as the encoding has them."""
    return not kind.encoding and (pa.types.is_string(kind.arrow) or kind.name in _SAFE)


def as_lines(block: Sequence[Values]) -> pa.Buffer | bytes:
    """The rows of a block as lines. The values stay where they are, for as long as the block lasts."""
    lines, rows = in_one_piece(block, _TAB), len(block[0].offsets)
    if lines is not None:
        tabs = rows * (len(block) - 1)
        if lines.count(b"\t") == tabs and lines.count(b"\n") == rows and b"\\" not in lines and b"\r" not in lines:
            return lines
    return as_file([Sent(as_strings(values.gathered()), "text") for values in block])


def decoded(data: Data, schema: pa.Schema, kinds: Sequence[Declared]) -> pa.RecordBatch:
    """Some rows in the reader's schema, or as texts if a value has no place there."""
    rows = values_of(data)
    return typed([pa.array([row[n] for row in rows], pa.binary()) for n in range(len(schema))], schema, kinds)


def typed(columns: Sequence[pa.Array], schema: pa.Schema, kinds: Sequence[Declared]) -> pa.RecordBatch:
    """Values as the server printed them in the reader's schema, or as texts if one has no place there."""
    casts = [loaded(column, kind) for column, kind in zip(columns, kinds, strict=True)]
    if all(cast.bad is None for cast in casts):
        return pa.RecordBatch.from_arrays([cast.values for cast in casts], schema=schema)
    shown = [
        [None if value is None else value.decode(errors="replace") for value in each.to_pylist()] for each in columns
    ]
    return pa.RecordBatch.from_arrays([pa.array(each, pa.string()) for each in shown], names=schema.names)


def in_one_piece(block: Sequence[Values], separator: int) -> bytes | None:
    """The rows of a block as lines with a byte between values that some of them may hold, too; None if a value is NULL
    or its length takes more than a byte."""
    if any(values.null is not None for values in block) or not all(map(_adjoin, block, block[1:])):
        return None
    return _marked(block, separator)


def _adjoin(values: Values, following: Values) -> bool:
    """Whether one byte lies between the values of two columns in every row."""
    return bool((following.offsets[:, 0] - values.offsets[:, 1] == 1).all())


def _marked(block: Sequence[Values], separator: int) -> bytes:
    octets = np.frombuffer(block[0].data, np.uint8)
    ends = block[-1].offsets[:, 1]
    behind = octets[ends[-1]].copy()  # of the packet after the block
    for values in block[1:]:
        octets[values.offsets[:, 0] - 1] = separator
    octets[ends] = _LINE_END
    offsets = np.stack((block[0].offsets[:, 0], ends + 1), axis=1)
    lines = Values(block[0].data, offsets, None).gathered()
    octets[ends[-1]] = behind
    return bytes(memoryview(lines.buffers()[2])[: int((offsets[:, 1] - offsets[:, 0]).sum())])
