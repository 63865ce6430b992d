"""ORC, written."""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager

import pyarrow as pa

from starhaul import ConfigError
from starhaul_stores.files.columns import plain_decimal
from starhaul_stores.files.formats.held import HeldRows
from starhaul_stores.files.formats.orc_tail import ProlepticTail
from starhaul_stores.files.formats.output import OutputFormat, RowSink

CODECS = {None: "snappy", "": "snappy", "none": "uncompressed", "zlib": "zlib", "gzip": "zlib", "snappy": "snappy",
          "zstd": "zstd", "lz4": "lz4"}  # fmt: skip
"""By default what every reader has, at half of zlib's work: 2 M rows of TPC-H lineitem took 1.7 s of CPU and 72 MB
(zlib 3.2 s and 53 MB, zstd 1.9 s and 54 MB, not packed 1.6 s and 136 MB)."""
_STRIPE = 8 << 20
"""Bytes of a stripe as it stands in the file. Readers hold a whole one, and unpacked it is many times as large."""
_HELD = 4 << 20
_REFUSED = "is before 1970 with a fraction of a second, which Java's readers of ORC, Hive among them, take for damage"
_WIDER = {
    pa.uint8(): pa.int16(), pa.uint16(): pa.int32(), pa.uint32(): pa.int64(), pa.uint64(): pa.decimal128(20, 0),
    pa.float16(): pa.float32(), pa.date64(): pa.date32(), pa.large_string(): pa.string(),
    pa.large_binary(): pa.binary(),
}  # fmt: skip


class OrcOutput(OutputFormat):
    """By `pyarrow.orc`. What ORC has no type for arrives as the next wider one, else as text."""

    def accept(self, source: pa.Schema) -> pa.Schema:
        return pa.schema([pa.field(field.name, _accepted(field.type)) for field in source])

    def check(self, schema: pa.Schema) -> None:
        if self.params.compress not in CODECS:
            known = ", ".join(sorted(filter(None, CODECS)))
            raise ConfigError("compress", f"ORC has no {self.params.compress!r}", f"it has {known}")
        if len(set(schema.names)) != len(schema):
            raise ConfigError("column", "two columns have the same name", "ORC's readers find columns by name")

    @contextmanager
    def open(self, file: io.RawIOBase, schema: pa.Schema, memory: int) -> Iterator[RowSink]:
        import pyarrow.orc

        tail = ProlepticTail(file)
        writer = pyarrow.orc.ORCWriter(
            pa.PythonFile(tail, mode="w"),
            file_version="0.12",
            stripe_size=min(memory, _STRIPE),
            compression=CODECS[self.params.compress],
        )
        with writer:
            held = HeldRows(min(memory, _HELD), writer.write)
            rows = _Rows(held)
            yield rows
            if not rows.any:
                writer.write(schema.empty_table())
            held.flush()
        tail.finish()


class _Rows(RowSink):
    def __init__(self, held: HeldRows) -> None:
        self._held = held
        self.any = False

    def write(self, batch: pa.RecordBatch) -> Mapping[int, str]:
        refused: dict[int, str] = {}
        for name, values in zip(batch.schema.names, batch.columns, strict=True):
            for row in unreadable(values):
                refused.setdefault(row, f"column {name!r}: {_REFUSED}")
        self.any = self.any or batch.num_rows > len(refused)
        self._held.add(batch, refused)
        return refused


def unreadable(values: pa.Array) -> Iterable[int]:
    """The rows with a timestamp that Java cannot read from the file: pyarrow (https://github.com/apache/arrow,
    `cpp/src/arrow/adapters/orc/util.cc`) makes the nanoseconds of a fraction before 1970 negative."""
    import pyarrow.compute as pc

    kind = values.type
    if pa.types.is_timestamp(kind):
        ticks = values.view(pa.int64())
        if (pc.min(ticks).as_py() or 0) >= 0:
            return ()
        second = pa.scalar({"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}[kind.unit], pa.int64())
        broken = pc.not_equal(pc.multiply(pc.divide(ticks, second), second), ticks)
        return pc.indices_nonzero(pc.fill_null(pc.and_(pc.less(ticks, 0), broken), False)).to_pylist()
    if pa.types.is_map(kind):
        parts = (pa.ListArray.from_arrays(values.offsets, each) for each in (values.keys, values.items))
        return {row for part in parts for row in unreadable(part)}
    if pa.types.is_list(kind):
        found = list(unreadable(pc.list_flatten(values)))
        return set(pc.list_parent_indices(values).take(pa.array(found, pa.int64())).to_pylist())
    if pa.types.is_struct(kind):
        return {row for part in values.flatten() for row in unreadable(part)}
    return ()


def _accepted(kind: pa.DataType) -> pa.DataType:
    types = pa.types
    kind = plain_decimal(kind)  # ORC's library ends the process for any other
    if types.is_dictionary(kind) or types.is_run_end_encoded(kind):
        return _accepted(kind.value_type)
    if kind in _WIDER:
        return _WIDER[kind]
    if types.is_struct(kind):
        return pa.struct([pa.field(member.name, _accepted(member.type)) for member in kind])
    if types.is_map(kind):
        return pa.map_(_accepted(kind.key_type), _accepted(kind.item_type))
    if types.is_list(kind) or types.is_large_list(kind):
        return pa.list_(_accepted(kind.value_type))
    if types.is_fixed_size_binary(kind):
        return pa.binary()
    if types.is_timestamp(kind):
        return kind if kind.tz is None else pa.timestamp(kind.unit, "UTC")
    kept = (types.is_boolean, types.is_signed_integer, types.is_float32, types.is_float64, types.is_decimal128,
            types.is_string, types.is_binary, types.is_date32)  # fmt: skip
    return kind if any(test(kind) for test in kept) else pa.string()
