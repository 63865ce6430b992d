"""kill -9 at the borders between the steps of a run into MySQL and into OceanBase, then resume: nothing lost, nothing
twice."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.conftest import MysqlDatabase
from tests.faults.killed_runs import ROWS, STORE, kill_and_resume
from tests.faults.points import sample

WRITER = "starhaul_stores.mysql.writer:MysqlWireWriter"
LEDGER = "starhaul_stores.mysql.ledger:MysqlLedger"
POINTS = [
    f"{WRITER}.prepare:after:1",
    f"{WRITER}.write_encoded:after:2",
    f"{STORE}.task_done:before:2",
    f"{LEDGER}.close_run:before:1",
    f"{WRITER}.commit:after:1",
]


def _short(point: str) -> str:
    return re.sub(r".*?:", "", point, count=1)


@pytest.mark.parametrize(("point", "mode"), sample(POINTS, ["insert", "overwrite", "update"]), ids=_short)
def test_a_killed_run_resumes(tmp_path: Path, mysql: MysqlDatabase, point: str, mode: str) -> None:
    _kill_and_resume(tmp_path, "mysql", mysql, point, mode)
    assert {name for (name,) in mysql.execute("SHOW TABLES")} == {"s", "t"}, "ledger and staging are gone"


@pytest.mark.slow
@pytest.mark.parametrize(("point", "mode"), sample(POINTS[1:], ["insert", "overwrite"]), ids=_short)
def test_a_killed_run_into_oceanbase_resumes(tmp_path: Path, oceanbase: MysqlDatabase, point: str, mode: str) -> None:
    _kill_and_resume(tmp_path, "oceanbase", oceanbase, point, mode)
    assert {name for (name,) in oceanbase.execute("SHOW TABLES")} == {"s", "t", "_starhaul_ledger"}, "staging is gone"
    assert oceanbase.execute("SELECT count(*) FROM _starhaul_ledger") == [(0,)], "and the ledger is empty"


def _kill_and_resume(folder: Path, plugin: str, database: MysqlDatabase, point: str, mode: str) -> None:
    rows = ", ".join(f"({n}, 'row {n}')" for n in range(1, ROWS + 1))
    key = " PRIMARY KEY" if mode == "update" else ""  # without a key, a doubled row would go unnoticed
    database.execute(
        "CREATE TABLE s (id int PRIMARY KEY, v text)",
        f"INSERT INTO s VALUES {rows}",
        f"CREATE TABLE t (id int{key}, v text)",
    )
    if mode == "overwrite":
        database.execute("INSERT INTO t VALUES (-1, 'old')")
    kill_and_resume(folder, plugin, database.url, database.execute, point, mode)
