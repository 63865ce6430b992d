"""MySQL → PostgreSQL beside peers that Python's package index has. They are installed on first use, each in an
environment of its own beside the data."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from bench.cases.mysql_postgresql import reader
from bench.cases.postgresql import ROWS
from bench.comparison import Comparison, Contender
from bench.jobs import job
from bench.setup import Setup

SLING = ("sling-linux-amd64==1.4.11",)
DLT = (
    "dlt[postgres,parquet]==1.31.0", "SQLAlchemy>=2", "connectorx==0.4.6", "PyMySQL", "adbc-driver-postgresql",
    "adbc-driver-manager",
)  # fmt: skip
DLT_SCRIPT = """
import sys, dlt
from dlt.sources.sql_database import sql_table
source, target, table = sys.argv[1:]
rows = sql_table(credentials=source.replace("mysql://", "mysql+pymysql://"), table=table, backend="connectorx",
                 reflection_level="full_with_precision", backend_kwargs={"conn": source, "return_type": "arrow"})
pipeline = dlt.pipeline("peer", destination=dlt.destinations.postgres(target), dataset_name="peer")
print(pipeline.run(rows, write_disposition="replace", table_name="theirs", loader_file_format="parquet"))
"""


def comparisons(setup: Setup) -> Iterator[Comparison]:
    """Sling fills the table that we fill too, with its primary key. dlt makes a table of its own, without one, so ours
    has none either."""
    rows = setup.rows(ROWS)
    source = setup.servers.mariadb.lineitem(setup.lineitem(rows))
    yield _comparison(setup, source, rows, _sling(setup, source), key=True, bound=3.5)
    yield _comparison(setup, source, rows, _dlt(setup, source), key=False, bound=1.4)


def _comparison(setup: Setup, source: str, rows: int, theirs: Contender, *, key: bool, bound: float) -> Comparison:
    peer, target = theirs.label.split(",")[0].lower(), setup.servers.postgresql
    writer = {"name": "postgresql", "url": target.url, "table": "ours"}
    ours = setup.run(f"{peer}_mysql_postgresql", job(reader(setup, source), writer, 2))
    return Comparison(
        name=f"{peer}_mysql_postgresql",
        what=f"MySQL → PostgreSQL, {rows:,} lineitem rows, 2 channels, {'with' if key else 'without'} the primary key",
        ours=Contender("starhaul run", ours, partial(target.target, "ours", key=key)),
        theirs=theirs,
        figure="speed",
        bound=bound,
        rows=rows,
        repeat=1,
    )


def _sling(setup: Setup, source: str) -> Contender:
    target = setup.servers.postgresql
    program = next(setup.environment("sling", SLING).glob("lib/python*/site-packages/sling_linux_amd64/bin/sling*"))
    settings = ["DO_NOT_TRACK=1", f"SLING_HOME_DIR={setup.folder / 'sling'}"]
    arguments = [
        "run", "--src-conn", setup.servers.mariadb.url, "--src-stream", f"bench.{source}",
        "--tgt-conn", f"{target.url}?sslmode=disable", "--tgt-object", "public.theirs", "--mode", "truncate",
    ]  # fmt: skip
    command = ["env", *settings, str(program), *arguments]
    return Contender("Sling, truncate", command, partial(target.target, "theirs"))


def _dlt(setup: Setup, source: str) -> Contender:
    mysql, target = setup.servers.mariadb, setup.servers.postgresql
    script = setup.folder / "dlt_peer.py"
    script.write_text(DLT_SCRIPT)
    settings = [f"DLT_DATA_DIR={setup.folder / 'dlt'}", "RUNTIME__DLTHUB_TELEMETRY=false"]
    python = setup.environment("dlt", DLT) / "bin/python"
    url = target.url.replace("@", ":any@")  # it insists on a password
    command = ["env", *settings, str(python), str(script), mysql.url, url, source]

    def forget() -> None:
        setup.removed("dlt")
        target.sql("DROP SCHEMA IF EXISTS peer CASCADE")

    return Contender("dlt, connectorx and parquet", command, forget)
