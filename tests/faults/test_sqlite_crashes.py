"""kill -9 of a process that writes SQLite, between any two statements that matter; then the run is taken up again."""

from __future__ import annotations

import signal
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pyarrow as pa
import pytest

from starhaul import Receipt
from starhaul.testing import RecordingTask
from starhaul_writers.sqlite import SqliteWriter, SqliteWriterParams

SCHEMA = pa.schema([("id", pa.int64()), ("name", pa.string())])
TASKS = ("t0", "t1")

CHILD = """
import os, signal, sys
import pyarrow as pa
from starhaul_stores.sqlite import connection
from starhaul.testing import RecordingTask
from starhaul_writers.sqlite import SqliteWriter, SqliteWriterParams

path, mode, driver, when, begin, number = sys.argv[1:]
if driver == "sqlite3":
    connection.adbc_installed = lambda: False
kind = connection.AdbcConnection if driver == "adbc" else connection.StdlibConnection
left, armed = int(number), False

def watched(method):
    original = getattr(kind, method)
    def call(self, sql, *args, **kwargs):
        global left
        mine = armed and sql.startswith(begin)
        left -= mine
        if mine and not left and when == "before":
            os.kill(os.getpid(), signal.SIGKILL)
        result = original(self, sql, *args, **kwargs)
        if mine and not left:
            os.kill(os.getpid(), signal.SIGKILL)
        return result
    setattr(kind, method, call)

watched("execute")
watched("insert")
schema = pa.schema([("id", pa.int64()), ("name", pa.string())])
after = ("INSERT INTO log VALUES (1)",)
writer = SqliteWriter(SqliteWriterParams(path=path, table="t", write_mode=mode, post_sql=after))
accepted = writer.accept(schema)
writer.prepare(accepted, "r1")
armed = True
receipts = []
for n, task in enumerate(("t0", "t1")):
    batches = [pa.record_batch([[n * 2 + i], [f"new {n}"]], schema=schema) for i in range(2)]
    receipts.append(writer.write(RecordingTask(accepted, task, "r1"), batches))
writer.commit("r1", receipts)
writer.forget("r1")
"""

POINTS = [
    ("before", "INSERT OR ABORT", 1),
    ("after", "INSERT OR ABORT", 2),
    ("after", 'INSERT INTO "_starhaul_ledger"', 1),
    ("before", "COMMIT", 1),
    ("after", "COMMIT", 1),
    ("after", "INSERT OR ABORT", 4),
    ("before", "COMMIT", 2),
    ("after", "COMMIT", 2),
    ("after", "BEGIN", 3),
    ("after", "DROP TABLE", 1),
    ("after", "ALTER TABLE", 1),
    ("after", "INSERT INTO log", 1),
    ("after", "DELETE FROM", 1),
    ("before", "COMMIT", 3),
    ("after", "COMMIT", 3),
]


CASES = [
    (driver, mode, *point)
    for driver, points in (("adbc", POINTS), ("sqlite3", POINTS[1::4]))
    for mode in ("insert", "overwrite")
    for point in points
    if mode == "overwrite" or point[1] != "ALTER TABLE"  # nothing is swapped
]


@pytest.mark.parametrize(("driver", "mode", "when", "begin", "number"), CASES)
def test_a_killed_run_is_taken_up_without_loss_or_doubles(
    tmp_path: Path, driver: str, mode: str, when: str, begin: str, number: int
) -> None:
    path = tmp_path / "x.db"
    with closing(sqlite3.connect(path)) as db, db:
        db.execute("CREATE TABLE t (id INTEGER PRIMARY KEY, name TEXT)")
        db.execute("CREATE TABLE log (x)")
        db.execute("INSERT INTO t VALUES (100, 'old')")
    arguments = [sys.executable, "-c", CHILD, str(path), mode, driver, when, begin, str(number)]
    child = subprocess.run(arguments, capture_output=True, text=True, check=False)
    assert child.returncode == -signal.SIGKILL, child.stderr
    _nothing_half_done(path, mode)
    _take_up(path, mode)
    with closing(sqlite3.connect(path)) as db:
        old = [(100, "old")] if mode == "insert" else []
        rows = db.execute("SELECT * FROM t ORDER BY id").fetchall()
        assert rows == [(0, "new 0"), (1, "new 0"), (2, "new 1"), (3, "new 1"), *old]
        assert db.execute("SELECT * FROM log").fetchall() == [(1,)], "postSql runs exactly once"
        assert db.execute("SELECT name FROM sqlite_master ORDER BY 1").fetchall() == [("log",), ("t",)]
        assert db.execute("PRAGMA integrity_check").fetchall() == [("ok",)]


def _nothing_half_done(path: Path, mode: str) -> None:
    with closing(sqlite3.connect(path)) as db:
        found = {name for (name,) in db.execute("SELECT name FROM t")}
        count = db.execute("SELECT count(*) FROM t").fetchone()[0]
    if mode == "overwrite":
        assert (found, count) in [({"old"}, 1), ({"new 0", "new 1"}, 4)]
    else:
        assert count in (1, 3, 5)


def _take_up(path: Path, mode: str) -> None:
    """What the engine does on `resume` when the process died before it noted any receipt."""
    parameters = {"path": str(path), "table": "t", "writeMode": mode, "postSql": ["INSERT INTO log VALUES (1)"]}
    writer = SqliteWriter(SqliteWriterParams.model_validate(parameters))
    with closing(sqlite3.connect(path)) as db:
        if not db.execute("SELECT 1 FROM sqlite_master WHERE name = '_starhaul_ledger'").fetchall():
            writer.forget("r1")
            return
        committed = db.execute("SELECT receipt FROM _starhaul_ledger WHERE task = ''").fetchall() == [("committed",)]
    receipts: list[Receipt] = []
    for number, name in enumerate(TASKS) if not committed else ():
        task = RecordingTask(SCHEMA, name, "r1", attempt=2)
        receipt = writer.delivered(task)
        if receipt is None:
            batch = pa.record_batch([[number * 2, number * 2 + 1], [f"new {number}"] * 2], schema=SCHEMA)
            receipt = writer.write(task, [batch])
        else:
            assert (receipt.rows, receipt.attempt) == (2, 1)
        receipts.append(receipt)
    writer.commit("r1", receipts)
    writer.forget("r1")
