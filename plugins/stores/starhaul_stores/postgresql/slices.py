"""Where to cut a table: the server finds the keys, in its own order, and compares them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from starhaul import ConfigError
from starhaul_stores.postgresql.catalog import Column, Table
from starhaul_stores.postgresql.connection import Connection, literal, quoted
from starhaul_stores.relational.slices import condition as key_condition
from starhaul_stores.relational.slices import ranges, slices_wanted

BLOCKS = "ctid"
"""As `splitPk`: cut by where rows lie in the table."""
_SAMPLE_ROWS = 200_000
"""Rows to judge quantiles by; a table of fewer is looked through."""
_BLOCK_SLICES_SINCE = 140000


def estimated_rows(db: Connection, select: str) -> int:
    """About how many rows a SELECT gives, as the server plans it."""
    plan = db.value(f"EXPLAIN (FORMAT JSON) {select}")
    return int((json.loads(plan) if isinstance(plan, str) else plan)[0]["Plan"]["Plan Rows"])


def slices(
    db: Connection, table: Table, where: str, split_pk: str | None, target: int, factor: int, sources: int
) -> list[dict[str, Any]]:
    """Disjoint slices as JSON data for `condition`, which together hold every row that the table holds now; each names
    its `rows`, about. One slice without bounds where the table is small, or has no key to cut by."""
    rows = estimated_rows(db, f"SELECT 1 FROM {table.sql}{key_condition({}, where, literal)}")
    wanted = slices_wanted(rows, target, factor, sources)
    if split_pk == "" or wanted <= 1:
        return [{"rows": rows}]
    if split_pk == BLOCKS:
        return _blocks(db, table, wanted, rows)
    column = _key(table, split_pk)
    if column is None:
        return [{"rows": rows}]
    key = quoted(column.name)
    ends = _ends(db, table, where, key)
    if ends is None:
        return [{"rows": rows}]
    nulls = not column.not_null and bool(
        db.value(
            f"SELECT EXISTS (SELECT 1 FROM {table.sql}{key_condition({'key': key, 'null': True}, where, literal)})"
        )
    )
    inner = _quantiles(db, table, where, key, wanted, rows)
    starts = list(dict.fromkeys([ends[0], *inner]))
    found = ranges(key, starts, ends[1], nulls)
    return [{**each, "rows": -(-rows // len(starts))} if "from" in each else each for each in found]


def condition(part: dict[str, Any], where: str) -> str:
    """The WHERE clause with a blank before it, or nothing, that selects one of `slices`."""
    return key_condition(part, where, literal)


def _key(table: Table, split_pk: str | None) -> Column | None:
    if split_pk is None:
        return table.column(table.key[0]) if table.key else None
    column = table.column(split_pk)
    if column is None:
        raise table.missing(split_pk, "splitPk")
    return column


def _ends(db: Connection, table: Table, where: str, key: str) -> tuple[str, str] | None:
    """The smallest and the largest key as texts; None without rows. The texts are named, as ORDER BY would take the
    name of a result before that of a column."""
    rows = f"FROM {table.sql}{key_condition({}, where, literal)}"
    there = f"{'AND' if where else 'WHERE'} {key} IS NOT NULL"
    try:
        first = db.value(f"SELECT {key}::text AS told {rows} {there} ORDER BY {key} LIMIT 1")
        last = db.value(f"SELECT {key}::text AS told {rows} {there} ORDER BY {key} DESC LIMIT 1")
    except ConfigError as error:
        raise ConfigError("splitPk", f"cannot order by {key}: {error.problem}", "choose another column") from error
    return None if first is None else (first, last)


def _quantiles(db: Connection, table: Table, where: str, key: str, wanted: int, rows: int) -> Sequence[str]:
    """Keys that cut the rows into `wanted` equal parts, about, ascending. A big table is judged by a sample of its
    blocks, the same each time."""
    fractions = ", ".join(f"{number / wanted:.9f}" for number in range(1, wanted))
    percent = 100 * _SAMPLE_ROWS / max(rows, 1)
    sample = f" TABLESAMPLE SYSTEM ({percent:.6f}) REPEATABLE (0)" if percent < 50 and table.kind in ("r", "m") else ""
    there = f"{key_condition({}, where, literal)} {'AND' if where else 'WHERE'} {key} IS NOT NULL"
    found = db.execute(
        "SELECT k::text AS told FROM (SELECT unnest(percentile_disc(ARRAY["
        f"{fractions}]::float8[]) WITHIN GROUP (ORDER BY {key})) AS k FROM {table.sql}{sample}{there}) AS _starhaul "
        "WHERE k IS NOT NULL GROUP BY k ORDER BY k"
    )
    return [str(text) for (text,) in found]


def _blocks(db: Connection, table: Table, wanted: int, rows: int) -> list[dict[str, Any]]:
    """Slices of equal numbers of blocks, of which the last has no end: a table grows there."""
    blocks = int(db.value(f"SELECT pg_relation_size({table.oid}) / current_setting('block_size')::int"))
    if table.kind not in ("r", "m") or db.version < _BLOCK_SLICES_SINCE or blocks < 2:
        return [{"rows": rows}]
    step = -(-blocks // min(wanted, blocks))
    starts = list(range(0, blocks, step))
    found: list[dict[str, Any]] = [{"key": BLOCKS, "from": f"({start},0)"} for start in starts]
    for number, start in enumerate(starts[1:]):
        found[number]["to"] = f"({start},0)"
    found[-1]["to"] = "(4294967295,0)"
    return [{**each, "rows": -(-rows // len(found))} for each in found]
