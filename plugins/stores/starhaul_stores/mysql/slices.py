"""Where to cut a table: slices of about equal numbers of rows, found and compared by the server itself."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import takewhile
from typing import Any, Literal, TypeAlias

import pyarrow as pa

from starhaul_stores.mysql.catalog import Column, Table, column_list
from starhaul_stores.mysql.connection import Connection, literal, quoted
from starhaul_stores.relational.slices import compared, key_columns, listed, ranges, slices_wanted
from starhaul_stores.relational.slices import condition as between

_COUNTED = 200_000
"""Up to this many rows are counted and walked along the key; beyond that the optimiser's estimates do."""
_UNSTEADY = frozenset({"float", "double"})
_TWO_ORDERS = """
    SELECT 1 FROM information_schema.columns WHERE table_schema = %s AND table_name = %s AND column_name = %s
    AND version() LIKE '%%MariaDB%%' AND (collation_name LIKE '%%nopad%%' OR collation_name LIKE '%%0900%%')
"""
"""Whether a column is of a collation in which MariaDB orders CHAR with its padding, and compares it without: a row with
a tab or the like behind its text can be on either side of a bound, or on none."""
_MOST_ESTIMATES = 200
"""Questions to the optimiser for each slice. To find one heavy value among all integers takes 128."""
Bound: TypeAlias = tuple[Any, ...]
"""A value for each column of a key, or for its first ones, as JSON data."""


