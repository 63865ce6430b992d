"""Where to cut a table: the server finds the keys, in its own order, and compares them."""

from __future__ import annotations

import json
from bisect import bisect_left
from collections.abc import Sequence
from itertools import pairwise
from typing import Any, TypeAlias

from starhaul import ConfigError
from starhaul_stores.postgresql.catalog import Table
from starhaul_stores.postgresql.connection import Connection, literal, quoted
from starhaul_stores.relational.slices import condition as key_condition
from starhaul_stores.relational.slices import key_columns, ranges, slices_wanted

BLOCKS = "ctid"
"""As `splitPk`: cut by where rows lie in the table."""
_ROWS_PER_SLICE, _FEWEST, _MOST = 8_000, 50_000, 1_000_000
"""Rows to judge quantiles by: for each slice, and in all. Rows of one block have keys near each other, so it is the
number of blocks that makes slices equal: fifty to two hundred of them leave slices a tenth apart."""
_SAMPLED = ("r", "m", "p")
"""Kinds of tables that have blocks, or partitions that have."""
_FEW = 10
"""A value has few rows if it has less than this part of a slice."""
_BLOCK_SLICES_SINCE = 140000
Cuts: TypeAlias = Sequence[Sequence[str]]
"""Keys in ascending order as texts, each the first of a slice: a value for each column, or for the first one alone."""


def estimated_rows(db: Connection, select: str) -> int:
    """About how many rows a SELECT gives, as the server plans it."""
    plan = db.value(f"EXPLAIN (FORMAT JSON) {select}")
    return int((json.loads(plan) if isinstance(plan, str) else plan)[0]["Plan"]["Plan Rows"])


