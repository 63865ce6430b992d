"""Rows off the wire in the encodings `text/csv;…`. Imported on first use: needs numpy.

The server prints most values as the hub spells them. So the byte before a value, which is its length, becomes the
delimiter, and quotes are put around the few values that need them. Measured with 2 M rows of TPC-H lineitem (seconds of
CPU from the socket to the file): 1.3 so, 2.3 by way of Arrow's types.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from starhaul import Block, Task
from starhaul_stores.csv_lines import NULL, Data, columns_of, has_csv_lines, spelled
from starhaul_stores.files.delimited.rendering import Renderer, Style, bytes_of
from starhaul_stores.mysql.batches import ResultColumn, is_date, loaded_batch
from starhaul_stores.mysql.decode import as_strings
from starhaul_stores.mysql.lines import NUMBERS, in_one_piece, typed
from starhaul_stores.mysql.rows import Values
from starhaul_stores.mysql.types import Declared

_WHOLE_UNITS = (0, 3, 6)
"""Digits of a second's fraction that a unit of Arrow's has as many of."""
_NO_DAY = b"-00"
"""What every date holds that is none."""


def can_spell(columns: Sequence[ResultColumn]) -> bool:
    """Whether the server prints all values of the columns as the hub spells them, those apart that are no date."""
    schema = pa.schema([column.field for column in columns])
    return has_csv_lines(schema) and all(_is_spelled(column.type) for column in columns)


def _is_spelled(kind: Declared) -> bool:
    if kind.name in NUMBERS:
        return "zerofill" not in kind.text
    if kind.name == "datetime":
        return kind.digits in _WHOLE_UNITS
    return kind.name == "date" or (pa.types.is_string(kind.arrow) and not kind.encoding)


def blocks(
    block: Sequence[Values], columns: Sequence[ResultColumn], schema: pa.Schema, delimiter: str, task: Task
) -> Iterator[Block]:
    """The rows of a block of the wire."""

    def decode(data: Data) -> pa.RecordBatch:
        found = columns_of(data, [pa.binary()] * len(schema), delimiter)
        return typed(found, schema, [column.type for column in columns])

    lines = _lines(block, columns, delimiter)
    if lines is None:
        batch = loaded_batch(block, columns, schema, task, zero_as_null=False)
        lines, rows = spelled(batch, delimiter, task.reject)
    else:
        rows = len(block[0].offsets)
    yield Block(lines, rows, schema, decode)


def _lines(block: Sequence[Values], columns: Sequence[ResultColumn], delimiter: str) -> bytes | None:
    """The lines of all rows; None if one of them holds what is no text, or may hold what is no date."""
    texts = [
        as_strings(values.gathered()) if pa.types.is_string(column.type.arrow) else None
        for values, column in zip(block, columns, strict=True)
    ]
    contents = [b"" if each is None else bytes_of(each) for each in texts]
    if not all(map(_is_utf8, contents)):
        return None
    lines = None
    if not any(b'"' in each or NULL.encode() in each for each in contents):
        lines = _marked(block, texts, contents, delimiter)
    if lines is None:
        spelled_so = [
            as_strings(values.gathered()) if text is None else text for values, text in zip(block, texts, strict=True)
        ]
        plain = frozenset(number for number, text in enumerate(texts) if text is None)
        names = [column.name for column in columns]
        lines = Renderer(Style(delimiter=delimiter)).render(names, spelled_so, plain).data
    return None if any(is_date(column.type) for column in columns) and _NO_DAY in lines else lines


def _marked(
    block: Sequence[Values], texts: Sequence[pa.Array | None], contents: Sequence[bytes], delimiter: str
) -> bytes | None:
    """The lines, if the rows can be made lines where they are. None of the texts holds a quote."""
    import pyarrow.compute as pc

    lines = in_one_piece(block, ord(delimiter))
    if lines is None:
        return None
    begins = block[0].offsets[:, 0]
    lengths = block[-1].offsets[:, 1] + 1 - begins
    moved = np.cumsum(lengths) - lengths - begins  # how far each row is from where it was
    places = []
    for values, text, held in zip(block, texts, contents, strict=True):
        for special in (delimiter, "\n", "\r"):
            if special.encode() in held:
                rows = pc.indices_nonzero(pc.match_substring(text, special)).to_numpy()
                places.append(values.offsets[rows] + moved[rows, None])
    return _with_quotes(lines, np.unique(np.concatenate(places), axis=0)) if places else lines


def _with_quotes(lines: bytes, places: Any) -> bytes:
    """The lines with quotes around what lies at these places (begin and end, in order)."""
    view, pieces, done = memoryview(lines), list[Any](), 0
    for begin, end in places.tolist():
        pieces += (view[done:begin], b'"', view[begin:end], b'"')
        done = end
    pieces.append(view[done:])
    return b"".join(pieces)


def _is_utf8(data: bytes) -> bool:
    try:
        return data.isascii() or bool(str(data, "utf-8"))
    except UnicodeDecodeError:
        return False
