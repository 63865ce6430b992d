"""What the real mysqldump and pg_dump write is read, value by value."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from starhaul import ConfigError
from starhaul.testing import RecordingTask
from tests import txtfile
from tests.conftest import MysqlDatabase, PostgresqlSchema

TEXTS: list[str | None] = ["plain", "it's", 'a "b"', "back\\slash", "line\nbreak\r\n", "tab\t", "", None, "ü😀"]
TEXTS += ["');--", "\\N", "%", "$$;", "`"]


def read(path: Path, **parameters: Any) -> list[tuple[Any, ...]]:
    rows, reasons = txtfile.read(txtfile.reader(path, fileFormat="sql", **parameters))
    assert reasons == []
    return [tuple(row.values()) for row in rows.to_pylist()]


COLUMNS: list[dict[str, Any]] = [
    {"name": "id", "type": "long"}, {"name": "text"}, {"name": "raw", "type": "binary"}, {"name": "odd name"},
]  # fmt: skip
RAW = [None if text is None else text.encode() + b"\x00\xff'\\" for text in TEXTS]
ROWS = [(number, text, raw, "x") for number, (text, raw) in enumerate(zip(TEXTS, RAW, strict=True))]


@pytest.mark.parametrize(
    "options",
    [[], ["--hex-blob"], ["--complete-insert", "--skip-extended-insert"], ["--no-create-info", "--complete-insert"]],
)
def test_mysqldump(mysql: MysqlDatabase, tmp_path: Path, options: list[str]) -> None:
    program = shutil.which("mariadb-dump") or shutil.which("mysqldump")
    assert program
    mysql.execute("CREATE TABLE t (id INT PRIMARY KEY, text LONGTEXT, raw BLOB, `odd name` CHAR(3), KEY k (text(5)))")
    with mysql.db.cursor() as cursor:
        cursor.executemany("INSERT INTO t VALUES (%s, %s, %s, %s)", ROWS)
    mysql.execute("CREATE TABLE u (a INT)", "INSERT INTO u VALUES (1)")
    target = ["--host=127.0.0.1", f"--port={mysql.server.port}", "--user=root", mysql.name]
    with (tmp_path / "dump.sql").open("wb") as file:
        subprocess.run([program, "--no-defaults", *options, *target], check=True, stdout=file)
    # As mysqldump has it, bytes that are no text make the whole file no text, unless they are in hexadecimal.
    columns = COLUMNS if "--hex-blob" in options else [column for column in COLUMNS if column["name"] != "raw"]
    expected = ROWS if "--hex-blob" in options else [(row[0], row[1], row[3]) for row in ROWS]
    assert read(tmp_path, table="t", column=columns) == expected


@pytest.mark.parametrize("options", [[], ["--inserts"], ["--column-inserts"], ["--inserts", "--rows-per-insert=3"]])
def test_pg_dump(postgresql: PostgresqlSchema, tmp_path: Path, options: list[str]) -> None:
    postgresql.db.execute('CREATE TABLE t (id int PRIMARY KEY, text text, raw bytea, "odd name" char(1))')
    postgresql.db.execute("CREATE FUNCTION f() RETURNS text LANGUAGE sql AS $$ SELECT ';'::text $$")
    with postgresql.db.cursor() as cursor:
        cursor.executemany("INSERT INTO t VALUES (%s, %s, %s, %s)", ROWS)
    postgresql.db.execute("CREATE TABLE u AS SELECT 1 AS a")
    postgresql.db.commit()
    program = shutil.which("pg_dump")
    assert program
    command = [program, *options, "--schema", postgresql.name, "--dbname", postgresql.server.url]
    dump = subprocess.run(command, check=True, capture_output=True).stdout
    (tmp_path / "dump.sql").write_bytes(dump)
    assert read(tmp_path, table=f"{postgresql.name}.u") == [("1",)]
    rows = read(tmp_path, table="t", column=[*COLUMNS[:2], {"name": "raw"}, COLUMNS[3]])
    assert rows == [(*row[:2], None if row[2] is None else f"\\x{row[2].hex()}", row[3]) for row in ROWS]
    assert read(tmp_path, table="t", column=COLUMNS) == ROWS


@pytest.mark.parametrize("options", [[], ["--inserts"]])
@pytest.mark.parametrize("setting", ["bytea_output=escape", "standard_conforming_strings=off"])
def test_pg_dump_of_other_settings(
    postgresql: PostgresqlSchema, tmp_path: Path, options: list[str], setting: str
) -> None:
    postgresql.db.execute("CREATE TABLE t (id int, text text, raw bytea, made int GENERATED ALWAYS AS (id) STORED)")
    with postgresql.db.cursor() as cursor:
        cursor.executemany("INSERT INTO t VALUES (%s, %s, %s)", [row[:3] for row in ROWS])
    postgresql.db.commit()
    command = ["pg_dump", *options, "--schema", postgresql.name, "--dbname", postgresql.server.url]
    environment = {**os.environ, "PGOPTIONS": f"-c {setting}"}
    dump = subprocess.run(command, check=True, capture_output=True, env=environment).stdout
    (tmp_path / "dump.sql").write_bytes(dump)
    assert read(tmp_path, column=COLUMNS[:3]) == [row[:3] for row in ROWS]


@pytest.mark.parametrize("options", [[], ["--inserts"]])
def test_pg_dump_of_bits_and_columns_called_by_words_of_mysql(
    postgresql: PostgresqlSchema, tmp_path: Path, options: list[str]
) -> None:
    postgresql.db.execute("CREATE TABLE t (key int, index bit(4), exclude varbit, comment text, period int)")
    postgresql.db.execute("INSERT INTO t VALUES (1, B'0101', B'', 'x', 2)")
    postgresql.db.commit()
    command = ["pg_dump", *options, "--schema", postgresql.name, "--dbname", postgresql.server.url]
    (tmp_path / "dump.sql").write_bytes(subprocess.run(command, check=True, capture_output=True).stdout)
    names = ["period", "key", "index", "exclude", "comment"]
    assert read(tmp_path, column=[{"name": name} for name in names]) == [("2", "1", "0101", "", "x")]


@pytest.mark.parametrize("options", [["--compact"], ["--compact", "--skip-quote-names"], ["--skip-quote-names"]])
def test_mysqldump_of_few_words(mysql: MysqlDatabase, tmp_path: Path, options: list[str]) -> None:
    program = shutil.which("mariadb-dump") or shutil.which("mysqldump")
    assert program
    mysql.execute("CREATE TABLE t (id INT PRIMARY KEY, text LONGTEXT)")
    with mysql.db.cursor() as cursor:
        cursor.executemany("INSERT INTO t VALUES (%s, %s)", enumerate(TEXTS))
    target = ["--host=127.0.0.1", f"--port={mysql.server.port}", "--user=root", mysql.name]
    dump = subprocess.run([program, "--no-defaults", *options, *target], check=True, capture_output=True).stdout
    (tmp_path / "dump.sql").write_bytes(dump)
    assert read(tmp_path) == [(str(number), text) for number, text in enumerate(TEXTS)]


def test_mysqldump_of_other_encodings(mysql: MysqlDatabase, tmp_path: Path) -> None:
    rows = [(1, "é", b"\x00\xff\xe9'\\\n"), (2, None, b""), (3, "", None)]
    mysql.execute("CREATE TABLE t (id INT, text TEXT, raw BLOB)")
    with mysql.db.cursor() as cursor:
        cursor.executemany("INSERT INTO t VALUES (%s, %s, %s)", rows)
    program = shutil.which("mariadb-dump") or shutil.which("mysqldump")
    assert program
    target = ["--host=127.0.0.1", f"--port={mysql.server.port}", "--user=root", mysql.name]
    command = [program, "--no-defaults", "--default-character-set=latin1", *target]
    (tmp_path / "dump.sql").write_bytes(subprocess.run(command, check=True, capture_output=True).stdout)
    assert read(tmp_path, column=COLUMNS[:3], encoding="latin1") == rows


def test_databases_and_schemas_with_tables_of_one_name(
    mysql: MysqlDatabase, postgresql: PostgresqlSchema, tmp_path: Path
) -> None:
    other = f"{mysql.name}_b"
    mysql.execute("CREATE TABLE t (a INT)", "INSERT INTO t VALUES (1)", f"CREATE DATABASE {other}")
    mysql.execute(f"CREATE TABLE {other}.t (a INT)", f"INSERT INTO {other}.t VALUES (2)")
    program = shutil.which("mariadb-dump") or shutil.which("mysqldump")
    assert program
    target = ["--host=127.0.0.1", f"--port={mysql.server.port}", "--user=root", "--databases", mysql.name, other]
    try:
        dump = subprocess.run([program, "--no-defaults", *target], check=True, capture_output=True).stdout
    finally:
        mysql.execute(f"DROP DATABASE {other}")
    _expect_apart(tmp_path / "mysql.sql", dump, mysql.name, other)
    other = f"{postgresql.name}_b"
    for statement in (
        "CREATE TABLE t AS SELECT 1 AS a", f"CREATE SCHEMA {other}", f"CREATE TABLE {other}.t AS SELECT 2 AS a",
    ):  # fmt: skip
        postgresql.db.execute(statement)
    postgresql.db.commit()
    command = ["pg_dump", "--schema", postgresql.name, "--schema", other, "--dbname", postgresql.server.url]
    try:
        dumps = [
            subprocess.run([*command, *more], check=True, capture_output=True).stdout for more in ([], ["--inserts"])
        ]
    finally:
        postgresql.db.execute(f"DROP SCHEMA {other} CASCADE")
        postgresql.db.commit()
    for dump in dumps:
        _expect_apart(tmp_path / "postgresql.sql", dump, postgresql.name, other)


def _expect_apart(path: Path, dump: bytes, first: str, second: str) -> None:
    path.write_bytes(dump)
    assert read(path, table=f"{first}.t") == [("1",)]
    assert read(path, table=f"{second}.t") == [("2",)]
    with pytest.raises(ConfigError, match="both 't'"):
        read(path, table="t")


@pytest.mark.parametrize("server", ["mysql", "postgresql"])
def test_the_servers_take_what_is_written(request: pytest.FixtureRequest, tmp_path: Path, server: str) -> None:
    database = request.getfixturevalue(server)
    blob, quote = ("LONGBLOB", "`") if server == "mysql" else ("bytea", '"')
    create = f"CREATE TABLE t (id int, text text, raw {blob}, {quote}odd name{quote} char(1))"
    writer = txtfile.writer(tmp_path, fileFormat="sql", table="t", quoteChar=quote)
    columns = list(zip(*ROWS, strict=True))
    kinds = [pa.int64(), pa.string(), pa.binary(), pa.string()]
    names = [column["name"] for column in COLUMNS]
    batch = pa.record_batch([pa.array(column, kind) for column, kind in zip(columns, kinds, strict=True)], names=names)
    writer.prepare(batch.schema, "run_1")
    writer.commit("run_1", [writer.write(RecordingTask(batch.schema, "t0", "run_1"), [batch])])
    (path,) = tmp_path.iterdir()
    script = path.read_bytes().decode()
    if server == "mysql":
        assert sorted(database.execute(create, script, "SELECT * FROM t ORDER BY id")) == ROWS
    else:
        database.db.execute(create)
        database.db.execute(script.encode())
        assert database.db.execute("SELECT * FROM t ORDER BY id").fetchall() == ROWS
