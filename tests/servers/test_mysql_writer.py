"""`mysqlwriter`: modes, rejects, overwriting, and what it says of a wrong job."""

from __future__ import annotations

import time
from typing import Any

import pyarrow as pa
import pytest

from starhaul import Capability, ConfigError, PermanentError, TransientError
from starhaul.testing.delivery import Delivery
from starhaul_writers.mysql import MysqlWriter, MysqlWriterParams
from tests.conftest import MysqlDatabase
from tests.servers.mysql_writing import writer
from tests.servers.whole_runs import write


@pytest.mark.parametrize("mode", ["insert", "ignore"])
def test_a_key_twice_at_the_last_row(mysql: MysqlDatabase, mode: str) -> None:
    mysql.execute("CREATE TABLE t (id int PRIMARY KEY, v text)")
    rows = pa.table({"id": [*range(29_999), 5], "v": ["x"] * 30_000})
    (receipt,), (task,) = write(writer(mysql, writeMode=mode), rows)
    assert mysql.execute("SELECT count(*), max(id) FROM t") == [(29_999, 29_998)]
    if mode == "ignore":
        assert (receipt.rows, receipt.skipped, task.rejected) == (29_999, 1, [])
    else:
        assert receipt.rows == 29_999
        ((row, reason, _),) = task.rejected
        assert (row, reason) == ({"id": 5, "v": "x"}, "Duplicate entry '5' for key 'PRIMARY'")


@pytest.mark.parametrize("given", [pa.float32(), pa.float64()])
def test_floats_that_their_column_would_round(mysql: MysqlDatabase, given: pa.DataType) -> None:
    """FLOAT(M,D) and DOUBLE(M,D) round without a warning."""
    mysql.execute("CREATE TABLE t (id int PRIMARY KEY, f float(7,2), d double(9,2))")
    floats = pa.array([1.25, 0.1, 1.125, None, -2.5], pa.float32())
    doubles = pa.array([1.25, 3.5, 0.5, 1.0625, None], given)
    rows = pa.table({"id": range(5), "f": floats, "d": doubles})
    (receipt,), (task,) = write(writer(mysql), rows)
    assert mysql.execute("SELECT * FROM t") == [(0, 1.25, 1.25), (1, 0.1, 3.5), (4, -2.5, None)]
    assert receipt.rows == 3
    assert [reason for _, reason, _ in task.rejected] == [
        "column 'f': float(7,2) would round it: '1.125'",
        "column 'd': double(9,2) would round it: '1.0625'",
    ]


