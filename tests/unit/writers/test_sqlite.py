"""What `sqlitewriter` does beyond the contract: its modes, its swap, its errors. With both drivers."""

from __future__ import annotations

import json
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from starhaul import Cancelled, Capability, ConfigError, PermanentError, Receipt, TransientError
from starhaul.testing import RecordingTask
from starhaul_stores.sqlite import connection
from starhaul_writers.sqlite import SqliteWriter, SqliteWriterParams


@pytest.fixture(params=["adbc", "sqlite3"], autouse=True)
def driver(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    if request.param == "sqlite3":
        monkeypatch.setattr(connection, "adbc_installed", lambda: False)
    return str(request.param)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "target.db"


def sql(path: Path, *statements: str) -> list[tuple[Any, ...]]:
    """Run statements one by one; the rows of the last one."""
    with closing(sqlite3.connect(path, isolation_level=None)) as db:
        rows: list[tuple[Any, ...]] = []
        for statement in statements:
            rows = db.execute(statement).fetchall()
        return rows


def writer(path: Path, **more: Any) -> SqliteWriter:
    return SqliteWriter(SqliteWriterParams.model_validate({"path": str(path), "table": "t", **more}))


def run(target: SqliteWriter, table: pa.Table, run: str = "r1") -> tuple[Receipt, RecordingTask]:
    """A whole run of one task; the batches must already have the types that the target accepts."""
    accepted = target.accept(table.schema)
    target.check(table.schema if accepted is None else accepted)
    target.prepare(table.schema if accepted is None else accepted, run)
    accepted = accepted or target.accept(table.schema)
    assert accepted is not None
    assert accepted.types == table.schema.types
    task = RecordingTask(accepted, "t0", run)
    batches = [pa.RecordBatch.from_arrays(b.columns, schema=accepted) for b in table.to_batches()]
    receipt = target.write(task, batches)
    target.commit(run, [receipt])
    target.forget(run)
    return receipt, task


def rows_of(*rows: tuple[Any, Any]) -> pa.Table:
    return pa.table(
        {"id": pa.array([r[0] for r in rows], pa.int64()), "name": pa.array([r[1] for r in rows], pa.string())}
    )


def reasons(task: RecordingTask) -> list[str]:
    return [reason for _, reason, _ in task.rejected]


KEYED = "CREATE TABLE t (id INTEGER PRIMARY KEY, name TEXT NOT NULL DEFAULT 'none' CHECK (name <> 'bad'))"


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


def test_replace_puts_no_default_in_place_of_null(path: Path) -> None:
    sql(path, KEYED, "INSERT INTO t VALUES (3, 'old')")
    receipt, task = run(writer(path, writeMode="replace"), rows_of((1, "a"), (3, "c"), (4, None), (3, "last")))
    assert sql(path, "SELECT * FROM t ORDER BY id") == [(1, "a"), (3, "last")]
    assert receipt.rows == 3
    assert reasons(task) == ["NOT NULL constraint failed: name"]


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


def test_values_that_sqlite_would_alter_are_rejected(path: Path) -> None:
    sql(path, "CREATE TABLE t (a STRING, b DOUBLE, c DATE, d TIMESTAMP)")
    table = pa.table(
        {
            "a": pa.array(["abc", "007", "1e3", " 5 ", "5x", ""]),
            "b": pa.array([1.5, 1.0, float("inf"), 2.0, float("nan"), -0.0]),
            "c": pa.array([1, 1, 1, 1, 1, 10**7], pa.date32()),
            "d": pa.array([1, 1, 1, 1, 1, 1], pa.timestamp("us")),
        }
    )
    receipt, task = run(writer(path), table)
    assert sql(path, "SELECT a, typeof(a), c, d FROM t") == [
        ("abc", "text", "1970-01-02", "1970-01-01 00:00:00.000001")
    ]
    assert receipt.rows == 1
    assert len(task.rejected) == 5
    assert "make a number of this text" in reasons(task)[0]
    assert "NaN" in reasons(task)[3]
    assert "0001 to 9999" in reasons(task)[4]
    assert task.notes == {"negative zero stored as 0.0": 1}


def test_decimals_arrive_digit_by_digit(path: Path) -> None:
    long = Decimal("1234567890123456789.0123456789")
    values = [Decimal("0.01"), Decimal("-12345678901.23"), Decimal("9999999999999.99"), Decimal(17)]
    table = pa.table({"a": pa.array(values, pa.decimal128(15, 2)), "b": pa.array([long] * 4, pa.decimal128(38, 10))})
    run(writer(path, createTable="ifMissing"), table)
    found = sql(path, "SELECT a, b FROM t")
    assert [row[0] for row in found] == [float(value) for value in values]
    assert found[0][1] == str(long)
    assert sql(path, "SELECT type FROM pragma_table_info('t')") == [("DECIMAL(15,2)",), ("DECIMAL_TEXT(38,10)",)]
    sql(path, "DROP TABLE t", "CREATE TABLE t (a DECIMAL(38,10))")
    accepted = writer(path).accept(pa.schema([("a", pa.decimal128(38, 10))]))
    assert accepted == pa.schema([("a", pa.decimal128(15, 10))])


def test_native_types_are_kept_where_they_mean_the_same(path: Path) -> None:
    from starhaul import with_native_type

    fields = [
        with_native_type(pa.field("a", pa.string()), "VARCHAR(30)"),
        with_native_type(pa.field("b", pa.decimal128(38, 2)), "NUMERIC(38,2)"),
        with_native_type(pa.field("c", pa.int32()), "INT"),
        with_native_type(pa.field("d", pa.string()), "x); DROP TABLE y; --"),
        with_native_type(pa.field("e", pa.bool_()), "TINYINT(1)"),
    ]
    target = writer(path, createTable="ifMissing")
    accepted = target.accept(pa.schema(fields))
    assert accepted is not None
    target.prepare(accepted, "r1")
    target.abort("r1", [])
    types = [row[0] for row in sql(path, "SELECT type FROM pragma_table_info('t')")]
    assert types == ["VARCHAR(30)", "DECIMAL_TEXT(38,2)", "INT", "TEXT", "BOOLEAN"]


def test_pre_and_post_sql_run_once_each(path: Path) -> None:
    target = writer(
        path,
        preSql=[
            "CREATE TABLE t (id INTEGER, name TEXT); CREATE TABLE log (x TEXT)",
            "INSERT INTO log VALUES ('; pre')",
        ],
        postSql=["INSERT INTO log SELECT 'post ' || count(*) FROM @table", "VACUUM"],
    )
    schema = pa.schema([("id", pa.int64()), ("name", pa.string())])
    assert target.accept(schema) is None
    target.check(schema)
    target.prepare(schema, "r1")
    target.prepare(schema, "r1")  # the process died before it could say that it had prepared
    accepted = target.accept(schema)
    assert accepted is not None, "preSql made the table"
    assert accepted.names == ["id", "name"]
    assert sql(path, "SELECT x FROM log") == [("; pre",)]


def test_post_sql_is_not_repeated(path: Path) -> None:
    sql(path, KEYED, "CREATE TABLE log (x TEXT)")
    target = writer(
        path, preSql=["INSERT INTO log VALUES ('pre')"], postSql=["INSERT INTO log VALUES ('post')", "VACUUM"]
    )
    target.prepare(rows_of().schema, "r1")
    receipt = target.write(RecordingTask(rows_of().schema, "t0", "r1"), rows_of((1, "a")).to_batches())
    for _ in range(2):
        target.commit("r1", [receipt])
    assert sql(path, "SELECT x FROM log") == [("pre",), ("post",)]


class TestOverwrite:
    STRUCTURE = (
        'CREATE TABLE "t" (id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT COLLATE NOCASE, '
        "self INTEGER REFERENCES t(id))",
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

    def test_the_structure_stays(self, path: Path) -> None:
        sql(path, *self.STRUCTURE)
        before = sql(path, "SELECT type, name, tbl_name, lower(sql) FROM sqlite_master ORDER BY 1, 2")
        target = writer(path, writeMode="overwrite", column=["id", "name"], session=["PRAGMA foreign_keys = ON"])
        receipt, task = run(target, rows_of((1, "new"), (7, "x"), (8, "X")))
        assert sql(path, "SELECT * FROM v") == [(1, "new"), (7, "x")]
        assert reasons(task) == [f"UNIQUE constraint failed: {_staging(path)}.name"] or receipt.rows == 2
        after = sql(path, "SELECT type, name, tbl_name, lower(sql) FROM sqlite_master ORDER BY 1, 2")
        assert after == before
        assert sql(path, "SELECT * FROM child") == [(1,)]
        assert sql(path, "INSERT INTO t (name) VALUES ('y')", "SELECT x FROM log") == [(8,)]
        assert sql(path, "PRAGMA integrity_check") == [("ok",)]

    def test_an_empty_run_empties_the_table(self, path: Path) -> None:
        sql(path, KEYED, "INSERT INTO t VALUES (1, 'old')")
        target = writer(path, writeMode="overwrite")
        schema = target.accept(rows_of().schema)
        assert schema is not None
        target.prepare(schema, "r1")
        target.commit("r1", [])
        assert sql(path, "SELECT * FROM t") == []

    def test_readers_never_see_a_part(self, path: Path) -> None:
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

    def test_a_stale_staging_table_is_removed_and_its_run_cannot_be_resumed(self, path: Path) -> None:
        sql(path, KEYED)
        target = writer(path, writeMode="overwrite")
        schema = target.accept(rows_of().schema)
        assert schema is not None
        target.prepare(schema, "dead")
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


def _staging(path: Path) -> str:
    from starhaul_stores.sqlite.swap import staging_name

    return staging_name("t", "r1")


class TestTurns:
    def test_two_attempts_at_one_task_race(self, path: Path) -> None:
        """Exactly one goes through, whoever it is, and the other one is told."""
        sql(path, KEYED)
        schema = writer(path).accept(rows_of().schema)
        assert schema is not None
        writer(path).prepare(schema, "r1")
        barrier, results = threading.Barrier(2), list[object]()

        def attempt(number: int) -> None:
            barrier.wait()
            try:
                task = RecordingTask(schema, "t0", "r1", number)
                results.append(writer(path).write(task, rows_of((1, "a"), (2, "b")).to_batches()))
            except PermanentError as error:
                results.append(error)

        threads = [threading.Thread(target=attempt, args=[number]) for number in (1, 2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        receipts = [each for each in results if isinstance(each, Receipt)]
        errors = [each for each in results if isinstance(each, PermanentError)]
        assert len(receipts) == len(errors) == 1
        assert "delivered by another attempt" in str(errors[0])
        assert writer(path).delivered(RecordingTask(schema, "t0", "r1", 3)) == receipts[0]
        writer(path).commit("r1", receipts)
        assert sql(path, "SELECT id FROM t") == [(1,), (2,)]

    def test_an_attempt_that_outlives_its_run_is_fenced(self, path: Path) -> None:
        sql(path, KEYED)
        target = writer(path)
        run(target, rows_of((1, "a")))
        with pytest.raises(PermanentError, match="not open"):
            target.write(RecordingTask(rows_of().schema, "t1", "r1"), rows_of((2, "b")).to_batches())
        assert sql(path, "SELECT id FROM t") == [(1,)]

    def test_a_slow_task_of_the_same_writer_is_waited_for(self, path: Path) -> None:
        """However long it takes, and not limited by busyTimeout."""
        sql(path, KEYED)
        target = writer(path, busyTimeout=0.1)
        schema = target.accept(rows_of().schema)
        assert schema is not None
        target.prepare(schema, "r1")
        begun = threading.Event()

        def slow() -> Iterator[pa.RecordBatch]:
            yield rows_of((1, "a")).to_batches()[0]
            begun.set()
            time.sleep(0.8)
            yield rows_of((2, "b")).to_batches()[0]

        first = threading.Thread(target=lambda: target.write(RecordingTask(schema, "t0", "r1"), slow()))
        first.start()
        assert begun.wait(10)
        receipt = target.write(RecordingTask(schema, "t1", "r1"), rows_of((3, "c")).to_batches())
        first.join()
        target.commit("r1", [receipt])
        assert sql(path, "SELECT id FROM t ORDER BY id") == [(1,), (2,), (3,)]

    def test_another_programs_lock_is_transient_and_cancellable(self, path: Path) -> None:
        sql(path, KEYED)
        target = writer(path, busyTimeout=0.5)
        schema = target.accept(rows_of().schema)
        assert schema is not None
        target.prepare(schema, "r1")
        code = (
            "import sqlite3, sys; db = sqlite3.connect(sys.argv[1], isolation_level=None);"
            "db.execute('BEGIN IMMEDIATE'); print('locked', flush=True); sys.stdin.read()"
        )
        lock = subprocess.Popen([sys.executable, "-c", code, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        assert lock.stdout is not None
        assert lock.stdout.readline() == b"locked\n"
        with pytest.raises(TransientError, match=r"database is locked .*busyTimeout"):
            target.write(RecordingTask(schema, "t0", "r1"), rows_of((1, "a")).to_batches())
        stopped = RecordingTask(schema, "t0", "r1", cancelled=True)
        with pytest.raises(Cancelled):
            writer(path).write(stopped, rows_of((1, "a")).to_batches())
        lock.communicate(timeout=10)
        receipt = target.write(RecordingTask(schema, "t0", "r1"), rows_of((1, "a")).to_batches())
        target.commit("r1", [receipt])
        assert sql(path, "SELECT id FROM t") == [(1,)]


class TestConfiguration:
    SCHEMA = pa.schema([("id", pa.int64()), ("name", pa.string())])

    def refused(self, target: SqliteWriter) -> str:
        with pytest.raises(ConfigError) as caught:
            target.check(target.accept(self.SCHEMA) or self.SCHEMA)
        return str(caught.value)

    def test_missing_things_are_named(self, path: Path, tmp_path: Path) -> None:
        assert "createTable" in self.refused(writer(path))
        assert "no such directory" in self.refused(writer(tmp_path / "no" / "x.db", createTable="ifMissing"))
        sql(
            path,
            "CREATE TABLE Orders (id INTEGER, name TEXT, twice INTEGER AS (id * 2))",
            "CREATE VIEW w AS SELECT 1 AS id",
        )
        assert "did you mean 'Orders'" in self.refused(writer(path, table="ordrs"))
        assert "did you mean 'name'" in self.refused(writer(path, table="orders", column=["id", "nam"]))
        assert "generated" in self.refused(writer(path, table="orders", column=["id", "twice"]))
        assert "no primary key" in self.refused(writer(path, table="orders", writeMode="update"))
        assert "is on (id)" in self.refused(writer(path, table="orders", writeMode="update", keys=["id"]))
        assert "is a view" in self.refused(writer(path, table="w", column=["id"]))
        assert "same column" in self.refused(writer(path, table="orders", column=["id", "ID"]))

    def test_a_file_that_is_no_database(self, path: Path) -> None:
        path.write_bytes(b"hello" * 1000)
        with pytest.raises(PermanentError, match=f"{path}: file is not a database"):
            writer(path).accept(self.SCHEMA)

    @pytest.mark.parametrize(
        "wrong",
        [
            {"table": None},
            {"writeMode": "append"},
            {"preSql": ["BEGIN"]},
            {"updateColumns": ["a"]},
            {"connection": [{"path": "x", "table": ["a"]}]},
        ],
    )
    def test_wrong_parameters(self, path: Path, wrong: dict[str, Any]) -> None:
        with pytest.raises(ValueError):
            writer(path, **wrong)

    def test_datax_form(self, path: Path) -> None:
        sql(path, "CREATE TABLE t (id INTEGER PRIMARY KEY, name TEXT)")
        document = {
            "connection": [{"jdbcUrl": f"jdbc:sqlite:{path}", "table": ["`t`"]}],
            "writeMode": "REPLACE INTO",
            "column": ["`id`", "name"],
        }
        params = SqliteWriterParams.parse(json.loads(json.dumps(document)))
        assert isinstance(params, SqliteWriterParams)
        receipt, _ = run(SqliteWriter(params), rows_of((1, "a"), (1, "b")))
        assert receipt.rows == 2
        assert sql(path, "SELECT * FROM t") == [(1, "b")]

    def test_promises_depend_on_the_mode(self, path: Path) -> None:
        once = Capability.EXACTLY_ONCE
        assert writer(path).promises() == {once}
        assert writer(path, writeMode="replace").promises() == {once, Capability.IDEMPOTENT}
        assert writer(path, writeMode="overwrite").promises() == {once, Capability.ATOMIC}


def test_dates_sort_as_text(path: Path) -> None:
    micros = [0, 1, 999_999, 1_000_000, -1]
    table = pa.table(
        {"d": pa.array([date(2026, 1, n + 1) for n in range(5)]), "z": pa.array(micros, pa.timestamp("us", "UTC"))}
    )
    run(writer(path, createTable="ifMissing"), table)
    found = [row[0] for row in sql(path, "SELECT z FROM t ORDER BY z")]
    assert found[1:] == [
        "1970-01-01 00:00:00+00:00",
        "1970-01-01 00:00:00.000001+00:00",
        "1970-01-01 00:00:00.999999+00:00",
        "1970-01-01 00:00:01+00:00",
    ]
    assert sql(path, "SELECT julianday(z) IS NOT NULL FROM t LIMIT 1") == [(1,)]


def test_a_failed_run_that_is_resumed_still_runs_its_post_sql(path: Path) -> None:
    sql(path, KEYED)
    target = writer(path, postSql=["UPDATE t SET name = name || '!'"])
    schema = target.accept(rows_of().schema)
    assert schema is not None
    target.prepare(schema, "r1")
    first = target.write(RecordingTask(schema, "t0", "r1"), rows_of((1, "a")).to_batches())
    target.abort("r1", [first])
    resumed = writer(path, postSql=["UPDATE t SET name = name || '!'"])
    second = resumed.write(RecordingTask(schema, "t1", "r1", attempt=2), rows_of((2, "b")).to_batches())
    resumed.commit("r1", [first, second])
    resumed.forget("r1")
    assert sql(path, "SELECT name FROM t ORDER BY id") == [("a!",), ("b!",)]
    assert sql(path, "SELECT name FROM sqlite_master WHERE name LIKE '_starhaul%'") == []


def test_a_table_that_pre_sql_makes_is_written_in_one_run(path: Path) -> None:
    """With the table not there, and again over the one that the first run left."""
    from starhaul import run

    make = ["DROP TABLE IF EXISTS t", "CREATE TABLE t (id INTEGER, name TEXT)"]
    job = {
        "reader": {"name": "stream", "recordCount": 3, "column": [{"value": 7, "type": "long"}, {"value": "a"}]},
        "writer": {"name": "sqlite", "path": str(path), "table": "t", "preSql": make},
    }
    for _ in range(2):
        report = run(job, state=path.parent / "state")
        assert (report.state, report.written, report.error) == ("done", 3, None)
    assert sql(path, "SELECT * FROM t") == [(7, "a")] * 3
