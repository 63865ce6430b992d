"""MySQL (MariaDB) and PostgreSQL, table to table, beside a pipe of their clients."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any

from bench.cases.postgresql import REPEAT, ROWS
from bench.comparison import Comparison, Contender
from bench.jobs import job, piped
from bench.setup import Setup


def comparisons(setup: Setup) -> Iterator[Comparison]:
    """Both ways, the target with its primary key; `overwrite` builds it when the rows are there."""
    rows = setup.rows(ROWS)
    source = setup.servers.mariadb.lineitem(setup.lineitem(rows))
    what = f"MySQL → PostgreSQL, {rows:,} lineitem rows, 2 channels"
    yield _to_postgresql(setup, source, rows, "mysql_postgresql", what, {}, 1.0)
    overwrite = {"writeMode": "overwrite"}
    yield _to_postgresql(setup, source, rows, "mysql_postgresql_overwrite", f"{what}, `overwrite`", overwrite, 1.2)
    yield _to_mysql(setup, rows)


def reader(setup: Setup, source: str) -> dict[str, Any]:
    """The MySQL side of a job."""
    return {"name": "mysql", "url": setup.servers.mariadb.url, "table": source}


def _to_postgresql(
    setup: Setup, source: str, rows: int, name: str, what: str, mode: Mapping[str, Any], bound: float
) -> Comparison:
    mysql, postgresql = setup.servers.mariadb, setup.servers.postgresql
    writer = {"name": "postgresql", "url": postgresql.url, "table": "ours", **mode}
    out = mysql.client("--quick", "--batch", "--skip-column-names", "-e", f"SELECT * FROM {source}")
    into = postgresql.psql("\\copy theirs from stdin")
    return Comparison(
        name=name,
        what=what,
        ours=Contender(
            "starhaul run", setup.run(name, job(reader(setup, source), writer, 2)), partial(postgresql.target, "ours")
        ),
        theirs=Contender(
            "mariadb --quick --batch piped into psql \\copy",
            piped(out, into),
            partial(postgresql.target, "theirs"),
        ),
        figure="speed",
        bound=bound,
        rows=rows,
        repeat=REPEAT,
    )


def _to_mysql(setup: Setup, rows: int) -> Comparison:
    mysql, postgresql = setup.servers.mariadb, setup.servers.postgresql
    source = postgresql.lineitem(setup.lineitem(rows))
    from_postgresql = {"name": "postgresql", "url": postgresql.url, "table": source}
    writer = {"name": "mysql", "url": mysql.url, "table": "ours"}
    out = postgresql.psql(f"\\copy {source} to stdout")
    into = mysql.client("-e", "LOAD DATA LOCAL INFILE '/dev/stdin' INTO TABLE theirs CHARACTER SET utf8mb4")
    return Comparison(
        name="postgresql_mysql",
        what=f"PostgreSQL → MySQL, {rows:,} lineitem rows, 2 channels",
        ours=Contender(
            "starhaul run",
            setup.run("postgresql_mysql", job(from_postgresql, writer, 2)),
            partial(mysql.target, "ours"),
        ),
        theirs=Contender(
            "psql \\copy piped into LOAD DATA LOCAL",
            piped(out, into),
            partial(mysql.target, "theirs"),
        ),
        figure="speed",
        bound=1.0,
        rows=rows,
        repeat=REPEAT,
    )
