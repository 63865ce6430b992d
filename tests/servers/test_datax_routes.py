"""Jobs as DataX users have them, through the command `datax`, between real servers: what arrives is compared."""

from __future__ import annotations

import datetime as dt
import json
import re
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from starhaul.cli.datax import datax
from tests.conftest import MysqlDatabase, PostgresqlSchema

Datax = Callable[..., str]

ROWS = [
    (
        number,
        None if number % 7 == 0 else f'名{number}, "quoted"\t{"x" * (number % 5)}',
        Decimal(number) / 4,
        dt.datetime(2024, 2, 29, 23, 59, 59, 123456) + dt.timedelta(days=number),
        None if number % 3 == 0 else dt.date(1970, 1, 1) + dt.timedelta(days=number),
        number % 2,
    )
    for number in range(-500, 1500)
]
MYSQL = (
    "(id bigint {key}, name varchar(60), amount decimal(20,2), at datetime(6), day date, flag tinyint) "
    "CHARACTER SET utf8mb4"
)
POSTGRESQL = "(id bigint {key}, name text, amount numeric(20,2), at timestamp(6), day date, flag smallint)"
COLUMNS = ["id", "name", "amount", "at", "day", "flag"]


@pytest.fixture
def run(tmp_path: Path) -> Datax:
    """Writes a job to a file, runs it, and gives what the command prints."""

    def run(job: dict[str, Any] | str, *options: str, code: int = 0) -> str:
        path = tmp_path / "job.json"
        path.write_text(job if isinstance(job, str) else json.dumps(job, ensure_ascii=False), encoding="utf-8")
        arguments = [str(path), "--state", str(tmp_path / "state"), *options]
        done = CliRunner().invoke(datax, arguments, standalone_mode=False)
        assert done.return_value == code, done.output
        return done.stdout

    return run


def job(
    reader: dict[str, Any], writer: dict[str, Any], *transformers: dict[str, Any], **setting: Any
) -> dict[str, Any]:
    content: dict[str, Any] = {"reader": reader, "writer": writer}
    if transformers:
        content["transformer"] = list(transformers)
    setting = {"speed": {"channel": "3"}, "errorLimit": {"record": 0, "percentage": 0.02}} | setting
    return {"job": {"setting": setting, "content": [content]}}


def jdbc(mysql: MysqlDatabase) -> str:
    options = "useUnicode=true&characterEncoding=utf8&useSSL=false"
    return f"jdbc:mysql://127.0.0.1:{mysql.server.port}/{mysql.name}?{options}"


def from_mysql(mysql: MysqlDatabase, **more: Any) -> dict[str, Any]:
    connection = [{"jdbcUrl": [jdbc(mysql)], "table": ["t"]}]
    parameter = {"username": "root", "password": "", "column": COLUMNS, "connection": connection, **more}
    return {"name": "mysqlreader", "parameter": parameter}


def to_mysql(mysql: MysqlDatabase, **more: Any) -> dict[str, Any]:
    connection = [{"jdbcUrl": jdbc(mysql), "table": ["t"]}]
    parameter = {"username": "root", "password": "", "column": COLUMNS, "connection": connection, **more}
    return {"name": "mysqlwriter", "parameter": parameter}


def postgresql_connection(schema: PostgresqlSchema, *tables: str, listed: bool) -> dict[str, Any]:
    url = f"jdbc:{schema.url}"
    return {"jdbcUrl": [url] if listed else url, "table": list(tables)}


@pytest.fixture
def filled(mysql: MysqlDatabase) -> MysqlDatabase:
    mysql.execute(f"CREATE TABLE t {MYSQL.format(key='PRIMARY KEY')}")
    with mysql.db.cursor() as cursor:
        cursor.executemany("INSERT INTO t VALUES (%s, %s, %s, %s, %s, %s)", ROWS)
    return mysql


def figures(output: str) -> tuple[int, int]:
    """Rows read and failed, as wrapper scripts take them out of the closing block."""
    read, failed = (re.search(rf"{label} +: +(\d+)\n", output) for label in ("读出记录总数", "读写失败总数"))
    assert read is not None
    assert failed is not None
    return int(read[1]), int(failed[1])


def test_mysql_to_postgresql(filled: MysqlDatabase, postgresql: PostgresqlSchema, run: Datax) -> None:
    postgresql.db.execute(f"CREATE TABLE t {POSTGRESQL.format(key='PRIMARY KEY')}".encode())
    postgresql.db.execute("INSERT INTO t (id) VALUES (99999)")
    postgresql.db.execute("CREATE TABLE done (n bigint)")
    writer = {
        "name": "postgresqlwriter",
        "parameter": {
            "username": "postgres", "password": "", "column": COLUMNS, "preSql": ["delete from @table"],
            "postSql": ["insert into done select count(*) from @table"],
            "connection": [postgresql_connection(postgresql, "t", listed=False)],
        },
    }  # fmt: skip
    output = run(job(from_mysql(filled, splitPk="id", where="id >= ${from};"), writer), "-p", "-Dfrom=-100")
    expected = [row for row in ROWS if row[0] >= -100]
    assert postgresql.db.execute("SELECT * FROM t ORDER BY id").fetchall() == expected
    assert postgresql.db.execute("SELECT n FROM done").fetchall() == [(1600,)]
    assert figures(output) == (1600, 0)


