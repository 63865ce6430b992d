"""Peak memory does not grow with the number of rows."""

from __future__ import annotations

from collections.abc import Iterator

from bench.cases import csv_csv, csv_sqlite
from bench.comparison import Comparison, Contender
from bench.setup import Setup

FEW, MANY = 2_000_000, 20_000_000
MOST_BYTES = 300_000_000


def comparisons(setup: Setup) -> Iterator[Comparison]:
    """Each route with few rows and with ten times as many."""
    yield _pair(setup, "memory_csv_csv")
    yield _pair(setup, "memory_csv_sqlite")


def _pair(setup: Setup, name: str) -> Comparison:
    few, many = setup.rows(FEW), setup.rows(MANY)
    into_sqlite = name.endswith("sqlite")
    return Comparison(
        name=name,
        what=f"peak memory, CSV → {'SQLite' if into_sqlite else 'CSV'}, {many:,} and {few:,} rows",
        ours=_contender(setup, name, many, into_sqlite),
        theirs=_contender(setup, name, few, into_sqlite),
        figure="memory",
        bound=1.2,
        rows=many,
        most_bytes=MOST_BYTES,
    )


def _contender(setup: Setup, name: str, rows: int, into_sqlite: bool) -> Contender:
    data, target = setup.lineitem(rows), setup.folder / f"{name}.out"
    job = csv_sqlite.job(data, target) if into_sqlite else csv_csv.job(data, target, ["*"])
    command = setup.run(f"{name}_{rows}", job)
    return Contender(f"starhaul run, {rows:,} rows", command, lambda: setup.removed(target.name))
