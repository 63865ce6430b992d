"""When `preSql` and `postSql` run, and that they run once."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa

from starhaul import run
from starhaul.testing import RecordingTask
from tests.unit.writers.sqlite.conftest import KEYED, prepared, rows_of, sql, writer


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


def test_a_failed_run_that_is_resumed_still_runs_its_post_sql(path: Path) -> None:
    sql(path, KEYED)
    target = writer(path, postSql=["UPDATE t SET name = name || '!'"])
    schema = prepared(target)
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
    make = ["DROP TABLE IF EXISTS t", "CREATE TABLE t (id INTEGER, name TEXT)"]
    job = {
        "reader": {"name": "stream", "recordCount": 3, "column": [{"value": 7, "type": "long"}, {"value": "a"}]},
        "writer": {"name": "sqlite", "path": str(path), "table": "t", "preSql": make},
    }
    for _ in range(2):
        report = run(job, state=path.parent / "state")
        assert (report.state, report.written, report.error) == ("done", 3, None)
    assert sql(path, "SELECT * FROM t") == [(7, "a")] * 3
