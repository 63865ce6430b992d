"""`mysqlreader`: slices that hold every row once whatever the key, faults, and what it says of a wrong job."""

from __future__ import annotations

import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

import pyarrow as pa
import pymysql
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from starhaul import ConfigError, TransientError
from starhaul.testing import RecordingTask
from starhaul_readers.mysql import MysqlReader, MysqlReaderParams
from starhaul_stores.mysql.slices import condition
from tests.conftest import MysqlDatabase


def reader(mysql: MysqlDatabase, **more: Any) -> MysqlReader:
    return MysqlReader(MysqlReaderParams.model_validate({"url": mysql.url, **more}))


def slices(source: MysqlReader, target: int) -> list[list[dict[str, Any]]]:
    """The rows of each slice. The source must reject none."""
    task = RecordingTask(source.schema())
    found = [[row for batch in source.read(split, task) for row in batch.to_pylist()] for split in source.split(target)]
    assert task.rejected == []
    return found


KEYS = {
    "int": [*range(-50, 50), 10**9, 2 * 10**9],
    "bigint unsigned": [0, 1, 2**63, 2**64 - 1, *range(1000, 1090)],
    "decimal(40,5)": [f"{n}12345678901234567890123456789.00001" for n in range(1, 90)],
    "varchar(20)": ["", " ", "a", "A", "a ", "b", "B", "ä", "ß", "ss", "é", "e", "😀", "\\", "'", "日本", "z\t", "Z"]
    * 5,
    "varchar(20) collate utf8mb4_bin": ["", "a", "A", "b", "B", "ä", "ß", "😀", "\\", "'", "日本", "z\t", "Z"] * 7,
    "varchar(20) collate utf8mb4_unicode_ci": ["", "a", "A", "b", "B", "ä", "ß", "ss", "😀", "ö", "oe", "日本"] * 8,
    "varchar(20) character set latin1": ["", "a", "A", "ä", "ß", "é", "\\", "'", "Z"] * 9,
    "char(8)": [f"k{n}" for n in range(90)],
    "date": [f"2026-01-{n:02}" for n in range(1, 30)] * 3,
    "datetime(6)": [f"2026-01-01 00:00:00.{n:06}" for n in range(90)],
    "timestamp": [f"2026-01-01 00:00:{n:02}" for n in range(60)],
    "varbinary(9)": ["a", "b"] * 10,
    "double": [0.1, 0.2, -0.3] * 20,
}


@pytest.mark.parametrize("kind", KEYS)
def test_slices_hold_every_row_once(mysql: MysqlDatabase, kind: str) -> None:
    mysql.execute(f"CREATE TABLE t (n int, k {kind} NULL, KEY (k))")
    rows = [(number, value) for number, value in enumerate([*KEYS[kind], None, None])]
    with mysql.db.cursor() as cursor:
        cursor.executemany("INSERT INTO t VALUES (%s, %s)", rows)
    for target in (1, 2, 5, 13):
        found = slices(reader(mysql, table="t", splitPk="k", where="n >= 0 -- all of them"), target)
        assert Counter(row["n"] for part in found for row in part) == Counter(range(len(rows)))
        if target > 1 and kind not in ("varbinary(9)", "double"):
            assert len(found) > 2


LETTERS = "aAbBäÄßsé 中文\\'\t"
TEXTS = {
    "utf8mb4 COLLATE utf8mb4_general_ci": LETTERS + "😀",
    "utf8mb4 COLLATE utf8mb4_unicode_ci": LETTERS + "😀",
    "utf8mb4 COLLATE utf8mb4_nopad_bin": LETTERS + "😀",
    "utf8mb4 COLLATE utf8mb4_unicode_nopad_ci": LETTERS + "😀",
    "utf8mb4 COLLATE utf8mb4_bin": LETTERS + "😀",
    "latin1 COLLATE latin1_german1_ci": "aAbBäÄßsé '\\\t",
    "gbk COLLATE gbk_chinese_ci": "aAb 中文乗'\\\t",
    "gbk COLLATE gbk_bin": "aAb 中文乗'\\\t",
}


