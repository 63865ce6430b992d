"""What OceanBase has beside MySQL: partitions, snapshots by number, weak reads, a memstore, and a LOAD DATA that
commits on its own. Against OceanBase's own engine."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Set
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pymysql
import pytest

from starhaul import ConfigError, Reader, TransientError
from starhaul.testing import RecordingTask
from starhaul.testing.delivery import Delivery
from starhaul_readers.mysql import MysqlReader, MysqlReaderParams
from starhaul_readers.oceanbase import OceanbaseReaderParams, OceanbaseV10Reader
from starhaul_stores.mysql import oceanbase as store
from starhaul_writers.mysql import MysqlWriter, MysqlWriterParams
from starhaul_writers.oceanbase import OceanbaseV10Writer, OceanbaseWriterParams
from tests.conftest import MysqlDatabase, PostgresqlSchema
from tests.fidelity.databases import Mysql, Postgresql
from tests.fidelity.mysql_values import TYPES
from tests.fidelity.passage import Passage

PARTITIONS = {
    "range": "RANGE (k) (PARTITION low VALUES LESS THAN (40), PARTITION `h'igh` VALUES LESS THAN (MAXVALUE))",
    "hash": "HASH (k) PARTITIONS 3",
    "both": "RANGE COLUMNS (k) SUBPARTITION BY HASH (n) SUBPARTITIONS 2 (PARTITION p0 VALUES LESS THAN (40), "
    "PARTITION p1 VALUES LESS THAN (MAXVALUE))",
}


def reader(oceanbase: MysqlDatabase, **more: Any) -> OceanbaseV10Reader:
    return OceanbaseV10Reader(OceanbaseReaderParams.model_validate({"url": oceanbase.url, "table": "t", **more}))


def writer(oceanbase: MysqlDatabase, **more: Any) -> OceanbaseV10Writer:
    return OceanbaseV10Writer(OceanbaseWriterParams.model_validate({"url": oceanbase.url, "table": "t", **more}))


def slices(source: Reader[Any], target: int) -> list[list[dict[str, Any]]]:
    task = RecordingTask(source.schema())
    return [[row for batch in source.read(split, task) for row in batch.to_pylist()] for split in source.split(target)]


def write(target: OceanbaseV10Writer | MysqlWriter, rows: pa.Table) -> tuple[RecordingTask, Any]:
    """A whole run of one task; what it rejected, and its receipt."""
    target.check(target.accept(rows.schema) or rows.schema)
    delivery = Delivery(target, rows.schema)
    delivery.prepare()
    task = delivery.task()
    receipt = delivery.write(task, delivery.converted(rows))
    delivery.commit(receipt)
    return task, receipt


@pytest.mark.parametrize("by", PARTITIONS)
def test_partitions(oceanbase: MysqlDatabase, by: str) -> None:
    oceanbase.execute(f"CREATE TABLE t (n int, k int) PARTITION BY {PARTITIONS[by]}")
    rows = ", ".join(f"({n}, {n % 80})" for n in range(200))
    oceanbase.execute(f"INSERT INTO t VALUES {rows}")
    for more in ({}, {"readByPartition": True, "where": "n >= 0"}):
        found = slices(reader(oceanbase, **more), 4)
        assert len(found) == {"range": 2, "hash": 3, "both": 4}[by]
        assert Counter(row["n"] for part in found for row in part) == Counter(range(200))
    assert len(slices(reader(oceanbase), 1)) == 1
    if by == "range":
        part = slices(reader(oceanbase, partitionName="low"), 1)
        assert {row["k"] for rows in part for row in rows} == set(range(40))
        assert len(slices(reader(oceanbase, partitionName=["h'igh", "low"], splitPk="n"), 3)) > 2
        with pytest.raises(ConfigError, match=r"[Pp]artition"):
            slices(reader(oceanbase, partitionName="nope"), 1)


@pytest.mark.parametrize("name", ["oceanbase", "mysql"])
def test_all_slices_are_of_one_moment(oceanbase: MysqlDatabase, name: str) -> None:
    """With the reader for MySQL, too: LOCK TABLES, which it would use elsewhere, locks nothing here."""
    oceanbase.execute(
        "CREATE TABLE t (n int PRIMARY KEY)", f"INSERT INTO t VALUES {', '.join(f'({n})' for n in range(90))}"
    )
    source: Reader[Any] = reader(oceanbase)
    if name == "mysql":
        source = MysqlReader(MysqlReaderParams.model_validate({"url": oceanbase.url, "table": "t"}))
    with source.hold(2) as held:
        oceanbase.execute("DELETE FROM t WHERE n > 50", "INSERT INTO t VALUES (1000)")
        assert sorted(row["n"] for part in slices(held, 3) for row in part) == [*range(90)]
        assert "one moment" in " ".join(held.describe())
    assert sorted(row["n"] for part in slices(source, 3) for row in part) == [*range(51), 1000]


def test_queries_and_weak_reads_promise_no_moment(oceanbase: MysqlDatabase) -> None:
    oceanbase.execute("CREATE TABLE t (n int PRIMARY KEY)", "INSERT INTO t VALUES (1), (2)")
    params = {"url": oceanbase.url, "querySql": ["SELECT n FROM t WHERE n = 1", "SELECT n FROM t WHERE n = 2"]}
    queries = OceanbaseV10Reader(OceanbaseReaderParams.model_validate(params))
    with queries.hold(2) as held:
        assert "several moments" in " ".join(held.describe())
        assert slices(held, 2) == [[{"n": 1}], [{"n": 2}]]
    weak = reader(oceanbase, weakRead=True)
    with weak.hold(2) as held:
        assert "weakRead" in " ".join(held.describe())
        assert [row["n"] for part in slices(held, 1) for row in part] == [1, 2]


def test_names_that_are_alike_and_aliases(oceanbase: MysqlDatabase) -> None:
    oceanbase.execute("CREATE TABLE t (n int PRIMARY KEY, price float, v text)", "INSERT INTO t VALUES (1, 0.1, 'é')")
    more = {"table": [], "querySql": "SELECT a.*, b.* FROM t a JOIN t b USING (n)"}
    ((row,),) = slices(reader(oceanbase, **more), 1)
    third = pytest.approx(0.1)
    assert row == {"n": 1, "price": third, "v": "é", "n_2": 1, "price_2": third, "v_2": "é"}
    ((row,),) = slices(reader(oceanbase, column=["price AS p", "max(price) m", "n", "v AS `w`"]), 1)
    assert row == {"p": third, "m": third, "n": 1, "w": "é"}


def test_a_snapshot_that_is_gone_is_told(oceanbase: MysqlDatabase) -> None:
    oceanbase.execute("CREATE TABLE t (n int PRIMARY KEY)", "INSERT INTO t VALUES (1), (2)")
    with reader(oceanbase).hold(2) as held:
        splits = held.split(2)
        oceanbase.execute("DROP TABLE t", "CREATE TABLE t (n int PRIMARY KEY)")
        with pytest.raises(Exception, match="run again") as caught:
            list(held.read(splits[0], RecordingTask(held.schema())))
        assert not isinstance(caught.value, TransientError)


def test_a_query_that_takes_too_long(oceanbase: MysqlDatabase) -> None:
    params = {"url": oceanbase.url, "querySql": "SELECT sleep(3) AS n", "memstoreCheckIntervalSecond": 1}
    source = OceanbaseV10Reader(OceanbaseReaderParams.model_validate(params))
    with pytest.raises(TransientError, match="ob_query_timeout"):
        list(source.read(source.split(1)[0], RecordingTask(pa.schema([]))))


@pytest.mark.parametrize("name", ["oceanbase", "mysql"])
def test_a_task_that_fails_leaves_nothing(oceanbase: MysqlDatabase, name: str) -> None:
    """LOAD DATA would have committed: thousands of rows go by INSERT."""
    oceanbase.execute("CREATE TABLE t (n int PRIMARY KEY, v text)", "INSERT INTO t VALUES (-1, 'old')")
    rows = pa.table({"n": range(3000), "v": [f"row {n}" for n in range(3000)]})
    target: OceanbaseV10Writer | MysqlWriter = writer(oceanbase, writeMode="insert")
    if name == "mysql":
        target = MysqlWriter(MysqlWriterParams.model_validate({"url": oceanbase.url, "table": "t"}))
    delivery = Delivery(target, rows.schema)
    delivery.prepare()

    def breaks() -> Any:
        yield from delivery.converted(rows)
        raise TransientError("source", "was lost")

    with pytest.raises(TransientError, match="was lost"):
        delivery.write(delivery.task(), breaks())
    assert oceanbase.execute("SELECT n FROM t") == [(-1,)]
    task, receipt = write(target, rows)
    assert (task.rejected, receipt.rows) == ([], 3000)
    assert oceanbase.execute("SELECT count(*) FROM t") == [(3001,)]
    assert "INSERT of many rows" in " ".join(target.describe())


def test_modes(oceanbase: MysqlDatabase) -> None:
    rows = pa.table({"n": [1, 2, 3], "v": ["new"] * 3, "w": ["new"] * 3})
    expected = {
        "insert": [(1, "old", "old"), (2, "new", "new"), (3, "new", "new")],
        "ignore": [(1, "old", "old"), (2, "new", "new"), (3, "new", "new")],
        "replace": [(1, "new", "new"), (2, "new", "new"), (3, "new", "new")],
        "update": [(1, "old", "new"), (2, "new", "new"), (3, "new", "new")],
        "overwrite": [(1, "new", "new"), (2, "new", "new"), (3, "new", "new")],
    }
    for mode, found in expected.items():
        oceanbase.execute("DROP TABLE IF EXISTS t", "CREATE TABLE t (n int PRIMARY KEY COMMENT 'c', v text, w text)")
        oceanbase.execute("INSERT INTO t VALUES (1, 'old', 'old')")
        more = {"obUpdateColumns": "w"} if mode == "update" else {}
        task, receipt = write(writer(oceanbase, writeMode=mode, **more), rows)
        assert oceanbase.execute("SELECT * FROM t ORDER BY n") == found, mode
        assert len(task.rejected) == (mode == "insert")
        assert receipt.skipped == (mode == "ignore")
    assert oceanbase.execute("SHOW TABLES") == [("_starhaul_ledger",), ("t",)]
    assert oceanbase.execute("SELECT count(*) FROM _starhaul_ledger") == [(0,)]


def test_an_overwritten_table_keeps_its_partitions(oceanbase: MysqlDatabase) -> None:
    oceanbase.execute(
        "CREATE TABLE t (n int, k int DEFAULT 7 COMMENT 'kind', PRIMARY KEY (n, k), KEY mine (k)) "
        f"PARTITION BY {PARTITIONS['range']}"
    )
    ((_, before),) = oceanbase.execute("SHOW CREATE TABLE t")
    write(writer(oceanbase, writeMode="overwrite"), pa.table({"n": [1, 2], "k": [3, 99]}))
    assert oceanbase.execute("SHOW CREATE TABLE t") == [("t", before)]
    assert oceanbase.execute("SELECT n FROM t PARTITION (low)") == [(1,)]


def test_an_overwritten_table_gives_out_no_number_again(oceanbase: MysqlDatabase) -> None:
    oceanbase.execute("CREATE TABLE t (id int AUTO_INCREMENT PRIMARY KEY, v text)", "INSERT INTO t VALUES (41, 'old')")
    write(writer(oceanbase, writeMode="overwrite"), pa.table({"id": [5], "v": ["new"]}))
    oceanbase.execute("INSERT INTO t (v) VALUES ('next')")
    ((first,), (second,)) = oceanbase.execute("SELECT id FROM t ORDER BY 1")
    assert first == 5
    assert int(str(second)) > 41


def test_a_table_without_a_key_is_inserted_into(oceanbase: MysqlDatabase) -> None:
    """DataX updates by default, and its SQL does the same here."""
    oceanbase.execute("CREATE TABLE t (n int)")
    write(writer(oceanbase), pa.table({"n": [1, 1]}))
    assert oceanbase.execute("SELECT n FROM t") == [(1,), (1,)]
    with pytest.raises(ConfigError, match="no primary key"):
        write(writer(oceanbase, writeMode="replace"), pa.table({"n": [1]}))


def test_rows_without_their_key_are_inserted_unless_the_job_says_update(oceanbase: MysqlDatabase) -> None:
    """DataX updates by default, so its jobs may know nothing of keys; and its SQL does the same here."""
    oceanbase.execute("CREATE TABLE t (id int AUTO_INCREMENT PRIMARY KEY, n int, v text, code int, UNIQUE KEY (code))")
    rows = pa.table({"n": [1, 1], "v": ["a", "b"]})
    write(writer(oceanbase, column=["n", "v"]), rows)
    assert oceanbase.execute("SELECT n FROM t") == [(1,), (1,)]
    for more in ({"obWriteMode": "update"}, {"obUpdateColumns": "v"}):
        with pytest.raises(ConfigError, match="lacks 'id', which update needs"):
            write(writer(oceanbase, column=["n", "v"], **more), rows)
    with pytest.raises(ConfigError, match="lacks 'code', which updateColumns needs"):
        write(writer(oceanbase, column=["id", "n"], obUpdateColumns="code"), rows.rename_columns(["id", "n"]))
    oceanbase.execute("DELETE FROM t", "INSERT INTO t VALUES (1, 1, 'old', 7)")
    rows = pa.table({"code": [7, 8], "n": [2, 2], "v": ["new", "new"]})
    write(writer(oceanbase, column=["`code`", "N", "v"], obUpdateColumns="`V`"), rows)
    assert oceanbase.execute("SELECT n, v, code FROM t ORDER BY code") == [(1, "new", 7), (2, "new", 8)]


def test_a_row_that_is_locked_is_not_waited_for_all_night(
    oceanbase: MysqlDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("starhaul_stores.mysql.connection._LOCK_LIMIT", 300_000)
    oceanbase.execute("CREATE TABLE t (n int PRIMARY KEY, v int)", "INSERT INTO t VALUES (1, 1)")
    with oceanbase.server.connect(database=oceanbase.name) as other, other.cursor() as cursor:
        cursor.execute("BEGIN")
        cursor.execute("UPDATE t SET v = 2")
        with pytest.raises(TransientError, match="Lock wait timeout"):
            write(writer(oceanbase), pa.table({"n": [1], "v": [3]}))
        cursor.execute("ROLLBACK")


def test_waits_while_the_memstore_is_full(oceanbase: MysqlDatabase, monkeypatch: pytest.MonkeyPatch) -> None:
    oceanbase.execute(
        "CREATE TABLE t (n int PRIMARY KEY)",
        "CREATE TABLE fill (used bigint, most bigint)",
        "INSERT INTO fill VALUES (95, 100), (1, 100)",
    )
    monkeypatch.setattr(
        store, "_MEMSTORES", ("SELECT nothing FROM nowhere", f"SELECT used, most FROM {oceanbase.name}.fill")
    )
    full = writer(oceanbase, memstoreCheckIntervalSecond=0.05)
    rows = pa.table({"n": [1]})
    delivery = Delivery(full, rows.schema)
    delivery.prepare()
    task = delivery.task()
    relief = threading.Timer(1, lambda: oceanbase.execute("UPDATE fill SET used = 50"))
    relief.start()
    receipt = delivery.write(task, delivery.converted(rows))
    relief.join()
    assert receipt.rows == 1
    assert task.notes["pauses for a full memstore"] >= 2


def test_the_real_memstore_can_be_seen_or_not(oceanbase: MysqlDatabase) -> None:
    oceanbase.execute("CREATE TABLE t (n int PRIMARY KEY)", "CREATE USER low IDENTIFIED BY 'pw'")
    oceanbase.execute(f"GRANT ALL ON {oceanbase.name}.* TO low")
    assert "memstore" not in " ".join(writer(oceanbase).describe())
    low = writer(oceanbase, username="low", password="pw")
    assert "may not see" in " ".join(low.describe())
    assert write(low, pa.table({"n": [1]}))[1].rows == 1
    oceanbase.execute("DROP USER low")


NO_DATES = {"'0000-00-00'", "'2026-00-10'", "'2026-02-00 12:00:00'"}
"""What Arrow has no place for."""
TOO_LONG = {value.literal for kind in TYPES for value in kind.values if value.alone}
"""What needs two packets as hexadecimal digits, and OceanBase takes no files."""
LACKING = {"uuid", "inet4", "inet6"}
"""Types of MariaDB that OceanBase has not; seekdb has no character sets but Unicode's either."""


