"""The encodings `text/csv;…`, one for each delimiter: rows as lines of a CSV file, as the hub spells their values.

UTF-8, a line feed behind each row, NULL as `\\N`. A value that holds the delimiter, a quote, a line feed or a carriage
return, or is the text `\\N`, stands between quotes, and a quote in it is doubled (RFC 4180). There are two columns at
least, so that no line is empty.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeAlias

import pyarrow as pa

from starhaul import cast
from starhaul_stores.files.delimited.rendering import Renderer, Style

Data: TypeAlias = bytes | bytearray | memoryview

NULL = "\\N"
DELIMITER_OF = {f"text/csv;delimiter={ord(each):02x}": each for each in (",", "\t", "|", ";", "\x01")}
"""Encoding → delimiter."""
CSV_LINES = tuple(DELIMITER_OF)
_FEWEST_COLUMNS = 2


def encoding_of(delimiter: str) -> str | None:
    """The encoding with this delimiter, if there is one."""
    return next((name for name, each in DELIMITER_OF.items() if each == delimiter), None)


def has_csv_lines(schema: pa.Schema) -> bool:
    """Whether rows of so many columns have lines that nothing but a row has."""
    return len(schema) >= _FEWEST_COLUMNS


def columns_of(data: Data, types: Sequence[pa.DataType], delimiter: str, null: str = NULL) -> list[pa.Array]:
    """Lines of CSV as columns of these types. A field that is `null` and not quoted is null; truth values are `t` and
    `f`, or whole words. Raises `pa.ArrowInvalid` if a value is not of its type."""
    from pyarrow import csv

    names = [f"c{number}" for number in range(len(types))]
    table = csv.read_csv(
        pa.BufferReader(data),
        read_options=csv.ReadOptions(column_names=names, use_threads=False, block_size=len(data)),
        parse_options=csv.ParseOptions(delimiter=delimiter, newlines_in_values=True, ignore_empty_lines=False),
        convert_options=csv.ConvertOptions(
            column_types=dict(zip(names, types, strict=True)),
            null_values=[null],
            strings_can_be_null=True,
            quoted_strings_can_be_null=False,
            true_values=["t", "true"],
            false_values=["f", "false"],
        ),
    )
    return [column.combine_chunks() for column in table.columns]


def spelled(
    batch: pa.RecordBatch, delimiter: str, reject: Callable[[pa.RecordBatch, int, str], None]
) -> tuple[bytes, int]:
    """Rows of any types as lines, and how many: for those that a store does not print so itself. One with a value that
    has no text is given to `reject` (batch, row, reason)."""
    casts = [cast(column, pa.string()) for column in batch.columns]
    reasons: dict[int, str] = {}
    for name, each in zip(batch.schema.names, casts, strict=True):
        for row, reason in each.misfits().items():
            reasons.setdefault(row, f"column {name!r}: {reason}")
    for row in sorted(reasons):
        reject(batch, row, reasons[row])
    columns = [each.values for each in casts]
    if reasons:
        kept = pa.array([row not in reasons for row in range(batch.num_rows)], pa.bool_())
        columns = [column.filter(kept) for column in columns]
    if not len(columns[0]):
        return b"", 0
    return Renderer(Style(delimiter=delimiter)).render(batch.schema.names, columns).data, len(columns[0])
