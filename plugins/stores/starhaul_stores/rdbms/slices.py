"""Where to cut a table: the database ranks the keys, in its own order, and compares them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from decimal import Decimal
from itertools import takewhile
from typing import Any, TypeAlias

import pyarrow as pa

from starhaul import ConfigError
from starhaul_stores.rdbms.catalog import Column, Table
from starhaul_stores.rdbms.connection import MARK, Connection
from starhaul_stores.rdbms.spelling import bound_as, read_as
from starhaul_stores.rdbms.type_names import arrow_type
from starhaul_stores.relational import slices as relational
from starhaul_stores.relational.slices import key_columns, listed, ranges, slices_wanted

Key: TypeAlias = tuple[Any, ...]
"""A value for each column of a key, or for its first ones, as the driver gives them."""


def slices(
    db: Connection, table: Table, where: str, split_pk: str | None, target: int, factor: int, sources: int
) -> list[dict[str, Any]]:
    """Disjoint slices as JSON data for `condition`, which together hold every row that the table holds now. Each names
    its `rows`, about. One slice without bounds where the table is small, or has no key to cut by."""
    clause, _ = condition(db, None, {}, where)
    rows = int(db.value(f"SELECT count(*) FROM {table.sql}{clause}"))
    wanted = slices_wanted(rows, target, factor, sources)
    columns = _keys(db, table, split_pk)
    if wanted <= 1 or not columns:
        return [{"rows": rows}]
    looking = _Looking(db, table, where, columns)
    starts, last = looking.starts(wanted), looking.last()
    if not starts or last is None:
        return [{"rows": rows}]
    if _has_order_of_its_own(columns, db.dialect):
        starts = looking.ascending(starts)
        last = None if looking.count((">", last)) else last
    cuts = [start for start in dict.fromkeys(starts) if start != starts[0]]
    nulls = not columns[0].not_null and looking.without_key() > 0
    names = [column.name for column in columns]
    found = ranges(names, [_stored(cut) for cut in cuts], _stored(last) if last is not None else None, nulls)
    return [each if "null" in each else {**each, "rows": -(-rows // (len(cuts) + 1))} for each in found]


def condition(db: Connection, table: Table | None, part: Mapping[str, Any], where: str) -> tuple[str, list[Any]]:
    """The WHERE clause with a blank before it, or nothing, that selects one of `slices` out of the rows that `where`
    selects; and its parameters."""
    names = listed(part["key"]) if "key" in part else []
    columns = [table.column(name) if table is not None else None for name in names]
    if names:
        quoted = [db.quoted(column.name if column else name) for name, column in zip(names, columns, strict=True)]
        part = {**part, "key": quoted}
    bound = _Bounds(db.dialect, columns)
    return relational.condition(part, where, bound), bound.parameters


class _Bounds:
    """Makes parameters of bounds, in the order of the text."""

    def __init__(self, dialect: str, columns: Sequence[Column | None]) -> None:
        self.parameters: list[Any] = []
        self._dialect = dialect
        self._columns = columns

    def __call__(self, place: int, value: Any) -> str:
        self.parameters.append(_restored(value, self._dialect))
        column = self._columns[place]
        return bound_as(MARK, column.type, self._dialect) if column is not None else MARK


def _keys(db: Connection, table: Table, split_pk: str | None) -> list[Column]:
    """The columns to cut by (`key_columns`), as far as they can be cut by."""
    key = key_columns(table, split_pk)
    if split_pk and not _is_usable(key[0], db.dialect):
        hint = "choose a column of integers, decimals, texts, dates or timestamps; or leave it empty"
        raise ConfigError("splitPk", f"cannot cut by {key[0].name!r}, which is {key[0].type.text}", hint)
    usable = list(takewhile(lambda column: _is_usable(column, db.dialect), key))
    return [*usable[:1], *takewhile(lambda column: column.not_null, usable[1:])]


def _is_usable(column: Column, dialect: str) -> bool:
    """Floats and bytes are not: their text need not be the same value. Nor is CHAR of MariaDB, which in some collations
    orders it with its padding and compares it without."""
    if dialect in ("mysql", "mariadb") and column.type.head == "CHAR":
        return False
    kind, types = arrow_type(column.type, dialect), pa.types
    tests = (types.is_integer, types.is_decimal, types.is_date, types.is_timestamp, types.is_string)
    return kind is not None and (any(test(kind) for test in tests) or isinstance(kind, pa.UuidType))


def _has_order_of_its_own(columns: Sequence[Column], dialect: str) -> bool:
    """Whether the database may compare the values of a column in several ways, and order them by another than the one
    by which `<` compares (Oracle's NLS_SORT and NLS_COMP, the collations of an expression in SQLite)."""
    types = pa.types
    tests = (types.is_integer, types.is_decimal, types.is_date, types.is_timestamp)
    return not all(any(test(arrow_type(column.type, dialect)) for test in tests) for column in columns)


class _Looking:
    """Asks the database about the keys of the rows that `where` selects."""

    def __init__(self, db: Connection, table: Table, where: str, columns: Sequence[Column]) -> None:
        self._db = db
        self._table = table
        self._columns = columns
        self._keys = [db.quoted(column.name) for column in columns]
        self._no_key, _ = condition(db, table, {"key": columns[0].name, "null": True}, where)
        self._there, _ = condition(db, table, {"key": columns[0].name}, where)

    def starts(self, wanted: int) -> list[Key]:
        """The first key of each of `wanted` slices, in the database's order."""
        names = [f"k{place}" for place in range(len(self._keys))]
        all_names, keys = ", ".join(names), ", ".join(self._keys)
        chosen = ", ".join(f"{key} AS {name}" for key, name in zip(self._keys, names, strict=True))
        ranked = f"SELECT {chosen}, ntile({wanted}) OVER (ORDER BY {keys}) AS part FROM {self._table.sql}{self._there}"
        placed = (
            f"SELECT {all_names}, part, row_number() OVER (PARTITION BY part ORDER BY {all_names}) AS place "
            f"FROM ({ranked}) starhaul_r"
        )
        shown = ", ".join(self._shown(place, name) for place, name in enumerate(names))
        with suppress(ConfigError):
            found = self._db.execute(f"SELECT {shown} FROM ({placed}) starhaul_p WHERE place = 1 ORDER BY part")
            return [tuple(row) for row in found]
        return []  # a database without window functions: one slice

    def last(self) -> Key | None:
        """The largest key; None if there is none."""
        found: Key = ()
        for place, key in enumerate(self._keys):
            same, parameters = self._compared(("=", found)) if found else ("", [])
            sql = f"SELECT {self._shown(place, f'max({key})')} FROM {self._table.sql}{self._there}{same}"
            end = None
            with suppress(ConfigError):  # a type without max
                end = self._db.value(sql, parameters)
            if end is None:
                return None
            found = (*found, end)
        return found

    def ascending(self, starts: Sequence[Key]) -> list[Key]:
        """Those of `starts` that the database itself finds to be larger than the one before, by the comparison that
        the slices use."""
        kept = [starts[0]]
        for start in starts[1:]:
            if self.count(("=", kept[-1]), ("<", start)):
                kept.append(start)
        return kept

    def count(self, *comparisons: tuple[str, Key]) -> int:
        """How many rows have a key that compares so with all these."""
        told, parameters = self._compared(*comparisons)
        return int(self._db.value(f"SELECT count(*) FROM {self._table.sql}{self._there}{told}", parameters))

    def without_key(self) -> int:
        """How many rows have none."""
        return int(self._db.value(f"SELECT count(*) FROM {self._table.sql}{self._no_key}"))

    def _compared(self, *comparisons: tuple[str, Key]) -> tuple[str, list[Any]]:
        bound = _Bounds(self._db.dialect, self._columns)
        told = [
            relational.compared(self._keys, operator, [_json(value) for value in key], bound)
            for operator, key in comparisons
        ]
        return "".join(f" AND {each}" for each in told), bound.parameters

    def _shown(self, place: int, sql: str) -> str:
        return read_as(sql, self._columns[place].type, self._db.dialect)


def _stored(key: Key) -> list[Any]:
    """A key as JSON data."""
    return [_json(value) for value in key]


def _json(value: Any) -> Any:
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
