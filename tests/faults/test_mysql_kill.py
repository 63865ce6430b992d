"""kill -9 at the borders between the steps of a run into MySQL, then resume: nothing lost, nothing twice."""

from __future__ import annotations

import re
import signal
from pathlib import Path

import pytest

from tests.conftest import MysqlDatabase
from tests.faults.process import starhaul

ROWS = 6000

STORE = "starhaul.runs.store:RunStore"
WRITER = "starhaul_writers.mysql:MysqlWriter"
LEDGER = "starhaul_stores.mysql.ledger:MysqlLedger"
POINTS = [
    f"{WRITER}.prepare:after:1",
    f"{WRITER}.write:after:2",
    f"{STORE}.task_done:before:2",
    f"{LEDGER}.close_run:before:1",
    f"{WRITER}.commit:after:1",
]


@pytest.mark.parametrize("mode", ["insert", "overwrite", "update"])
@pytest.mark.parametrize("point", POINTS, ids=lambda point: re.sub(r".*?:", "", point, count=1))
def test_a_killed_run_resumes(tmp_path: Path, mysql: MysqlDatabase, point: str, mode: str) -> None:
    mysql.execute(
        "CREATE TABLE s (id int PRIMARY KEY, v text)",
        f"INSERT INTO s SELECT seq, concat('row ', seq) FROM seq_1_to_{ROWS}",
    )
    key = " PRIMARY KEY" if mode == "update" else ""  # without a key, a doubled row would go unnoticed
    mysql.execute(f"CREATE TABLE t (id int{key}, v text)")
    if mode == "overwrite":
        mysql.execute("INSERT INTO t VALUES (-1, 'old')")
    job = tmp_path / "job.yaml"
    job.write_text(
        f"""
        reader: {{name: mysql, url: "{mysql.url}", table: s}}
        writer: {{name: mysql, url: "{mysql.url}", table: t, writeMode: {mode}}}
        settings: {{channel: 3}}
        """
    )
    state = tmp_path / "state"
    killed = starhaul(state, "run", str(job), kill_at=point)
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    if mode == "overwrite":
        seen = mysql.execute("SELECT count(*), min(id) FROM t")
        assert seen in ([(1, -1)], [(ROWS, 1)]), "others see the old rows or the new ones"

    resumed = starhaul(state, "resume", "--last")
    assert resumed.returncode == 0, resumed.stderr + resumed.stdout
    assert mysql.execute("SELECT count(*), count(DISTINCT id) FROM t") == [(ROWS, ROWS)]
    assert mysql.execute("SELECT count(*) FROM s JOIN t USING (id, v)") == [(ROWS,)]
    assert {name for (name,) in mysql.execute("SHOW TABLES")} == {"s", "t"}, "ledger and staging are gone"