def slices(
    db: Connection,
    table: Table,
    relation: str,
    where: str,
    columns: Sequence[Column],
    target: int,
    factor: int,
    sources: int,
    known: dict[int, Sequence[Bound]],
) -> list[dict[str, Any]]:
    """Disjoint slices as JSON data for `condition`, which together hold every row that the table holds now. Each names
    its number of `rows`, as far as known. One slice without bounds where the table is small or there are no `columns`
    to cut by (see `cuttable_by`).

    `known` is where these rows were cut before, by the number of slices, and is added to: rows that came or went since
    make slices less equal, and nothing else.
    `relation` is what to select from, as SQL: the table, or some partitions of it, or the table as it was.
    """
    rows = _rows(db, table, relation, where)
    wanted = slices_wanted(rows, target, factor, sources)
    if wanted <= 1 or not columns:
        return [{"rows": rows}]
    cutting = _Cutting(db, relation, where, columns, -(-rows // wanted), table.rows)
    ends = cutting.end("min"), cutting.end("max")
    if not ends[0]:
        return [{"rows": rows}]
    if wanted not in known:
        known[wanted] = _cuts(cutting, rows, ends, _MOST_ESTIMATES * wanted)
    cuts = known[wanted]
    nulls = not columns[0].not_null and bool(
        db.execute(f"SELECT 1 FROM {relation}{_where(where, f'{cutting.keys[0]} IS NULL')} LIMIT 1")
    )
    found = ranges(cutting.keys, cuts, ends[1], nulls)
    for each in found:
        if "null" not in each:
            each.update(rows=rows // (len(cuts) + 1), number=cutting.numbers)
    return found


def _cuts(cutting: _Cutting, rows: int, ends: tuple[Bound, Bound], questions: int) -> Sequence[Bound]:
    first, last = ends[0][0], ends[1][0]
    cuts = cutting.estimated(first, last, questions) if rows > _COUNTED and isinstance(first, int) else []
    return cuts or list(cutting.walked(()))


def _rows(db: Connection, table: Table, relation: str, where: str) -> int:
    if table.rows <= _COUNTED or table.kind != "BASE TABLE" or relation != table.sql:
        return int(db.value(f"SELECT count(*) FROM {relation}{_where(where)}"))
    return table.rows


def cuttable_by(db: Connection, table: Table, split_pk: str | None) -> list[Column]:
    """The columns to cut a table by (`key_columns`), as far as they can be cut by. Floats cannot: their text need
    not be the same number."""
    return list(takewhile(lambda column: _is_usable(db, table, column), key_columns(table, split_pk)))


def _is_usable(db: Connection, table: Table, column: Column) -> bool:
    if column.type.name in _UNSTEADY | {"json", "bit", "enum", "set"} or column.type.is_geometry:
        return False
    if column.type.name == "char" and db.execute(_TWO_ORDERS, [*table.place, column.name]):
        return False
    return not pa.types.is_binary(column.type.arrow)


class _Cutting:
    """Finds bounds, each a value for each column of a key, or for the first ones, at about every `step` rows."""

    def __init__(
        self, db: Connection, relation: str, where: str, columns: Sequence[Column], step: int, all_rows: int
    ) -> None:
        self._db = db
        self._relation = relation
        self._conditions = where
        self._step = step
        self._known = min(step * 3 // 2, all_rows * 49 // 100)
        """Most rows of a range that are believed: InnoDB expects half of all rows of a table at most."""
        self.keys = [quoted(column.name) for column in columns]
        self.numbers = [_is_number(column) for column in columns]
        self._columns = columns

    def end(self, which: Literal["min", "max"], within: Bound = ()) -> Bound:
        """The smallest or the largest key of the rows whose key begins with `within`; empty if there are no rows."""
        found = within
        for place in range(len(within), len(self.keys)):
            value = _shown(self._columns[place], f"{which}({self.keys[place]})")
            (end,) = self._db.execute(f"SELECT {value} FROM {self._relation}{self._where(*self._same(found))}")[0]
            if end is None:
                return ()
            found = (*found, end)
        return found

    def estimated(self, first: int, last: int, budget: int) -> list[Bound]:
        """By ranges of integers from `first` to `last`, halved until the optimiser expects no more than one step of
        rows and a half in each; neighbours that together have about a step are one. A single value that has more is
        cut by the next column. Nothing if that takes more than `budget` questions: without an index the optimiser
        tells the same of every range."""
        sizes: list[tuple[Bound, int]] = []

        def halve(within: Bound, low: int, high: int) -> None:
            nonlocal budget
            budget -= 1
            expected = self._expected(within, low, high)
            if budget < 0 or expected <= self._known:
                sizes.append(((*within, low), expected))
            elif low < high:
                middle = (low + high) // 2
                halve(within, low, middle)
                halve(within, middle + 1, high)
            else:
                single(expected, (*within, low))

        def single(expected: int, value: Bound) -> None:
            place = len(value)
            ends = [self.end(which, value) for which in ("min", "max")] if place < len(self.keys) else []
            if not all(ends) or not ends:
                sizes.append((value, expected))
            elif isinstance(ends[0][place], int):
                halve(value, ends[0][place], ends[1][place])
            else:
                sizes.append((value, self._step))
                sizes.extend((cut, self._step) for cut in self.walked(value))

        halve((), first, last)
        if budget < 0:
            return []
        cuts: list[Bound] = []
        held = 0
        for bound, expected in sizes:
            if held and held + expected // 2 >= self._step:
                cuts.append(bound)
                held = 0
            held += expected
        return cuts

    def _expected(self, within: Bound, low: int, high: int) -> int:
        """How many rows the optimiser expects. It looks into the index for both ends. They are the last integer of its
        answer, which MariaDB gives as text."""
        parts = [*self._same(within), f"{self.keys[len(within)]} BETWEEN {low} AND {high}"]
        plan = self._db.execute(f"EXPLAIN SELECT 1 FROM {self._relation} WHERE {' AND '.join(parts)}")
        rows = [int(value) for value in plan[0] if str(value).isdigit()] if plan else []
        return rows[-1] if len(rows) > 1 else 0

    def walked(self, within: Bound) -> Iterator[Bound]:
        """By walking along the key, through the rows whose key begins with `within`. Keys that are equal to the server
        stay together, so there may be more than `step` rows between two bounds."""
        at = self.end("min", within)
        source = f"SELECT {', '.join(map(_shown, self._columns, self.keys))} FROM {self._relation}"
        order = f"ORDER BY {', '.join(self.keys)} LIMIT 1"
        while at:
            there = self._where(*self._same(within), self._compared(">=", at))
            found = self._db.execute(f"{source}{there} {order} OFFSET {self._step}")
            if not found:
                return
            following, beyond = tuple(found[0]), self._compared(">", at)
            further = self._where(self._compared("=", following), beyond)
            if not self._db.execute(f"SELECT 1 FROM {self._relation}{further} LIMIT 1"):
                found = self._db.execute(f"{source}{self._where(*self._same(within), beyond)} {order}")
                if not found:
                    return
                following = tuple(found[0])
            yield following
            at = following

    def _same(self, within: Bound) -> list[str]:
        return [self._compared("=", within)] if within else []

    def _compared(self, operator: str, bound: Bound) -> str:
        return compared(self.keys, operator, bound, _bounds(self.numbers))

    def _where(self, *conditions: str) -> str:
        return _where(self._conditions, *conditions)


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
    return between(part, where, _bounds(listed(part.get("number", False))))


def _bounds(numbers: Sequence[bool]) -> Callable[[int, Any], str]:
    """How bounds become SQL: a number's text stays a number, which text beside a DECIMAL would not."""
    return lambda place, value: str(value) if numbers[place] else literal(value)


def _is_number(key: Column) -> bool:
    return bool(pa.types.is_integer(key.type.arrow) or pa.types.is_decimal(key.type.arrow))


def _shown(key: Column, sql: str) -> str:
    """SQL of a key as JSON data: integers as they are, everything else as text."""
    return sql if pa.types.is_integer(key.type.arrow) else f"CAST({sql} AS CHAR)"


def _where(where: str, *conditions: str) -> str:
    parts = [*([f"({where}\n)"] if where else []), *conditions]
    return f" WHERE {' AND '.join(parts)}" if parts else ""
