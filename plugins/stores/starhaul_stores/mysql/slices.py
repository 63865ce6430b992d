"""Where to cut a table: slices of about equal numbers of rows, found and compared by the server itself."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pyarrow as pa

from starhaul_stores.mysql.catalog import Column, Table, column_list
from starhaul_stores.mysql.connection import Connection, literal, quoted
from starhaul_stores.relational.slices import condition as between
from starhaul_stores.relational.slices import ranges, slices_wanted

_COUNTED = 200_000
"""Up to this many rows are counted and walked along the key; beyond that the optimiser's estimates do."""
_UNSTEADY = frozenset({"float", "double"})
_DEEPEST = 40


def slices(
    db: Connection,
    table: Table,
    relation: str,
    where: str,
    split_pk: str | None,
    target: int,
    factor: int,
    sources: int,
) -> list[dict[str, Any]]:
    """Disjoint slices as JSON data for `condition`, which together hold every row that the table holds now. Each names
    its number of `rows`, as far as known. One slice without bounds where the table is small or has no key to cut by.

    `relation` is what to select from, as SQL: the table, or some partitions of it, or the table as it was.
    """
    rows = _rows(db, table, relation, where)
    wanted = slices_wanted(rows, target, factor, sources)
    key = _key(table, split_pk)
    if wanted <= 1 or key is None:
        return [{"rows": rows}]
    name = quoted(key.name)
    ends = ", ".join(_shown(key, f"{end}({name})") for end in ("min", "max"))
    first, last = db.execute(f"SELECT {ends} FROM {relation}{_where(where)}")[0]
    if first is None:
        return [{"rows": rows}]
    step = -(-rows // wanted)
    starts: list[Any] = []
    if rows > _COUNTED and isinstance(first, int) and isinstance(last, int):
        starts = _estimated(db, relation, name, first, last, step, table.rows)
    if len(starts) < 2:
        starts = _walked(db, relation, where, key, first, step)
    nulls = not key.not_null and bool(db.execute(f"SELECT 1 FROM {relation}{_where(where, f'{name} IS NULL')} LIMIT 1"))
    found = ranges(name, starts, last, nulls)
    for each in found:
        if "null" not in each:
            each.update(rows=rows // len(starts), number=_is_number(key))
    return found


def _rows(db: Connection, table: Table, relation: str, where: str) -> int:
    if table.rows <= _COUNTED or table.kind != "BASE TABLE" or relation != table.sql:
        return int(db.value(f"SELECT count(*) FROM {relation}{_where(where)}"))
    return table.rows


def _key(table: Table, split_pk: str | None) -> Column | None:
    """The column to cut by: the one the job names, or the first of the primary key. Floats are not: their text need not
    be the same number."""
    if split_pk == "":
        return None
    if split_pk is not None:
        column = table.column(split_pk)
        if column is None:
            raise table.missing(split_pk, "splitPk")
    else:
        column = table.column(quoted(table.key[0])) if table.key else None
    if column is None or column.type.name in _UNSTEADY | {"json", "bit", "enum", "set"} or column.type.is_geometry:
        return None
    return None if pa.types.is_binary(column.type.arrow) else column


def has_key(table: Table, split_pk: str | None) -> bool:
    """Whether `slices` can cut the table."""
    return _key(table, split_pk) is not None


def _estimated(db: Connection, relation: str, name: str, first: int, last: int, step: int, rows: int) -> list[int]:
    """Starts of ranges of integers, halved until the optimiser expects no more than one step of rows and a half in
    each; neighbours that together have about a step are one. InnoDB expects half of all `rows` at most, so that nothing
    is known of a range of which it expects so many."""
    sizes: list[tuple[int, int]] = []
    known = min(step * 3 // 2, rows * 49 // 100)

    def halve(low: int, high: int, depth: int) -> None:
        expected = _expected(db, relation, f"{name} BETWEEN {low} AND {high}")
        if expected <= known or low >= high or depth == _DEEPEST:
            sizes.append((low, expected))
            return
        middle = (low + high) // 2
        halve(low, middle, depth + 1)
        halve(middle + 1, high, depth + 1)

    halve(first, last, 0)
    starts, held = [], step
    for low, expected in sizes:
        if held + expected // 2 >= step:
            starts.append(low)
            held = 0
        held += expected
    return starts


def _expected(db: Connection, relation: str, where: str) -> int:
    """How many rows the optimiser expects. It looks into the index for both ends. They are the last integer of its
    answer, which MariaDB gives as text."""
    plan = db.execute(f"EXPLAIN SELECT 1 FROM {relation} WHERE {where}")
    rows = [int(value) for value in plan[0] if str(value).isdigit()] if plan else []
    return rows[-1] if len(rows) > 1 else 0


def _walked(db: Connection, relation: str, where: str, key: Column, first: Any, step: int) -> list[Any]:
    """The first key of each slice. Keys that are equal to the server stay together, so a slice may hold more than
    `step` rows."""
    name, quote = quoted(key.name), bound_literal(number=_is_number(key))
    source = f"SELECT {_shown(key, name)} FROM {relation}"
    starts = [first]
    while True:
        beyond = f"{name} > {quote(starts[-1])}"
        further = _where(where, f"{name} >= {quote(starts[-1])}")
        following = db.value(f"{source}{further} ORDER BY {name} LIMIT 1 OFFSET {step}")
        if following is None:
            return starts
        if not db.execute(f"SELECT 1 FROM {relation} WHERE {name} = {quote(following)} AND {beyond} LIMIT 1"):
            following = db.value(f"{source}{_where(where, beyond)} ORDER BY {name} LIMIT 1")
            if following is None:
                return starts
        starts.append(following)


def partition_slices(names: Sequence[str]) -> list[dict[str, Any]]:
    """One slice for each partition, by name; how many rows it has is not known."""
    return [{"partition": name} for name in names]


def relation_of(table: Table, partitions: Sequence[str], at: str) -> str:
    """What to select from, as SQL: the table, or only these partitions of it. `at` is the moment, as SQL with a blank
    before it, or nothing."""
    only = f" PARTITION ({column_list(partitions)})" if partitions else ""
    return f"{table.sql}{only}{at}"


def condition(part: Mapping[str, Any], where: str) -> str:
    """The WHERE clause with a blank before it, or nothing, that selects one of `slices` out of the rows that `where`
    selects."""
    return between(part, where, bound_literal(number=bool(part.get("number"))))


def bound_literal(*, number: bool) -> Callable[[Any], str]:
    """How bounds become SQL: a number's text stays a number, which text beside a DECIMAL would not."""
    return str if number else literal


def _is_number(key: Column) -> bool:
    return bool(pa.types.is_integer(key.type.arrow) or pa.types.is_decimal(key.type.arrow))


def _shown(key: Column, sql: str) -> str:
    """SQL of a key as JSON data: integers as they are, everything else as text."""
    return sql if pa.types.is_integer(key.type.arrow) else f"CAST({sql} AS CHAR)"


def _where(where: str, *conditions: str) -> str:
    parts = [*([f"({where}\n)"] if where else []), *conditions]
    return f" WHERE {' AND '.join(parts)}" if parts else ""