def slices(
    db: Connection,
    table: Table,
    where: str,
    split_pk: str | None,
    target: int,
    factor: int,
    sources: int,
    known: dict[int, Cuts],
) -> list[dict[str, Any]]:
    """Disjoint slices as JSON data for `condition`, which together hold every row that the table holds now; each names
    its `rows`, about. One slice without bounds where the table is small, or has no key to cut by.

    `known` is where this table was cut before, by the number of slices, and is added to: rows that came or went since
    make slices less equal, and nothing else.
    """
    rows = estimated_rows(db, f"SELECT 1 FROM {table.sql}{key_condition({}, where, _bound)}")
    wanted = slices_wanted(rows, target, factor, sources)
    if wanted <= 1:
        return [{"rows": rows}]
    if split_pk == BLOCKS:
        return _blocks(db, table, wanted, rows)
    columns = key_columns(table, split_pk)
    if not columns:
        return [{"rows": rows}]
    keys = [quoted(column.name) for column in columns]
    ends = _ends(db, table, where, keys)
    if ends is None:
        return [{"rows": rows}]
    no_key = key_condition({"key": keys[0], "null": True}, where, _bound)
    nulls = not columns[0].not_null and bool(db.value(f"SELECT EXISTS (SELECT 1 FROM {table.sql}{no_key})"))
    if wanted not in known:
        known[wanted] = _cuts(db, table, where, keys, wanted, rows)
    cuts = [cut for cut in known[wanted] if cut != ends[0]]
    found = ranges(keys, cuts, ends[1], nulls)
    return [each if "null" in each else {**each, "rows": -(-rows // (len(cuts) + 1))} for each in found]


def condition(part: dict[str, Any], where: str) -> str:
    """The WHERE clause with a blank before it, or nothing, that selects one of `slices`."""
    return key_condition(part, where, _bound, tuples=True)


def _bound(place: int, value: Any) -> str:
    del place
    return literal(value)


def _ends(db: Connection, table: Table, where: str, keys: Sequence[str]) -> tuple[Sequence[str], Sequence[str]] | None:
    """The smallest and the largest key as texts; None without rows. The texts are named, as ORDER BY would take the
    name of a result before that of a column."""
    there = f"FROM {table.sql}{key_condition({'key': keys[0]}, where, _bound)}"
    found = []
    try:
        for direction in ("", " DESC"):
            order = ", ".join(f"{key}{direction}" for key in keys)
            found += db.execute(f"SELECT {_told(keys)} {there} ORDER BY {order} LIMIT 1")
    except ConfigError as error:
        told = f"cannot order by {', '.join(keys)}: {error.problem}"
        raise ConfigError("splitPk", told, "choose another column") from error
    return (found[0], found[1]) if len(found) == 2 else None


def _cuts(db: Connection, table: Table, where: str, keys: Sequence[str], wanted: int, rows: int) -> Cuts:
    """Keys that cut the rows into `wanted` equal parts, about, ascending; only the first column of those whose value of
    it has few rows, which compares faster. A big table is judged by a sample of its blocks, the same each time."""
    percent = 100 * min(max(wanted * _ROWS_PER_SLICE, _FEWEST), _MOST) / max(rows, 1)
    sample = f" TABLESAMPLE SYSTEM ({percent:.6f}) REPEATABLE (0)" if percent < 50 and table.kind in _SAMPLED else ""
    names = [f"k{number}" for number in range(len(keys))]
    chosen = ", ".join(f"{key} AS {name}" for key, name in zip(keys, names, strict=True))
    found = db.execute(
        f"SELECT {_told(names)}, max(alike) * {wanted * _FEW} < max(most) FROM (SELECT {chosen}, "
        f"row_number() OVER (ORDER BY {', '.join(keys)}) AS place, count(*) OVER (PARTITION BY {keys[0]}) AS alike, "
        f"count(*) OVER () AS most FROM {table.sql}{sample}{key_condition({'key': keys[0]}, where, _bound)}) _starhaul "
        f"WHERE place > 1 AND (place - 1) * {wanted} / most > (place - 2) * {wanted} / most "
        f"GROUP BY {', '.join(names)} ORDER BY {', '.join(names)}"
    )
    return [row[:1] if row[-1] else row[:-1] for row in found]


def _told(keys: Sequence[str]) -> str:
    return ", ".join(f"{key}::text AS told{place}" for place, key in enumerate(keys))


def _blocks(db: Connection, table: Table, wanted: int, rows: int) -> list[dict[str, Any]]:
    """Slices of about equal numbers of blocks, of which the last has no end: a table grows there. A slice of a
    partitioned table is the same range of blocks of every partition, so that each block is in one slice."""
    sizes = _sizes(db, table) if db.version >= _BLOCK_SLICES_SINCE else []
    most = max(sizes, default=0)
    if most < 2:
        return [{"rows": rows}]

    def before(block: int) -> int:
        return sum(min(block, size) for size in sizes)

    count = min(wanted, most)
    goals = [-(-sum(sizes) * number // count) for number in range(count)]
    starts = list(dict.fromkeys(bisect_left(range(most), goal, key=before) for goal in goals))
    found: list[dict[str, Any]] = [{"key": BLOCKS, "from": f"({start},0)"} for start in starts]
    for this, following in pairwise(found):
        this["to"] = following["from"]
    found[-1]["to"] = "(4294967295,0)"
    return [{**each, "rows": -(-rows // len(found))} for each in found]


def _sizes(db: Connection, table: Table) -> list[int]:
    """Blocks of a table, or of each of its partitions; nothing if it, or one of these, has none to be looked up."""
    if table.kind not in _SAMPLED:
        return []
    tables = f"SELECT {table.oid}::oid"
    if table.kind == "p":
        tables = f"SELECT relid FROM pg_partition_tree({table.oid}) WHERE isleaf"
    found = db.execute(
        "SELECT pg_relation_size(oid) / current_setting('block_size')::int, relkind IN ('r', 'm') "
        f"FROM pg_class WHERE oid IN ({tables})"
    )
    return [int(size) for size, _ in found] if all(plain for _, plain in found) else []
