"""Bytes that are no UTF-8 on their way into columns of text: their rows are rejected with a reason, and all others
arrive as they were."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Callable, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.orc
import pyarrow.parquet
import pytest

from starhaul import Report, run
from starhaul.runs.rejects import read_rejects
from tests.conftest import MysqlDatabase, PostgresqlSchema

ROWS = 5000
INVALID = {
    1: b"a\xffb",
    2: b"cut \xc3",
    1999: b"\xc3 alone",
    2000: b"surrogate \xed\xa0\x80",
    3000: b"beyond U+10FFFF \xf4\x90\x80\x80",
    3001: b"overlong \xc0\xaf",
    ROWS - 1: b"\x80",
}
"""The bytes by the id of their row; in all other rows stands a text of their own."""
VALUES = [INVALID.get(number, f"é😀 {number}".encode()) for number in range(ROWS)]

Source = Callable[[pytest.FixtureRequest, Path], dict[str, Any]]


def text_file(request: pytest.FixtureRequest, folder: Path) -> dict[str, Any]:
    path = folder / "s.csv"
    path.write_bytes(b"".join(b"%d,%b\n" % row for row in enumerate(VALUES)))
    return {"name": "txtfile", "path": str(path), "fileFormat": "csv", "column": ["*"]}


def json_lines(request: pytest.FixtureRequest, folder: Path) -> dict[str, Any]:
    path = folder / "s.json"
    path.write_bytes(b"".join(b'{"id": %d, "v": "%b"}\n' % row for row in enumerate(VALUES)))
    return {"name": "txtfile", "path": str(path), "fileFormat": "json", "column": ["*"]}


def columnar(form: str) -> Source:
    def source(request: pytest.FixtureRequest, folder: Path) -> dict[str, Any]:
        path = folder / "s"
        table = pa.table({"id": range(ROWS), "v": pa.array(VALUES, pa.binary()).view(pa.string())})
        if form == "parquet":
            pa.parquet.write_table(table, path, row_group_size=1500)
        else:
            pa.orc.write_table(table, str(path))
        return {"name": "txtfile", "path": str(path), "fileFormat": form, "column": ["*"]}

    return source


def sqlite(kind: str) -> Source:
    def source(request: pytest.FixtureRequest, folder: Path) -> dict[str, Any]:
        path = folder / "s.db"
        with closing(sqlite3.connect(path)) as db, db:
            db.execute(f"CREATE TABLE s (id int, v {kind})")
            db.executemany(f"INSERT INTO s VALUES (?, CAST(? AS {kind}))", enumerate(VALUES))
        return {"name": "sqlite", "path": str(path), "table": "s"}

    return source


def mysql_bytes(request: pytest.FixtureRequest, folder: Path) -> dict[str, Any]:
    base: MysqlDatabase = request.getfixturevalue("mysql")
    base.execute("CREATE TABLE s (id int, v varbinary(99))")
    with base.db.cursor() as cursor:
        cursor.executemany("INSERT INTO s VALUES (%s, _binary %s)", list(enumerate(VALUES)))
    return {"name": "mysql", "url": base.url, "table": "s"}


def postgresql_bytes(request: pytest.FixtureRequest, folder: Path) -> dict[str, Any]:
    base: PostgresqlSchema = request.getfixturevalue("postgresql")
    base.db.execute("CREATE TABLE s (id int, v bytea)")
    with base.db.cursor() as cursor:
        cursor.executemany("INSERT INTO s VALUES (%s, %s)", list(enumerate(VALUES)))
    return {"name": "postgresql", "url": base.url, "table": "s"}


SOURCES: Mapping[str, Source] = {
    "text file": text_file, "JSON lines": json_lines, "Parquet": columnar("parquet"), "ORC": columnar("orc"),
    "SQLite's text": sqlite("text"),
    "SQLite's bytes": sqlite("blob"), "MySQL's bytes": mysql_bytes, "PostgreSQL's bytes": postgresql_bytes,
}  # fmt: skip


def moved(request: pytest.FixtureRequest, source: str, target: str, folder: Path, tolerated: int) -> Report:
    reader = SOURCES[source](request, folder)
    base = request.getfixturevalue(target)
    execute(base, "CREATE TABLE t (id int, v varchar(99))")
    job = {
        "reader": reader,
        "writer": {"name": target, "url": base.url, "table": "t"},
        "settings": {"errorLimit": {"record": tolerated}},
    }
    return run(job, state=folder / "state")


def execute(base: MysqlDatabase | PostgresqlSchema, sql: str) -> list[tuple[Any, ...]]:
    if isinstance(base, MysqlDatabase):
        return base.execute(sql)
    cursor = base.db.execute(sql.encode())
    return cursor.fetchall() if cursor.description else []


@pytest.mark.parametrize("target", ["mysql", "postgresql"])
@pytest.mark.parametrize("source", SOURCES)
def test_its_row_is_rejected(request: pytest.FixtureRequest, source: str, target: str, tmp_path: Path) -> None:
    report = moved(request, source, target, tmp_path, len(INVALID))
    assert (report.state, report.written, report.rejected) == ("done", ROWS - len(INVALID), len(INVALID)), report.error
    assert execute(request.getfixturevalue(target), "SELECT id, v FROM t ORDER BY id") == [
        (number, f"é😀 {number}") for number in range(ROWS) if number not in INVALID
    ]
    for line in read_rejects(Path(report.rejects or "")):
        assert re.search("utf-?8|not valid text|are no text", line["reason"], re.IGNORECASE), line


@pytest.mark.parametrize("target", ["mysql", "postgresql"])
@pytest.mark.parametrize("source", SOURCES)
def test_nothing_arrives_where_no_row_may_be_rejected(
    request: pytest.FixtureRequest, source: str, target: str, tmp_path: Path
) -> None:
    report = moved(request, source, target, tmp_path, 0)
    assert (report.state, report.exit_code) == ("failed", 4)
    assert execute(request.getfixturevalue(target), "SELECT * FROM t") == []
