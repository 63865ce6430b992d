"""kill -9 at the borders between the steps of a run into PostgreSQL, then resume: nothing lost, nothing twice."""

from __future__ import annotations

import re
import signal
from pathlib import Path

import pytest

from tests.conftest import PostgresqlSchema
from tests.faults.process import starhaul

ROWS = 6000

STORE = "starhaul.runs.store:RunStore"
WRITER = "starhaul_writers.postgresql:PostgresqlWriter"
POINTS = [
    f"{WRITER}.prepare:after:1",
    f"{WRITER}.write_encoded:after:2",
    f"{STORE}.task_done:before:2",
    f"{WRITER}.commit:after:1",
]


@pytest.mark.parametrize("mode", ["insert", "overwrite", "update"])
@pytest.mark.parametrize("point", POINTS, ids=lambda point: re.sub(r".*?:", "", point, count=1))
def test_a_killed_run_resumes(tmp_path: Path, postgresql: PostgresqlSchema, point: str, mode: str) -> None:
    db = postgresql.db
    db.execute(f"CREATE TABLE s AS SELECT n AS id, 'row ' || n AS v FROM generate_series(1, {ROWS}) n".encode())
    db.execute("ALTER TABLE s ADD PRIMARY KEY (id); ANALYZE s")
    key = " PRIMARY KEY" if mode == "update" else ""  # without a key, a doubled row would go unnoticed
    db.execute(f"CREATE TABLE t (id int{key}, v text)".encode())
    if mode == "overwrite":
        db.execute("INSERT INTO t VALUES (-1, 'old')")
    job = tmp_path / "job.yaml"
    job.write_text(
        f"""
        reader: {{name: pg, url: "{postgresql.url}", table: s}}
        writer: {{name: pg, url: "{postgresql.url}", table: t, writeMode: {mode}}}
        settings: {{channel: 3}}
        """
    )
    state = tmp_path / "state"
    killed = starhaul(state, "run", str(job), kill_at=point)
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    if mode == "overwrite":
        seen = db.execute("SELECT count(*), min(id) FROM t").fetchone()
        assert seen in [(1, -1), (ROWS, 1)], "others see the old rows or the new ones"

    resumed = starhaul(state, "resume", "--last")
    assert resumed.returncode == 0, resumed.stderr + resumed.stdout
    assert db.execute("(SELECT * FROM s EXCEPT ALL SELECT * FROM t)").fetchall() == []
    assert db.execute("SELECT count(*) FROM t").fetchone() == (ROWS,)
    left = db.execute(
        "SELECT relname::text FROM pg_class WHERE relnamespace = %s::regnamespace AND relkind = 'r'", [postgresql.name]
    )
    assert {str(name) for (name,) in left} == {"s", "t"}, "ledger and staging are gone"
