"""Where to cut a table: the database ranks the keys, in its own order, and compares them."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from decimal import Decimal
from typing import Any

import pyarrow as pa

from starhaul import ConfigError
from starhaul_stores.rdbms.catalog import Column, Table
from starhaul_stores.rdbms.connection import MARK, Connection
from starhaul_stores.rdbms.spelling import bound_as, read_as
from starhaul_stores.rdbms.type_names import arrow_type
from starhaul_stores.relational import slices as relational
from starhaul_stores.relational.slices import ranges, slices_wanted


def slices(
    db: Connection, table: Table, where: str, split_pk: str | None, target: int, factor: int, sources: int
) -> list[dict[str, Any]]:
    """Disjoint slices as JSON data for `condition`, which together hold every row that the table holds now. Each names
    its `rows`, about. One slice without bounds where the table is small, or has no key to cut by."""
    clause, _ = condition(db, None, {}, where)
    rows = int(db.value(f"SELECT count(*) FROM {table.sql}{clause}"))
    wanted = slices_wanted(rows, target, factor, sources)
    column = _key(db, table, split_pk)
    if wanted <= 1 or column is None:
        return [{"rows": rows}]
    key = db.quoted(column.name)
    present = f"{key} IS NOT NULL"
    there = f"{clause} AND {present}" if clause else f" WHERE {present}"
    starts = _starts(db, table, there, column, wanted)
    last = db.value(f"SELECT {_shown(db, column, f'max({key})')} FROM {table.sql}{there}")
    if not starts or last is None:
        return [{"rows": rows}]
    nulls = f"{clause} AND {key} IS NULL" if clause else f" WHERE {key} IS NULL"
    has_nulls = not column.not_null and int(db.value(f"SELECT count(*) FROM {table.sql}{nulls}")) > 0
    found = ranges(column.name, [_stored(start) for start in starts], _stored(last), has_nulls)
    return [{**each, "rows": -(-rows // len(starts))} if "from" in each else each for each in found]


def condition(db: Connection, table: Table | None, part: Mapping[str, Any], where: str) -> tuple[str, list[Any]]:
    """The WHERE clause with a blank before it, or nothing, that selects one of `slices` out of the rows that `where`
    selects; and its parameters."""
    parameters: list[Any] = []
    column = table.column(part["key"]) if table is not None and "key" in part else None

    def bound(value: Any) -> str:
        parameters.append(_restored(value, db.dialect))
        return bound_as(MARK, column.type, db.dialect) if column is not None else MARK

    if "key" in part:
        part = {**part, "key": db.quoted(column.name if column is not None else part["key"])}
    return _ordered(part, where, bound, parameters)


def _ordered(part: Mapping[str, Any], where: str, bound: Any, parameters: list[Any]) -> tuple[str, list[Any]]:
    """`relational.condition` asks for the end first; parameters stand in the order of the text."""
    clause = relational.condition(part, where, bound)
    return clause, parameters[::-1]


def _key(db: Connection, table: Table, split_pk: str | None) -> Column | None:
    """The column to cut by: the one the job names, or the first of the primary key. Floats and bytes are not: their
    text need not be the same value."""
    if split_pk == "":
        return None
    if split_pk is not None:
        column = table.column(split_pk)
        if column is None:
            raise table.missing(split_pk, "splitPk")
    else:
        column = table.column(table.key[0]) if table.key else None
    kind = arrow_type(column.type, db.dialect) if column is not None else None
    types = pa.types
    tests = (types.is_integer, types.is_decimal, types.is_date, types.is_timestamp, types.is_string)
    usable = kind is not None and (any(test(kind) for test in tests) or isinstance(kind, pa.UuidType))
    if split_pk is not None and not usable and column is not None:
        hint = "choose a column of integers, decimals, texts, dates or timestamps; or leave it empty"
        raise ConfigError("splitPk", f"cannot cut by {column.name!r}, which is {column.type.text}", hint)
    return column if usable else None


def _starts(db: Connection, table: Table, there: str, column: Column, wanted: int) -> list[Any]:
    """The first key of each slice, ascending. Keys that are equal to the database are one, and stay together."""
    key = db.quoted(column.name)
    ranked = f"SELECT {key} AS k, ntile({wanted}) OVER (ORDER BY {key}) AS part FROM {table.sql}{there}"
    firsts = f"SELECT min(k) AS k FROM ({ranked}) starhaul_r GROUP BY part"
    sql = f"SELECT {_shown(db, column, 'k')} FROM ({firsts}) starhaul_k GROUP BY k ORDER BY k"
    with suppress(ConfigError):
        return [start for (start,) in db.execute(sql)]
    return []  # a database without window functions, or a type without min: one slice


def _shown(db: Connection, column: Column, sql: str) -> str:
    return read_as(sql, column.type, db.dialect)


def _stored(value: Any) -> Any:
    """A key as JSON data."""
    if isinstance(value, bool | int | str):
        return value
    if isinstance(value, Decimal):
        return {"decimal": str(value)}
    return {"text": value.isoformat(" ") if hasattr(value, "hour") and hasattr(value, "year") else str(value)}


def _restored(value: Any, dialect: str) -> Any:
    """A key as a parameter. Texts become what they are compared with."""
    if isinstance(value, dict):
        if "decimal" in value:
            return Decimal(value["decimal"]) if dialect != "sqlite" else float(value["decimal"])
        return value["text"]
    return value
