"""CSV into CSV, beside pyarrow."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from bench.comparison import Comparison, Contender
from bench.setup import LINEITEM_COLUMNS, Setup

ROWS = 2_000_000
PYARROW = "import sys, pyarrow.csv as csv; csv.write_csv(csv.read_csv(sys.argv[1]), sys.argv[2])"


def job(data: Path, target: Path, column: Sequence[Any]) -> dict[str, Any]:
    """One file on the same cores as pyarrow has."""
    return {
        "reader": {"name": "csv", "path": str(data), "skipHeader": True, "column": column},
        "writer": {
            "name": "csv", "path": str(target), "fileName": "lineitem", "writeMode": "truncate", "fileFormat": "csv",
        },
        "settings": {"channel": 2},
    }  # fmt: skip


def comparisons(setup: Setup) -> Iterator[Comparison]:
    """Columns as text, and columns of the types that pyarrow finds out."""
    rows = setup.rows(ROWS)
    data = setup.lineitem(rows)
    theirs = Contender(
        "pyarrow, read and write in one process",
        setup.python("-c", PYARROW, str(data), str(setup.folder / "theirs.csv")),
        lambda: setup.removed("theirs.csv"),
    )
    for name, column, words in (("csv_csv", ["*"], "text"), ("csv_csv_typed", LINEITEM_COLUMNS, "typed")):
        command = setup.run(name, job(data, setup.folder / name, column))
        yield Comparison(
            name=name,
            what=f"CSV → CSV, {rows:,} lineitem rows, {words} columns",
            ours=Contender("starhaul run", command, lambda name=name: setup.removed(name)),  # type: ignore[misc]
            theirs=theirs,
            figure="speed",
            bound=0.7,
            rows=rows,
        )
