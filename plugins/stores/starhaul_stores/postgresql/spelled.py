"""Rows in the encodings `text/csv;…`: COPY prints them as the hub spells values, so that nobody looks at them again.

Where the server spells a type otherwise, the SELECT says how. Values that the hub has no text for (infinities, NaN in a
decimal) or spells otherwise (years before 1 and after 9999) are found in what the server sent, and the rows of such a
block are taken apart.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import pyarrow as pa

from starhaul import Block, native_type
from starhaul_stores.csv_lines import NULL, has_csv_lines, spelled
from starhaul_stores.postgresql.connection import Rows
from starhaul_stores.postgresql.copy_text import Form, batches
from starhaul_stores.postgresql.csv_rows import decoded

_LONG_YEAR = re.compile(rb"\d{5}-\d\d-\d\d")
_MOMENT = "CASE WHEN {0} >= '0001-01-01{1}' AND {0} < '10000-01-01{1}' THEN to_char({0}{2}, '{3}') ELSE {0}::text END"
_PATTERN = "YYYY-MM-DD HH24:MI:SS.US"
_BY_ITSELF = (pa.string(), pa.int16(), pa.int32(), pa.int64(), pa.date32(), pa.uuid(), pa.json_())


def can_spell(schema: pa.Schema) -> bool:
    """Whether there is a way for all columns."""
    return has_csv_lines(schema) and all(expression("", field) is not None for field in schema)


def expression(name: str, field: pa.Field) -> str | None:
    """SQL whose value COPY prints so, for a column (SQL of it, and the field); None if there is none."""
    kind, types = field.type, pa.types
    if kind in _BY_ITSELF or (types.is_decimal(kind) and (native_type(field) or "").startswith("numeric(")):
        return name
    if types.is_boolean(kind):
        return f"{name}::text"
    if kind == pa.timestamp("us"):
        return _MOMENT.format(name, "", "", _PATTERN)
    if kind == pa.timestamp("us", "UTC"):
        return _MOMENT.format(name, " 00:00:00Z", " AT TIME ZONE 'UTC'", f'{_PATTERN}"Z"')
    return None


def blocks(
    messages: Iterable[Rows], schema: pa.Schema, delimiter: str, reject: Callable[[pa.RecordBatch, int, str], None]
) -> Iterator[Block]:
    """The rows of a COPY with such a SELECT. `reject` (batch, row, reason) is given those with a value that has no
    text."""
    form, suspicious = Form(delimiter, NULL), _suspicion(schema)

    def one(row: pa.RecordBatch, reason: str) -> None:
        reject(row, 0, reason)

    def decode(data: bytes | bytearray | memoryview) -> pa.RecordBatch:
        return decoded(data, schema, form)

    for rows in messages:
        if suspicious(rows.data):
            for batch in batches([rows], schema, None, one, form):
                data, count = spelled(batch, delimiter, reject)
                yield Block(data, count, schema, decode)
        else:
            yield Block(rows.data, len(rows), schema, decode)


def _suspicion(schema: pa.Schema) -> Callable[[bytearray], bool]:
    """Whether some rows hold what one of their values is to be looked at for; texts may hold it too. Compared all at
    once: to search for each of the words takes as long as everything else."""
    import numpy as np

    decimals = any(pa.types.is_decimal(field.type) for field in schema)
    dated = any(pa.types.is_date(field.type) or pa.types.is_timestamp(field.type) for field in schema)
    words = [*[b"NaN"] * decimals, *[b"infinity", b" BC"] * dated]

    def holds(data: bytearray, octets: Any, word: bytes) -> bool:
        last = len(octets) - 2
        found = (octets[:last] == word[0]) & (octets[1 : last + 1] == word[1]) & (octets[2:] == word[2])
        return bool(found.any()) and word in data

    def has_long_year(data: bytearray, octets: Any) -> bool:
        digits = octets[:-8] - ord("0") < 10
        found = digits & (octets[5:-3] == ord("-")) & (octets[8:] == ord("-"))
        return bool(found.any()) and _LONG_YEAR.search(data) is not None

    def suspicious(data: bytearray) -> bool:
        octets = np.frombuffer(data, np.uint8)
        return any(holds(data, octets, word) for word in words) or (dated and has_long_year(data, octets))

    return suspicious
