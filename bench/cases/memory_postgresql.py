"""Peak memory into and out of PostgreSQL does not grow with the number of rows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any

from bench.cases.memory import FEW, MANY, MOST_BYTES
from bench.comparison import Comparison, Contender
from bench.jobs import csv_reader, csv_writer, job
from bench.servers import Postgresql
from bench.setup import Setup

CHANNELS = 2


def comparisons(setup: Setup) -> Iterator[Comparison]:
    """A file into a table, and that table into another, each with few rows and with ten times as many. Once each: they
    take minutes."""
    server = setup.servers.postgresql
    few, many = setup.rows(FEW), setup.rows(MANY)
    yield Comparison(
        name="memory_csv_postgresql",
        what=f"peak memory, CSV → PostgreSQL, {many:,} and {few:,} rows, {CHANNELS} channels",
        ours=_from_csv(setup, server, many),
        theirs=_from_csv(setup, server, few),
        figure="memory",
        bound=1.2,
        rows=many,
        most_bytes=MOST_BYTES,
        repeat=1,
    )
    yield Comparison(
        name="memory_postgresql_csv",
        what=f"peak memory, PostgreSQL → CSV, {many:,} and {few:,} rows, {CHANNELS} channels",
        ours=_to_csv(setup, server, many),
        theirs=_to_csv(setup, server, few),
        figure="memory",
        bound=1.2,
        rows=many,
        most_bytes=MOST_BYTES,
        repeat=1,
    )


def _table(rows: int) -> str:
    """Filled by the first comparison, read by the second."""
    return f"memory_{rows}"


def _from_csv(setup: Setup, server: Postgresql, rows: int) -> Contender:
    into = {"name": "postgresql", "url": server.url, "table": _table(rows)}
    return _contender(setup, rows, "in", csv_reader(setup.lineitem(rows)), into, partial(server.target, _table(rows)))


def _to_csv(setup: Setup, server: Postgresql, rows: int) -> Contender:
    name = f"memory_postgresql_{rows}"
    reader = {"name": "postgresql", "url": server.url, "table": _table(rows)}
    return _contender(setup, rows, "out", reader, csv_writer(setup, name), partial(setup.removed, name))


def _contender(
    setup: Setup, rows: int, way: str, reader: Mapping[str, Any], into: Mapping[str, Any], before: Any
) -> Contender:
    run = setup.run(f"memory_postgresql_{way}_{rows}", job(reader, into, CHANNELS))
    return Contender(f"starhaul run, {rows:,} rows", run, before)
