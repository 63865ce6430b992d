"""`mysqlreader`: columns, queries and encodings, faults, and what it says of a wrong job."""

from __future__ import annotations

import threading
from datetime import UTC, datetime
from typing import Any

import pyarrow as pa
import pytest

from starhaul import ConfigError, TransientError
from starhaul.testing import RecordingTask
from starhaul_readers.mysql import MysqlReader, MysqlReaderParams
from tests.conftest import MysqlDatabase
from tests.servers.mysql_reading import KEYS, reader, slices


def test_tables_queries_columns_and_conditions(mysql: MysqlDatabase) -> None:
    for number in range(3):
        mysql.execute(f"CREATE TABLE t{number:02} (id int PRIMARY KEY, `select` text)")
        mysql.execute(f"INSERT INTO t{number:02} VALUES ({number}, 'a'), ({number + 10}, 'b')")
    source = reader(mysql, table="t[00-02]", column=["id", "select", "1", "'x'", "id + 1 AS more"], where="id < 10;")
    assert source.schema().names == ["id", "select", "1", "x", "more"]
    rows = [tuple(row.values()) for part in slices(source, 2) for row in part]
    assert rows == [(n, "a", 1, "x", n + 1) for n in range(3)]
    places = [{"jdbcUrl": [f"jdbc:{mysql.url}"], "querySql": ["SELECT id FROM t00", "SELECT id FROM t01"]}]
    both = MysqlReader(MysqlReaderParams.model_validate({"connection": places}))
    assert sorted(row["id"] for part in slices(both, 2) for row in part) == [0, 1, 10, 11]


JOINED = (
    "CREATE TABLE a (id int PRIMARY KEY, price float, v varchar(9) CHARACTER SET latin1)",
    "CREATE TABLE b (ID int, price float, at timestamp(3) NULL, ok bit(3), kind enum('x','y'))",
    "INSERT INTO a VALUES (1, 16777216, 'é'), (2, NULL, NULL)",
    "INSERT INTO b VALUES (1, 0.1, '2026-01-02 03:04:05.125', b'101', 'y'), (2, 2, NULL, NULL, NULL)",
)


@pytest.mark.parametrize("more", [{}, {"mandatoryEncoding": "latin1"}], ids=["plain", "encoded"])
@pytest.mark.parametrize(
    "query",
    ["SELECT {} FROM a JOIN b USING (id)", "WITH c AS (SELECT * FROM b) SELECT {} FROM a JOIN c b USING (id) ;"],
)
def test_a_query_may_have_columns_of_one_name(mysql: MysqlDatabase, query: str, more: dict[str, Any]) -> None:
    mysql.execute(*JOINED)
    source = reader(mysql, querySql=query.format("a.*, b.*, 7 AS price, 8 AS price_2"), **more)
    names = ["id", "price", "v", "ID_2", "price_3", "at", "ok", "kind", "price_4", "price_2"]
    assert source.schema().names == names
    assert [str(kind) for kind in source.schema().types] == [
        *("int32", "float", "string", "int32", "float", "timestamp[ms, tz=UTC]", "uint64", "string", "int32", "int32")
    ]
    ((first, second),) = slices(source, 2)
    at = datetime(2026, 1, 2, 3, 4, 5, 125_000, UTC)
    assert [*first.values()] == [1, 16777216.0, "é", 1, pytest.approx(0.1), at, 5, "y", 7, 8]
    assert [*second.values()] == [2, None, None, 2, 2.0, None, None, None, 7, 8]
    same = reader(mysql, querySql=query.format("a.id AS id, b.id AS id"), **more)
    assert slices(same, 1) == [[{"id": 1, "id_2": 1}, {"id": 2, "id_2": 2}]]


