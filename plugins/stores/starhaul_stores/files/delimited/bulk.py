"""Delimited text by `pyarrow.csv`, where that reads exactly what `Grammar` reads."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from starhaul_stores.files.delimited.dialect import Dialect

_BOM = "\ufeff".encode()
_STAND_INS = bytes([*range(1, 9), *range(14, 32)])
"""Control characters that may stand in for a delimiter which `pyarrow.csv` does not take."""


@dataclass(frozen=True, slots=True)
class Bulk:
    """Rows in their order, without the records that are no rows."""

    rows: int
    columns: Sequence[pa.Array]
    """One array of strings for each wanted field; null where records have not so many fields."""
    skipped: Sequence[tuple[int, int]]
    """Number, from 1, and fields of each record that has not the wanted number of fields. Empty lines that are
    skipped do not count."""
    certain: bool
    """Whether the data surely end at a record border. If not, a quoted field may still be open."""


class BulkParser:
    """Parses blocks of UTF-8. Holds no state of a file, so one may serve several threads."""

    def __init__(self, dialect: Dialect, used: Sequence[int], *, skips_empty: bool) -> None:
        self._dialect = dialect
        self._used = used
        self._skips_empty = skips_empty

    def parse(self, data: bytes, width: int) -> Bulk | None:
        """The records in `data`, of `width` fields each. None if `pyarrow.csv` refuses them, or would read them
        otherwise than the grammar does."""
        source = _source(data, self._dialect)
        if source is None or (width > 1 and not self._skips_empty and _has_empty_line(data)):
            return None  # of an empty line pyarrow makes a whole row
        skipped: list[tuple[int, int]] = []
        try:
            try:
                table = self._table(source, width, None)
            except pa.ArrowInvalid:
                data.decode()  # pyarrow cannot tell of a record that is no valid text, and drops it
                table = self._table(source, width, skipped)
        except (pa.ArrowInvalid, UnicodeDecodeError):
            return None
        lacking = pa.nulls(table.num_rows, pa.string())
        columns = [
            _finished(table[str(index)], source, self._dialect) if index < width else lacking for index in self._used
        ]
        return Bulk(table.num_rows, columns, skipped, certain=not source.quoted or not _may_be_open(table))

    def _table(self, source: _Source, width: int, skipped: list[tuple[int, int]] | None) -> pa.Table:
        """The wanted fields as columns named by their position, and the last field if it is needed. Records that have
        not `width` fields are left out, their number and their fields put into `skipped`; `pa.ArrowInvalid` if None."""
        import pyarrow.csv

        dialect = self._dialect
        names = [str(index) for index in range(width)]
        include = [str(index) for index in self._used if index < width]
        if source.quoted or not include:
            include = list(dict.fromkeys([*include, names[-1]]))
        nulls = [] if dialect.trim else sorted(dialect.nulls)
        size = len(source.data) + 1
        return pyarrow.csv.read_csv(
            pa.py_buffer(source.data),
            # one thread: with more, the records that are left out have no numbers
            read_options=pyarrow.csv.ReadOptions(use_threads=False, block_size=size, column_names=names),
            parse_options=pyarrow.csv.ParseOptions(
                delimiter=source.delimiter,
                quote_char=dialect.quote or False,
                double_quote=not dialect.backslash,
                newlines_in_values=source.quoted,
                ignore_empty_lines=self._skips_empty,
                invalid_row_handler=None if skipped is None else _skip_into(skipped),
            ),
            convert_options=pyarrow.csv.ConvertOptions(
                column_types=dict.fromkeys(names, pa.string()),
                null_values=nulls,
                strings_can_be_null=bool(nulls),
                quoted_strings_can_be_null=False,
                include_columns=include,
            ),
        )


@dataclass(frozen=True, slots=True)
class _Source:
    """Bytes that `pyarrow.csv` reads as the grammar does."""

    data: bytes
    delimiter: str
    """One character; the dialect's own, or one that occurs nowhere and was put in its place."""
    quoted: bool
    """Whether there is any quote."""


def _source(data: bytes, dialect: Dialect) -> _Source | None:
    """None if there is something in `data` that only the grammar can read."""
    quoted = bool(dialect.quote) and (dialect.quote or "").encode() in data
    if (
        data.startswith(_BOM)  # which pyarrow drops, wherever the block was cut out
        or (dialect.backslash and b"\\" in data)
        or (dialect.trim and quoted)
        or (dialect.comment and _has_comment(data, dialect.comment.encode()))
        or (dialect.record_delimiter and (dialect.record_delimiter != "\n" or b"\r" in data))
    ):
        return None
    delimiter = dialect.delimiter.encode()
    if len(delimiter) == 1:
        return _Source(data, dialect.delimiter, quoted)
    stand_in = next((byte for byte in _STAND_INS if byte not in data), None)
    if stand_in is None:
        return None
    return _Source(data.replace(delimiter, bytes([stand_in])), chr(stand_in), quoted)


def _has_comment(data: bytes, comment: bytes) -> bool:
    return data.startswith(comment) or b"\n" + comment in data or b"\r" + comment in data


def _skip_into(skipped: list[tuple[int, int]]) -> Callable[[Any], str]:
    def skip(row: Any) -> str:
        skipped.append((row.number, row.actual_columns))
        return "skip"

    return skip


def _has_empty_line(data: bytes) -> bool:
    return data.startswith((b"\n", b"\r")) or any(pair in data for pair in (b"\n\n", b"\n\r", b"\r\r"))


def _may_be_open(table: pa.Table) -> bool:
    """Whether the last field may be quoted and not closed: then the line end behind it is its own last character."""
    last = table.column(table.num_columns - 1)
    return not len(last) or (last[-1].as_py() or "").endswith(("\n", "\r"))


def _finished(column: pa.ChunkedArray, source: _Source, dialect: Dialect) -> pa.Array:
    """The column in one piece, with the dialect's delimiter back in its quoted values, and trimmed if it says so."""
    values = column.chunk(0) if column.num_chunks == 1 else column.combine_chunks()
    if not dialect.trim and (source.delimiter == dialect.delimiter or not source.quoted):
        return values
    import pyarrow.compute as pc

    if source.delimiter != dialect.delimiter:
        values = pc.replace_substring(values, source.delimiter, dialect.delimiter)
    if dialect.trim:
        values = pc.utf8_trim(values, " \t".replace(dialect.delimiter, ""))
    if dialect.trim and dialect.nulls:
        null = pc.is_in(values, value_set=pa.array(sorted(dialect.nulls), pa.string()))
        values = pc.if_else(null, pa.scalar(None, pa.string()), values)
    return values
