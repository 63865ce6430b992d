"""kill -9 at the borders between the steps of a run into PostgreSQL, then resume: nothing lost, nothing twice."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.conftest import PostgresqlSchema
from tests.faults.killed_runs import ROWS, STORE, kill_and_resume
from tests.faults.points import sample

WRITER = "starhaul_writers.postgresql:PostgresqlWriter"
POINTS = [
    f"{WRITER}.prepare:after:1",
    f"{WRITER}.write_encoded:after:2",
    f"{STORE}.task_done:before:2",
    f"{WRITER}.commit:after:1",
]


@pytest.mark.parametrize(
    ("point", "mode"),
    sample(POINTS, ["insert", "overwrite", "update"]),
    ids=lambda each: re.sub(r".*?:", "", each, count=1),
)
def test_a_killed_run_resumes(tmp_path: Path, postgresql: PostgresqlSchema, point: str, mode: str) -> None:
    db = postgresql.db
    db.execute(f"CREATE TABLE s AS SELECT n AS id, 'row ' || n AS v FROM generate_series(1, {ROWS}) n".encode())
    db.execute("ALTER TABLE s ADD PRIMARY KEY (id); ANALYZE s")
    key = " PRIMARY KEY" if mode == "update" else ""  # without a key, a doubled row would go unnoticed
    db.execute(f"CREATE TABLE t (id int{key}, v text)".encode())
    if mode == "overwrite":
        db.execute("INSERT INTO t VALUES (-1, 'old')")
    kill_and_resume(tmp_path, "pg", postgresql.url, lambda sql: db.execute(sql.encode()).fetchall(), point, mode)
    left = db.execute(
        "SELECT relname::text FROM pg_class WHERE relnamespace = %s::regnamespace AND relkind = 'r'", [postgresql.name]
    )
    assert {str(name) for (name,) in left} == {"s", "t"}, "ledger and staging are gone"
