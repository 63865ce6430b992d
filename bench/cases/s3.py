"""An S3 store beside pyarrow's file system, which copies the same bytes. The server checks every signature."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path

from bench.comparison import Comparison, Contender
from bench.jobs import csv_reader, job
from bench.servers import S3
from bench.setup import LINEITEM_COLUMNS, Setup

BYTES_ROWS, ROWS = 8_000_000, 2_000_000
"""Rows of about a gigabyte, which travel as bytes; rows that are read and written as such."""
REPEAT = 3
MOST_BYTES = 350_000_000
_OURS = """
import sys
from starhaul_stores.files.places.s3 import S3Place
endpoint, user, secret, bucket, way, here, there = sys.argv[1:]
with S3Place(bucket, endpoint, access_id=user, access_key=secret).session() as session:
    if way == "up":
        with open(here, "rb") as file, session.stage("", there, 1) as staging:
            while data := file.read(1 << 20):
                staging.write(data)
        session.publish("", [staging.staged])
    else:
        status = session.stat("/" + there)
        with open(here, "wb") as file, session.open_range(status, 0, status.size) as body:
            while data := body.read(1 << 20):
                file.write(data)
"""
_PYARROW = """
import sys
from pyarrow import fs
endpoint, user, secret, bucket, way, here, there = sys.argv[1:]
scheme, _, address = endpoint.partition("://")
store = fs.S3FileSystem(access_key=user, secret_key=secret, endpoint_override=address, scheme=scheme)
pair = [(here, fs.LocalFileSystem()), (f"{bucket}/{there}", store)]
(source, one), (target, other) = pair if way == "up" else reversed(pair)
fs.copy_files(source, target, one, other)
"""


def comparisons(setup: Setup) -> Iterator[Comparison]:
    """Bytes as they are, both ways; then rows, beside the same job with local files."""
    server = setup.servers.s3
    rows = setup.rows(BYTES_ROWS)
    data = setup.lineitem(rows)
    yield _bytes(setup, server, data, rows, "up", "a local file → S3")
    yield _bytes(setup, server, data, rows, "down", "S3 → a local file")
    rows = setup.rows(ROWS)
    yield from _rows(setup, server, setup.lineitem(rows), rows)


def _bytes(setup: Setup, server: S3, data: Path, rows: int, way: str, route: str) -> Comparison:
    if way == "down":
        server.upload(data)

    def contender(label: str, program: str, name: str) -> Contender:
        here, there = (data, name) if way == "up" else (setup.folder / name, data.name)
        command = setup.python("-c", program, *server.arguments, way, str(here), there)
        return Contender(
            label, command, partial(setup.removed, name) if way == "down" else partial(server.removed, name)
        )

    return Comparison(
        name=f"s3_{way}",
        what=f"the bytes of {route}, {rows:,} lineitem rows as CSV",
        ours=contender("the place of s3writer" if way == "up" else "the place of s3reader", _OURS, "ours.csv"),
        theirs=contender("pyarrow.fs.copy_files", _PYARROW, "theirs.csv"),
        figure="speed",
        bound=0.8,
        rows=rows,
        repeat=REPEAT,
    )


def _rows(setup: Setup, server: S3, data: Path, rows: int) -> Iterator[Comparison]:
    form = {"fileName": "rows", "writeMode": "truncate", "fileFormat": "csv"}
    here = {"name": "csv", "path": str(setup.folder / "s3_csv"), **form}
    there = {"name": "s3", **server.parameters, "path": "rows", **form}
    source = {"name": "s3", **server.parameters, "object": server.upload(data), "fileFormat": "csv", "skipHeader": True,
              "column": LINEITEM_COLUMNS}  # fmt: skip
    jobs = {
        "csv_s3": (f"CSV → CSV in S3, {rows:,} lineitem rows", csv_reader(data), there, here),
        "s3_csv": (f"CSV in S3 → CSV, {rows:,} lineitem rows", source, here, here),
    }
    for name, (what, reader, writer, local) in jobs.items():
        yield Comparison(
            name=name,
            what=f"{what}, 2 channels",
            ours=Contender("starhaul run, S3", setup.run(name, job(reader, writer, 2))),
            theirs=Contender("starhaul run, local files", setup.run(f"{name}_here", job(csv_reader(data), local, 2))),
            figure="speed",
            bound=None,
            rows=rows,
            repeat=REPEAT,
            most_bytes=MOST_BYTES,
        )
