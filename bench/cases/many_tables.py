"""A hundred small tables in one job: what a table costs beside its rows."""

from __future__ import annotations

from collections.abc import Iterator
from shlex import join

from bench.comparison import Comparison, Contender
from bench.servers import Mariadb, Postgresql, lineitem_sql
from bench.setup import Setup

TABLES, ROWS = 100, 1_000
CHANNELS = 2


def comparisons(setup: Setup) -> Iterator[Comparison]:
    """MySQL → PostgreSQL, beside a loop over the clients."""
    tables = [f"small_{number:02d}" for number in range(setup.rows(TABLES))]
    source, target = setup.servers.mariadb, setup.servers.postgresql
    _fill(setup, source, tables)
    streams = [
        {
            "name": table,
            "reader": {"name": "mysql", "url": source.url, "table": table},
            "writer": {"name": "postgresql", "url": target.url, "table": table},
        }
        for table in tables
    ]
    yield Comparison(
        name="many_tables",
        what=f"MySQL → PostgreSQL, {len(tables)} tables of {ROWS:,} rows in one job, {CHANNELS} channels",
        ours=Contender(
            "starhaul run",
            setup.run("many_tables", {"streams": streams, "settings": {"channel": CHANNELS}}),
            lambda: _empty(target, tables),
        ),
        theirs=Contender(
            "for each table, mariadb --batch piped into psql",
            ["bash", "-c", _loop(source, target, tables)],
            lambda: _empty(target, tables),
        ),
        figure="speed",
        bound=None,
        rows=len(tables) * ROWS,
        most_seconds=6,
        repeat=3,
    )


def _fill(setup: Setup, source: Mariadb, tables: list[str]) -> None:
    """The same thousand rows in every table."""
    rows = source.lineitem(setup.lineitem(ROWS))
    for table in tables:
        source.target(table)
    source.sql(*(f"INSERT INTO {table} SELECT * FROM {rows}" for table in tables))


def _empty(target: Postgresql, tables: list[str]) -> None:
    target.sql(*(statement for name in tables for statement in (f"DROP TABLE IF EXISTS {name}", lineitem_sql(name))))


def _loop(source: Mariadb, target: Postgresql, tables: list[str]) -> str:
    read = join(source.client("--quick", "--batch", "--skip-column-names", "-e")) + ' "SELECT * FROM $table"'
    write = join(target.psql()) + ' -c "\\copy $table from stdin"'
    return f"set -e -o pipefail; for table in {' '.join(tables)}; do {read} | {write}; done"
