"""Names, defaults and comments of a source that would be SQL where they are not quoted: they arrive as what they are.
The index is called like its table, which MySQL allows and others do not."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner, Result

from starhaul.cli.group import starhaul

if TYPE_CHECKING:
    from tests.conftest import MysqlDatabase, PostgresqlSchema

TABLE = "o'); DROP TABLE victim; -- \"`%s \\ ../$1"
COLUMN = "c\"` INT); DROP TABLE victim; -- '%s ?:a"
VALUE = "v'); DROP TABLE victim; -- \"\\"
COMMENT = "'; DROP TABLE victim; -- $$ \\"
ROWS = [(1, VALUE), (2, None), (3, "\\'")]

Run = Callable[..., Result]


def _mysql_name(name: str) -> str:
    return "`" + name.replace("`", "``") + "`"


def _sql_name(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _text(value: str) -> str:
    return "'" + value.replace("\\", "\\\\").replace("'", "''") + "'"


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """Runs a job, which must succeed."""

    def call(reader: Mapping[str, Any], writer: Mapping[str, Any]) -> Result:
        path = tmp_path / "job.json"
        path.write_text(json.dumps({"reader": reader, "writer": writer, "settings": {"channel": 2}}))
        done = CliRunner().invoke(starhaul, ["run", str(path), "--state", str(tmp_path / "state")])
        assert done.exit_code == 0, done.output
        return done

    return call


@pytest.fixture
def source(mysql: MysqlDatabase) -> MysqlDatabase:
    """The table in MySQL, and a victim beside it."""
    mysql.execute(
        f"CREATE TABLE {_mysql_name(TABLE)} (id int PRIMARY KEY, {_mysql_name(COLUMN)} varchar(200) "
        f"DEFAULT {_text(VALUE)} COMMENT {_text(COMMENT)}, KEY {_mysql_name(TABLE)} ({_mysql_name(COLUMN)})) "
        f"COMMENT {_text(COMMENT)}",
        "CREATE TABLE victim (id int)",
    )
    with mysql.db.cursor() as cursor:
        cursor.executemany(f"INSERT INTO {_mysql_name(TABLE)} VALUES (%s, %s)".replace("%s \\", "%%s \\"), ROWS)
    return mysql


MODES = ("insert", "overwrite", "update")


def test_between_mysql_and_postgresql(source: MysqlDatabase, postgresql: PostgresqlSchema, run: Run) -> None:
    postgresql.db.execute("CREATE TABLE victim (id int)")
    here = {"name": "mysqlreader", "url": source.url, "table": _mysql_name(TABLE), "splitPk": _mysql_name(COLUMN)}
    there = {"url": postgresql.url, "table": _sql_name(TABLE)}
    created = {"createTable": "ifMissing", "keys": ["id"]}
    for mode in MODES:
        run(here, {"name": "postgresqlwriter", **there, **created, "writeMode": mode})
        found = postgresql.db.execute(f"SELECT id, {_sql_name(COLUMN)} FROM {_sql_name(TABLE)} ORDER BY 1".encode())
        assert found.fetchall() == ROWS
    made = postgresql.db.execute(
        f"INSERT INTO {_sql_name(TABLE)} (id) VALUES (9) "
        f"RETURNING {_sql_name(COLUMN)}, col_description(tableoid, 2)".encode()
    )
    assert made.fetchall() == [(VALUE, COMMENT)]
    postgresql.db.execute(f"DELETE FROM {_sql_name(TABLE)} WHERE id = 9".encode())

    back = {"url": source.url, "table": _mysql_name("b" + TABLE)}
    for mode in MODES:
        run({"name": "postgresqlreader", **there}, {"name": "mysqlwriter", **back, **created, "writeMode": mode})
        query = f"SELECT * FROM {_mysql_name('b' + TABLE)} ORDER BY 1"
        assert list(source.execute(query)) == ROWS
    assert postgresql.db.execute("SELECT count(*) FROM victim").fetchall() == [(0,)]
    assert list(source.execute("SELECT count(*) FROM victim")) == [(0,)]


@pytest.mark.parametrize("writer", ["sqlitewriter", "rdbmswriter"])
def test_into_sqlite(source: MysqlDatabase, tmp_path: Path, run: Run, writer: str) -> None:
    import sqlite3
    from contextlib import closing

    path = tmp_path / "t.db"
    with closing(sqlite3.connect(path)) as db:
        db.execute("CREATE TABLE victim (id int)")
        if writer == "rdbmswriter":
            db.execute(f"CREATE TABLE {_sql_name(TABLE)} (id int PRIMARY KEY, {_sql_name(COLUMN)} text)")
            db.commit()
    place = {"url": f"sqlite:///{path}"} if writer == "rdbmswriter" else {"path": str(path), "createTable": "ifMissing"}
    here = {"name": "mysqlreader", "url": source.url, "table": _mysql_name(TABLE)}
    for mode in ("insert", "update") if writer == "rdbmswriter" else MODES:
        run(here, {"name": writer, **place, "table": _sql_name(TABLE), "keys": ["id"], "writeMode": mode})
        with closing(sqlite3.connect(path)) as db:
            assert db.execute(f"SELECT * FROM {_sql_name(TABLE)} ORDER BY 1").fetchall() == ROWS
            assert db.execute("SELECT count(*) FROM victim").fetchall() == [(0,)]


def test_into_files(source: MysqlDatabase, tmp_path: Path, run: Run) -> None:
    """A partition's folder named by a value stays within the writer's folder."""
    source.execute("CREATE TABLE p (id int, d varchar(60))")
    values = ["../../up", "/etc/passwd", "a/../../b", "x\ny", "..", "%2e%2e%2f", "q'\""]
    with source.db.cursor() as cursor:
        cursor.executemany("INSERT INTO p VALUES (%s, %s)", list(enumerate(values)))
    folder = tmp_path / "out" / "deep"
    run(
        {"name": "mysqlreader", "url": source.url, "table": "p"},
        {"name": "txtfilewriter", "path": str(folder), "fileName": "t", "writeMode": "truncate", "fileFormat": "csv",
         "partitionColumns": ["d"]},
    )  # fmt: skip
    assert [path for path in tmp_path.rglob("t__*") if folder not in path.parents] == []
    assert all(path.parent.parent == folder for path in folder.rglob("*") if path.is_file())
    assert len([path for path in folder.iterdir() if path.is_dir()]) == len(values)
