"""Batches as keys, cells and timestamps of HBase, column by column. Imported on first use: `values` needs numpy."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from starhaul import ConfigError, Formats, cast
from starhaul_stores.hbase.row_keys import LONGEST
from starhaul_stores.hbase.types import CellType, natural_type
from starhaul_stores.hbase.values import Converted, encode
from starhaul_stores.hbase.write_params import HbaseVersion, HbaseWriterParams

_SECONDS = "yyyy-MM-dd HH:mm:ss"
_MILLISECONDS = "yyyy-MM-dd HH:mm:ss SSS"


@dataclass(frozen=True)
class Encoded:
    """The rows of a batch."""

    keys: pa.Array
    cells: Sequence[pa.Array]
    """One binary array for each column; null where there is to be no cell."""
    timestamps: pa.Array | None
    """Milliseconds; None where they come from elsewhere."""
    bad: dict[int, str]
    """Row → why it cannot be written."""


@dataclass(frozen=True)
class Mutations:
    """How a row becomes a key and cells."""

    names: Sequence[bytes]
    """`family:qualifier` of each cell."""
    _cells: Sequence[tuple[int, CellType]]
    _key: Sequence[tuple[int, CellType] | bytes]
    _version: HbaseVersion | None
    _encoding: str
    _empty: bool

    def encode(self, batch: pa.RecordBatch) -> Encoded:
        """The rows of a batch. Bad ones have null or rubbish in places."""
        bad: dict[int, str] = {}
        keys = self._keys(batch, bad)
        cells = []
        for (index, kind), name in zip(self._cells, self.names, strict=True):
            cell = _encoded(batch.column(index), kind, self._encoding, name.decode(), bad)
            cells.append(cell.fill_null(b"") if self._empty and cell.null_count else cell)
        _judge_cells(cells, len(batch), bad)
        version = self._version
        stamps = None if version is None else _timestamps(batch.column(version.index), version.time_zone, bad)
        return Encoded(keys, cells, stamps, bad)

    def _keys(self, batch: pa.RecordBatch, bad: dict[int, str]) -> pa.Array:
        parts = [
            pa.scalar(part, pa.binary())
            if isinstance(part, bytes)
            else _encoded(batch.column(part[0]), part[1], self._encoding, "rowkeyColumn", bad)
            for part in self._key
        ]
        keys = pc.binary_join_element_wise(*parts, b"", null_handling="emit_null") if len(parts) > 1 else parts[0]
        if isinstance(keys, pa.Scalar):
            keys = pa.repeat(keys, len(batch))
        lengths = pc.binary_length(keys)
        wrong = pc.fill_null(pc.or_(pc.equal(lengths, 0), pc.greater(lengths, LONGEST)), True)
        if pc.any(wrong).as_py():
            for row in pc.indices_nonzero(wrong).to_pylist():
                length = lengths[row].as_py()
                reason = (
                    "is null"
                    if length is None
                    else "is empty"
                    if not length
                    else f"has {length} bytes, more than {LONGEST}"
                )
                bad.setdefault(row, f"the row key {reason}")
        return keys


def plan_mutations(params: HbaseWriterParams, schema: pa.Schema) -> Mutations:
    """How rows of `schema`, which the writer accepted, become rows of HBase. `ConfigError` for a wrong constant."""
    key: list[tuple[int, CellType] | bytes] = []
    for number, part in enumerate(params.rowkey_column):
        if part.index >= 0:
            key.append((part.index, part.kind()))
        else:
            text = str(part.value).lower() if isinstance(part.value, bool) else str(part.value)
            key.append(_constant(text, part.kind(), params.encoding, f"rowkeyColumn[{number}].value"))
    if params.column:
        names = [column.name.encode() for column in params.column]
        cells = [(column.index, column.kind()) for column in params.column]
    else:
        names = [f"{params.column_family}:{field.name}".encode() for field in schema]
        if len(set(names)) < len(names):
            raise ConfigError("column", "two columns of the source have the same name", "name the cells in `column`")
        cells = [(index, natural_type(field.type)) for index, field in enumerate(schema)]
    version = params.version_column
    if version is None or version.index < 0:
        version = None
    elif version.time_zone is None and _lacks_zone(schema.field(version.index).type):
        problem = f"{schema.field(version.index).name!r} says no time zone, and may mean any"
        raise ConfigError("versionColumn.timeZone", problem, "set it to that of the existing versions, Asia/Shanghai")
    return Mutations(names, cells, key, version, params.encoding, params.null_mode == "empty")


def _lacks_zone(kind: pa.DataType) -> bool:
    return not pa.types.is_integer(kind) and getattr(kind, "tz", None) is None


def _constant(text: str, kind: CellType, encoding: str, where: str) -> bytes:
    target = pa.string() if kind.name == "date" else kind.arrow
    made = cast(pa.array([text]), target)
    if made.bad is not None:
        raise ConfigError(where, made.explain(0))
    encoded = encode(made.values, kind, encoding)
    if encoded.bad:
        raise ConfigError(where, encoded.bad[0])
    return encoded.values[0].as_py()


def _encoded(column: pa.Array, kind: CellType, encoding: str, where: str, bad: dict[int, str]) -> pa.Array:
    """The bytes of a column, which the hub converted, or not if it is used with several types."""
    target = pa.string() if kind.name == "date" else kind.arrow
    if column.type != target:
        made = cast(column, target, Formats(datetime=kind.format if kind.name == "date" else None))
        column = made.values
        for row, reason in made.misfits().items():
            bad.setdefault(row, f"{where}: {reason}")
    encoded: Converted = encode(column, kind, encoding)
    for row, reason in encoded.bad.items():
        bad.setdefault(row, f"{where}: {reason}")
    return encoded.values


def _judge_cells(cells: Sequence[pa.Array], rows: int, bad: dict[int, str]) -> None:
    if all(cell.null_count for cell in cells):
        there = cells[0].is_valid()
        for cell in cells[1:]:
            there = pc.or_(there, cell.is_valid())
        for row in pc.indices_nonzero(pc.invert(there)).to_pylist():
            bad.setdefault(
                row, "every cell is null, and HBase has no row without cells (nullMode: empty writes empty ones)"
            )


def _timestamps(column: pa.Array, zone: str | None, bad: dict[int, str]) -> pa.Array:
    """Milliseconds since 1970, from numbers, times or text; those without a zone are in `zone`."""
    if pa.types.is_timestamp(column.type) or pa.types.is_date(column.type):
        column = _instants(_milliseconds(column), zone, None, bad)
    elif not pa.types.is_integer(column.type):
        column = _parsed(column.cast(pa.string()), zone, bad)
    stamps = column.cast(pa.int64())
    wrong = pc.fill_null(pc.less(stamps, 0), True)
    if pc.any(wrong).as_py():
        for row in pc.indices_nonzero(wrong).to_pylist():
            bad.setdefault(row, f"versionColumn: {stamps[row]} is no timestamp")
    return stamps


def _parsed(column: pa.Array, zone: str | None, bad: dict[int, str]) -> pa.Array:
    long = pc.greater(pc.utf8_length(column), len(_SECONDS))
    exact = _instants(pc.if_else(long, column, None), zone, _MILLISECONDS, bad)
    short = _instants(pc.if_else(long, None, column), zone, _SECONDS, bad)
    return pc.coalesce(exact, short)


def _milliseconds(column: pa.Array) -> pa.Array:
    return column.cast(pa.timestamp("ms", getattr(column.type, "tz", None)), safe=False)


def _instants(column: pa.Array, zone: str | None, pattern: str | None, bad: dict[int, str]) -> pa.Array:
    made = cast(column, pa.timestamp("ms", "UTC"), Formats(datetime=pattern, time_zone=zone))
    for row, reason in made.misfits().items():
        bad.setdefault(row, f"versionColumn: {reason}")
    return made.values
