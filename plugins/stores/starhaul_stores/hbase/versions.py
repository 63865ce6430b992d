"""The versions of cells as rows: row key, cell, timestamp, value. Imported on first use: `values` needs numpy."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import pyarrow as pa

from starhaul import Formats, Task, cast
from starhaul_stores.hbase.connection import Link, as_bytes, families
from starhaul_stores.hbase.params import HbaseParams
from starhaul_stores.hbase.rows import without_rejects
from starhaul_stores.hbase.types import CellType
from starhaul_stores.hbase.values import decode

_ALL = 2**31 - 1


class _Version(NamedTuple):
    key: bytes
    cell: str
    timestamp: int
    value: bytes


def version_batches(
    params: HbaseParams,
    link: Link,
    chunks: Iterable[Sequence[Any]],
    kinds: Mapping[str, CellType],
    key: CellType,
    most: int,
    schema: pa.Schema,
    task: Task,
) -> Iterator[pa.RecordBatch]:
    """A batch of `schema` for each chunk of scanned rows: `most` versions of each cell (-1: all), the latest first."""
    kept = families(params, link.client) or {}
    single = {cell for cell in kinds if kept.get(cell.partition(":")[0]) == 1}
    for rows in chunks:
        found = [each for row in rows for each in _versions(params, link, row, single, most)]
        yield _batch(found, kinds, key, schema, params.encoding, task)


def _versions(params: HbaseParams, link: Link, row: Any, single: set[str], most: int) -> Iterator[_Version]:
    """Of one row. The scan tells which cells there are; those of families that keep one version come at once."""
    key, table = as_bytes(row.row), params.table.encode()
    names = {name: as_bytes(name).decode("utf-8", "replace") for name in sorted(row.columns)}
    latest: dict[bytes, Any] = {}
    if alone := [name for name, cell in names.items() if cell in single]:
        for found in link.insist("getRowWithColumns", table, key, alone, {}):
            latest |= found.columns
    for name, cell in names.items():
        if cell in single:
            versions = [latest[name]] if name in latest else []  # deleted meanwhile
        else:
            versions = link.insist("getVer", table, key, name, _ALL if most < 0 else most, {})
        for each in versions:
            yield _Version(key, cell, each.timestamp, as_bytes(each.value))


def _batch(
    found: Sequence[_Version],
    kinds: Mapping[str, CellType],
    key: CellType,
    schema: pa.Schema,
    encoding: str,
    task: Task,
) -> pa.RecordBatch:
    keys = pa.array([each.key for each in found], pa.binary())
    values = pa.array([each.value for each in found], pa.binary())
    cells = pa.array([each.cell for each in found], pa.string())
    stamps = pa.array([each.timestamp for each in found], pa.int64())
    bad: dict[int, str] = {}
    decoded_keys = decode(keys, key, encoding)
    bad |= {row: f"rowkey: {reason}" for row, reason in decoded_keys.bad.items()}
    decoded = _decoded(found, values, kinds, schema.field(3).type, encoding, bad)
    batch = pa.RecordBatch.from_arrays([decoded_keys.values, cells, stamps, decoded], schema=schema)
    if not bad:
        return batch
    return without_rejects(
        batch, pa.RecordBatch.from_arrays([keys, cells, stamps, values], names=schema.names), bad, task
    )


def _decoded(
    found: Sequence[_Version],
    values: pa.Array,
    kinds: Mapping[str, CellType],
    target: pa.DataType,
    encoding: str,
    bad: dict[int, str],
) -> pa.Array:
    """The values, each by the type of its cell, as `target`; what cannot be goes to `bad`."""
    rows_of: dict[str, list[int]] = {}
    for number, each in enumerate(found):
        rows_of.setdefault(each.cell, []).append(number)
    parts, order = [], []
    for cell, rows in rows_of.items():
        converted = decode(values.take(pa.array(rows)), kinds[cell], encoding)
        shown = cast(converted.values, target, Formats(datetime=kinds[cell].format))
        parts.append(shown.values)
        order += rows
        bad |= {
            rows[number]: f"{cell}: {reason}" for number, reason in converted.bad.items() if rows[number] not in bad
        }
    if not parts:
        return pa.array([], target)
    place = pa.array(sorted(range(len(order)), key=order.__getitem__))
    return pa.concat_arrays(parts).take(place)
