"""Delimited text, written."""

from __future__ import annotations

import io
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace

import pyarrow as pa

from starhaul import ConfigError, with_text_pattern
from starhaul_stores.csv_lines import Data, columns_of, encoding_of, has_csv_lines
from starhaul_stores.files.columns import is_bytes, to_base64
from starhaul_stores.files.delimited.rendering import Renderer, Style
from starhaul_stores.files.encodings import Encoded, canonical
from starhaul_stores.files.formats.output import EncodedSink, RowSink
from starhaul_stores.files.formats.text_output import TextOutput
from starhaul_stores.files.write_params import FileWriterParams

_BOM = "\ufeff".encode()
_PLAIN = b"starhaul.files.plain"
"""Key in the metadata of a column of text that was numbers, days or truth values, and so never needs a quote."""


class DelimitedOutput(TextOutput):
    """`csv` and `text`."""

    def accept(self, source: pa.Schema) -> pa.Schema:
        return pa.schema([self._accepted(field) for field in source])

    def encodings(self, schema: pa.Schema) -> Sequence[str]:
        style = self.params.style()
        name = encoding_of(style.delimiter)
        alike = replace(style, quote='"') == Style(delimiter=style.delimiter) and style.quote in (None, '"')
        whole = has_csv_lines(schema) and all(each.type == pa.string() for each in schema)
        utf8 = canonical(self.params.encoding) == "utf-8"
        return (name,) if name is not None and alike and whole and utf8 else ()

    def check(self, schema: pa.Schema) -> None:
        super().check(schema)
        header = self._header(schema)
        if header and len(header) != len(schema):
            raise ConfigError("header", f"names {len(header)} columns, but {len(schema)} are written")
        if header:
            self._expect_writable(header)

    @contextmanager
    def open(self, file: io.RawIOBase, schema: pa.Schema, memory: int) -> Iterator[RowSink]:
        with self.text(file) as text:
            renderer = Renderer(self.params.style())
            if header := self._header(schema):
                text.write(renderer.render(header, _as_columns(header)).data)
            plain = frozenset(place for place, field in enumerate(schema) if _PLAIN in (field.metadata or {}))
            yield _Rows(renderer, text, self.params, plain, schema.names)

    def _header(self, schema: pa.Schema) -> list[str]:
        header = self.params.header
        return schema.names if header is True else header or []

    def _expect_writable(self, header: list[str]) -> None:
        rendered = Renderer(self.params.style()).render(header, _as_columns(header))
        for reason in rendered.refused.values():
            raise ConfigError("header", reason, "`fileFormat` `csv` can quote it")
        if not Encoded(None, canonical(self.params.encoding)).takes(rendered.data):
            raise ConfigError("header", f"holds a character that {self.params.encoding} has not", "check `encoding`")

    def _accepted(self, field: pa.Field) -> pa.Field:
        """Text, which the hub makes of every type, by `dateFormat` if there is one; or bytes to encode."""
        if self.params.byte_encoding and is_bytes(field.type):
            return pa.field(field.name, pa.binary())
        text, pattern = pa.field(field.name, pa.string()), self.params.pattern()
        if _is_plain(field.type) and pattern is None:
            return text.with_metadata({_PLAIN: b"1"})
        return text if pattern is None else with_text_pattern(text, pattern)


class _Rows(EncodedSink):
    """Rows as lines of text."""

    def __init__(
        self, renderer: Renderer, text: Encoded, params: FileWriterParams, plain: Collection[int], names: Sequence[str]
    ) -> None:
        self._renderer = renderer
        self._text = text
        self._encoding = params.encoding
        self._style = params.style()
        self._plain = plain
        self._names = names

    def write(self, batch: pa.RecordBatch) -> Mapping[int, str]:
        names = batch.schema.names
        renderer, text = self._renderer, self._text
        rows: Sequence[int] = range(batch.num_rows)
        columns = [to_base64(each) if pa.types.is_binary(each.type) else each for each in batch.columns]
        rendered = renderer.render(names, columns, self._plain)
        refused = dict(rendered.refused)
        if not text.takes(rendered.data):
            rows, columns = _without(rendered.refused, rows, columns)
            lacking = [index for index, line in enumerate(renderer.lines(columns)) if not text.takes(line.as_buffer())]
            refused |= {rows[index]: f"holds a character that {self._encoding} has not" for index in lacking}
            rendered = renderer.render(names, _without(lacking, rows, columns)[1])
        text.write(rendered.data)
        return refused

    def write_encoded(self, data: Data) -> Mapping[int, tuple[pa.RecordBatch, str]]:
        if _is_written_so(data, self._style):
            self._text.write(data)
            return {}
        texts = columns_of(data, [pa.string()] * len(self._names), self._style.delimiter)
        batch = pa.RecordBatch.from_arrays(texts, names=list(self._names))
        return {row: (batch.slice(row, 1), reason) for row, reason in self.write(batch).items()}


def _is_written_so(data: Data, style: Style) -> bool:
    """Whether the lines of CSV are those that `Renderer` would make. Without quotes it is only sure of lines that need
    none; and a byte order mark at the beginning of a line would be taken for one."""
    octets = bytes(data) if isinstance(data, memoryview) else data
    return (style.quote is not None or b'"' not in octets) and (octets.isascii() or _BOM not in octets)


def _is_plain(kind: pa.DataType) -> bool:
    types = pa.types
    return types.is_integer(kind) or types.is_decimal(kind) or types.is_date32(kind) or types.is_boolean(kind)


def _as_columns(values: Sequence[str]) -> list[pa.Array]:
    """One row of text."""
    return [pa.array([value], pa.string()) for value in values]


def _without(
    gone: Collection[int], rows: Sequence[int], columns: list[pa.Array]
) -> tuple[Sequence[int], list[pa.Array]]:
    """The columns without the rows at these positions; `rows` are the numbers that the rows had at first."""
    if not gone:
        return rows, columns
    kept = [index for index in range(len(rows)) if index not in gone]
    return [rows[index] for index in kept], [column.take(pa.array(kept, pa.int64())) for column in columns]
