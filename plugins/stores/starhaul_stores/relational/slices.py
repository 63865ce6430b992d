"""Slices of a table between keys. The keys are found, and compared, by the database itself; here is the bookkeeping."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import accumulate, pairwise
from typing import Any, Protocol, TypeAlias

from starhaul_stores.relational.ddl import tokens
from starhaul_stores.relational.target import C, Table, missing

ROWS_PER_SLICE = 1_000_000
"""Most rows of a slice, so that a retry costs minutes and skew levels out."""

Slice: TypeAlias = Mapping[str, Any]
"""JSON data for `Split.args`: nothing in it is the whole table; else `key` (SQL of the key) with `from`, and `to`
(exclusive) or `last` (inclusive), any of which may be missing; or `null`. A key of several columns is a list, and so
are its bounds, which compare column by column; a bound may have values for the first columns only."""
_BOUNDS = (("from", ">="), ("to", "<"), ("last", "<="))
Literal: TypeAlias = Callable[[int, Any], str]
"""Makes SQL of a bound of a column of the key, by its place in the key."""
_OF_MANY_ROWS = re.compile(
    r"""'(?:[^']|'')*' | "(?:[^"]|"")*" | `(?:[^`]|``)*` | (?P<found>
    \bdistinct\b | \bover\s*[\w(] | := | \brownum\b | \b(?:
    count | sum | total | avg | min | max | std | stddev(?:_\w+)? | var(?:iance|_pop|_samp) | median | mode | corr |
    (?:covar|regr|percentile|approx)_\w+ | bit_(?:and|or|xor) | bool_(?:and|or) | every | any_value | group_concat |
    listagg | wm_concat | \w+_agg | \w*xmlagg | json_\w+agg | json_group_\w+ )\s*\( )""",
    re.IGNORECASE | re.VERBOSE,
)
AT_A_LATER_MOMENT = "slice read at a later moment than others"
AT_A_MOMENT_OF_ITS_OWN = "slice read at a moment of its own"
"""What a reader notes of slices that are not of the moment that was to be held for all."""


class KeyedTable(Table[C], Protocol[C]):
    """A table as a store's catalog tells it, with the names of its primary key's columns."""

    @property
    def key(self) -> Sequence[str]: ...


def look_at_many_rows(columns: Sequence[str]) -> bool:
    """Whether the columns of a SELECT, as a job writes them, hold what is not told by one row alone: an aggregate, a
    window, DISTINCT, a number of rows. Of each slice they would tell something else than of the table."""
    return any(matched["found"] for text in columns for matched in _OF_MANY_ROWS.finditer(text))


def closes_too_much(where: str) -> bool:
    """Whether a condition closes a bracket that it has not opened, however its strings are read: within brackets it
    would be two, of which one is for a slice and the other for all rows."""
    return all(min(_depths(where, backslashes=backslashes), default=0) < 0 for backslashes in (False, True))


def _depths(sql: str, *, backslashes: bool) -> Iterator[int]:
    return accumulate({"(": 1, ")": -1}.get(token, 0) for token in tokens(sql, backslashes=backslashes))


def key_columns(table: KeyedTable[C], split_pk: str | None) -> list[C]:
    """The columns to cut a table by: the one that a job names, or those of the primary key, all of them also where the
    job names its first, since one value of that may have most of the rows. None for an empty name. Raises `ConfigError`
    for one that is not there."""
    if split_pk == "":
        return []
    by_name = {column.name: column for column in table.columns}
    key = [by_name[name] for name in table.key if name in by_name]
    if split_pk is None:
        return key
    column = table.column(split_pk)
    if column is None:
        raise missing(table, split_pk, "splitPk")
    return key if key[:1] == [column] else [column]


def slices_wanted(rows: int, target: int, factor: int, sources: int) -> int:
    """How many slices to cut a source of about `rows` rows into, when `target` slices keep the channels busy and there
    are `sources` of them. One source is cut `factor` times finer, so that no channel waits for the last slice; but no
    slice is made of fewer than a hundredth of `ROWS_PER_SLICE` for that."""
    by_size = -(-rows // ROWS_PER_SLICE)
    share = -(-target // sources)
    finer = share * factor if sources == 1 and target > 1 and rows >= share * factor * ROWS_PER_SLICE // 100 else share
    return max(1, min(rows, max(by_size, finer)))


def ranges(
    keys: Sequence[str], cuts: Sequence[Sequence[Any]], last: Sequence[Any] | None, nulls: bool
) -> list[dict[str, Any]]:
    """The slices before, between and after `cuts`: ascending bounds, each a value for each of `keys`, or for the first
    of them. The first slice has no lower bound; the last one ends at `last`, the largest key, so that rows that come
    later belong to no slice (None leaves it open). With `nulls` there is one more for rows without a key, which then
    has one column. All values JSON data."""
    key = _told(keys)
    found: list[dict[str, Any]] = [{"key": key}, *({"key": key, "from": _told(cut)} for cut in cuts)]
    for this, following in pairwise(found):
        this["to"] = following["from"]
    if last is not None:
        found[-1]["last"] = _told(last)
    if nulls:
        found.append({"key": key, "null": True})
    return found


def condition(part: Slice, where: str, literal: Literal, *, tuples: bool = False) -> str:
    """The WHERE clause with a blank before it, or nothing, that selects a slice out of the rows that `where` selects.
    `literal` is asked in the order of the text. `tuples` tells whether the database looks up `(a, b) >= (1, 2)`."""
    parts = [f"({where}\n)"] if where else []  # a comment may end `where`
    keys = listed(part.get("key", []))
    bounds = [(operator, listed(part[name])) for name, operator in _BOUNDS if name in part]
    if part.get("null"):
        parts.append(f"{keys[0]} IS NULL")
    elif keys and not bounds:
        parts.append(f"{keys[0]} IS NOT NULL")
    parts += [compared(keys, operator, values, literal, tuples=tuples) for operator, values in bounds]
    return f" WHERE {' AND '.join(parts)}" if parts else ""


def compared(
    keys: Sequence[str], operator: str, values: Sequence[Any], literal: Literal, *, tuples: bool = False
) -> str:
    """SQL that compares a key (SQL of its columns), or its first columns, with values, column by column: `<`, `<=`,
    `>`, `>=` or `=`. No column but the first may be NULL."""
    if operator == "=" or len(values) == 1:
        pairs = zip(keys, values, strict=False)
        return " AND ".join(f"{key} {operator} {literal(place, value)}" for place, (key, value) in enumerate(pairs))
    if tuples:  # what is told of the first column alone lets the planner pass over partitions
        first = f"{keys[0]} {operator[0]}= {literal(0, values[0])}"
        told = ", ".join(literal(place, value) for place, value in enumerate(values))
        return f"{first} AND ({', '.join(keys[: len(values)])}) {operator} ({told})"
    ways = []
    for place in range(len(values)):
        equal = [f"{keys[number]} = {literal(number, values[number])}" for number in range(place)]
        told = operator if place == len(values) - 1 else operator[0]
        ways.append(" AND ".join([*equal, f"{keys[place]} {told} {literal(place, values[place])}"]))
    return f"(({') OR ('.join(ways)}))"


def listed(told: Any) -> list[Any]:
    """A key, or a bound, as a list of what it has for each column."""
    return list(told) if isinstance(told, list | tuple) else [told]


def _told(values: Sequence[Any]) -> Any:
    return values[0] if len(values) == 1 else list(values)
