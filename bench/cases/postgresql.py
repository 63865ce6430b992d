"""PostgreSQL beside psql: files in and out, table to table, upserts."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path

from bench.comparison import Comparison, Contender
from bench.jobs import csv_reader, csv_writer, job, piped
from bench.servers import Postgresql
from bench.setup import LINEITEM_COLUMNS, Setup

ROWS = 2_000_000
REPEAT = 3
STAGED_BY_HAND = "CREATE TEMPORARY TABLE staged (LIKE {target})"
MERGED_BY_HAND = "INSERT INTO {target} SELECT * FROM staged ON CONFLICT (l_orderkey, l_linenumber) DO UPDATE SET {sets}"


def comparisons(setup: Setup) -> Iterator[Comparison]:
    """Each route with typed columns on both sides, the target with its primary key."""
    rows = setup.rows(ROWS)
    data, server = setup.lineitem(rows), setup.servers.postgresql
    yield _from_csv(setup, server, data, rows)
    yield _channels(setup, server, data, rows)
    source = server.lineitem(data)
    yield _to_csv(setup, server, source, rows)
    yield _to_itself(setup, server, source, rows)
    yield _upsert(setup, server, source, setup.rows(ROWS // 2))


def _from_csv(setup: Setup, server: Postgresql, data: Path, rows: int) -> Comparison:
    into = {"name": "postgresql", "url": server.url, "table": "ours"}
    return Comparison(
        name="csv_postgresql",
        what=f"CSV → PostgreSQL, {rows:,} lineitem rows, 2 channels",
        ours=Contender(
            "starhaul run",
            setup.run("csv_postgresql", job(csv_reader(data), into, 2)),
            partial(server.target, "ours"),
        ),
        theirs=Contender(
            "psql \\copy of the file", server.psql(server.copy_from("theirs", data)), partial(server.target, "theirs")
        ),
        figure="speed",
        bound=1.2,
        rows=rows,
        repeat=REPEAT,
    )


def _channels(setup: Setup, server: Postgresql, data: Path, rows: int) -> Comparison:
    def contender(channels: int) -> Contender:
        name = f"channels_{channels}"
        into = {"name": "postgresql", "url": server.url, "table": name}
        run = setup.run(f"csv_postgresql_{channels}", job(csv_reader(data), into, channels))
        return Contender(f"starhaul run, {channels} channel{'s' * (channels > 1)}", run, partial(server.target, name))

    return Comparison(
        name="channels_csv_postgresql",
        what=f"CSV → PostgreSQL, {rows:,} lineitem rows, 2 channels and 1",
        ours=contender(2),
        theirs=contender(1),
        figure="speed",
        bound=1.5,
        rows=rows,
        repeat=REPEAT,
    )


def _to_csv(setup: Setup, server: Postgresql, source: str, rows: int) -> Comparison:
    reader = {"name": "postgresql", "url": server.url, "table": source}
    return Comparison(
        name="postgresql_csv",
        what=f"PostgreSQL → CSV, {rows:,} lineitem rows, 2 channels",
        ours=Contender(
            "starhaul run",
            setup.run("postgresql_csv", job(reader, csv_writer(setup, "postgresql_csv"), 2)),
            partial(setup.removed, "postgresql_csv"),
        ),
        theirs=Contender(
            "psql \\copy to the file",
            server.psql(f"\\copy (SELECT * FROM {source}) to '{setup.folder / 'theirs.csv'}' with (format csv)"),
            partial(setup.removed, "theirs.csv"),
        ),
        figure="speed",
        bound=0.9,
        rows=rows,
        repeat=REPEAT,
    )


def _to_itself(setup: Setup, server: Postgresql, source: str, rows: int) -> Comparison:
    out = server.psql(f"COPY {source} TO STDOUT (FORMAT binary)")
    into = server.psql("COPY theirs FROM STDIN (FORMAT binary)")
    reader = {"name": "postgresql", "url": server.url, "table": source}
    writer = {"name": "postgresql", "url": server.url, "table": "ours"}
    return Comparison(
        name="postgresql_postgresql",
        what=f"PostgreSQL → PostgreSQL, {rows:,} lineitem rows, 2 channels",
        ours=Contender(
            "starhaul run",
            setup.run("postgresql_postgresql", job(reader, writer, 2)),
            partial(server.target, "ours"),
        ),
        theirs=Contender(
            "COPY in binary from psql to psql",
            piped(out, into),
            partial(server.target, "theirs"),
        ),
        figure="speed",
        bound=0.9,
        rows=rows,
        repeat=REPEAT,
    )


def _upsert(setup: Setup, server: Postgresql, source: str, rows: int) -> Comparison:
    """Half of the incoming rows are there already, as half of those that are there do not come."""
    data = setup.lineitem(rows)
    part = f"ORDER BY l_orderkey, l_linenumber OFFSET {rows // 2} LIMIT {rows}"
    server.sql("DROP TABLE IF EXISTS seed", f"CREATE TABLE seed AS SELECT * FROM {source} {part}")
    into = {"name": "postgresql", "url": server.url, "table": "ours", "writeMode": "update"}
    sets = ", ".join(f"{each['name']} = excluded.{each['name']}" for each in LINEITEM_COLUMNS)

    def seeded(name: str) -> None:
        server.target(name)
        server.sql(f"INSERT INTO {name} SELECT * FROM seed", f"VACUUM (ANALYZE) {name}")

    return Comparison(
        name="upsert_postgresql",
        what=f"CSV → PostgreSQL, upsert of {rows:,} lineitem rows into as many, half of them new, 2 channels",
        ours=Contender(
            "starhaul run",
            setup.run("upsert_postgresql", job(csv_reader(data), into, 2)),
            partial(seeded, "ours"),
        ),
        theirs=Contender(
            "psql: \\copy into a temporary table, INSERT … ON CONFLICT",
            server.psql(
                "BEGIN",
                STAGED_BY_HAND.format(target="theirs"),
                server.copy_from("staged", data),
                MERGED_BY_HAND.format(target="theirs", sets=sets),
                "COMMIT",
            ),
            partial(seeded, "theirs"),
        ),
        figure="speed",
        bound=0.8,
        rows=rows,
        repeat=REPEAT,
    )
