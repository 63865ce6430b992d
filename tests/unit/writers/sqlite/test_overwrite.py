"""`overwrite` swaps the rows of a table and leaves everything else as it was."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from starhaul import PermanentError
from starhaul.testing import RecordingTask
from starhaul_stores.sqlite.swap import staging_name
from tests.unit.writers.sqlite.conftest import KEYED, prepared, reasons, rows_of, run, sql, writer

STRUCTURE = (
    'CREATE TABLE "t" (id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT COLLATE NOCASE, self INTEGER REFERENCES t(id))',
    "CREATE UNIQUE INDEX [u name] ON t (name) WHERE name <> ''",
    "CREATE INDEX plain ON t (name, id)",
    "CREATE VIEW v AS SELECT id, name FROM t",
    "CREATE TABLE log (x)",
    "CREATE TABLE child (t INTEGER REFERENCES t(id) ON DELETE CASCADE)",
    "CREATE TRIGGER tr AFTER INSERT ON t BEGIN INSERT INTO log VALUES (new.id); END",
    "INSERT INTO t (id, name) VALUES (1, 'old'), (2, 'older')",
    "INSERT INTO child VALUES (1)",
    "DELETE FROM log",
)


def test_the_structure_stays(path: Path) -> None:
    sql(path, *STRUCTURE)
    before = sql(path, "SELECT type, name, tbl_name, lower(sql) FROM sqlite_master ORDER BY 1, 2")
    target = writer(path, writeMode="overwrite", column=["id", "name"], session=["PRAGMA foreign_keys = ON"])
    receipt, task = run(target, rows_of((1, "new"), (7, "x"), (8, "X")))
    assert sql(path, "SELECT * FROM v") == [(1, "new"), (7, "x")]
    assert receipt.rows == 2
    assert reasons(task) == [f"UNIQUE constraint failed: {staging_name('t', 'r1')}.name"]
    after = sql(path, "SELECT type, name, tbl_name, lower(sql) FROM sqlite_master ORDER BY 1, 2")
    assert after == before
    assert sql(path, "SELECT * FROM child") == [(1,)]
    assert sql(path, "INSERT INTO t (name) VALUES ('y')", "SELECT x FROM log") == [(8,)]
    assert sql(path, "PRAGMA integrity_check") == [("ok",)]


def test_a_table_that_is_altered_meanwhile_stays_as_it_is(path: Path) -> None:
    sql(path, KEYED, "INSERT INTO t VALUES (1, 'old')")
    target = writer(path, writeMode="overwrite")
    prepared(target)
    sql(path, "ALTER TABLE t ADD COLUMN late DEFAULT 7")
    with pytest.raises(PermanentError, match="was altered since the run began"):
        target.commit("r1", [])
    assert sql(path, "SELECT * FROM t") == [(1, "old", 7)]


@pytest.mark.parametrize(("row", "following"), [((3, "new"), 9), ((20, "new"), 21), (None, 9)])
def test_no_number_is_given_out_again(path: Path, row: tuple[int, str] | None, following: int) -> None:
    sql(path, "CREATE TABLE t (id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT)", "INSERT INTO t VALUES (8, 'old')")
    run(writer(path, writeMode="overwrite"), rows_of(*([row] if row else [])))
    sql(path, "INSERT INTO t (name) VALUES ('next')")
    assert sql(path, "SELECT max(id) FROM t") == [(following,)]
    assert sql(path, "SELECT name FROM sqlite_sequence") == [("t",)]


def test_an_empty_run_empties_the_table(path: Path) -> None:
    sql(path, KEYED, "INSERT INTO t VALUES (1, 'old')")
    target = writer(path, writeMode="overwrite")
    prepared(target)
    target.commit("r1", [])
    assert sql(path, "SELECT * FROM t") == []


def test_readers_never_see_a_part(path: Path) -> None:
    """Another process polls while ten runs overwrite the table."""
    sql(path, KEYED, "PRAGMA journal_mode = WAL", *(f"INSERT INTO t VALUES ({n}, 'r')" for n in range(50)))
    code = (
        "import sqlite3, sys\n"
        "db = sqlite3.connect(sys.argv[1], isolation_level=None)\n"
        "seen = set()\n"
        "print('ready', flush=True)\n"
        "while db.execute('SELECT count(*) FROM stop').fetchone()[0] == 0:\n"
        "    seen.add(db.execute('SELECT count(*), count(DISTINCT name) FROM t').fetchone())\n"
        "print(sorted(seen))\n"
    )
    sql(path, "CREATE TABLE stop (x)")
    poll = subprocess.Popen([sys.executable, "-c", code, str(path)], stdout=subprocess.PIPE, text=True)
    assert poll.stdout is not None
    assert poll.stdout.readline() == "ready\n"
    for number in range(10):
        run(writer(path, writeMode="overwrite"), rows_of(*((n, f"run {number}") for n in range(50))), f"r{number}")
    sql(path, "INSERT INTO stop VALUES (1)")
    seen, _ = poll.communicate(timeout=30)
    assert seen == "[(50, 1)]\n"


def test_a_stale_staging_table_is_removed_and_its_run_cannot_be_resumed(path: Path) -> None:
    sql(path, KEYED)
    target = writer(path, writeMode="overwrite")
    schema = prepared(target, "dead")
    receipt = target.write(RecordingTask(schema, "t0", "dead"), rows_of((1, "a")).to_batches())
    target.prepare(schema, "young")
    target.abort("young", [])
    assert any(name.startswith("_starhaul_dead_") for (name,) in sql(path, "SELECT name FROM sqlite_master"))
    sql(path, "UPDATE _starhaul_ledger SET at = '2020-01-01T00:00:00+00:00'")
    target.prepare(schema, "next")
    assert not any(name.startswith("_starhaul_dead_") for (name,) in sql(path, "SELECT name FROM sqlite_master"))
    with pytest.raises(PermanentError, match="not open"):
        target.commit("dead", [receipt])
    with pytest.raises(PermanentError, match="not open"):
        target.write(RecordingTask(schema, "t1", "dead"), [])
    target.abort("dead", [receipt])
    target.commit("next", [])
    target.forget("next")
    assert sql(path, "SELECT name FROM sqlite_master WHERE name LIKE '_starhaul%'") == []