def test_a_query_is_described_without_being_run(mysql: MysqlDatabase) -> None:
    """By the same words as one whose names are not alike."""
    kinds = [
        *KEYS,
        "float",
        "double unsigned",
        "bit(9)",
        "json",
        "time(2)",
        "year",
        "longtext",
        "blob",
        "point",
        "set('a')",
    ]
    columns = ", ".join(f"c{number} {kind}" for number, kind in enumerate(kinds))
    mysql.execute(f"CREATE TABLE t ({columns})", "CREATE TABLE runs (n int) ENGINE = MyISAM")
    mysql.execute("CREATE FUNCTION ran() RETURNS int BEGIN INSERT INTO runs VALUES (1); RETURN 1; END")
    expected = reader(mysql, querySql="SELECT t.*, 1.5 * c0 AS more FROM t").schema()
    found = reader(mysql, querySql="SELECT t.*, 1.5 * c0 AS more, 1 AS more FROM t WHERE ran() = 1").schema()
    assert found.names == [*expected.names, "more_2"]
    assert found.types[:-1] == expected.types
    assert [field.metadata for field in found][:-1] == [field.metadata for field in expected]
    assert mysql.execute("SELECT * FROM runs") == []


@pytest.mark.parametrize("more", [{}, {"mandatoryEncoding": "latin1"}], ids=["plain", "encoded"])
def test_columns_with_aliases(mysql: MysqlDatabase, more: dict[str, Any]) -> None:
    """FLOATs, and texts of another encoding, are asked for in another form."""
    mysql.execute(*JOINED)
    told = {
        "price AS p": 16777216, "a.price `q``r`": 16777216, "price": 16777216, "max(price) over () as `m`": 16777216,
        "coalesce( price , 1 )": 16777216, "IF(id = 1, price, 0)last": 16777216, "v as w": "é", "( v )": "é",
        "concat(v, v) \"x y\"": "éé", "'b' AS 'it''s'": "b", "price asp": 16777216,
    }  # fmt: skip
    source = reader(mysql, table="a", column=[*told], where="id = 1", **more)
    ((row,),) = slices(source, 1)
    assert [*row.values()] == [*told.values()]
    assert [*row][:2] == ["p", "q`r"]
    assert [*row][-1] == "asp"


def test_a_column_may_be_read_twice(mysql: MysqlDatabase) -> None:
    mysql.execute(*JOINED)
    assert slices(reader(mysql, table="a", column=["id", "ID", "id + 1 AS id"], where="id = 1"), 1) == [
        [{"id": 1, "id_2": 1, "id_3": 2}]
    ]


@pytest.mark.parametrize(
    ("options", "more", "dates"),
    [
        ("", {}, []),
        ("?zeroDateTimeBehavior=exception", {}, []),
        ("?zeroDateTimeBehavior=convertToNull", {}, [None]),
        ("?useSSL=false&ZERODATETIMEBEHAVIOR=CONVERT_TO_NULL", {}, [None]),
        ("?zeroDateTimeBehavior=round", {"zeroDate": "null"}, [None]),
        ("?zeroDateTimeBehavior=convertToNull", {"zeroDate": "reject"}, []),
    ],
)
def test_zero_dates_by_the_url(mysql: MysqlDatabase, options: str, more: dict[str, Any], dates: list[None]) -> None:
    mysql.execute("CREATE TABLE t (d datetime NOT NULL)", "SET sql_mode = ''", "INSERT INTO t VALUES ('0000-00-00')")
    source = reader(mysql, url=mysql.url + options, table="t", **more)
    task = RecordingTask(source.schema())
    found = [row["d"] for split in source.split(1) for batch in source.read(split, task) for row in batch.to_pylist()]
    assert found == dates
    assert len(task.rejected) == 1 - len(dates)


def test_zones_of_the_url_have_no_effect_which_the_plan_says(mysql: MysqlDatabase) -> None:
    mysql.execute("CREATE TABLE t (at timestamp NULL, d datetime)")
    mysql.execute("INSERT INTO t VALUES ('2026-01-01 00:00:00', '2026-01-01 00:00:00')")
    plain = reader(mysql, table="t", where="at = '2026-01-01'")
    zoned = reader(mysql, url=f"{mysql.url}?serverTimezone=Asia/Shanghai", table="t", where="at = '2026-01-01'")
    assert (
        slices(zoned, 1) == slices(plain, 1) == [[{"at": datetime(2026, 1, 1, tzinfo=UTC), "d": datetime(2026, 1, 1)}]]
    )
    assert "serverTimezone in the URL has no effect" in zoned.describe()[-1]
    assert not any("URL" in fact for fact in plain.describe())