def _columns(oceanbase: MysqlDatabase) -> dict[str, list[str]]:
    """Each type that the server has → the literals that it takes."""
    found: dict[str, list[str]] = {}
    for kind in TYPES:
        if kind.sql in LACKING:
            continue
        try:
            oceanbase.execute(f"CREATE TABLE probe (v {kind.sql} NULL)")
        except pymysql.Error:
            found[kind.sql] = []
            continue
        found[kind.sql] = []
        for value in kind.values:
            try:
                oceanbase.execute(f"INSERT INTO probe VALUES ({value.literal})")
            except pymysql.Error:
                continue
            found[kind.sql].append(value.literal)
        oceanbase.execute("DROP TABLE probe")
    return found


def _passage(oceanbase: MysqlDatabase, folder: Path, without: Set[str] = frozenset()) -> Passage:
    """Its values, in the table `origin`."""
    there = {kind: [each for each in values if each not in without] for kind, values in _columns(oceanbase).items()}
    kinds = [
        replace(kind, values=[value for value in kind.values if value.literal in there[kind.sql]])
        for kind in TYPES
        if there.get(kind.sql)
    ]
    oceanbase.execute("SET sql_mode = ''")
    source = Mysql(oceanbase.db, oceanbase.server.port, plugin="oceanbase", name=oceanbase.name)
    passage = Passage(source, kinds, folder)
    passage.fill()
    return passage


