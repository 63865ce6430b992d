"""kill -9 at the borders between the steps of a run, then resume: nothing lost, nothing twice.

These points are a sample that every CI run takes; they are where a receipt, a ledger row or a swap could fall
between two chairs.
"""

from __future__ import annotations

import csv
import re
import signal
import sqlite3
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

import pytest

from tests.faults.points import sample
from tests.faults.process import starhaul

ROWS = 6000
FILES = 3

STORE = "starhaul.runs.store:RunStore"
WRITER = "starhaul_writers.sqlite:SqliteWriter"
POINTS = [
    f"{STORE}.begin:after:1",
    f"{STORE}.give_out:after:1",
    f"{WRITER}.prepare:after:1",
    f"{WRITER}.write:before:2",
    f"{WRITER}.write:after:2",
    f"{STORE}.task_done:before:2",
    f"{STORE}.task_done:after:3",
    f"{WRITER}.commit:before:1",
    f"{WRITER}.commit:after:1",
    f"{STORE}.end:before:1",
]


@pytest.fixture
def job(tmp_path: Path) -> Path:
    (tmp_path / "in").mkdir()
    for number in range(FILES):
        with (tmp_path / "in" / f"{number}.csv").open("w", newline="") as out:
            csv.writer(out).writerows([n, f"row {n}"] for n in range(number, ROWS, FILES))
    path = tmp_path / "job.yaml"
    path.write_text(
        f"""
        reader:
          name: txtfilereader
          path: {tmp_path}/in/*.csv
          column: [{{index: 0, type: long, name: id}}, {{index: 1, type: string, name: text}}]
        writer:
          name: sqlitewriter
          path: {tmp_path}/out.db
          table: t
          writeMode: ${{MODE}}
        settings: {{channel: 2}}
        """
    )
    return path


def rows_in(database: Path) -> Sequence[tuple[int, str]]:
    with closing(sqlite3.connect(database)) as connection:
        return connection.execute("SELECT id, text FROM t ORDER BY id, text").fetchall()


def tables_in(database: Path) -> set[str]:
    with closing(sqlite3.connect(database)) as connection:
        return {name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}


@pytest.mark.parametrize(
    ("point", "mode"),
    sample(POINTS, ["insert", "overwrite", "update"]),
    ids=lambda each: re.sub(r".*?:", "", each, count=1),
)
def test_a_killed_run_resumes(tmp_path: Path, job: Path, point: str, mode: str) -> None:
    database = tmp_path / "out.db"
    with closing(sqlite3.connect(database)) as connection:
        key = " PRIMARY KEY" if mode == "update" else ""  # without a key, a doubled row would go unnoticed by SQLite
        connection.execute(f"CREATE TABLE t (id INTEGER{key}, text TEXT)")
        if mode == "overwrite":
            connection.execute("INSERT INTO t VALUES (-1, 'old')")
        connection.commit()
    state = tmp_path / "state"

    killed = starhaul(state, "run", str(job), "-D", f"MODE={mode}", kill_at=point)
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    if mode == "overwrite":
        seen = rows_in(database)
        assert seen == [(-1, "old")] or len(seen) == ROWS, "a reader of the table sees the old rows or the new ones"

    resumed = starhaul(state, "resume", "--last")
    assert resumed.returncode == 0, resumed.stderr + resumed.stdout
    assert rows_in(database) == [(n, f"row {n}") for n in range(ROWS)]
    assert tables_in(database) == {"t"}, "ledger and staging are gone"


def test_a_run_killed_in_its_resume_resumes_again(tmp_path: Path, job: Path) -> None:
    database = tmp_path / "out.db"
    with closing(sqlite3.connect(database)) as connection:
        connection.execute("CREATE TABLE t (id INTEGER, text TEXT)")
    state = tmp_path / "state"
    starhaul(state, "run", str(job), "-D", "MODE=insert", kill_at=f"{STORE}.task_done:before:1")
    for _ in range(2):
        killed = starhaul(state, "resume", "--last", kill_at=f"{STORE}.task_done:before:2")
        assert killed.returncode == -signal.SIGKILL, killed.stderr
    resumed = starhaul(state, "resume", "--last")
    assert resumed.returncode == 0, resumed.stderr
    assert rows_in(database) == [(n, f"row {n}") for n in range(ROWS)]
