"""Slices of `mysqlreader` are of one moment, and what becomes of that."""

from __future__ import annotations

import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from unittest.mock import Mock

import pymysql
import pytest

from starhaul import TransientError
from starhaul.testing import RecordingTask
from starhaul_stores.mysql import slices as mysql_slices
from starhaul_stores.mysql.connection import Connection
from tests.conftest import MysqlDatabase
from tests.servers.mysql_reading import counted, reader, slices


def test_an_attempt_that_was_left_early_can_be_made_again_at_the_same_moment(mysql: MysqlDatabase) -> None:
    """The writer failed: the connection reads to the end of its slice and keeps its snapshot."""
    counted(mysql, 100_000)
    source = reader(mysql, table="t", fetchSize=100)
    with source.hold(1) as held:
        assert "of one moment" in held.describe()[1]
        splits = held.split(2)
        mysql.execute("UPDATE t SET v = 'new'", "DELETE FROM t WHERE n % 2 = 0")
        task = RecordingTask(source.schema())
        batches = held.read(splits[0], task)
        next(batches)
        batches.close()  # type: ignore[attr-defined]
        read = [row for split in splits for batch in held.read(split, task) for row in batch.to_pylist()]
    assert sorted(row["n"] for row in read) == list(range(1, 100_001))
    assert {row["v"] for row in read} == {"old"}
    assert not task.notes


def test_a_table_is_cut_anew_where_it_was_cut_before(mysql: MysqlDatabase, monkeypatch: pytest.MonkeyPatch) -> None:
    """To find the cuts is work, and a run asks twice. What came or went in between is read all the same."""
    cuts = Mock(wraps=mysql_slices._cuts)
    monkeypatch.setattr(mysql_slices, "_cuts", cuts)
    counted(mysql, 5000)
    source = reader(mysql, table="t")
    first = source.split(4)
    mysql.execute("DELETE FROM t WHERE n < 1500 OR n > 3000", "INSERT INTO t (n) VALUES (-7), (9000)")
    with source.hold(2) as held:
        splits = held.split(4)
        task = RecordingTask(source.schema())
        read = [row["n"] for split in splits for batch in held.read(split, task) for row in batch.to_pylist()]
    assert len(first) == len(splits) == 4
    assert sorted(read) == [-7, *range(1500, 3001), 9000]
    assert cuts.call_count == 1


def test_a_server_whose_version_is_a_mere_number(mysql: MysqlDatabase, monkeypatch: pytest.MonkeyPatch) -> None:
    """As that of MySQL: it is asked what it is each time, which takes a connection that is open."""
    counted(mysql, 100)
    asked = Connection.value

    def value(self: Connection, sql: str, parameters: Sequence[Any] = ()) -> Any:
        found = asked(self, sql, parameters)
        return "8.0.36" if sql == "SELECT VERSION()" else found

    monkeypatch.setattr(Connection, "value", value)
    monkeypatch.setattr(pymysql.connections.Connection, "get_server_info", lambda self: "8.0.36")
    with reader(mysql, table="t").hold(2) as held:
        assert "of one moment" in held.describe()[1]


def test_slices_are_read_on_when_their_connections_are_lost(mysql: MysqlDatabase) -> None:
    counted(mysql, 1000)
    source = reader(mysql, table="t")
    with source.hold(2) as held:
        splits = held.split(2)
        others = f"information_schema.processlist WHERE db = '{mysql.name}' AND id <> connection_id()"
        while mysql.execute(f"SELECT 1 FROM {others} AND command <> 'Sleep'"):
            time.sleep(0.01)  # the server has answered, and is not done with it yet
        for (thread,) in mysql.execute(f"SELECT id FROM {others}"):
            mysql.execute(f"KILL {thread}")
        task = RecordingTask(source.schema())
        for _ in range(2):  # what the engine does after the errors of two attempts
            with pytest.raises(TransientError):
                list(held.read(splits[0], task))
        read = [n for split in splits for batch in held.read(split, task) for n in batch.column(0).to_pylist()]
    assert sorted(read) == list(range(1, 1001))
    assert task.notes == {"slice read at a later moment than others": len(splits)}