def test_every_value_goes_to_postgresql_as_one_of_mysql_does(
    oceanbase: MysqlDatabase, postgresql: PostgresqlSchema, tmp_path: Path
) -> None:
    """Equal, converted or rejected as docs/fidelity.md tells it of MySQL, by what both databases say."""
    passage = _passage(oceanbase, tmp_path)
    target = Postgresql(postgresql.db, postgresql.server.url, name=postgresql.name)
    rejected = passage.move("other", passage.source, "origin", target, "arrived", "")
    outcomes = passage.outcomes("other", target, "arrived", rejected, "origin", "", strict=False)
    assert [(each.type.sql, each.value.literal, each.seen, each.expected) for each in outcomes if not each.right] == []
    assert len(outcomes) == sum(len(kind.values) for kind in passage.types) > 90


def test_every_value_goes_to_a_table_of_the_same_types(oceanbase: MysqlDatabase, tmp_path: Path) -> None:
    """The day 0 among them."""
    passage = _passage(oceanbase, tmp_path, TOO_LONG)
    passage.like_origin("arrived")
    rejected = passage.move("same", passage.source, "origin", passage.source, "arrived", "")
    outcomes = passage.outcomes("same", passage.source, "arrived", rejected, "origin", "", strict=True)
    assert [(each.type.sql, each.value.literal, each.seen) for each in outcomes if each.seen != "equal"] == []
    assert "'0000-00-00'" in {each.value.literal for each in outcomes}


