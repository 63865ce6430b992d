"""What the hub adds to a generator and a sink."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from bench.comparison import Comparison, Contender
from bench.setup import Setup

ROWS = 10_000_000
DATAX_ROWS_PER_SECOND = 5_800_000
"""DataX 3, the same kind of job, one channel."""

COLUMNS = [
    *({"name": f"text{number}", "type": "string", "value": "a constant text"} for number in range(3)),
    *({"name": f"long{number}", "type": "long", "value": 1234567} for number in range(3)),
    {"name": "double", "type": "double", "value": 3.25},
    {"name": "bool", "type": "bool", "value": True},
    {"name": "date", "type": "date", "value": "2024-02-29 12:00:00"},
    {"name": "random", "type": "long", "random": "1,1000000000"},
]
"""One column is random, so that every batch is made anew; otherwise the bare loop would take no time at all."""


def comparisons(setup: Setup) -> Iterator[Comparison]:
    """The same reader and writer, with and without the hub between them."""
    rows = setup.rows(ROWS)
    job = {
        "reader": {"name": "stream", "recordCount": rows, "column": COLUMNS},
        "writer": {"name": "stream", "print": False},
    }
    run = setup.run("stream", job)
    bare = setup.python(str(Path(__file__).parents[1] / "bare_loop.py"), str(setup.folder / "stream.json"))
    yield Comparison(
        name="stream",
        what=f"stream → stream, {rows:,} rows × {len(COLUMNS)} columns, one channel",
        ours=Contender("starhaul run", run),
        theirs=Contender("generator and sink in a bare loop", bare),
        figure="time",
        bound=1.1,
        rows=rows,
        least_rows_per_second=DATAX_ROWS_PER_SECOND,
    )
