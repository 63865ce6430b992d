"""A first look at files of text: the types that all of their first values are written as, exactly."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pyarrow as pa

from starhaul import ConfigError, Reader
from starhaul_stores.files.columns import TypedField, typed

LOOK = 8 << 20
"""Bytes of values to look at."""

_TYPES = ("int64", "decimal(38,{scale})", "date32", "timestamp(s)", "timestamp(ms)", "timestamp(us)")


class _FirstLook:
    """A `Task` for reading a few rows before there is a run. Rows that cannot be read are passed over."""

    run = "first_look"
    id = "t0"
    attempt = 1
    cancelled = False

    def __init__(self, schema: pa.Schema) -> None:
        self.schema = schema

    def reject(self, batch: pa.RecordBatch, row: int, reason: str, *, at: str = "") -> None:
        """Nothing: the run will."""

    def note(self, counter: str, rows: int = 1) -> None:
        """Nothing."""

    def pause(self, seconds: float) -> None:
        """Nothing: nobody stops a look."""


def first_rows(reader: Reader[Any]) -> pa.Table:
    """The first rows of a reader, about `LOOK` bytes of them."""
    schema = reader.schema()
    batches: list[pa.RecordBatch] = []
    for split in reader.split(1):
        rows = reader.read(split, _FirstLook(schema))
        try:
            for batch in rows:
                batches.append(batch)
                if sum(each.nbytes for each in batches) >= LOOK:
                    return pa.Table.from_batches(batches, schema=schema)
        finally:
            rows.close()  # type: ignore[attr-defined]  # a generator, by contract
    return pa.Table.from_batches(batches, schema=schema)


def inferred(rows: pa.Table) -> dict[str, str]:
    """Column → type, as `parse_type` reads it, for columns of text: the first of whole numbers, decimals with the same
    digits after the point, days and times that every value is written as, to the letter; else, and where there is no
    value at all, `string`."""
    return {name: _type_of(rows.column(name).combine_chunks()) for name in rows.schema.names}


def _type_of(values: pa.Array) -> str:
    from starhaul import parse_type

    values = values.drop_null()
    if not len(values):
        return "string"
    first = str(values[0].as_py())
    scale = len(first.rpartition(".")[2]) if first.count(".") == 1 else 0
    for text in _TYPES:
        name = text.format(scale=scale)
        if "decimal" in name and not 0 < scale <= 38:
            continue
        if typed(values[:100], _field(name, parse_type(name))).bad is not None:
            continue
        if typed(values, _field(name, parse_type(name))).bad is None:
            return name
    return "string"


def _field(name: str, kind: pa.DataType) -> TypedField:
    return TypedField(name, kind, 0, exact=True)


def chosen(types: Mapping[str, str], names: Sequence[str], given: Mapping[str, str]) -> dict[str, str]:
    """The inferred types with those that the user gives in their place. Raises `ConfigError` for a column that is not
    there."""
    from starhaul_stores.relational.names import suggestion

    for name in given:
        if name not in names:
            raise ConfigError("--types", f"there is no column {name!r}", suggestion(name, names))
    return {**types, **given}
