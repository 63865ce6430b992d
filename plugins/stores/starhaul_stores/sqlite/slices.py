"""Where to cut a table: slices of about equal numbers of rows, found and compared by the database itself."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

from starhaul_stores.sqlite.catalog import Table, literal, quoted
from starhaul_stores.sqlite.connection import Connection

ROWS_PER_SLICE = 1_000_000


def slices(db: Connection, table: Table, where: str, split_pk: str | None, target: int) -> list[dict[str, Any]]:
    """Disjoint slices as JSON data for `condition`, which together hold every row that the table holds now. Each names
    its number of `rows`. One slice without bounds where the table is small, or has no key to cut by.

    Counts and walks the key once. Cuts by the rowid if `split_pk` does not say otherwise; by the primary key where a
    table has no rowid.
    """
    rows = int(db.value(f"SELECT count(*) FROM {quoted(table.name)}{_where(where)}"))
    wanted = min(rows, max(target, -(-rows // ROWS_PER_SLICE)))
    column = table.column(split_pk) if split_pk else None
    if split_pk is None:
        key = table.rowid or (quoted(table.key[0]) if len(table.key) == 1 else None)
    else:
        key = quoted(column.name if column else split_pk)
    if wanted <= 1 or key is None:
        return [{"rows": rows}]
    starts = _starts(db, table, where, key, -(-rows // wanted))
    if any(not isinstance(start, int | str) for start in starts):  # reals and blobs: no text of them is surely the same
        return [{"rows": rows}]
    found = [{"key": key, "from": start, "rows": -(-rows // wanted)} for start in starts]
    for this, following in pairwise(found):
        this["to"] = following["from"]
    if found:
        found[-1]["last"] = db.value(f"SELECT max({key}) FROM {quoted(table.name)}{_where(where)}")
    nulls = int(db.value(f"SELECT count(*) FROM {quoted(table.name)}{_where(where, f'{key} IS NULL')}"))
    return [*found, *([{"key": key, "null": True, "rows": nulls}] if nulls else [])]


def condition(part: Mapping[str, Any], where: str) -> str:
    """The WHERE clause, or nothing, that selects one of `slices` out of the rows that `where` selects."""
    key = part.get("key")
    if key is None:
        return _where(where)
    if part.get("null"):
        return _where(where, f"{key} IS NULL")
    end = f"{key} < {literal(part['to'])}" if "to" in part else f"{key} <= {literal(part['last'])}"
    return _where(where, f"{key} >= {literal(part['from'])}", end)


def _starts(db: Connection, table: Table, where: str, key: str, step: int) -> Sequence[Any]:
    """The first key of each slice, ascending. Equal keys stay together, so a slice may hold more than `step` rows."""
    source = f"SELECT {key} FROM {quoted(table.name)}"
    starts = [db.value(f"{source}{_where(where, f'{key} IS NOT NULL')} ORDER BY {key} LIMIT 1")]
    while isinstance(starts[-1], int | str):
        bound = literal(starts[-1])
        following = db.value(f"{source}{_where(where, f'{key} >= {bound}')} ORDER BY {key} LIMIT 1 OFFSET {step}")
        if following == starts[-1]:
            following = db.value(f"{source}{_where(where, f'{key} > {bound}')} ORDER BY {key} LIMIT 1")
        if following is None:
            break
        starts.append(following)
    return [start for start in starts if start is not None]


def _where(where: str, *conditions: str) -> str:
    parts = [*([f"({where}\n)"] if where else []), *conditions]
    return f" WHERE {' AND '.join(parts)}" if parts else ""
