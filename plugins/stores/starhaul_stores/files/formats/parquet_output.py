"""Parquet, written."""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from inspect import signature

import pyarrow as pa

from starhaul import ConfigError, with_text_pattern
from starhaul_stores.files.columns import plain_decimal
from starhaul_stores.files.formats.held import HeldRows
from starhaul_stores.files.formats.output import OutputFormat, RowSink
from starhaul_stores.files.formats.parquet_shape import Shape, loose
from starhaul_stores.files.parquet_schema import Node
from starhaul_stores.files.parquet_types import arrow_field, is_time, is_utc, leaves_of

CODECS = {None: "snappy", "": "snappy", "none": "none", "uncompressed": "none", "snappy": "snappy", "gzip": "gzip",
          "zstd": "zstd", "lz4": "lz4", "brotli": "brotli"}  # fmt: skip
_UTC_TIMES = "write_time_adjusted_to_utc"
"""Known since pyarrow 23. Older ones say UTC of every time of day."""
_GREGORIAN = datetime(1582, 10, 15)
_ROW_GROUP = 16 << 20
"""Bytes of rows, in memory, that make a row group."""
_DICTIONARY = 128 << 10
"""Bytes of a column's dictionary from which on values stand by themselves. With pyarrow's 1 MiB, columns of many
values (keys, comments) cost a third more to write and make larger files."""


class ParquetOutput(OutputFormat):
    """By `pyarrow.parquet`, in version 2.6 of the format, which every reader of the last years takes.

    `writer.date.proleptic` is what Hive looks for (its `DataWritableWriteSupport.java`): else it would show days before
    1582-10-15 by the Julian calendar, other ones than were written.
    """

    def accept(self, source: pa.Schema) -> pa.Schema:
        nodes = self.params.parquet_nodes()
        if nodes:
            fields = [self._in_shape(node, field.type) for node, field in zip(nodes, source, strict=True)]
        else:
            fields = [pa.field(field.name, self._accepted(field.type)) for field in source]
        pattern = self.params.pattern()
        texts = {place for place, field in enumerate(fields) if pattern and field.type == pa.string()}
        return pa.schema([
            with_text_pattern(field, pattern or "") if place in texts else field for place, field in enumerate(fields)
        ])  # fmt: skip

    def check(self, schema: pa.Schema) -> None:
        if self.params.compress not in CODECS:
            known = ", ".join(sorted(filter(None, CODECS)))
            raise ConfigError("compress", f"Parquet has no {self.params.compress!r}", f"it has {known}")
        if len(set(schema.names)) != len(schema):
            raise ConfigError("column", "two columns have the same name", "Parquet's readers find columns by name")
        if False in self._times and not _knows_times():
            problem = f"pyarrow {pa.__version__} writes times of day as UTC only"
            raise ConfigError("parquetSchema", problem, "pip install -U pyarrow, or write TIME_MILLIS or TIME_MICROS")

    @contextmanager
    def open(self, file: io.RawIOBase, schema: pa.Schema, memory: int) -> Iterator[RowSink]:
        import pyarrow.parquet

        nodes = self.params.parquet_nodes()
        shape = Shape(nodes, schema) if nodes else None
        leaves = [leaf for node in nodes for leaf in leaves_of(node)]
        with pyarrow.parquet.ParquetWriter(
            pa.PythonFile(file, mode="w"),
            pa.schema([field.remove_metadata() for field in schema]) if shape is None else shape.schema,
            compression=CODECS[self.params.compress],
            use_deprecated_int96_timestamps=self._int96,
            store_decimal_as_integer=any(leaf.annotation == "DECIMAL" and not leaf.length for leaf in leaves),
            write_page_checksum=True,
            dictionary_pagesize_limit=_DICTIONARY,
            **({_UTC_TIMES: True in self._times} if self._times and _knows_times() else {}),
        ) as writer:
            held = HeldRows(min(memory, _ROW_GROUP), lambda table: writer.write_table(table, table.num_rows or 1))
            yield _Rows(held, self._int96, shape)
            held.flush()
            writer.add_key_value_metadata({"writer.date.proleptic": "true"})

    @property
    def _times(self) -> set[bool]:
        """Whether the times of day that `parquetSchema` says are UTC; empty if there are none."""
        nodes = self.params.parquet_nodes()
        return {is_utc(leaf) for node in nodes for leaf in leaves_of(node) if is_time(leaf)}

    @property
    def _int96(self) -> bool:
        nodes = self.params.parquet_nodes()
        return any(node.physical == "int96" for node in nodes) if nodes else self.params.parquet_timestamps == "int96"

    def _in_shape(self, node: Node, kind: pa.DataType) -> pa.Field:
        """What is accepted for a field of `parquetSchema` where rows have a type: for a group also JSON text."""
        wanted = loose(arrow_field(node).type)
        if node.physical == "int96":
            unit = kind.unit if pa.types.is_timestamp(kind) and kind.unit == "ns" else "us"
            wanted = pa.timestamp(unit, self._zone)
        elif pa.types.is_nested(wanted) and not pa.types.is_nested(kind):
            wanted = pa.string()
        return pa.field(node.name, wanted)

    @property
    def _zone(self) -> str | None:
        """That of the times in INT96, if they are instants."""
        return "UTC" if self.params.parquet_utc_timestamp is False else None

    def _accepted(self, kind: pa.DataType) -> pa.DataType:
        types = pa.types
        if types.is_dictionary(kind) or types.is_run_end_encoded(kind):
            return self._accepted(kind.value_type)
        if types.is_null(kind) or types.is_interval(kind):
            return pa.string()
        if types.is_date64(kind):
            return pa.date32()
        if types.is_timestamp(kind):
            return pa.timestamp(self._unit(kind.unit), kind.tz or (self._zone if self._int96 else None))
        return pa.time32("ms") if kind == pa.time32("s") else plain_decimal(kind)

    def _unit(self, unit: str) -> str:
        own = "ms" if unit == "s" else unit
        return {"millis": "ms", "micros": "us", "nanos": "ns"}.get(self.params.parquet_timestamps or "", own)


def _knows_times() -> bool:
    import pyarrow.parquet

    return _UTC_TIMES in signature(pyarrow.parquet.ParquetWriter).parameters


class _Rows(RowSink):
    def __init__(self, held: HeldRows, int96: bool, shape: Shape | None) -> None:
        self._held = held
        self._int96 = int96
        self._shape = shape

    def write(self, batch: pa.RecordBatch) -> Mapping[int, str]:
        refused = dict(self._refused(batch)) if self._int96 else {}
        if self._shape is None:
            self._held.add(batch, refused)
            return refused
        rows = [row for row in range(batch.num_rows) if row not in refused]
        shaped, misfits = self._shape.shaped(batch.take(pa.array(rows, pa.int64())) if refused else batch)
        self._held.add(shaped)
        return refused | {rows[row]: reason for row, reason in misfits.items()}

    def _refused(self, batch: pa.RecordBatch) -> Iterator[tuple[int, str]]:
        """INT96 counts Julian days, which Hive takes for those of the Julian calendar as far as that went."""
        import pyarrow.compute as pc

        for field, values in zip(batch.schema, batch.columns, strict=True):
            if not pa.types.is_timestamp(field.type) or field.type.unit == "ns":  # which begin in 1677
                continue
            early = pc.less(values, pa.scalar(_GREGORIAN, field.type))
            for row in pc.indices_nonzero(pc.fill_null(early, False)).to_pylist():
                yield (
                    row,
                    f"column {field.name!r}: is before 1582-10-15, which Hive reads otherwise from int96",
                )
