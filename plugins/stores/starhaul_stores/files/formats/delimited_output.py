"""Delimited text, written."""

from __future__ import annotations

import io
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager

import pyarrow as pa

from starhaul import ConfigError, Formats, cast
from starhaul_stores.files.columns import to_base64
from starhaul_stores.files.compression import compressed, suffix_of
from starhaul_stores.files.encodings import Encoded, canonical
from starhaul_stores.files.formats.output import OutputFormat, RowSink
from starhaul_stores.files.rendering import Renderer


class DelimitedOutput(OutputFormat):
    """`csv` and `text`."""

    @property
    def suffix(self) -> str:
        return suffix_of(self.params.codec())

    def accept(self, source: pa.Schema) -> pa.Schema:
        return pa.schema([pa.field(field.name, self._accepted(field.type)) for field in source])

    def check(self, schema: pa.Schema) -> None:
        header = self._header(schema)
        if header and len(header) != len(schema):
            raise ConfigError("header", f"names {len(header)} columns, but {len(schema)} are written")
        if header:
            self._expect_writable(header)

    @contextmanager
    def open(self, file: io.RawIOBase, schema: pa.Schema, memory: int) -> Iterator[RowSink]:
        with compressed(file, self.params.codec()) as sink:
            text = Encoded(sink, canonical(self.params.encoding))
            renderer = Renderer(self.params.style())
            if header := self._header(schema):
                text.write(renderer.render(header, _as_columns(header)).data)
            yield _Rows(renderer, text, self.params.pattern(), self.params.encoding)

    def _header(self, schema: pa.Schema) -> list[str]:
        header = self.params.header
        return schema.names if header is True else header or []

    def _expect_writable(self, header: list[str]) -> None:
        rendered = Renderer(self.params.style()).render(header, _as_columns(header))
        for reason in rendered.refused.values():
            raise ConfigError("header", reason, "`fileFormat` `csv` can quote it")
        if not Encoded(None, canonical(self.params.encoding)).takes(rendered.data):
            raise ConfigError("header", f"holds a character that {self.params.encoding} has not", "check `encoding`")

    def _accepted(self, kind: pa.DataType) -> pa.DataType:
        """Text, which the hub makes of every type exactly, except where the parameters say how text is made."""
        types = pa.types
        if self.params.byte_encoding and (types.is_binary(kind) or types.is_large_binary(kind)):
            return pa.binary()
        if self.params.pattern() and (types.is_timestamp(kind) or types.is_date(kind) or types.is_time(kind)):
            return kind
        return pa.string()


class _Rows(RowSink):
    """Rows as lines of text."""

    def __init__(self, renderer: Renderer, text: Encoded, pattern: str | None, encoding: str) -> None:
        self._renderer = renderer
        self._text = text
        self._formats = Formats(datetime=pattern, date=pattern, time=pattern)
        self._encoding = encoding

    def write(self, batch: pa.RecordBatch) -> Mapping[int, str]:
        names = batch.schema.names
        renderer, text = self._renderer, self._text
        columns, refused = self._as_text(batch)
        rows, columns = _without(refused, range(batch.num_rows), columns)
        rendered = renderer.render(names, columns)
        refused |= {rows[index]: reason for index, reason in rendered.refused.items()}
        if not text.takes(rendered.data):
            rows, columns = _without(rendered.refused, rows, columns)
            lacking = [index for index, line in enumerate(renderer.lines(columns)) if not text.takes(line.as_buffer())]
            refused |= {rows[index]: f"holds a character that {self._encoding} has not" for index in lacking}
            rendered = renderer.render(names, _without(lacking, rows, columns)[1])
        text.write(rendered.data)
        return refused

    def _as_text(self, batch: pa.RecordBatch) -> tuple[list[pa.Array], dict[int, str]]:
        """The columns as text, and the rows with a value that the pattern cannot show."""
        columns: list[pa.Array] = []
        refused: dict[int, str] = {}
        for name, column in zip(batch.schema.names, batch.columns, strict=True):
            if pa.types.is_binary(column.type):
                columns.append(to_base64(column))
                continue
            result = cast(column, pa.string(), self._formats)
            columns.append(result.values)
            for row, bad in enumerate(() if result.bad is None else result.bad.to_pylist()):
                if bad:
                    refused.setdefault(row, f"{name}: {result.explain(row)}")
        return columns, refused


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