@pytest.mark.parametrize(
    "change",
    [
        "TRUNCATE t",
        "RENAME TABLE t TO gone, other TO t",
        "DROP TABLE t",
        "ALTER TABLE t MODIFY v char(30), ALGORITHM = COPY",
    ],
)
@pytest.mark.parametrize(
    "params",
    [
        {"table": "t"},
        {"table": "w", "splitPk": "n"},
        {"querySql": ["SELECT * FROM t WHERE n <= 500", "SELECT * FROM t WHERE n > 500"]},
        {"table": "u", "where": "n IN (SELECT n FROM t)"},
    ],
)
def test_a_table_is_not_replaced_between_slices(mysql: MysqlDatabase, change: str, params: dict[str, Any]) -> None:
    """InnoDB would read another table of that name as it was at the moment, without a word. No connection has read
    anything yet, as when a run is resumed."""
    counted(mysql, 1000)
    mysql.execute("CREATE TABLE other LIKE t", "CREATE TABLE u AS SELECT * FROM t", "CREATE VIEW w AS SELECT * FROM t")
    mysql.execute("ALTER TABLE u ADD PRIMARY KEY (n)", "SET SESSION lock_wait_timeout = 1")
    source = reader(mysql, **params)
    splits = source.split(4)
    assert len(splits) > 1
    task = RecordingTask(source.schema())
    with source.hold(2) as held:
        with pytest.raises(pymysql.OperationalError, match="Lock wait timeout"):
            mysql.execute(change)
        read = [row for split in splits for batch in held.read(split, task) for row in batch.to_pylist()]
    assert sorted(row["n"] for row in read) == list(range(1, 1001))
    assert not task.notes
    mysql.execute(change)


def test_who_waits_to_alter_a_table_does_not_stop_the_run(mysql: MysqlDatabase) -> None:
    counted(mysql, 1000)
    source = reader(mysql, table="t")
    splits = source.split(4)
    task = RecordingTask(source.schema())
    with ThreadPoolExecutor() as pool, mysql.server.connect(database=mysql.name) as other:
        with source.hold(2) as held:
            altering = pool.submit(other.cursor().execute, "TRUNCATE t")
            while not mysql.execute("SELECT 1 FROM information_schema.processlist WHERE state LIKE 'Waiting for%'"):
                time.sleep(0.01)
            read = [row for split in splits for batch in held.read(split, task) for row in batch.to_pylist()]
            assert not altering.done()
        altering.result(10)
    assert len(read) == 1000
    assert not task.notes


def test_without_the_privilege_the_plan_says_that_slices_are_of_several_moments(mysql: MysqlDatabase) -> None:
    counted(mysql, 1000)
    user = f"reads_{mysql.name}"
    mysql.execute(f"CREATE USER {user}@'127.0.0.1'", f"GRANT SELECT ON {mysql.name}.* TO {user}@'127.0.0.1'")
    source = reader(mysql, table="t", username=user)
    with source.hold(2) as held:
        assert "several moments: the user may not LOCK TABLES" in held.describe()[1]
        assert sum(len(part) for part in slices(source, 4)) == 1000
        task = RecordingTask(source.schema())
        assert sum(len(batch) for split in held.split(4) for batch in held.read(split, task)) == 1000
        assert task.notes == {"slice read at a moment of its own": 4}
    mysql.execute(f"DROP USER {user}@'127.0.0.1'")


def test_a_writer_that_waits_longer_than_the_lock_does_not_stop_the_run(mysql: MysqlDatabase) -> None:
    counted(mysql, 1000)
    with mysql.server.connect(database=mysql.name) as other, other.cursor() as cursor:
        cursor.execute("START TRANSACTION")
        cursor.execute("UPDATE t SET v = 'uncommitted' WHERE n = 1")
        with reader(mysql, table="t").hold(2) as held:
            assert "no lock was to be had" in held.describe()[1]


def test_an_engine_without_snapshots_is_named(mysql: MysqlDatabase) -> None:
    counted(mysql, 1000)
    mysql.execute("ALTER TABLE t ENGINE = MyISAM")
    with reader(mysql, table="t").hold(2) as held:
        assert "The engine of t has no snapshots" in held.describe()[1]