def test_rows_whose_split_key_is_null(mysql: MysqlDatabase, postgresql: PostgresqlSchema, run: Datax) -> None:
    mysql.execute("CREATE TABLE t (k int, v varchar(9), KEY (k))")
    with mysql.db.cursor() as cursor:
        cursor.executemany("INSERT INTO t VALUES (%s, %s)", [(n if n % 10 else None, str(n)) for n in range(300)])
    postgresql.db.execute("CREATE TABLE t (k int, v text, c text, d int)")
    writer = {
        "name": "postgresqlwriter",
        "parameter": {
            "username": "postgres", "password": "", "column": ["*"],
            "connection": [postgresql_connection(postgresql, "t", listed=False)],
        },
    }  # fmt: skip
    reader = from_mysql(mysql, splitPk="`k`", column=["k", "concat(v, '!')", "'constant'", "7"])
    assert figures(run(job(reader, writer))) == (300, 0)
    expected = [(n if n % 10 else None, f"{n}!", "constant", 7) for n in range(300)]
    found = postgresql.db.execute("SELECT * FROM t").fetchall()
    assert sorted(found, key=str) == sorted(expected, key=str)


@pytest.mark.parametrize("mode", ["replace", "INSERT INTO", "insert ignore", "update"])
def test_postgresql_to_mysql(mysql: MysqlDatabase, postgresql: PostgresqlSchema, run: Datax, mode: str) -> None:
    """Three tables, by their numbers, into one."""
    for number in range(3):
        name = f"part_{number:02}"
        postgresql.db.execute(f"CREATE TABLE {name} {POSTGRESQL.format(key='')}".encode())
        with postgresql.db.cursor() as cursor, cursor.copy(f"COPY {name} FROM STDIN".encode()) as copy:
            for row in ROWS[number::3]:
                copy.write_row(row)
    mysql.execute(f"CREATE TABLE t {MYSQL.format(key='PRIMARY KEY')}")
    reader = {
        "name": "PostgreSQLReader",
        "parameter": {
            "username": "postgres", "password": "", "column": ["*"],
            "connection": [postgresql_connection(postgresql, "part_[00-01], part_02", listed=True)],
        },
    }  # fmt: skip
    output = run(job(reader, to_mysql(mysql, writeMode=mode, preSql=["truncate table t"], session=["set @x = 1"])))
    assert mysql.execute("SELECT * FROM t ORDER BY id") == ROWS
    assert figures(output) == (2000, 0)


def test_tables_to_as_many_tables(mysql: MysqlDatabase, postgresql: PostgresqlSchema, run: Datax) -> None:
    for number in range(3):
        mysql.execute(f"CREATE TABLE s_{number} (id int)", f"INSERT INTO s_{number} VALUES ({number}), ({number + 10})")
        postgresql.db.execute(f"CREATE TABLE d_{number:02} (id int); INSERT INTO d_{number:02} VALUES (-1)".encode())
    reader = from_mysql(mysql, column=["id"])
    reader["parameter"]["connection"][0]["table"] = ["s_[0-1]", "s_2"]
    writer = {
        "name": "postgresqlwriter",
        "parameter": {
            "username": "postgres", "password": "", "column": ["id"], "preSql": ["delete from @table"],
            "connection": [postgresql_connection(postgresql, "d_[00-02]", listed=False)],
        },
    }  # fmt: skip
    assert figures(run(job(reader, writer))) == (6, 0)
    for number in range(3):
        found = postgresql.db.execute(f"SELECT id FROM d_{number:02} ORDER BY id".encode()).fetchall()
        assert found == [(number,), (number + 10,)]


