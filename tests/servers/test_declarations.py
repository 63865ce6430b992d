"""Stores that speak MySQL's or PostgreSQL's wire and of which no server can be had: a job through each name, against
MariaDB or PostgreSQL in their place."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import starhaul
from starhaul.registry import Registry
from tests.conftest import MysqlDatabase, PostgresqlSchema

MYSQL = [("drdsreader", "drdswriter"), ("drdsreader", "adbmysqlwriter")]
POSTGRESQL = [
    ("gaussdbreader", "gaussdbwriter", "opengauss"),
    ("kingbaseesreader", "kingbaseeswriter", "kingbase8"),
    ("greenplum", "hologresjdbcwriter", "postgresql"),
    ("postgresqlreader", "greenplum", "pivotal:greenplum"),
]


def run(reader: dict[str, Any], writer: dict[str, Any], state: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STARHAUL_STATE_DIR", str(state))
    report = starhaul.run({"reader": reader, "writer": writer, "settings": {"channel": 2}})
    assert (report.state, report.written, report.rejected) == ("done", 3, 0), report.error


@pytest.mark.parametrize(("reader", "writer"), MYSQL)
def test_mysql_wire(
    mysql: MysqlDatabase, reader: str, writer: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mysql.execute(
        "CREATE TABLE s (id int PRIMARY KEY, v text)", "INSERT INTO s VALUES (1, 'a'), (2, NULL), (3, 'é😀')",
        "CREATE TABLE t LIKE s", "INSERT INTO t VALUES (3, 'old')",
    )  # fmt: skip
    url = f"jdbc:{mysql.url}".replace("root@", "")
    place = [{"jdbcUrl": url, "table": ["t"]}]
    run(
        {"name": reader, "username": "root", "password": "", "connection": [{"jdbcUrl": [url], "table": ["s"]}]},
        {"name": writer, "username": "root", "password": "", "connection": place},
        tmp_path,
        monkeypatch,
    )
    assert mysql.execute("SELECT * FROM t ORDER BY id") == [(1, "a"), (2, None), (3, "é😀")]
    assert mysql.execute("SHOW TABLES") == [("s",), ("t",)]


@pytest.mark.parametrize(("reader", "writer", "kind"), POSTGRESQL)
def test_postgresql_wire(
    postgresql: PostgresqlSchema,
    reader: str,
    writer: str,
    kind: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    postgresql.db.execute(
        "CREATE TABLE s (id int PRIMARY KEY, v text); INSERT INTO s VALUES (1, 'a'), (2, NULL), (3, 'é😀'); "
        "CREATE TABLE t (LIKE s INCLUDING ALL)"
    )
    if writer == "hologresjdbcwriter":
        postgresql.db.execute("INSERT INTO t VALUES (3, 'old')")  # which `replace`, its default, puts aside
    url = f"jdbc:{postgresql.url}".replace("postgres@", "").replace("postgresql:", f"{kind}:", 1)
    run(
        {"name": reader, "username": "postgres", "connection": [{"jdbcUrl": [url], "table": ["s"]}]},
        {"name": writer, "username": "postgres", "connection": [{"jdbcUrl": url, "table": ["t"]}]},
        tmp_path,
        monkeypatch,
    )
    assert postgresql.db.execute("SELECT * FROM t ORDER BY id").fetchall() == [(1, "a"), (2, None), (3, "é😀")]


def test_adbpg_by_host_and_schema(
    postgresql: PostgresqlSchema, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    postgresql.db.execute("CREATE TABLE s (id int PRIMARY KEY); INSERT INTO s VALUES (1), (2), (3)")
    postgresql.db.execute("CREATE TABLE t (LIKE s)")
    run(
        {"name": "postgresqlreader", "url": postgresql.url, "table": "s"},
        {"name": "adbpgwriter", "host": "127.0.0.1", "port": postgresql.server.port, "database": "postgres",
         "schema": postgresql.name, "table": "t", "username": "postgres", "column": ["*"]},
        tmp_path,
        monkeypatch,
    )  # fmt: skip
    assert postgresql.db.execute("SELECT id FROM t ORDER BY id").fetchall() == [(1,), (2,), (3,)]


@pytest.mark.parametrize("name", ["drdswriter", "adbmysqlwriter", "hologresjdbcwriter"])
def test_defaults_of_datax(name: str) -> None:
    cls = Registry().writer(name)
    params = cls.params_type.parse({"url": "jdbc:mysql://h/d", "table": "t"})
    assert params.write_mode == "replace"  # type: ignore[attr-defined]
