"""Slices of a table between keys. The keys are found, and compared, by the database itself; here is the bookkeeping."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise
from typing import Any, TypeAlias

ROWS_PER_SLICE = 1_000_000
"""Most rows of a slice, so that a retry costs minutes and skew levels out."""

Slice: TypeAlias = Mapping[str, Any]
"""JSON data for `Split.args`: nothing in it is the whole table; else `key` (SQL of the key) with `from` and `to`
(exclusive), or `from` and `last` (inclusive), or `null`."""


def slices_wanted(rows: int, target: int, factor: int, sources: int) -> int:
    """How many slices to cut a source of about `rows` rows into, when `target` slices keep the channels busy and there
    are `sources` of them. One source is cut `factor` times finer, so that no channel waits for the last slice; but no
    slice is made of fewer than a hundredth of `ROWS_PER_SLICE` for that."""
    by_size = -(-rows // ROWS_PER_SLICE)
    share = -(-target // sources)
    finer = share * factor if sources == 1 and target > 1 and rows >= share * factor * ROWS_PER_SLICE // 100 else share
    return max(1, min(rows, max(by_size, finer)))


def ranges(key: str, starts: Sequence[Any], last: Any, nulls: bool) -> list[dict[str, Any]]:
    """The slices that begin at `starts` (ascending, the smallest key first) and end at `last`, the largest key, so that
    rows that come later belong to no slice; with `nulls`, one more for rows without a key. All values JSON data."""
    found: list[dict[str, Any]] = [{"key": key, "from": start} for start in starts]
    for this, following in pairwise(found):
        this["to"] = following["from"]
    if found:
        found[-1]["last"] = last
    if nulls:
        found.append({"key": key, "null": True})
    return found


def condition(part: Slice, where: str, literal: Callable[[Any], str]) -> str:
    """The WHERE clause with a blank before it, or nothing, that selects a slice out of the rows that `where` selects.
    `literal` makes SQL of a bound."""
    parts = [f"({where}\n)"] if where else []  # a comment may end `where`
    key = part.get("key")
    if key is not None and part.get("null"):
        parts.append(f"{key} IS NULL")
    elif key is not None:
        end = f"{key} < {literal(part['to'])}" if "to" in part else f"{key} <= {literal(part['last'])}"
        parts += [f"{key} >= {literal(part['from'])}", end]
    return f" WHERE {' AND '.join(parts)}" if parts else ""
