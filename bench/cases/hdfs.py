"""HDFS by WebHDFS beside curl, and beside the same routes with local files."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

from bench.comparison import Comparison, Contender
from bench.jobs import csv_reader, csv_writer, job
from bench.servers import Hdfs
from bench.setup import LINEITEM_COLUMNS, Setup

ROWS = 2_000_000
REPEAT = 3
MOST_BYTES = 350_000_000
COPY = """
import sys
from starhaul_stores.files.places.hdfs import HdfsPlace
from starhaul_stores.hdfs.login import Login
url, user, path = sys.argv[1:]
with open(path, "rb") as file, HdfsPlace("bench", (url,), Login(user)).session() as session:
    session.make_directory("/ours")
    with session.stage("/ours", "lineitem", 1) as staging:
        while data := file.read(1 << 20):
            staging.write(data)
    session.publish("/ours", [staging.staged])
"""


def comparisons(setup: Setup) -> Iterator[Comparison]:
    """Bytes as they are, then each direction with PostgreSQL at the other end."""
    rows = setup.rows(ROWS)
    data, hdfs = setup.lineitem(rows), setup.servers.hdfs
    yield _bytes(setup, hdfs, data, rows)
    yield from _rows(setup, hdfs, data, rows)
    yield _into_postgresql(setup, hdfs, data, rows)
    for form in ("parquet", "orc"):
        yield _from_postgresql(setup, hdfs, data, rows, form)


def _target(hdfs: Hdfs, form: str) -> dict[str, Any]:
    return {
        "name": "hdfs", **hdfs.parameters, "path": "/ours", "fileName": "lineitem", "writeMode": "truncate",
        "fileType": form,
    }  # fmt: skip


def _bytes(setup: Setup, hdfs: Hdfs, data: Path, rows: int) -> Comparison:
    return Comparison(
        name="hdfs_bytes",
        what=f"the bytes of a file → HDFS, {rows:,} lineitem rows as CSV",
        ours=Contender(
            "the place of hdfswriter",
            setup.python("-c", COPY, hdfs.url, hdfs.user, str(data)),
            partial(hdfs.removed, "/ours"),
        ),
        theirs=Contender("curl -T", hdfs.curl(data, "/theirs"), partial(hdfs.removed, "/theirs")),
        figure="speed",
        bound=None,
        rows=rows,
        repeat=REPEAT,
        most_bytes=MOST_BYTES,
    )


def _rows(setup: Setup, hdfs: Hdfs, data: Path, rows: int) -> Iterator[Comparison]:
    """The rows are parsed and written anew, which curl does not: it is there for the record."""
    reader = {"name": "csv", "path": str(data), "skipHeader": True, "column": ["*"]}
    here = csv_writer(setup, "hdfs_csv")
    ours = Contender(
        "starhaul run, into HDFS",
        setup.run("csv_hdfs", job(reader, _target(hdfs, "csv"), 2)),
        partial(hdfs.removed, "/ours"),
    )
    others = {
        "csv_hdfs": (
            Contender(
                "starhaul run, into a local file",
                setup.run("csv_here", job(reader, here, 2)),
                partial(setup.removed, "hdfs_csv"),
            ),
            0.8,
        ),
        "csv_hdfs_curl": (Contender("curl -T", hdfs.curl(data, "/theirs"), partial(hdfs.removed, "/theirs")), None),
    }
    for name, (theirs, bound) in others.items():
        yield Comparison(
            name=name,
            what=f"CSV → CSV on HDFS, {rows:,} lineitem rows, 2 channels",
            ours=ours,
            theirs=theirs,
            figure="speed",
            bound=bound,
            rows=rows,
            repeat=REPEAT,
            most_bytes=MOST_BYTES,
        )


def _into_postgresql(setup: Setup, hdfs: Hdfs, data: Path, rows: int) -> Comparison:
    server = setup.servers.postgresql
    there = {
        "name": "hdfs", **hdfs.parameters, "path": hdfs.lineitem(data), "fileType": "csv", "skipHeader": True,
        "column": LINEITEM_COLUMNS,
    }  # fmt: skip

    def contender(name: str, label: str, reader: dict[str, Any]) -> Contender:
        into = {"name": "postgresql", "url": server.url, "table": name}
        return Contender(label, setup.run(f"hdfs_{name}", job(reader, into, 2)), partial(server.target, name))

    return Comparison(
        name="hdfs_postgresql",
        what=f"CSV on HDFS → PostgreSQL, {rows:,} lineitem rows, 2 channels",
        ours=contender("from_hdfs", "starhaul run, from HDFS", there),
        theirs=contender("from_here", "starhaul run, from a local file", csv_reader(data)),
        figure="speed",
        bound=0.9,
        rows=rows,
        repeat=REPEAT,
        most_bytes=MOST_BYTES,
    )


def _from_postgresql(setup: Setup, hdfs: Hdfs, data: Path, rows: int, form: str) -> Comparison:
    server = setup.servers.postgresql
    reader = {"name": "postgresql", "url": server.url, "table": server.lineitem(data)}
    here = csv_writer(setup, "hdfs_csv")
    return Comparison(
        name=f"postgresql_hdfs_{form}",
        what=f"PostgreSQL → {form} on HDFS, {rows:,} lineitem rows, 2 channels",
        ours=Contender(
            "starhaul run, into HDFS",
            setup.run(f"postgresql_hdfs_{form}", job(reader, _target(hdfs, form), 2)),
            partial(hdfs.removed, "/ours"),
        ),
        theirs=Contender(
            "starhaul run, into a local CSV file",
            setup.run("postgresql_hdfs_csv", job(reader, here, 2)),
            partial(setup.removed, "hdfs_csv"),
        ),
        figure="speed",
        bound=0.9,
        rows=rows,
        repeat=REPEAT,
        most_bytes=MOST_BYTES,
    )
