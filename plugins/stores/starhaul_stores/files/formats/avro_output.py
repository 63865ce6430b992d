"""Avro container files, written."""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import pyarrow as pa

from starhaul import ConfigError
from starhaul_stores.files.avro_types import accepted, avro_schema
from starhaul_stores.files.formats.avro_input import expect_fastavro
from starhaul_stores.files.formats.output import OutputFormat, RowSink

CODECS = {None: "deflate", "": "deflate", "none": "null", "deflate": "deflate", "zlib": "deflate", "gzip": "deflate",
          "bzip2": "bzip2", "bz2": "bzip2"}  # fmt: skip
_BLOCK = 256 << 10
"""Bytes of a block before it is packed."""


class AvroOutput(OutputFormat):
    """By `fastavro`. A zoned timestamp is an instant (`timestamp-micros`), one without a zone a local one."""

    def accept(self, source: pa.Schema) -> pa.Schema:
        return pa.schema([pa.field(field.name, accepted(field.type)) for field in source])

    def check(self, schema: pa.Schema) -> None:
        expect_fastavro()
        if self.params.compress not in CODECS:
            known = ", ".join(sorted(filter(None, CODECS)))
            raise ConfigError("compress", f"Avro has no {self.params.compress!r} here", f"it has {known}")
        if len(set(schema.names)) != len(schema):
            raise ConfigError("column", "two columns have the same name", "Avro's readers find columns by name")
        avro_schema(schema)

    @contextmanager
    def open(self, file: io.RawIOBase, schema: pa.Schema, memory: int) -> Iterator[RowSink]:
        from fastavro.write import Writer

        target: Any = file
        writer = Writer(target, avro_schema(schema), CODECS[self.params.compress], sync_interval=_BLOCK)
        yield _Rows(writer)
        writer.flush()


class _Rows(RowSink):
    def __init__(self, writer: Any) -> None:
        self._writer = writer

    def write(self, batch: pa.RecordBatch) -> Mapping[int, str]:
        names = batch.schema.names
        columns: list[list[Any]] = []
        refused: dict[int, str] = {}
        for name, column in zip(names, batch.columns, strict=True):
            values, twice = _values(column)
            columns.append(values)
            refused |= dict.fromkeys(twice, f"{name}: a map has a key twice, which Avro's have not")
        for number, row in enumerate(zip(*columns, strict=True)):
            if number not in refused:
                self._writer.write(dict(zip(names, row, strict=True)))
        return refused


def _values(column: pa.Array) -> tuple[list[Any], list[int]]:
    """Values as the writer takes them, times as numbers, which hold every year; and the rows with a map that has a key
    twice, whose values are None."""
    numbers = column.cast(_numbers(column.type))
    try:
        return numbers.to_pylist(maps_as_pydicts="strict"), []
    except KeyError:
        values, twice = [], []
        for row, scalar in enumerate(numbers):
            try:
                values.append(scalar.as_py(maps_as_pydicts="strict"))
            except KeyError:
                values.append(None)
                twice.append(row)
        return values, twice


def _numbers(kind: pa.DataType) -> pa.DataType:
    """The type with numbers in place of times, however deep they are."""
    types = pa.types
    if types.is_date32(kind) or types.is_time32(kind):
        return pa.int32()
    if types.is_timestamp(kind) or types.is_time64(kind):
        return pa.int64()
    if types.is_struct(kind):
        return pa.struct([field.with_type(_numbers(field.type)) for field in kind])
    if types.is_list(kind):
        return pa.list_(kind.value_field.with_type(_numbers(kind.value_type)))
    if types.is_map(kind):
        return pa.map_(kind.key_type, _numbers(kind.item_type))
    return kind
