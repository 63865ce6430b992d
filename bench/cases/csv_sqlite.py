"""CSV into SQLite, beside SQLite's own tool."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from bench.comparison import Comparison, Contender
from bench.setup import LINEITEM_COLUMNS, Setup

ROWS = 2_000_000


def job(data: Path, database: Path) -> dict[str, Any]:
    """Lineitem with its types."""
    return {
        "reader": {"name": "csv", "path": str(data), "skipHeader": True, "column": LINEITEM_COLUMNS},
        "writer": {"name": "sqlite", "path": str(database), "table": "lineitem", "createTable": "ifMissing"},
    }


def comparisons(setup: Setup) -> Iterator[Comparison]:
    """Into a database that is not there yet."""
    rows = setup.rows(ROWS)
    data = setup.lineitem(rows)
    ours, theirs = setup.folder / "ours.db", setup.folder / "theirs.db"
    yield Comparison(
        name="csv_sqlite",
        what=f"CSV → SQLite, {rows:,} lineitem rows",
        ours=Contender("starhaul run", setup.run("csv_sqlite", job(data, ours)), lambda: setup.removed(ours.name)),
        theirs=Contender(
            "sqlite3 .import (all columns text)",
            ["sqlite3", str(theirs), f".import --csv {data} lineitem"],
            lambda: setup.removed(theirs.name),
        ),
        figure="speed",
        bound=1.0,
        rows=rows,
    )
