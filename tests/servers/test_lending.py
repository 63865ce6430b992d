"""Connections that are lent from call to call: one call sees nothing of another, and a run opens few of them."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, suppress
from pathlib import Path
from typing import Any

import pytest

from starhaul import StarhaulError, run
from starhaul.api.lending import lending
from starhaul_stores.mysql import connection as mysql_store
from starhaul_stores.postgresql import connection as postgresql_store
from starhaul_stores.relational.url import parse_url
from tests.conftest import MysqlDatabase, PostgresqlSchema


@pytest.fixture
def plan() -> Iterator[None]:
    with lending():
        yield


@pytest.fixture(params=["mysql", "oceanbase"])
def database(request: pytest.FixtureRequest) -> MysqlDatabase:
    found: MysqlDatabase = request.getfixturevalue(request.param)
    return found


in_a_plan = pytest.mark.usefixtures("plan")


def postgresql_call(
    place: PostgresqlSchema, *session: str, utc: bool = True
) -> AbstractContextManager[postgresql_store.Connection]:
    return postgresql_store.connect(parse_url(place.url), session, 10, utc=utc)


def mysql_call(place: MysqlDatabase, *session: str, url: str = "") -> AbstractContextManager[mysql_store.Connection]:
    return mysql_store.connect([parse_url(url or place.url)], session, 10)


@in_a_plan
def test_postgresql_forgets_what_a_call_did_to_the_session(postgresql: PostgresqlSchema) -> None:
    asked = (
        "SELECT current_user, current_setting('TimeZone'), current_setting('work_mem'), current_setting('search_path'),"
        " current_setting('standard_conforming_strings'), current_setting('client_encoding'), to_regclass('here'),"
        " (SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid()), pg_backend_pid()"
    )
    with postgresql_call(postgresql) as db:
        before = db.execute(asked)
        db.execute(
            "CREATE ROLE lent; SET ROLE lent; SET TimeZone = 'Asia/Tokyo'; SET work_mem = '1MB'; RESET ROLE;"
            "SET search_path = pg_catalog; CREATE TEMP TABLE here (n int); SET standard_conforming_strings = off;"
            "SET SESSION AUTHORIZATION lent; SELECT pg_advisory_lock(7)"
        )
    with postgresql_call(postgresql) as db:
        assert db.execute(asked) == before  # on the same connection
        db.execute("DROP ROLE lent")


@in_a_plan
def test_postgresql_runs_the_session_for_each_call(postgresql: PostgresqlSchema) -> None:
    with postgresql_call(postgresql, "SET work_mem = '1MB'") as db:
        process = db.value("SELECT pg_backend_pid()")
    with postgresql_call(postgresql, "SET TimeZone = 'Asia/Tokyo'", utc=False) as db:
        shown = db.execute("SELECT pg_backend_pid(), current_setting('TimeZone'), current_setting('work_mem')")
    assert shown == [(process, "Asia/Tokyo", "4MB")]


@in_a_plan
@pytest.mark.parametrize("leave", ["BEGIN", "BEGIN; SELECT 1/0"])
def test_postgresql_closes_a_connection_in_a_transaction(postgresql: PostgresqlSchema, leave: str) -> None:
    with postgresql_call(postgresql) as db:
        process = db.value("SELECT pg_backend_pid()")
        with suppress(StarhaulError):
            db.execute(leave)
    with postgresql_call(postgresql) as db:
        assert db.value("SELECT pg_backend_pid()") != process


@in_a_plan
def test_postgresql_replaces_a_connection_that_was_lost(postgresql: PostgresqlSchema) -> None:
    with postgresql_call(postgresql) as db:
        process = db.value("SELECT pg_backend_pid()")
    postgresql.db.execute(f"SELECT pg_terminate_backend({process})".encode())
    time.sleep(0.1)
    with postgresql_call(postgresql) as db:
        assert db.value("SELECT pg_backend_pid()") != process


@in_a_plan
def test_mysql_forgets_what_a_call_did_to_the_session(database: MysqlDatabase) -> None:
    asked = (
        "SELECT CONNECTION_ID(), DATABASE(), @mine, @@autocommit, @@sql_mode, @@time_zone, @@character_set_client, "
        "@@character_set_results, @@net_read_timeout, @@tx_isolation"
    )
    with mysql_call(database) as db:
        before = db.execute(asked)
        for statement in (
            "SET NAMES binary", "SET @mine = 1", "SET autocommit = 0", "SET sql_mode = 'ANSI'",
            "SET time_zone = '+05:00'", "SET SESSION TRANSACTION ISOLATION LEVEL SERIALIZABLE",
            "CREATE TABLE kept (n int)",
        ):  # fmt: skip
            db.execute(statement)
        if db.product != "OceanBase":
            for statement in ("CREATE TEMPORARY TABLE here (n int)", "SELECT GET_LOCK('mine', 1)"):
                db.execute(statement)
        db.execute("INSERT INTO kept VALUES (1)")  # in a transaction that nobody ends
    with mysql_call(database) as db:
        after = db.execute(asked)
        if after[0][0] != before[0][0]:
            assert db.product == "OceanBase"  # which may not know how to reset a connection
        assert after[0][1:] == before[0][1:]
        assert db.value("SELECT count(*) FROM kept") == 0
        if db.product != "OceanBase":
            assert db.value("SELECT IS_FREE_LOCK('mine')") == 1
            with pytest.raises(StarhaulError, match="here"):
                db.execute("SELECT * FROM here")


@in_a_plan
def test_mysql_runs_the_session_for_each_call(mysql: MysqlDatabase) -> None:
    with mysql_call(mysql, "SET sql_mode = 'ANSI_QUOTES'") as db:
        number = db.value("SELECT CONNECTION_ID()")
    with mysql_call(mysql, "SET @mine = 5") as db:
        assert db.execute("SELECT CONNECTION_ID(), @mine, @@sql_mode = @@GLOBAL.sql_mode") == [(number, 5, 1)]


@in_a_plan
def test_mysql_lends_no_connection_that_a_reset_does_not_clear(mysql: MysqlDatabase) -> None:
    def number(url: str = "", *script: str) -> Any:
        with mysql_call(mysql, url=url) as db:
            db.run(script)
            return db.value("SELECT CONNECTION_ID()")

    assert number("", f"USE {mysql.name}") != number()
    anywhere = mysql.url.removesuffix(f"/{mysql.name}")
    assert number(anywhere) != number(anywhere)
    assert number() == number()


@in_a_plan
def test_mysql_lends_no_connection_that_the_server_made_ready(mysql: MysqlDatabase) -> None:
    mysql.execute("SET GLOBAL init_connect = 'SET @theirs = 1'")
    try:
        numbers = set()
        for _ in range(2):
            with mysql_call(mysql) as db:
                numbers.add(db.value("SELECT CONNECTION_ID()"))
        assert len(numbers) == 2
    finally:
        mysql.execute("SET GLOBAL init_connect = ''")


@in_a_plan
def test_mysql_replaces_a_connection_that_was_lost(mysql: MysqlDatabase) -> None:
    with mysql_call(mysql) as db:
        number = db.value("SELECT CONNECTION_ID()")
    mysql.execute(f"KILL {number}")
    with mysql_call(mysql) as db:
        assert db.value("SELECT CONNECTION_ID()") != number


def test_a_run_of_many_tables_opens_few_connections_and_leaves_none(
    mysql: MysqlDatabase, postgresql: PostgresqlSchema, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tables = [f"lent_{number}" for number in range(12)]
    for table in tables:
        mysql.execute(f"CREATE TABLE {table} (n int PRIMARY KEY)", f"INSERT INTO {table} VALUES (1), (2)")
        postgresql.db.execute(f"CREATE TABLE {table} (n int PRIMARY KEY)".encode())

    def opened() -> int:
        return int(str(mysql.execute("SHOW GLOBAL STATUS LIKE 'Connections'")[0][1]))

    def ours() -> int:
        found = postgresql.db.execute("SELECT count(*) FROM pg_stat_activity WHERE application_name = 'starhaul'")
        return int(str((found.fetchone() or (0,))[0]))

    used: list[object] = []
    connect = postgresql_store._open

    def counted(*arguments: Any) -> Any:
        used.append(connect(*arguments))
        return used[-1]

    monkeypatch.setattr(postgresql_store, "_open", counted)
    before = opened()
    streams = [
        {
            "name": table,
            "reader": {"name": "mysql", "url": mysql.url, "table": table},
            "writer": {"name": "postgresql", "url": postgresql.url, "table": table},
        }
        for table in tables
    ]
    report = run({"streams": streams, "settings": {"channel": 2}}, state=tmp_path / "state")
    assert report.state == "done", report.error
    assert all(postgresql.db.execute(f"TABLE {table}".encode()).fetchall() == [(1,), (2,)] for table in tables)
    assert opened() - before <= 6
    assert len(used) <= 6
    for _ in range(50):  # a server needs a moment to see that one has gone
        if ours() == 0:
            return
        time.sleep(0.1)
    pytest.fail(f"{ours()} connections are left")