def test_mysql_to_text_files(filled: MysqlDatabase, run: Datax, tmp_path: Path) -> None:
    target = tmp_path / "out"
    writer = {
        "name": "txtfilewriter",
        "parameter": {
            "path": str(target), "fileName": "rows", "writeMode": "truncate", "fileFormat": "csv",
            "nullFormat": "\\N", "fieldDelimiter": ",", "encoding": "UTF-8", "dateFormat": "yyyy/MM/dd HH:mm:ss",
            "header": COLUMNS,
        },
    }  # fmt: skip
    target.mkdir()
    (target / "rows_of_yesterday").touch()
    run(job(from_mysql(filled, splitPk="id"), writer, conversion="datax"))
    files = sorted(target.iterdir())
    assert all(re.fullmatch(r"rows__[0-9a-zA-Z_]+", each.name) for each in files)
    lines = [line for each in files for line in each.read_text(encoding="utf-8").splitlines()]
    assert lines.count(",".join(COLUMNS)) == len(files)

    def csv(row: tuple[Any, ...]) -> str:
        name = "\\N" if row[1] is None else '"' + row[1].replace('"', '""') + '"'
        at, day = (value and f"{value:%Y/%m/%d %H:%M:%S}" for value in row[3:5])
        return f"{row[0]},{name},{row[2]:.2f},{at},{day or chr(92) + 'N'},{row[5]}"

    assert sorted(line for line in lines if not line.startswith("id,")) == sorted(map(csv, ROWS))


def text_job(mysql: MysqlDatabase, folder: Path, **setting: Any) -> dict[str, Any]:
    column: list[dict[str, Any]] = [
        {"index": 0, "type": "long"}, {"index": 1, "type": "string"}, {"index": 2, "type": "string"},
        {"index": 3, "type": "date", "format": "yyyy-MM-dd HH:mm:ss"}, {"type": "string", "value": "2024-02-29"},
        {"index": 4, "type": "string"},
    ]  # fmt: skip
    parameter = {"path": [str(folder / "*.txt")], "encoding": "UTF-8", "column": column, "fieldDelimiter": "|"}
    parameter["nullFormat"] = "\\N"
    return job({"name": "txtfilereader", "parameter": parameter}, to_mysql(mysql), **setting)


def text_files(folder: Path) -> None:
    (folder / "a.txt").write_text("1|一|2.50|2024-02-29 23:59:59|1\n2|||2024-01-01 00:00:00|\n", encoding="utf-8")
    (folder / "b.txt").write_text("3|\\N|7|\\N|12.9\n", encoding="utf-8")


LEAP = dt.date(2024, 2, 29)


def test_text_files_to_mysql(mysql: MysqlDatabase, run: Datax, tmp_path: Path) -> None:
    """As DataX does it: an empty text is NULL in a column of numbers, 12.9 is cut to 12."""
    mysql.execute(f"CREATE TABLE t {MYSQL.format(key='PRIMARY KEY')}")
    text_files(tmp_path)
    output = run(text_job(mysql, tmp_path, conversion="datax"))
    assert mysql.execute("SELECT * FROM t ORDER BY id") == [
        (1, "一", Decimal("2.50"), dt.datetime(2024, 2, 29, 23, 59, 59), LEAP, 1),
        (2, "", None, dt.datetime(2024, 1, 1), LEAP, None),
        (3, None, Decimal("7.00"), None, LEAP, 12),
    ]
    assert figures(output) == (3, 0)


def test_text_files_to_mysql_exactly(mysql: MysqlDatabase, run: Datax, tmp_path: Path) -> None:
    """What DataX would alter is rejected; `emptyAsNull` may be asked for by itself."""
    mysql.execute(f"CREATE TABLE t {MYSQL.format(key='PRIMARY KEY')}")
    text_files(tmp_path)
    exact = text_job(mysql, tmp_path, errorLimit={"record": 5})
    output = run(exact)
    assert [row[0] for row in mysql.execute("SELECT id FROM t")] == [1]
    assert figures(output) == (3, 2)
    assert output.count("StdoutPluginCollector - 脏数据: ") == 2
    exact["job"]["content"][0]["writer"]["parameter"] |= {"emptyAsNull": True, "preSql": "delete from t"}
    assert figures(run(exact)) == (3, 1)
    assert [row[0] for row in mysql.execute("SELECT id FROM t ORDER BY id")] == [1, 2]


def test_too_many_dirty_rows(mysql: MysqlDatabase, run: Datax, tmp_path: Path) -> None:
    mysql.execute(f"CREATE TABLE t {MYSQL.format(key='PRIMARY KEY')}")
    text_files(tmp_path)
    output = run(text_job(mysql, tmp_path, errorLimit={"record": "1"}), code=1)
    assert "经DataX智能分析" in output
    assert "任务启动时刻" not in output


def test_streams(run: Datax) -> None:
    reader = {
        "name": "streamreader",
        "parameter": {
            "sliceRecordCount": 10,
            "column": [{"type": "long", "random": "1,9"}, {"type": "string", "value": "DataX"}],
        },
    }
    output = run(job(reader, {"name": "streamwriter", "parameter": {"encoding": "UTF-8", "print": True}}))
    assert len(re.findall(r"^[1-9]\tDataX$", output, re.MULTILINE)) == 30, "ten rows for each channel, as in DataX"
    assert figures(output) == (30, 0)
