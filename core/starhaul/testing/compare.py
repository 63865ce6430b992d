"""Exact comparison of rows: value for value and null for null, without regard to their order."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Sequence
from typing import Any, TypeAlias

import pyarrow as pa

ExactRow: TypeAlias = tuple[Hashable, ...]


def exact_rows(table: pa.Table | pa.RecordBatch, *, equal_zeros: bool = False) -> list[ExactRow]:
    """The rows as tuples that are equal only if their values are exactly equal: NaN equals NaN, -0.0 is not 0.0
    (unless `equal_zeros`), and times count in the units of their column, without passing through `datetime`."""
    if not table.num_columns:
        return [()] * table.num_rows
    columns = [_exact(column, equal_zeros) for column in table.columns]
    return list(zip(*columns, strict=True))


def assert_same_rows(
    actual: pa.Table, expected: pa.Table, told: str, *, by_order: bool = False, equal_zeros: bool = False
) -> None:
    """Fail, beginning with `told` and naming the rows, unless both hold the same rows in the same columns."""
    assert_same_columns(actual.schema, expected.schema, told)
    there, wanted = (exact_rows(table, equal_zeros=equal_zeros) for table in (actual, expected))
    missing, surplus = Counter(wanted) - Counter(there), Counter(there) - Counter(wanted)
    if missing or surplus:
        raise AssertionError(f"{told}: {_difference(list(missing.elements()), list(surplus.elements()), expected)}")
    if by_order and there != wanted:
        first = next(i for i, pair in enumerate(zip(there, wanted, strict=True)) if pair[0] != pair[1])
        raise AssertionError(f"{told}: the rows are in another order from row {first} on")


def assert_same_columns(actual: pa.Schema, expected: pa.Schema, told: str) -> None:
    """Fail unless both have the same column names and types in the same order. Nullability and metadata are free."""
    there, wanted = ([(field.name, field.type) for field in schema] for schema in (actual, expected))
    if there != wanted:
        different = [f"{_column(a)} should be {_column(b)}" for a, b in zip(there, wanted, strict=False) if a != b]
        counts = f"{len(there)} columns instead of {len(wanted)}" if len(there) != len(wanted) else ""
        raise AssertionError(f"{told}: the columns differ: {'; '.join(filter(None, [counts, *different[:5]]))}")


def _column(pair: tuple[str, pa.DataType]) -> str:
    return f"{pair[0]!r} {pair[1]}"


def _exact(column: pa.Array | pa.ChunkedArray, equal_zeros: bool) -> Sequence[Hashable]:
    kind = column.type
    if isinstance(kind, pa.BaseExtensionType):
        return _exact(_storage(column), equal_zeros)
    if pa.types.is_dictionary(kind):
        return _exact(column.cast(kind.value_type), equal_zeros)
    if pa.types.is_floating(kind):
        return [_exact_float(value, equal_zeros) for value in column.to_pylist()]
    if pa.types.is_temporal(kind):
        ticks = pa.int32() if kind.bit_width == 32 else pa.int64()
        return column.cast(ticks).to_pylist()
    if pa.types.is_nested(kind):
        return [None if value is None else repr(value) for value in column.to_pylist()]
    return column.to_pylist()


def _storage(column: pa.Array | pa.ChunkedArray) -> pa.Array | pa.ChunkedArray:
    if isinstance(column, pa.ChunkedArray):
        return pa.chunked_array([chunk.storage for chunk in column.chunks], column.type.storage_type)
    return column.storage


def _exact_float(value: float | None, equal_zeros: bool) -> Hashable:
    """The shortest text that reads back as the same float: unlike the float, NaN equals itself and -0.0 is no 0.0."""
    if value is None:
        return None
    return repr(value + 0.0 if equal_zeros else value)


def _difference(missing: list[ExactRow], surplus: list[ExactRow], expected: pa.Table) -> str:
    """Rows of equal first value are the same row, altered; the others are lost, or came from nowhere."""
    lost, altered = {row[0]: row for row in missing if row}, []
    for row in surplus:
        if row and row[0] in lost:
            altered += _altered(row, lost[row[0]], expected)
    parts = [f"{len(missing)} of {expected.num_rows} rows are missing or altered, {len(surplus)} were not sent"]
    if altered:
        return ": ".join([*parts, "; ".join(altered[:5])])
    parts += [f"missing {_short(row)}" for row in missing[:3]]
    parts += [f"surplus {_short(row)}" for row in surplus[:3]]
    return "; ".join(parts)


def _altered(there: ExactRow, wanted: ExactRow, expected: pa.Table) -> list[str]:
    pairs = zip(expected.schema, there, wanted, strict=True)
    return [
        f"row {_short(wanted[0])}: column {field.name!r} ({field.type}) is {_short(a)}, should be {_short(b)}"
        for field, a, b in pairs
        if a != b
    ]


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 120 else f"{text[:60]}…{text[-40:]} ({len(text)} characters)"
