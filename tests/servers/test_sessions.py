"""What a job's `session`, or the server, sets does not alter values or leave rows out."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pyarrow as pa
import pytest

from starhaul import Writer, with_native_type
from starhaul_writers.mysql import MysqlWriter, MysqlWriterParams
from starhaul_writers.oceanbase import OceanbaseV10Writer, OceanbaseWriterParams
from starhaul_writers.rdbms import RdbmsWriter
from tests.conftest import MysqlDatabase, PostgresqlSchema
from tests.servers import mysql_reading, postgresql_reading, postgresql_writing
from tests.servers.whole_runs import write

WORDS = ["Zoë", "日本😀", "", "\\", None]


@pytest.mark.parametrize("mode", ["insert", "update"])
@pytest.mark.parametrize(
    "statement",
    [
        "SET NAMES latin1",
        "SET NAMES gbk",
        "SET character_set_client = latin1",
        "SET character_set_connection = latin1",
        "SET sql_mode = 'EMPTY_STRING_IS_NULL,NO_BACKSLASH_ESCAPES'",
        "SET autocommit = 0",
        "SET sql_safe_updates = 1",
    ],
)
@pytest.mark.parametrize("count", [5, 1000], ids=["INSERT", "LOAD DATA"])
@pytest.mark.parametrize("writer", [MysqlWriter, RdbmsWriter])
def test_mysql_writes_what_came(
    mysql: MysqlDatabase, writer: type[Writer[Any]], statement: str, mode: str, count: int
) -> None:
    mysql.execute("CREATE TABLE t (id int AUTO_INCREMENT PRIMARY KEY, v varchar(9) COLLATE utf8mb4_bin)")
    rows = pa.table({"id": range(count), "v": WORDS * (count // 5)})
    url = mysql.url.replace("mysql:", "mysql+pymysql:") if writer is RdbmsWriter else mysql.url
    params = {"url": url, "table": "t", "session": [statement], "writeMode": mode}
    built: Any = writer  # with parameters of its own
    (receipt,), _ = write(built(writer.params_type.model_validate(params)), rows)
    assert receipt.rows == count
    assert mysql.execute("SELECT id, v FROM t ORDER BY id") == list(enumerate(WORDS * (count // 5)))


@pytest.mark.parametrize("statement", ["SET NAMES binary", "SET autocommit = 0"])
def test_oceanbase_writes_what_came(oceanbase: MysqlDatabase, statement: str) -> None:
    oceanbase.execute("CREATE TABLE t (id int PRIMARY KEY, v varchar(9))")
    params = {"url": oceanbase.url, "table": "t", "session": [statement]}
    target = OceanbaseV10Writer(OceanbaseWriterParams.model_validate(params))
    (receipt,), _ = write(target, pa.table({"id": range(5), "v": WORDS}))
    assert receipt.rows == 5
    assert oceanbase.execute("SELECT v FROM t ORDER BY id") == [(word,) for word in WORDS]


@pytest.mark.parametrize("mode", ["insert", "ignore", "replace", "update"])
def test_mysql_cuts_no_blanks(mysql: MysqlDatabase, mode: str) -> None:
    """It makes a note of that, unless it is told to keep it to itself."""
    mysql.execute("CREATE TABLE t (id int PRIMARY KEY, v varchar(3))")
    params = {"url": mysql.url, "table": "t", "session": ["SET sql_notes = 0"], "writeMode": mode}
    rows = pa.table({"id": [1, 2], "v": ["abc", "ab  "]})
    _, (task,) = write(MysqlWriter(MysqlWriterParams.model_validate(params)), rows)
    assert [reason for _, reason, _ in task.rejected] == ["Data truncated for column 'v' at row 1"]


def test_mysql_undoes_nothing_of_pre_sql(mysql: MysqlDatabase) -> None:
    mysql.execute("CREATE TABLE t (id int PRIMARY KEY)", "INSERT INTO t VALUES (1), (2)")
    params = {"url": mysql.url, "table": "t", "session": ["SET autocommit = 0"], "preSql": ["DELETE FROM @table"]}
    write(MysqlWriter(MysqlWriterParams.model_validate({**params, "exactlyOnce": False})), pa.table({"id": [3]}))
    assert mysql.execute("SELECT id FROM t") == [(3,)]


@pytest.mark.parametrize("statement", ["SET NAMES latin1", "SET character_set_client = latin1"])
def test_mysql_reads_what_the_job_means(mysql: MysqlDatabase, statement: str) -> None:
    mysql.execute("CREATE TABLE t (v varchar(9))", "INSERT INTO t VALUES ('Zoë'), ('other')")
    params = {"table": "t", "session": [statement], "where": "v = 'Zoë'", "column": ["v", "'é' AS e"]}
    assert mysql_reading.slices(mysql_reading.reader(mysql, **params), 1) == [[{"v": "Zoë", "e": "é"}]]


@pytest.fixture
def few(mysql: MysqlDatabase) -> Iterator[None]:
    mysql.execute("SET GLOBAL sql_select_limit = 2")
    yield
    mysql.execute("SET GLOBAL sql_select_limit = DEFAULT")


@pytest.mark.usefixtures("few")
def test_mysql_reads_more_rows_than_its_server_shows(mysql: MysqlDatabase) -> None:
    mysql.execute("CREATE TABLE t (id int PRIMARY KEY)", "INSERT INTO t VALUES (1), (2), (3)")
    assert mysql_reading.slices(mysql_reading.reader(mysql, table="t"), 1) == [[{"id": 1}, {"id": 2}, {"id": 3}]]


def test_postgresql_takes_utf_8_for_what_it_is(postgresql: PostgresqlSchema) -> None:
    postgresql.db.execute("CREATE TABLE t (v text)")
    session: dict[str, Any] = {"session": ["SET client_encoding = 'LATIN1'"]}
    write(postgresql_writing.writer(postgresql, **session), pa.table({"v": ["Zoë", "日本"]}))
    assert postgresql_writing.contents(postgresql) == [("Zoë",), ("日本",)]
    found = postgresql_reading.reader(postgresql, table="t", where="v = 'Zoë'", **session)
    assert postgresql_reading.rows(found) == [{"v": "Zoë"}]


def test_postgresql_takes_null_in_an_array_for_no_word(postgresql: PostgresqlSchema) -> None:
    postgresql.db.execute("CREATE TABLE t (v text[])")
    rows = pa.table({"v": ["{a,NULL}"]}, schema=pa.schema([with_native_type(pa.field("v", pa.string()), "text[]")]))
    write(postgresql_writing.writer(postgresql, session=["SET array_nulls = off"]), rows)
    assert postgresql_writing.contents(postgresql) == [(["a", None],)]
