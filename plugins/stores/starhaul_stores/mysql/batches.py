"""The blocks of a result as batches of the reader's schema, and the rows that have no place in them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from starhaul import Task, with_native_type
from starhaul_stores.mysql.decode import loaded, taken, zero_dates
from starhaul_stores.mysql.types import Declared

if TYPE_CHECKING:
    from starhaul_stores.mysql.rows import Values


@dataclass(frozen=True, slots=True)
class ResultColumn:
    """A column of the result."""

    name: str
    type: Declared
    own: str = ""
    """The column of the table that it is; empty for an expression."""
    nullable: bool = True

    @property
    def field(self) -> pa.Field:
        return with_native_type(pa.field(self.name, self.type.arrow, self.nullable), self.type.text)


def loaded_batch(
    block: Sequence[Values], columns: Sequence[ResultColumn], schema: pa.Schema, task: Task, *, zero_as_null: bool
) -> pa.RecordBatch:
    """A block in the reader's types, without the rows that do not fit, which are rejected. `zero_as_null` makes zero
    dates NULL, and notes them."""
    casts = []
    for values, column in zip(block, columns, strict=True):
        cast = taken(values, column.type)
        if cast.bad is not None and zero_as_null and is_date(column.type):
            cast = loaded(_without_zero_dates(values.gathered(), task), column.type)
        casts.append(cast)
    batch = pa.RecordBatch.from_arrays([cast.values for cast in casts], schema=schema)
    bad = [(column, cast) for column, cast in zip(columns, casts, strict=True) if cast.bad is not None]
    return _reject(batch, block, bad, task) if bad else batch


def _reject(batch: pa.RecordBatch, block: Sequence[Values], bad: Sequence[tuple[ResultColumn, Any]], task: Task) -> Any:
    """The batch without its bad rows, which are rejected as the server sent them."""

    reasons: dict[int, str] = {}
    for column, cast in bad:
        for row, reason in cast.misfits().items():
            reasons.setdefault(row, f"column {column.name!r}, {column.type.text}: {reason}")
    arrays = [values.gathered() for values in block]
    for row in sorted(reasons):
        texts = [pa.array([_shown(values[row].as_py())], pa.string()) for values in arrays]
        task.reject(pa.RecordBatch.from_arrays(texts, names=batch.schema.names), 0, reasons[row])
    return batch.filter(pa.array([row not in reasons for row in range(batch.num_rows)], pa.bool_()))


def _shown(value: bytes | None) -> str | None:
    return None if value is None else value.decode(errors="replace")


def is_date(kind: Declared) -> bool:
    """Whether a type can hold MySQL's zero date."""
    return bool(pa.types.is_date(kind.arrow) or pa.types.is_timestamp(kind.arrow))


def _without_zero_dates(values: pa.Array, task: Task) -> pa.Array:
    import pyarrow.compute as pc

    zero = zero_dates(values)
    task.note("zero date made NULL", pc.sum(zero).as_py() or 0)
    return pc.if_else(zero, pa.scalar(None, values.type), values)