@pytest.mark.parametrize("charset", TEXTS)
@pytest.mark.parametrize("kind", ["varchar(4)", "char(4)"])
@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data(), target=st.integers(2, 9))
def test_slices_by_texts_hold_every_row_once(
    mysql: MysqlDatabase, kind: str, charset: str, data: st.DataObject, target: int
) -> None:
    texts = st.none() | st.text(st.sampled_from(TEXTS[charset]), max_size=4)
    keys = data.draw(st.lists(texts, max_size=40))
    mysql.execute("DROP TABLE IF EXISTS t", f"CREATE TABLE t (n int, k {kind} CHARACTER SET {charset} NULL, KEY (k))")
    with mysql.db.cursor() as cursor:
        cursor.executemany("INSERT INTO t VALUES (%s, %s)", list(enumerate(keys)))
    found = slices(reader(mysql, table="t", column=["n"], splitPk="k"), target)
    assert Counter(row["n"] for part in found for row in part) == Counter(range(len(keys)))


KEY_TYPES = {
    "int": st.integers(-3, 3),
    "bigint unsigned": st.sampled_from([0, 1, 2**63, 2**64 - 1]) | st.integers(0, 2**64 - 1),
    "decimal(30,2)": st.decimals(-2, 2, places=2) | st.just("1234567890123456789012345678.01"),
    "date": st.dates().map(str) | st.just("2026-01-31"),
    **{
        f"varchar(3) CHARACTER SET {charset}": st.text(st.sampled_from(letters), max_size=3)
        for charset, letters in TEXTS.items()
    },
    "varbinary(3)": st.binary(max_size=3),
}


@pytest.mark.parametrize("counted", [200_000, 0])
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_slices_by_several_columns_hold_every_row_once(
    mysql: MysqlDatabase, monkeypatch: pytest.MonkeyPatch, counted: int, data: st.DataObject
) -> None:
    """Whatever their types, and however many rows the first column's values have; by walking, and by estimates."""
    monkeypatch.setattr("starhaul_stores.mysql.slices._COUNTED", counted)
    kinds = data.draw(st.lists(st.sampled_from([*KEY_TYPES]), min_size=2, max_size=3))
    key = st.tuples(*(KEY_TYPES[kind] for kind in kinds))
    heavy = st.tuples(st.just(data.draw(KEY_TYPES[kinds[0]])), *(KEY_TYPES[kind] for kind in kinds[1:]))
    keys = data.draw(st.lists(heavy | key, max_size=60))
    names = [f"k{place}" for place in range(len(kinds))]
    columns = ", ".join(f"{name} {kind}" for name, kind in zip(names, kinds, strict=True))
    mysql.execute("DROP TABLE IF EXISTS t", f"CREATE TABLE t (n int, {columns}, PRIMARY KEY ({', '.join(names)}))")
    with mysql.db.cursor() as cursor:
        for number, values in enumerate(keys):
            marks = ", ".join(["%s"] * (1 + len(values)))
            with suppress(pymysql.err.IntegrityError):
                cursor.execute(f"INSERT INTO t VALUES ({marks})", [number, *values])
    wanted = Counter(n for (n,) in mysql.execute("SELECT n FROM t"))
    found = slices(reader(mysql, table="t", column=["n"]), data.draw(st.integers(2, 9)))
    assert Counter(row["n"] for part in found for row in part) == wanted


@pytest.mark.parametrize("second", ["bigint", "varchar(20)"])
def test_a_heavy_first_column_is_cut_by_the_next(mysql: MysqlDatabase, second: str) -> None:
    """One tenant has nine tenths of the rows. Each slice reads its part of the index only."""
    mysql.execute(
        f"CREATE TABLE t (tenant bigint, id {second}, v int, PRIMARY KEY (tenant, id))",
        "INSERT INTO t SELECT IF(seq % 10 = 0, seq * 1000000007, 7), seq, 0 FROM seq_1_to_300000",
        "INSERT INTO t VALUES (9223372036854775807, '1', 1), (-9223372036854775808, '2', 1)",
        "ANALYZE TABLE t",
    )
    source = reader(mysql, table="t", column=["tenant", "id"])
    found = slices(source, 4)
    counts = [len(part) for part in found]
    assert sum(counts) == len({(row["tenant"], row["id"]) for part in found for row in part}) == 300_002
    assert max(counts) < 300_002 / 4 * 1.7, counts
    parts = [split.args["part"] for split in source.split(4)]
    inner = [part for part in parts if _of_one_tenant(part)]
    assert inner
    for part in inner:
        plan = mysql.execute(f"EXPLAIN SELECT * FROM t{condition(part, '')}")[0]
        assert "range" in plan
        assert int(str(plan[8])) < 200_000


