"""Rows of Arrow columns as the parameters that a driver takes without altering them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import pyarrow as pa

from starhaul import cast
from starhaul_stores.rdbms.catalog import Column
from starhaul_stores.rdbms.rounding import coarser
from starhaul_stores.rdbms.spelling import bound_as_text
from starhaul_stores.rdbms.traits import traits_of

_NO_LENGTH = frozenset({"ENUM", "SET", "LONG"})


def bound(batch: pa.RecordBatch, dialect: str) -> tuple[list[dict[str, Any]], dict[int, str]]:
    """Each row as `{"p0": …, "p1": …}`, and the reasons for the rows that Python has no objects for, whose values of
    that column are None."""
    columns: list[list[Any]] = []
    bad: dict[int, str] = {}
    for field, values in zip(batch.schema, batch.columns, strict=True):
        found, misfits = _values(values, dialect)
        columns.append(found)
        for row, reason in misfits.items():
            bad.setdefault(row, f"column {field.name!r}: {reason}")
    names = [f"p{number}" for number in range(len(columns))]
    rows = [dict(zip(names, row, strict=True)) for row in zip(*columns, strict=True)]
    return rows, bad


def unfit(batch: pa.RecordBatch, columns: Sequence[Column], dialect: str) -> dict[int, str]:
    """The rows that the database would take and alter, or refuse for what every driver says differently."""
    traits = traits_of(dialect)
    bad: dict[int, str] = {}
    for column, values in zip(columns, batch.columns, strict=True):
        for mask, reason in (
            (_null(values, column), "takes no NULL"),
            (None if traits.non_finite else _not_finite(values), "this database has no NaN and no infinities"),
            (coarser(values, column, dialect), f"{column.type.text} would cut or round it, or take it for another"),
            (_too_long(values, column) if traits.enforces_lengths else None, f"longer than {column.type.text} holds"),
        ):
            if mask is not None:
                for row in _where_true(mask):
                    bad.setdefault(row, f"column {column.name!r}: {reason}")
    return bad


def empty_texts(batch: pa.RecordBatch) -> int:
    """How many texts are empty, which to Oracle is NULL."""
    import pyarrow.compute as pc

    texts = [column for column in batch.columns if pa.types.is_string(column.type)]
    return sum(int(pc.sum(pc.equal(pc.binary_length(column), 0)).as_py() or 0) for column in texts)


def _values(values: pa.Array, dialect: str) -> tuple[list[Any], dict[int, str]]:
    kind, types = values.type, pa.types
    if isinstance(kind, pa.BaseExtensionType) or (types.is_temporal(kind) and _goes_as_text(kind, dialect)):
        return _texts(values, kind, dialect), {}
    if types.is_decimal(kind) and dialect == "sqlite":
        return cast(values, pa.string()).values.to_pylist(), {}
    if types.is_timestamp(kind) or types.is_time(kind) or types.is_date(kind) or types.is_duration(kind):
        return _objects(values)
    if types.is_boolean(kind) and dialect in ("oracle", "mssql"):
        return values.cast(pa.int8()).to_pylist(), {}
    return values.to_pylist(), {}


def _goes_as_text(kind: pa.DataType, dialect: str) -> bool:
    return bound_as_text(dialect) or (not pa.types.is_date(kind) and kind.unit == "ns")


def _texts(values: pa.Array, kind: pa.DataType, dialect: str) -> list[Any]:
    """ISO texts, with a blank between day and time. SQLite's own functions want six digits, or none, of a second."""
    texts: list[Any] = cast(values, pa.string()).values.to_pylist()
    if isinstance(kind, pa.BaseExtensionType) or pa.types.is_date(kind):
        return texts
    if dialect == "oracle" and pa.types.is_timestamp(kind) and kind.tz:
        return [None if text is None else _with_offset(text) for text in texts]
    if dialect == "mssql" and pa.types.is_timestamp(kind) and kind.tz:
        return [None if text is None else text.removesuffix("Z") + " +00:00" for text in texts]
    return texts


def _with_offset(text: str) -> str:
    return text.removesuffix("Z") + "+00:00"


def _objects(values: pa.Array) -> tuple[list[Any], dict[int, str]]:
    kind = values.type
    if pa.types.is_timestamp(kind) and kind.tz and kind.tz != "UTC":
        values = values.cast(pa.timestamp(kind.unit, "UTC"))
    try:
        return values.to_pylist(), {}
    except (ValueError, OverflowError):
        return _one_by_one(values)


def _one_by_one(values: pa.Array) -> tuple[list[Any], dict[int, str]]:
    found: list[Any] = []
    bad: dict[int, str] = {}
    for row, value in enumerate(values):
        try:
            found.append(value.as_py())
        except (ValueError, OverflowError) as error:
            found.append(None)
            bad[row] = f"Python has no object for it: {error}"
    return found, bad


def _null(values: pa.Array, column: Column) -> pa.Array | None:
    return values.is_null() if (column.not_null or column.numbers) and values.null_count else None


def _not_finite(values: pa.Array) -> pa.Array | None:
    import pyarrow.compute as pc

    return pc.invert(pc.is_finite(values)) if pa.types.is_floating(values.type) else None


def _too_long(values: pa.Array, column: Column) -> pa.Array | None:
    import pyarrow.compute as pc

    most = column.type.length
    if most is None or column.type.head in _NO_LENGTH:
        return None
    measure: Callable[[pa.Array], pa.Array] | None = None
    if pa.types.is_string(values.type):
        measure = pc.utf8_length
    elif pa.types.is_binary(values.type):
        measure = pc.binary_length
    return None if measure is None else pc.greater(measure(values), most)


def _where_true(mask: pa.Array) -> list[int]:
    import pyarrow.compute as pc

    found: list[int] = pc.indices_nonzero(mask).to_pylist()
    return found
