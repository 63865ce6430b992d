"""What each write mode does with rows that the table has or refuses."""

from __future__ import annotations

from pathlib import Path

import pytest

from starhaul import Capability, ConfigError
from tests.unit.writers.sqlite.conftest import KEYED, reasons, rows_of, run, sql, writer


def test_insert_rejects_what_the_table_refuses_and_delivers_the_rest(path: Path) -> None:
    sql(path, KEYED, "INSERT INTO t VALUES (3, 'old')")
    receipt, task = run(
        writer(path, batch_size=4),
        rows_of((1, "a"), (2, "bad"), (3, "c"), (4, None), (1, "again"), (5, "e"), (6, "f"), (7, "g")),
    )
    assert sql(path, "SELECT * FROM t ORDER BY id") == [(1, "a"), (3, "old"), (5, "e"), (6, "f"), (7, "g")]
    assert (receipt.rows, receipt.skipped) == (4, 0)
    assert reasons(task) == [
        "CHECK constraint failed: name <> 'bad'",
        "UNIQUE constraint failed: t.id",
        "NOT NULL constraint failed: t.name",
        "UNIQUE constraint failed: t.id",
    ]
    assert [row["name"] for row, _, _ in task.rejected] == ["bad", "c", None, "again"]


def test_ignore_counts_what_it_skips_and_still_rejects_bad_rows(path: Path) -> None:
    sql(path, KEYED, "INSERT INTO t VALUES (3, 'old')")
    receipt, task = run(
        writer(path, writeMode="insert ignore"), rows_of((1, "a"), (3, "c"), (1, "x"), (4, None), (5, "e"))
    )
    assert sql(path, "SELECT * FROM t ORDER BY id") == [(1, "a"), (3, "old"), (5, "e")]
    assert (receipt.rows, receipt.skipped) == (2, 2)
    assert reasons(task) == ["NOT NULL constraint failed: t.name"]


def test_triggers_do_not_spoil_the_count(path: Path) -> None:
    sql(path, KEYED, "CREATE TABLE log (x)")
    sql(
        path,
        "CREATE TRIGGER tr AFTER INSERT ON t BEGIN INSERT INTO log VALUES (new.id); INSERT INTO log VALUES (0); END",
    )
    sql(path, "CREATE TRIGGER no BEFORE INSERT ON t WHEN new.id = 9 BEGIN SELECT raise(IGNORE); END")
    sql(path, "CREATE TRIGGER fail BEFORE INSERT ON t WHEN new.id = 8 BEGIN SELECT raise(ABORT, 'eight is out'); END")
    receipt, task = run(writer(path, writeMode="ignore"), rows_of((1, "a"), (1, "b"), (8, "h"), (9, "i"), (2, "c")))
    assert (receipt.rows, receipt.skipped) == (2, 2)
    assert reasons(task) == ["eight is out"]


@pytest.mark.parametrize("mode", ["insert", "replace", "update"])
def test_rows_that_a_trigger_leaves_out_are_noted(path: Path, mode: str) -> None:
    sql(path, KEYED, "CREATE TRIGGER no BEFORE INSERT ON t WHEN new.id = 9 BEGIN SELECT raise(IGNORE); END")
    receipt, task = run(writer(path, writeMode=mode), rows_of((1, "a"), (9, "i")))
    assert (receipt.rows, receipt.skipped) == (1, 1)
    assert task.notes == {"left out by a trigger of the table": 1}


@pytest.mark.parametrize("mode", ["insert", "ignore", "replace", "update", "overwrite"])
def test_null_becomes_no_number(path: Path, mode: str) -> None:
    """An INTEGER PRIMARY KEY would take it for the wish for one."""
    sql(path, KEYED)
    receipt, task = run(writer(path, writeMode=mode), rows_of((5, "a"), (None, "b"), (7, "c")))
    assert sql(path, "SELECT * FROM t ORDER BY id") == [(5, "a"), (7, "c")]
    assert receipt.rows == 2
    assert reasons(task) == ["column 'id' takes no NULL"]


def test_replace_puts_no_default_in_place_of_null(path: Path) -> None:
    sql(path, KEYED, "INSERT INTO t VALUES (3, 'old')")
    receipt, task = run(writer(path, writeMode="replace"), rows_of((1, "a"), (3, "c"), (4, None), (3, "last")))
    assert sql(path, "SELECT * FROM t ORDER BY id") == [(1, "a"), (3, "last")]
    assert receipt.rows == 3
    assert reasons(task) == ["column 'name' takes no NULL"]


def test_update_sets_the_named_columns(path: Path) -> None:
    sql(
        path,
        "CREATE TABLE t (id INTEGER, name TEXT, more TEXT, UNIQUE (id))",
        "INSERT INTO t VALUES (3, 'old', 'kept')",
    )
    target = writer(path, writeMode="update", keys=["ID"], column=["id", "name"])
    receipt, _ = run(target, rows_of((1, "a"), (3, "c")))
    assert sql(path, "SELECT * FROM t ORDER BY id") == [(1, "a", None), (3, "c", "kept")]
    assert receipt.rows == 2
    run(
        writer(path, writeMode="update", keys=["id"], column=["id", "name"], updateColumns=["id"]),
        rows_of((3, "z")),
        "r2",
    )
    assert sql(path, "SELECT name FROM t WHERE id = 3") == [("c",)]


@pytest.mark.parametrize("clause", ["IGNORE", "REPLACE", "ROLLBACK", "FAIL"])
def test_conflict_clauses_of_the_table_do_not_lose_rows_in_silence(path: Path, clause: str) -> None:
    sql(
        path,
        f"CREATE TABLE t (id INTEGER PRIMARY KEY ON CONFLICT {clause}, "
        f"name TEXT NOT NULL ON CONFLICT {clause} DEFAULT 'x')",
    )
    receipt, task = run(writer(path), rows_of((1, "a"), (1, "b"), (2, None), (3, "c")))
    assert sql(path, "SELECT * FROM t ORDER BY id") == [(1, "a"), (3, "c")]
    assert (receipt.rows, receipt.skipped, len(task.rejected)) == (2, 0, 2)


def test_promises_depend_on_the_mode(path: Path) -> None:
    once = Capability.EXACTLY_ONCE
    assert writer(path).promises() == {once}
    assert writer(path, writeMode="replace").promises() == {once, Capability.IDEMPOTENT}
    assert writer(path, writeMode="overwrite").promises() == {once, Capability.ATOMIC}


@pytest.mark.parametrize("rule", ["CASCADE", "SET NULL", "NO ACTION"])
@pytest.mark.parametrize("own", [False, True])
def test_replace_does_not_reach_what_refers_to_a_row(path: Path, rule: str, own: bool) -> None:
    """It deletes the old row; SQLite looks at foreign keys only where the job tells it to."""
    key = f"up INTEGER REFERENCES T (id) ON DELETE {rule}"
    sql(path, f"CREATE TABLE t (id INTEGER PRIMARY KEY, v TEXT{', ' + key if own else ''})")
    sql(path, f"CREATE TABLE child (id INTEGER PRIMARY KEY{'' if own else ', ' + key})")
    column = {"column": ["id", "v"], "writeMode": "replace"}
    writer(path, **column).check(rows_of((1, "x")).schema)
    looked_at = writer(path, session=["PRAGMA foreign_keys = ON"], **column)
    if rule == "NO ACTION":
        looked_at.check(rows_of((1, "x")).schema)
        return
    with pytest.raises(ConfigError, match=rf"one of {'t' if own else 'child'} \(ON DELETE {rule}\) \(use writeMode"):
        looked_at.check(rows_of((1, "x")).schema)