@pytest.mark.parametrize("rows_of_a_load", [2, 10**9], ids=["LOAD DATA", "INSERT"])
@pytest.mark.parametrize("mode", ["insert", "ignore", "replace", "update"])
def test_nothing_is_cut_rounded_or_made_up(
    mysql: MysqlDatabase, mode: str, rows_of_a_load: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What MySQL alters with a warning, or without one, is rejected; the other rows arrive."""
    monkeypatch.setattr("starhaul_stores.mysql.insertion._ROWS_OF_A_LOAD", rows_of_a_load)
    mysql.execute(
        "CREATE TABLE t (id int AUTO_INCREMENT PRIMARY KEY, v varchar(3) NOT NULL, n tinyint, e enum('a','b'), "
        "at datetime(1), y year, k varchar(9) CHECK (k <> 'bad'), l varchar(9) CHARACTER SET latin1)"
    )
    good = {"id": 0, "v": "ok", "n": "7", "e": "a", "at": "2026-01-01 00:00:00.5", "y": 2026, "k": "", "l": "é"}
    faults: list[dict[str, Any]] = [
        {"v": "long"}, {"v": "a    "}, {"v": None}, {"e": "2"}, {"e": "A"}, {"e": ""}, {"y": 5}, {"k": "bad"},
        {"l": "中"}, {"at": "2026-01-01 00:00:00.25"},
    ]  # fmt: skip
    rows = [{**good, "id": number, **fault} for number, fault in enumerate([{}, *faults, {}])]
    table = pa.Table.from_pylist(rows).set_column(
        4, "at", pa.array([row["at"] for row in rows]).cast(pa.timestamp("ms"))
    )
    (receipt,), (task,) = write(writer(mysql, writeMode=mode), table)
    assert {row["id"] for row, _, _ in task.rejected} == set(range(1, len(faults) + 1))
    assert mysql.execute("SELECT id, v, y, l FROM t ORDER BY id") == [(0, "ok", 2026, "é"), (11, "ok", 2026, "é")]
    assert receipt.rows == 2
    reasons = " | ".join(reason for _, reason, _ in task.rejected)
    assert "too long" in reasons or (mode == "ignore" and "truncated" in reasons)
    for words in ("takes no NULL", "no member of enum", "YEAR", "CONSTRAINT", "keeps 1 digits"):
        assert words in reasons


def test_replace_and_update(mysql: MysqlDatabase) -> None:
    mysql.execute("CREATE TABLE t (id int PRIMARY KEY, a text, b text, c text DEFAULT 'default')")
    rows = pa.table({"id": range(1000), "a": ["new"] * 1000, "b": ["new"] * 1000})
    fill = "INSERT INTO t SELECT seq, 'old', 'old', 'old' FROM seq_500_to_1499"
    cases: list[tuple[str, dict[str, Any], tuple[str, ...]]] = [
        ("replace", {}, ("new", "new", "default")),
        ("update", {}, ("new", "new", "old")),
        ("update", {"updateColumns": ["b"]}, ("old", "new", "old")),
    ]
    for mode, more, expected in cases:
        mysql.execute("DELETE FROM t", fill)
        (receipt,), _ = write(writer(mysql, column=["id", "a", "b"], writeMode=mode, **more), rows)
        assert receipt.rows == 1000
        assert mysql.execute("SELECT count(*) FROM t") == [(1500,)]
        assert mysql.execute("SELECT a, b, c FROM t WHERE id = 500") == [expected]
        assert mysql.execute("SELECT a, b, c FROM t WHERE id = 1200") == [("old", "old", "old")]


def test_names_to_update_may_be_quoted_and_in_any_case(mysql: MysqlDatabase) -> None:
    mysql.execute("CREATE TABLE t (id int PRIMARY KEY, a text, b text)", "INSERT INTO t VALUES (1, 'old', 'old')")
    rows = pa.table({"id": [1], "a": ["new"], "b": ["new"]})
    write(writer(mysql, column=["`id`", "A", "`b`"], writeMode="update", keys=["`ID`"], updateColumns=["`B`"]), rows)
    assert mysql.execute("SELECT * FROM t") == [(1, "old", "new")]


@pytest.mark.parametrize("mode", ["replace", "update"])
@pytest.mark.parametrize("key", ["code varchar(9) UNIQUE", "code varchar(9), h int AS (length(code)) UNIQUE"])
def test_one_key_that_is_written_is_enough(mysql: MysqlDatabase, mode: str, key: str) -> None:
    """The rows of another, AUTO_INCREMENT, are numbered by the server; a key may be computed from what is written."""
    mysql.execute(f"CREATE TABLE t (id int AUTO_INCREMENT PRIMARY KEY, {key}, v text)")
    mysql.execute("INSERT INTO t (code, v) VALUES ('a', 'old')")
    write(writer(mysql, column=["code", "v"], writeMode=mode), pa.table({"code": ["a", "bb"], "v": ["new", "new"]}))
    assert mysql.execute("SELECT code, v FROM t ORDER BY code") == [("a", "new"), ("bb", "new")]


def test_overwrite_keeps_the_table_whole_until_the_end(mysql: MysqlDatabase) -> None:
    mysql.execute(
        "CREATE TABLE t (id int PRIMARY KEY, v varchar(9) COMMENT 'words', KEY by_v (v)) COMMENT 'a table'",
        "INSERT INTO t VALUES (-1, 'old')",
    )
    before = mysql.execute("SHOW CREATE TABLE t")
    delivery = Delivery(writer(mysql, writeMode="overwrite"), pa.schema([("id", pa.int64()), ("v", pa.string())]))
    delivery.prepare()
    receipt = delivery.write(delivery.task(), delivery.converted(pa.table({"id": range(2000), "v": ["new"] * 2000})))
    assert mysql.execute("SELECT * FROM t") == [(-1, "old")]
    delivery.commit(receipt)
    assert mysql.execute("SELECT count(*), min(v) FROM t") == [(2000, "new")]
    assert mysql.execute("SHOW CREATE TABLE t") == before
    assert mysql.execute("SHOW TABLES") == [("t",)]


def test_overwrite_refuses_what_a_swap_would_lose(mysql: MysqlDatabase) -> None:
    mysql.execute(
        "CREATE TABLE t (id int PRIMARY KEY)",
        "CREATE TABLE child (id int, t int, FOREIGN KEY of_t (t) REFERENCES t (id))",
        "CREATE TRIGGER watch BEFORE INSERT ON t FOR EACH ROW SET @x = 1",
    )
    with pytest.raises(ConfigError, match=r"trigger watch, foreign key .*TRUNCATE"):
        Delivery(writer(mysql, writeMode="overwrite"), pa.schema([("id", pa.int64())]))


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ("ALTER TABLE t ADD COLUMN late int DEFAULT 7", PermanentError),
        ("ALTER TABLE t ALTER v SET DEFAULT 'late'", PermanentError),
        ("ALTER TABLE t ADD CHECK (v <> 'late')", PermanentError),
        ("CREATE UNIQUE INDEX late ON t (v)", PermanentError),
        ("ALTER TABLE t COMMENT 'late'", PermanentError),
        ("CREATE TRIGGER late BEFORE INSERT ON t FOR EACH ROW SET @x = 1", ConfigError),
        ("CREATE TABLE child (id int, FOREIGN KEY of_t (id) REFERENCES t (id))", ConfigError),
    ],
)
def test_overwrite_fails_where_the_table_is_altered_meanwhile(
    mysql: MysqlDatabase, change: str, error: type[Exception]
) -> None:
    mysql.execute("CREATE TABLE t (id int AUTO_INCREMENT PRIMARY KEY, v varchar(9))", "INSERT INTO t VALUES (9, 'old')")
    rows = pa.table({"id": [1, 2], "v": ["a", "b"]})
    delivery = Delivery(writer(mysql, writeMode="overwrite"), rows.schema)
    delivery.prepare()
    receipt = delivery.write(delivery.task(), delivery.converted(rows))
    mysql.execute(change)
    altered = mysql.execute("SHOW CREATE TABLE t")
    with pytest.raises(error, match=r"was altered since the run began|which a swap would lose"):
        delivery.commit(receipt)
    delivery.writer.abort(delivery.run, [receipt])
    assert mysql.execute("SELECT id, v FROM t") == [(9, "old")]
    assert mysql.execute("SHOW CREATE TABLE t") == altered
    assert mysql.execute("SHOW TABLES LIKE '\\_%'") == []


@pytest.mark.parametrize(
    ("rule", "told"),
    [("CASCADE", "deletes the rows of"), ("SET NULL", "alters the rows of"), ("RESTRICT", ""), ("NO ACTION", "")],
)
def test_the_plan_tells_what_replace_reaches(mysql: MysqlDatabase, rule: str, told: str) -> None:
    mysql.execute(
        "CREATE TABLE t (id int PRIMARY KEY)",
        f"CREATE TABLE child (id int, t int, CONSTRAINT of_t FOREIGN KEY (t) REFERENCES t (id) ON DELETE {rule})",
    )
    facts = [each for each in writer(mysql, writeMode="replace").describe() if "foreign key of_t" in each]
    assert len(facts) == bool(told)
    assert all(f"ON DELETE {rule}" in each and f"{told} {mysql.name}.child" in each for each in facts)
    assert not [each for each in writer(mysql, writeMode="update").describe() if "of_t" in each]


def test_overwrite_refuses_a_table_with_a_history(mysql: MysqlDatabase) -> None:
    mysql.execute("CREATE TABLE t (id int PRIMARY KEY) WITH SYSTEM VERSIONING")
    with pytest.raises(ConfigError, match=r"'t' keeps the history of its rows.*DELETE FROM @table"):
        Delivery(writer(mysql, writeMode="overwrite"), pa.schema([("id", pa.int64())]))


@pytest.mark.parametrize("column", [["id", "v"], ["v"]])
def test_overwrite_gives_out_no_number_again(mysql: MysqlDatabase, column: list[str]) -> None:
    """Not those of rows that are gone, nor those of rows that came while it loaded."""
    mysql.execute("CREATE TABLE t (id int AUTO_INCREMENT PRIMARY KEY, v text)", "INSERT INTO t VALUES (41, 'old')")
    mysql.execute("DELETE FROM t")
    rows = pa.table({"id": [5, 6], "v": ["new"] * 2}).select(column)
    delivery = Delivery(writer(mysql, writeMode="overwrite", column=column), rows.schema)
    delivery.prepare()
    receipt = delivery.write(delivery.task(), delivery.converted(rows))
    mysql.execute("INSERT INTO t (v) VALUES ('meanwhile'), ('meanwhile'), ('meanwhile')")
    delivery.commit(receipt)
    mysql.execute("INSERT INTO t (v) VALUES ('next')")
    ids = [5, 6] if "id" in column else [42, 43]
    assert mysql.execute("SELECT id FROM t ORDER BY 1") == [(number,) for number in [*ids, 45]]


def test_a_crash_between_swap_and_ledger(mysql: MysqlDatabase, monkeypatch: pytest.MonkeyPatch) -> None:
    """RENAME TABLE commits by itself: the second commit finds it done, whether or not the old table is dropped."""
    mysql.execute("CREATE TABLE t (id int)", "INSERT INTO t VALUES (-1)")
    delivery = Delivery(writer(mysql, writeMode="overwrite"), pa.schema([("id", pa.int64())]))
    delivery.prepare()
    receipt = delivery.write(delivery.task(), delivery.converted(pa.table({"id": [1, 2]})))

    class Crash(BaseException):
        pass

    def crash(*_: Any) -> None:
        raise Crash

    with monkeypatch.context() as patched:
        patched.setattr("starhaul_stores.relational.ledger.Ledger.close_run", crash)
        with pytest.raises(Crash):
            delivery.commit(receipt)
    assert mysql.execute("SELECT count(*) FROM t") == [(2,)]
    delivery.resumed().commit(receipt)
    assert mysql.execute("SELECT id FROM t ORDER BY 1") == [(1,), (2,)]
    assert mysql.execute("SHOW TABLES") == [("t",)]


def test_a_table_without_transactions_is_refused_unless_asked_for(mysql: MysqlDatabase) -> None:
    mysql.execute("CREATE TABLE t (id int PRIMARY KEY, v varchar(3)) ENGINE = MyISAM")
    schema = pa.schema([("id", pa.int64()), ("v", pa.string())])
    with pytest.raises(ConfigError, match="MyISAM, without transactions"):
        Delivery(writer(mysql), schema)
    target = writer(mysql, exactlyOnce=False)
    assert Capability.EXACTLY_ONCE not in target.promises()
    (receipt,), (task,) = write(target, pa.table({"id": [1, 2, 3], "v": ["a", "long", "c"]}))
    assert receipt.rows == 2
    assert [row["id"] for row, _, _ in task.rejected] == [2]
    assert mysql.execute("SELECT id FROM t") == [(1,), (3,)]
    assert any("no ledger" in fact for fact in target.describe())


SCHEMA = pa.schema([("id", pa.int64()), ("v", pa.string())])


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ({"table": "ordrs"}, "no table 'ordrs' .*did you mean 'orders'"),
        ({"table": "`o[0-3]`"}, r"no table '`o\[0-3\]`' .within quotes a range is part of the name"),
        ({"column": ["id", "wrods"]}, "no column 'wrods' .*did you mean 'words'"),
        ({"column": ["id", "twice"]}, "generated column"),
        ({"writeMode": "update", "keys": ["words"]}, r"no primary key or unique index of 'orders' is on \(words\)"),
        ({"writeMode": "update", "updateColumns": ["x"]}, "no column 'x'"),
        ({"writeMode": "update", "column": ["id", "n"], "updateColumns": ["words"]}, "lacks 'words', which updateCol"),
        ({"writeMode": "update", "updateColumns": ["twice"], "column": ["id", "words"]}, "lacks 'twice', which update"),
        ({"writeMode": "update", "column": ["n", "words"]}, "lacks 'id', which update needs .name it there, or use"),
        ({"writeMode": "replace", "column": ["n", "words"]}, "lacks 'id', which replace needs"),
        ({"writeMode": "update", "column": ["n", "words"], "keys": ["ID"]}, "lacks 'id', which update needs"),
        ({"url": "mysql://root@127.0.0.1:{port}/nowhere"}, "Unknown database 'nowhere'"),
        ({"url": "mysql://nobody:wrong@127.0.0.1:{port}/{name}"}, "Access denied .*check username and password"),
        ({"url": "mysql://root@no.such.host.invalid/{name}"}, "check the host"),
        ({"url": "postgresql://127.0.0.1/x"}, "is not MySQL"),
        ({"url": "mysql://root@127.0.0.1:{port}/{name}?noSuchOption=1"}, "unknown option 'noSuchOption'"),
    ],
)
def test_a_wrong_job_is_told_at_once(mysql: MysqlDatabase, more: dict[str, Any], message: str) -> None:
    mysql.execute("CREATE TABLE orders (id int AUTO_INCREMENT PRIMARY KEY, words text, n int, twice int AS (n * 2))")
    url = str(more.get("url", mysql.url)).format(port=mysql.server.port, name=mysql.name)
    target = MysqlWriter(MysqlWriterParams.model_validate({"table": "orders", **more, "url": url}))
    begun = time.monotonic()
    with pytest.raises(ConfigError, match=message) as caught:
        Delivery(target, SCHEMA)
    assert time.monotonic() - begun < 5
    assert "wrong" not in str(caught.value)


def test_a_server_that_is_down_is_transient() -> None:
    params = {"url": "mysql://root@127.0.0.1:1/x", "table": "t", "connectTimeout": 1}
    with pytest.raises(TransientError, match="is the server up"):
        MysqlWriter(MysqlWriterParams.model_validate(params)).accept(SCHEMA)


def test_a_missing_privilege_is_named(mysql: MysqlDatabase) -> None:
    mysql.execute("CREATE TABLE t (id int)", f"CREATE USER reader_{mysql.name}@'%' IDENTIFIED BY 'pw'")
    mysql.execute(f"GRANT SELECT ON {mysql.name}.* TO reader_{mysql.name}@'%'")
    params = {"url": mysql.url, "table": "t", "username": f"reader_{mysql.name}", "password": "pw"}
    target = MysqlWriter(MysqlWriterParams.model_validate(params))
    delivery = Delivery(target, pa.schema([("id", pa.int64())]))
    with pytest.raises(ConfigError, match="CREATE command denied"):
        delivery.prepare()


def test_pre_and_post_sql(mysql: MysqlDatabase) -> None:
    mysql.execute("CREATE TABLE t (id int)", "INSERT INTO t VALUES (9)", "CREATE TABLE log (n int)")
    target = writer(mysql, preSql=["DELETE FROM @table"], postSql="INSERT INTO log SELECT count(*) FROM @table")
    write(target, pa.table({"id": [1, 2]}))
    assert mysql.execute("SELECT id FROM t") == [(1,), (2,)]
    assert mysql.execute("SELECT n FROM log") == [(2,)]
    again = target.appending()
    assert again is not None
    write(again, pa.table({"id": [3]}))
    assert mysql.execute("SELECT count(*) FROM t") == [(3,)]


def test_the_small_batches_of_datax_jobs_do_not_slow_the_load(mysql: MysqlDatabase) -> None:
    """`batchSize` is written in most jobs, and means rows of a JDBC batch."""
    mysql.execute("CREATE TABLE t (id int)")
    said = "SHOW GLOBAL STATUS WHERE Variable_name IN ('Com_load', 'Com_savepoint')"
    before = [int(str(number)) for _, number in mysql.execute(said)]
    write(writer(mysql, batchSize=256), pa.table({"id": range(20_000)}))
    assert [int(str(number)) for _, number in mysql.execute(said)] == [number + 1 for number in before]
    assert mysql.execute("SELECT count(*) FROM t") == [(20_000,)]


def test_datax_parameters(mysql: MysqlDatabase) -> None:
    mysql.execute("CREATE TABLE t (id int)")
    connection = [
        {"jdbcUrl": f"jdbc:{mysql.url.replace('root@', '')}?useSSL=false&characterEncoding=utf8", "table": ["t"]}
    ]
    document = {
        **{"username": "root", "password": "", "column": ["id"], "connection": connection, "batchSize": 1024},
        **{"writeMode": "insert into", "session": ["set session sql_mode='ANSI'"]},
    }
    target = MysqlWriter(MysqlWriterParams.model_validate(document))
    write(target, pa.table({"id": [1]}))
    assert mysql.execute("SELECT id FROM t") == [(1,)]