def test_invisible_and_generated_columns(mysql: MysqlDatabase) -> None:
    mysql.execute(
        "CREATE TABLE t (id int, twice int AS (id * 2), hidden int INVISIBLE DEFAULT 7)",
        "INSERT INTO t (id) VALUES (4)",
    )
    assert slices(reader(mysql, table="t"), 1) == [[{"id": 4, "twice": 8}]]
    assert slices(reader(mysql, table="t", column=["hidden"]), 1) == [[{"hidden": 7}]]


def test_a_url_that_does_not_answer_is_passed_over(mysql: MysqlDatabase) -> None:
    mysql.execute("CREATE TABLE t (id int)", "INSERT INTO t VALUES (1)")
    urls = ["mysql://root@127.0.0.1:1/x", mysql.url]
    assert slices(MysqlReader(MysqlReaderParams.model_validate({"url": urls, "table": "t"})), 1) == [[{"id": 1}]]
    for query in ("SELECT count(*) FROM t", "SELECT 0 FROM t WHERE id > 1", "SELECT 0 UNION ALL SELECT 0"):
        with pytest.raises(TransientError, match="does not give a single 0"):
            reader(mysql, table="t", preSql=[query]).check()
    reader(mysql, table="t", preSql=["SELECT count(*) - 1 FROM t"]).check()


def test_a_connection_killed_in_the_midst_is_transient(mysql: MysqlDatabase) -> None:
    mysql.execute("CREATE TABLE t (id int, v text)", "INSERT INTO t SELECT seq, repeat('x', 1000) FROM seq_1_to_50000")
    source = reader(mysql, table="t")
    batches = source.read(source.split(1)[0], RecordingTask(source.schema()))
    next(batches)
    (ours,) = mysql.execute("SELECT connection_id()")[0]
    query = f"SELECT id FROM information_schema.processlist WHERE db = '{mysql.name}' AND id <> {ours}"
    for (number,) in mysql.execute(query):
        mysql.execute(f"KILL {number}")
    with pytest.raises(TransientError):
        list(batches)


def test_closing_early_ends_the_query(mysql: MysqlDatabase) -> None:
    mysql.execute("CREATE TABLE t (id int, v text)", "INSERT INTO t SELECT seq, repeat('x', 1000) FROM seq_1_to_50000")
    source = reader(mysql, table="t")
    batches = source.read(source.split(1)[0], RecordingTask(source.schema()))
    next(batches)
    batches.close()  # type: ignore[attr-defined]
    gone = threading.Event()
    for _ in range(100):
        others = "SELECT count(*) FROM information_schema.processlist WHERE db = database() AND id <> connection_id()"
        if mysql.execute(others) == [(0,)]:
            return
        gone.wait(0.05)
    raise AssertionError("the server goes on reading for nobody")


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ({"table": "ordrs"}, "no table 'ordrs' .*did you mean 'orders'"),
        ({"table": "orders", "column": ["idd"]}, "Unknown column 'idd'"),
        ({"table": "orders", "splitPk": "idd"}, "no column 'idd' .*did you mean 'id'"),
        ({"table": "orders", "where": "nonsense"}, "Unknown column 'nonsense'"),
        ({"querySql": "SELECT * FROM"}, "error in your SQL syntax"),
    ],
)
def test_a_wrong_job_is_told(mysql: MysqlDatabase, more: dict[str, Any], message: str) -> None:
    mysql.execute("CREATE TABLE orders (id int PRIMARY KEY)")
    source = reader(mysql, **more)
    with pytest.raises(ConfigError, match=message):
        source.check()


def test_empty_batches_are_not_made(mysql: MysqlDatabase) -> None:
    mysql.execute("CREATE TABLE t (id int)", "INSERT INTO t SELECT seq FROM seq_1_to_1000")
    source = reader(mysql, table="t", fetchSize=64)
    sizes = [batch.num_rows for s in source.split(1) for batch in source.read(s, RecordingTask(pa.schema([])))]
    assert sum(sizes) == 1000
    assert max(sizes) == 64


