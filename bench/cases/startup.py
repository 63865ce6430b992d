"""What a process costs before a row moves."""

from __future__ import annotations

from collections.abc import Iterator

from bench.comparison import Comparison, Contender
from bench.setup import Setup


def comparisons(setup: Setup) -> Iterator[Comparison]:
    """One record, and the help text."""
    job = {
        "reader": {"name": "stream", "recordCount": 1, "column": [{"type": "string", "value": "hello"}]},
        "writer": {"name": "stream"},
    }
    yield Comparison(
        name="one_record",
        what="one-record stream → stream job, whole process",
        ours=Contender("starhaul run", setup.run("one_record", job)),
        theirs=Contender('python -c "import pyarrow"', setup.python("-c", "import pyarrow")),
        figure="time",
        bound=4.0,
        most_seconds=0.9,
    )
    yield Comparison(
        name="help",
        what="starhaul --help",
        ours=Contender("starhaul --help", setup.starhaul("--help")),
        theirs=Contender('python -c "import click, rich"', setup.python("-c", "import click, rich")),
        figure="time",
        bound=2.0,
    )
