"""CSV into CSV, beside pyarrow."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from bench.comparison import Comparison, Contender
from bench.setup import LINEITEM_COLUMNS, Setup

ROWS = 2_000_000
PYARROW = """
import sys, pyarrow as pa, pyarrow.csv as csv
decimals = {name: pa.decimal128(15, 2) for name in sys.argv[3:]}
csv.write_csv(csv.read_csv(sys.argv[1], convert_options=csv.ConvertOptions(column_types=decimals)), sys.argv[2])
"""
DECIMALS = [column["name"] for column in LINEITEM_COLUMNS if column.get("type", "").startswith("decimal")]


def job(data: Path, target: Path, column: Sequence[Any]) -> dict[str, Any]:
    """One channel: its reader and its writer keep two cores busy, as pyarrow does."""
    return {
        "reader": {"name": "csv", "path": str(data), "skipHeader": True, "column": column},
        "writer": {
            "name": "csv", "path": str(target), "fileName": "lineitem", "writeMode": "truncate", "fileFormat": "csv",
        },
    }  # fmt: skip


def comparisons(setup: Setup) -> Iterator[Comparison]:
    """Columns as text, against pyarrow as it comes; and, for the record, with exact types on both sides."""
    rows = setup.rows(ROWS)
    data = setup.lineitem(rows)
    yield _comparison(setup, "csv_csv", f"CSV → CSV, {rows:,} lineitem rows", data, ["*"], [], 0.7, rows)
    words = f"CSV → CSV, {rows:,} lineitem rows, decimals and dates on both sides"
    yield _comparison(setup, "csv_csv_typed", words, data, LINEITEM_COLUMNS, DECIMALS, None, rows)


def _comparison(
    setup: Setup,
    name: str,
    what: str,
    data: Path,
    column: Sequence[Any],
    decimals: Sequence[str],
    bound: float | None,
    rows: int,
) -> Comparison:
    theirs = setup.python("-c", PYARROW, str(data), str(setup.folder / "theirs.csv"), *decimals)
    return Comparison(
        name=name,
        what=what,
        ours=Contender(
            "starhaul run", setup.run(name, job(data, setup.folder / name, column)), partial(setup.removed, name)
        ),
        theirs=Contender("pyarrow, read and write in one process", theirs, partial(setup.removed, "theirs.csv")),
        figure="speed",
        bound=bound,
        rows=rows,
    )
