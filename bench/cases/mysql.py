"""MySQL (MariaDB) beside its own client: files in and out."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path
from shlex import join

from bench.cases.postgresql import REPEAT, ROWS
from bench.comparison import Comparison, Contender
from bench.jobs import csv_reader, csv_writer, job
from bench.servers import Mariadb
from bench.setup import Setup


def comparisons(setup: Setup) -> Iterator[Comparison]:
    """Each route with typed columns on both sides, the target with its primary key."""
    rows = setup.rows(ROWS)
    data, server = setup.lineitem(rows), setup.servers.mariadb
    yield _from_csv(setup, server, data, rows)
    yield _channels(setup, server, data, rows)
    yield _to_csv(setup, server, server.lineitem(data), rows)


def _loading(setup: Setup, server: Mariadb, data: Path, channels: int) -> Contender:
    """Starhaul, from the file into a new table."""
    table = f"ours_{channels}"
    into = {"name": "mysql", "url": server.url, "table": table}
    command = setup.run(f"csv_mysql_{channels}", job(csv_reader(data), into, channels))
    label = f"starhaul run, {channels} channel{'s' * (channels > 1)}"
    return Contender(label, command, partial(server.target, table))


def _from_csv(setup: Setup, server: Mariadb, data: Path, rows: int) -> Comparison:
    return Comparison(
        name="csv_mysql",
        what=f"CSV → MySQL, {rows:,} lineitem rows, 2 channels",
        ours=_loading(setup, server, data, 2),
        theirs=Contender(
            "mariadb, LOAD DATA LOCAL of the file",
            server.client("-e", server.load_from("theirs", data)),
            partial(server.target, "theirs"),
        ),
        figure="speed",
        bound=1.2,
        rows=rows,
        repeat=REPEAT,
    )


def _channels(setup: Setup, server: Mariadb, data: Path, rows: int) -> Comparison:
    return Comparison(
        name="channels_csv_mysql",
        what=f"CSV → MySQL, {rows:,} lineitem rows, 2 channels and 1",
        ours=_loading(setup, server, data, 2),
        theirs=_loading(setup, server, data, 1),
        figure="speed",
        bound=1.5,
        rows=rows,
        repeat=REPEAT,
    )


def _to_csv(setup: Setup, server: Mariadb, source: str, rows: int) -> Comparison:
    reader = {"name": "mysql", "url": server.url, "table": source}
    theirs = join(server.client("--quick", "--batch", "-e", f"SELECT * FROM {source}"))
    return Comparison(
        name="mysql_csv",
        what=f"MySQL → CSV, {rows:,} lineitem rows, 2 channels",
        ours=Contender(
            "starhaul run",
            setup.run("mysql_csv", job(reader, csv_writer(setup, "mysql_csv"), 2)),
            partial(setup.removed, "mysql_csv"),
        ),
        theirs=Contender(
            "mariadb --quick --batch to a file",
            ["bash", "-c", f"exec {theirs} > theirs.tsv"],
            partial(setup.removed, "theirs.tsv"),
        ),
        figure="speed",
        bound=0.75,
        rows=rows,
        repeat=REPEAT,
    )
