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
        columns = [_values(column) for column in batch.columns]
        names = batch.schema.names
        for row in zip(*columns, strict=True):
            self._writer.write(dict(zip(names, row, strict=True)))
        return {}


def _values(column: pa.Array) -> list[Any]:
    """Values as the writer takes them: times as numbers, which hold every year."""
    return _numbers(column).to_pylist()


def _numbers(column: pa.Array) -> pa.Array:
    types = pa.types
    kind = column.type
    if types.is_date32(kind) or types.is_time32(kind):
        return column.view(pa.int32())
    if types.is_timestamp(kind) or types.is_time64(kind):
        return column.view(pa.int64())
    if types.is_struct(kind):
        arrays = [_numbers(each) for each in column.flatten()]
        return pa.StructArray.from_arrays(arrays, names=[field.name for field in kind], mask=column.is_null())
    return column