def test_texts_of_another_encoding_than_their_declaration(mysql: MysqlDatabase) -> None:
    """`mandatoryEncoding`: GBK in a column of latin1, and UTF-8 in one, as old applications fill them."""
    mysql.execute(
        "CREATE TABLE t (n int, gbk varchar(20) CHARACTER SET latin1, f float, e enum('x', 'y'), "
        "told varchar(20) CHARACTER SET gbk)",
        "INSERT INTO t VALUES (1, CAST(X'D6D0CEC4' AS BINARY), 1.5, 'y', '中文'), (2, 'ascii', NULL, NULL, NULL), "
        "(3, NULL, 0, 'x', '')",
        "INSERT INTO t (n, gbk) VALUES (4, CAST(X'80' AS BINARY))",
    )
    source = reader(mysql, table="t", mandatoryEncoding="GBK")
    task = RecordingTask(source.schema())
    [split] = source.split(1)
    rows = [row for batch in source.read(split, task) for row in batch.to_pylist()]
    assert rows == [
        {"n": 1, "gbk": "中文", "f": 1.5, "e": "y", "told": "中文"},
        {"n": 2, "gbk": "ascii", "f": None, "e": None, "told": None},
        {"n": 3, "gbk": None, "f": 0.0, "e": "x", "told": ""},
    ]
    [(row, reason, _)] = task.rejected
    assert row["n"] == "4"
    assert reason.startswith("column 'gbk', varchar(20):")
    assert "GBK" in reason
    assert source.encodings() == ()
    asked = reader(mysql, querySql="SELECT n, gbk FROM t WHERE n = 1", mandatoryEncoding="gbk")
    assert slices(asked, 1) == [[{"n": 1, "gbk": "中文"}]]
    told = reader(mysql, table="t", column=["'中'", "trim(gbk)"], where="n = 1", mandatoryEncoding="gbk")
    assert [list(row.values()) for row in slices(told, 1)[0]] == [["中", "中文"]]


def test_an_encoding_concerns_texts_alone(mysql: MysqlDatabase) -> None:
    mysql.execute("CREATE TABLE t (a inet6, u uuid, b varbinary(3), j json)")
    mysql.execute("INSERT INTO t VALUES ('::1', '00112233-4455-6677-8899-aabbccddeeff', X'FF00', '[1]')")
    [plain] = slices(reader(mysql, table="t"), 1)
    assert slices(reader(mysql, table="t", mandatoryEncoding="gbk"), 1) == [plain]
    asked = slices(reader(mysql, querySql="SELECT a FROM t", mandatoryEncoding="utf-8"), 1)
    assert asked == [[{"a": plain[0]["a"]}]]


@pytest.mark.parametrize(("charset", "lines"), [("latin1", False), ("utf8mb4", True)])
def test_utf8_against_the_declaration(mysql: MysqlDatabase, charset: str, lines: bool) -> None:
    """Tables that hold UTF-8 anyhow are read as without it."""
    mysql.execute(
        f"CREATE TABLE t (c varchar(20) CHARACTER SET {charset})",
        "SET NAMES binary",
        "INSERT INTO t VALUES (CAST(X'E4B8ADE69687' AS BINARY))",
    )
    source = reader(mysql, table="t", mandatoryEncoding="UTF-8")
    assert slices(source, 1) == [[{"c": "中文"}]]
    assert bool(source.encodings()) == lines


@pytest.mark.parametrize("password", ["é'\"\\ %:@/", "пароль密码😀"])
def test_passwords_of_any_letters(mysql: MysqlDatabase, password: str) -> None:
    mysql.execute("CREATE TABLE t (id int)", "INSERT INTO t VALUES (1)")
    user = f"{mysql.name}_é"
    with mysql.db.cursor() as cursor:
        cursor.execute("CREATE USER %s@'%%' IDENTIFIED BY %s", (user, password))
        cursor.execute(f"GRANT SELECT ON {mysql.name}.* TO %s@'%%'", (user,))
    try:
        url = mysql.url.replace("root@", "")
        source = reader(mysql, url=url, table="t", username=user, password=password)
        assert slices(source, 1) == [[{"id": 1}]]
    finally:
        with mysql.db.cursor() as cursor:
            cursor.execute("DROP USER %s@'%%'", (user,))
