"""kill -9 between the steps of a run into a database through SQLAlchemy, then resume: nothing lost, nothing twice."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.conftest import PostgresqlSchema
from tests.faults.killed_runs import ROWS, kill_and_resume
from tests.faults.points import sample

WRITER = "starhaul_stores.rdbms.writing:SqlAlchemyWriter"
LEDGER = "starhaul_stores.rdbms.ledger:RdbmsLedger"
POINTS = [
    f"{WRITER}.write:after:2",
    f"{LEDGER}.close_run:before:1",
    f"{WRITER}.commit:after:1",
]


@pytest.mark.parametrize(
    ("point", "mode"), sample(POINTS, ["insert", "overwrite"]), ids=lambda each: re.sub(r".*?:", "", each, count=1)
)
def test_a_killed_run_resumes(tmp_path: Path, postgresql: PostgresqlSchema, point: str, mode: str) -> None:
    db = postgresql.db
    db.execute("CREATE TABLE s (id int PRIMARY KEY, v text)")
    db.execute(f"INSERT INTO s SELECT n, 'row ' || n FROM generate_series(1, {ROWS}) AS n".encode())
    db.execute("CREATE TABLE t (id int, v text)")  # without a key, a doubled row would not be refused
    if mode == "overwrite":
        db.execute("INSERT INTO t VALUES (-1, 'old')")
    url = f"postgresql+psycopg://postgres@127.0.0.1:{postgresql.server.port}/postgres"
    url += f"?options=-csearch_path%3D{postgresql.name}"
    kill_and_resume(tmp_path, "rdbms", url, lambda sql: db.execute(sql.encode()).fetchall(), point, mode)
    tables = db.execute("SELECT tablename::text FROM pg_tables WHERE schemaname = current_schema()").fetchall()
    assert {name for (name,) in tables} == {"s", "t", "_starhaul_ledger"}, "staging is gone"
    assert db.execute("SELECT count(*) FROM _starhaul_ledger").fetchall() == [(0,)], "and the ledger is empty"
