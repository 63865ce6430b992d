"""Rows of HBase as Arrow batches, column by column. Imported on first use: `values` needs numpy."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import pyarrow as pa

from starhaul import Task
from starhaul_stores.hbase.types import CellType
from starhaul_stores.hbase.values import decode


@dataclass(frozen=True)
class CellSource:
    """A column of cells."""

    name: bytes
    kind: CellType


@dataclass(frozen=True)
class KeySource:
    """The row key."""

    kind: CellType


@dataclass(frozen=True)
class ConstantSource:
    """One value for all rows."""

    value: pa.Scalar


Source: TypeAlias = CellSource | KeySource | ConstantSource


def row_batch(
    rows: Sequence[Any], sources: Sequence[Source], schema: pa.Schema, encoding: str, task: Task
) -> pa.RecordBatch:
    """A batch of `schema`, one column for each source. Rows with a value that is not of its type are rejected."""
    arrays: list[pa.Array] = []
    raw: list[pa.Array] = []
    bad: dict[int, str] = {}
    cells = [row.columns for row in rows]
    for source, field in zip(sources, schema, strict=True):
        if isinstance(source, ConstantSource):
            arrays.append(pa.repeat(source.value, len(rows)))
            continue
        if isinstance(source, KeySource):
            raw.append(pa.array([row.row for row in rows], pa.binary()))
        else:
            raw.append(_cells(cells, source.name))
        converted = decode(raw[-1], source.kind, encoding)
        arrays.append(converted.values)
        for number, reason in converted.bad.items():
            bad.setdefault(number, f"{field.name}: {reason}")
    batch = pa.RecordBatch.from_arrays(arrays, schema=schema)
    if not bad:
        return batch
    names = [
        field.name for field, source in zip(schema, sources, strict=True) if not isinstance(source, ConstantSource)
    ]
    return without_rejects(batch, pa.RecordBatch.from_arrays(raw, names=names), bad, task)


def _cells(rows: Sequence[Mapping[bytes, Any]], name: bytes) -> pa.Array:
    """The values of one cell. Most columns are there in every row, which is quicker."""
    try:
        return pa.array([row[name].value for row in rows], pa.binary())
    except KeyError:
        found = (row.get(name) for row in rows)
        return pa.array([None if cell is None else cell.value for cell in found], pa.binary())


def without_rejects(batch: pa.RecordBatch, raw: pa.RecordBatch, bad: Mapping[int, str], task: Task) -> pa.RecordBatch:
    """Reject the bad rows, with their bytes; the others."""
    for number in sorted(bad):
        task.reject(raw, number, bad[number], at=f"row {number}")
    keep = pa.array([number not in bad for number in range(batch.num_rows)])
    return batch.filter(keep)