def _of_one_tenant(part: dict[str, Any]) -> bool:
    start, end = part.get("from"), part.get("to")
    return isinstance(start, list) and isinstance(end, list) and bool(start[0] == end[0])


def test_chars_that_the_server_orders_in_two_ways_are_no_keys(mysql: MysqlDatabase) -> None:
    """MariaDB's index has CHAR with its padding, its comparison without: `k > 'A'` finds nothing here."""
    for collation, keyed in (("utf8mb4_unicode_nopad_ci", False), ("utf8mb4_unicode_ci", True)):
        mysql.execute(
            "DROP TABLE IF EXISTS t", f"CREATE TABLE t (n int, k char(4) COLLATE {collation} PRIMARY KEY)",
            "INSERT INTO t VALUES (0, 'A'), (1, 'A\\t'), (2, 'B'), (3, 'C')",
        )  # fmt: skip
        found = slices(reader(mysql, table="t"), 2)
        assert sorted(row["n"] for part in found for row in part) == [0, 1, 2, 3]
        assert (len(found) > 1) is keyed


def test_keys_without_an_index_are_not_estimated_for_long(mysql: MysqlDatabase) -> None:
    """The optimiser expects every row in every range, however small."""
    mysql.execute("CREATE TABLE t (k bigint NOT NULL)", "INSERT INTO t SELECT seq * 1000 FROM seq_1_to_210000")
    mysql.execute("ANALYZE TABLE t")
    found = slices(reader(mysql, table="t", splitPk="k"), 2)
    assert len(found) >= 2
    assert sum(map(len, found)) == 210_000


def test_skewed_keys_of_a_large_table_make_even_slices(mysql: MysqlDatabase, monkeypatch: pytest.MonkeyPatch) -> None:
    """Beyond what is counted, the optimiser's estimates level the skew; nobody walks through the table."""
    monkeypatch.setattr("starhaul_stores.mysql.slices._Cutting.walked", lambda *_: pytest.fail("walked"))
    mysql.execute(
        "CREATE TABLE t (id bigint PRIMARY KEY, v int)",
        "INSERT INTO t SELECT seq, 0 FROM seq_1_to_150000",
        "INSERT INTO t SELECT seq + 1000000000, 0 FROM seq_1_to_150000",
        "INSERT INTO t VALUES (9223372036854775807, 1), (-9223372036854775808, 1)",
        "ANALYZE TABLE t",
    )
    source = reader(mysql, table="t", column=["id"])
    splits = source.split(4)
    assert len(splits) >= 4
    task = RecordingTask(source.schema())
    counts = [sum(batch.num_rows for batch in source.read(split, task)) for split in splits]
    assert sum(counts) == 300_002
    assert max(counts) < 300_002 / 2
    assert len(slices(reader(mysql, table="t", splitPk=""), 4)) == 1
    mysql.execute("CREATE TABLE even (id int PRIMARY KEY)", "INSERT INTO even SELECT seq FROM seq_1_to_300000")
    mysql.execute("ANALYZE TABLE even")
    halves = slices(reader(mysql, table="even"), 2)
    assert len(halves) >= 2
    assert max(map(len, halves)) < 200_000


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
    ill = {"url": [mysql.url], "table": "t", "preSql": ["SELECT count(*) FROM t"]}
    with pytest.raises(TransientError, match="does not give 0"):
        MysqlReader(MysqlReaderParams.model_validate(ill)).check()


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


def counted(mysql: MysqlDatabase, rows: int) -> None:
    mysql.execute(
        "CREATE TABLE t (n int PRIMARY KEY, v varchar(20))", f"INSERT INTO t SELECT seq, 'old' FROM seq_1_to_{rows}"
    )


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
