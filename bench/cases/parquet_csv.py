"""Parquet into CSV, beside pyarrow."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

from bench.comparison import Comparison, Contender
from bench.setup import Setup

ROWS = 2_000_000
PYARROW = """
import sys, pyarrow.csv as csv, pyarrow.parquet as parquet
csv.write_csv(parquet.read_table(sys.argv[1]), sys.argv[2])
"""


def job(data: Path, target: Path) -> dict[str, Any]:
    """One channel, columns as they are."""
    return {
        "reader": {"name": "txtfile", "path": str(data), "fileFormat": "parquet", "column": ["*"]},
        "writer": {
            "name": "txtfile",
            "path": str(target),
            "fileName": "lineitem",
            "writeMode": "truncate",
            "fileFormat": "csv",
        },
    }  # fmt: skip


def comparisons(setup: Setup) -> Iterator[Comparison]:
    """The columns with their types: numbers, decimals, dates and texts."""
    rows = setup.rows(ROWS)
    data = setup.lineitem_parquet(rows)
    name = "parquet_csv"
    yield Comparison(
        name=name,
        what=f"Parquet → CSV, {rows:,} lineitem rows",
        ours=Contender(
            "starhaul run", setup.run(name, job(data, setup.folder / name)), partial(setup.removed, name)
        ),
        theirs=Contender(
            "pyarrow, read and write in one process",
            setup.python("-c", PYARROW, str(data), str(setup.folder / "theirs.csv")),
            partial(setup.removed, "theirs.csv"),
        ),
        figure="speed",
        bound=0.8,
        rows=rows,
    )  # fmt: skip
