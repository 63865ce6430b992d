"""Rows as SQL INSERT statements."""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import pyarrow as pa

from starhaul import ConfigError, cast
from starhaul_stores.files.columns import is_bytes
from starhaul_stores.files.encodings import Encoded
from starhaul_stores.files.formats.output import RowSink
from starhaul_stores.files.formats.text_output import TextOutput, expect_spelled


class SqlOutput(TextOutput):
    """`sql`: statements of `commitSize` rows each. With the quote of MySQL around names (`` ` ``) strings are MySQL's,
    where a backslash escapes; with any other they are the standard's. Numbers stand bare, all else as strings."""

    def check(self, schema: pa.Schema) -> None:
        if not self.params.table:
            raise ConfigError("table", "`sql` needs the name of a table", "give `table`")
        super().check(schema)
        names = self._names(schema)
        if len(names) != len(schema):
            raise ConfigError("header", f"names {len(names)} columns, but {len(schema)} are written")
        expect_spelled(schema)

    @contextmanager
    def open(self, file: io.RawIOBase, schema: pa.Schema, memory: int) -> Iterator[RowSink]:
        table = ".".join(map(self._quoted, (self.params.table or "").split(".")))
        begin = f"INSERT INTO {table} ({', '.join(map(self._quoted, self._names(schema)))}) VALUES"
        with self.text(file) as text:
            mysql = self.params.quote_char == "`"
            rows = _Rows(text, begin, self.params.line_delimiter, self.params.commit_size, mysql)
            yield rows
            rows.finish()

    def _names(self, schema: pa.Schema) -> list[str]:
        header = self.params.header
        return header if isinstance(header, list) else schema.names

    def _quoted(self, name: str) -> str:
        quote = self.params.quote_char
        return f"{quote}{name.replace(quote, quote * 2)}{quote}" if quote else name


class _Rows(RowSink):
    def __init__(self, text: Encoded, begin: str, line_end: str, most: int, mysql: bool) -> None:
        self._text = text
        self._begin = begin
        self._line_end = line_end
        self._most = most
        self._mysql = mysql
        self._written = 0
        """Rows of the statement that is open."""

    def write(self, batch: pa.RecordBatch) -> Mapping[int, str]:
        columns: list[pa.Array] = []
        refused: dict[int, str] = {}
        for name, column in zip(batch.schema.names, batch.columns, strict=True):
            literals, bad = self._literals(column)
            columns.append(literals)
            for row, reason in bad.items():
                refused.setdefault(row, f"{name}: {reason}")
        rows = _joined(columns).to_pylist()
        for row, literals in enumerate(rows):
            if row in refused:
                continue
            line = self._line_end.join([*([] if self._written else [self._begin]), f"({literals})"])
            data = (f",{self._line_end}{line}" if self._written else line).encode()
            if not self._text.takes(data):
                refused[row] = "holds a character that the encoding has not"
                continue
            self._text.write(data)
            self._written += 1
            if self._written == self._most:
                self.finish()
        return refused

    def finish(self) -> None:
        """End the statement that is open."""
        if self._written:
            self._text.write(f";{self._line_end}".encode())
        self._written = 0

    def _literals(self, column: pa.Array) -> tuple[pa.Array, dict[int, str]]:
        """The values as SQL has them, and why some cannot be."""
        import pyarrow.compute as pc

        types = pa.types
        kind = column.type
        if is_bytes(kind):
            shown = [None if value is None else self._bytes(value) for value in column.to_pylist()]
            return pc.fill_null(pa.array(shown, pa.string()), "NULL"), {}
        result = cast(column, pa.string())
        bad = result.misfits()
        texts = result.values
        if types.is_boolean(kind) or types.is_integer(kind) or types.is_decimal(kind):
            return pc.fill_null(texts, "NULL"), bad
        if types.is_floating(kind):
            finite = pc.fill_null(pc.is_finite(column), True)
            if self._mysql:
                bad |= dict.fromkeys(pc.indices_nonzero(pc.invert(finite)).to_pylist(), "is no number that MySQL has")
            return pc.fill_null(pc.if_else(finite, texts, self._strings(texts)), "NULL"), bad
        nul = pc.fill_null(pc.match_substring(texts, "\0"), False)
        if not self._mysql and pc.any(nul).as_py():
            bad |= dict.fromkeys(pc.indices_nonzero(nul).to_pylist(), "holds the character NUL")
        return pc.fill_null(self._strings(texts), "NULL"), bad

    def _strings(self, texts: pa.Array) -> pa.Array:
        import pyarrow.compute as pc

        if self._mysql:
            texts = pc.replace_substring(texts, "\\", "\\\\")
        return pc.binary_join_element_wise("'", pc.replace_substring(texts, "'", "''"), "'", "")

    def _bytes(self, value: bytes) -> str:
        return f"X'{value.hex()}'" if self._mysql else f"'\\x{value.hex()}'"


def _joined(columns: list[pa.Array]) -> pa.Array:
    import pyarrow.compute as pc

    return columns[0] if len(columns) == 1 else pc.binary_join_element_wise(*columns, ", ")