@pytest.mark.parametrize("create", ["never", "ifMissing"])
def test_every_value_arrives_equal(oceanbase: MysqlDatabase, create: str) -> None:
    """OceanBase → Arrow → OceanBase; the server compares."""
    kinds = _columns(oceanbase)
    left_out = NO_DATES | TOO_LONG
    there = {kind: [each for each in values if each not in left_out] for kind, values in kinds.items() if values}
    lacking = {kind for kind, values in kinds.items() if not values}
    assert all("character set" in kind for kind in lacking), lacking
    most = max(map(len, there.values()))
    declared = ", ".join(f"c{n} {kind} NULL" for n, kind in enumerate(there))
    oceanbase.execute(f"CREATE TABLE s (id int PRIMARY KEY, {declared})")
    for row in range(most + 1):  # the last one is all NULL
        values = [literals[row] if row < len(literals) else "NULL" for literals in there.values()]
        oceanbase.execute(f"INSERT INTO s VALUES ({row}, {', '.join(values)})")
    if create == "never":
        oceanbase.execute("CREATE TABLE t LIKE s")
    source = reader(oceanbase, table="s")
    task = RecordingTask(source.schema())
    rows = pa.Table.from_batches([b for s in source.split(1) for b in source.read(s, task)], schema=source.schema())
    assert task.rejected == []
    rejected, receipt = write(writer(oceanbase, createTable=create, keys=["id"]), rows)
    assert (rejected.rejected, receipt.rows) == ([], most + 1)
    unequal = [
        (kind, oceanbase.execute(f"SELECT s.id, hex(s.c{n}), hex(t.c{n}) FROM s LEFT JOIN t USING (id) {differs}"))
        for n, kind in enumerate(there)
        if oceanbase.execute(
            "SELECT 1 FROM s LEFT JOIN t USING (id) "
            + (differs := f"WHERE t.id IS NULL OR NOT (CAST(s.c{n} AS BINARY) <=> CAST(t.c{n} AS BINARY))")
        )
    ]
    assert unequal == []
