"""`hivewriter`: what Hive shows after a run, meanwhile, and after one that failed."""

from __future__ import annotations

import threading
from itertools import count
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

import starhaul
from starhaul import ConfigError
from starhaul.testing.delivery import Delivery
from starhaul_stores.hive.connection import Connection
from starhaul_writers.hive import HiveWriter, HiveWriterParams
from tests.servers.hive import HiveTables
from tests.servers.test_hive_reader import COLUMNS, ROWS, TEXT_ROWS, ordered, read, reader, single

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore::ResourceWarning")]


def writer(hive: HiveTables, mode: str = "append", **parameters: Any) -> HiveWriter:
    given = hive.parameters(writeMode=mode, **parameters)
    return HiveWriter(HiveWriterParams.model_validate(given, by_alias=True, by_name=False))


def batch_of(rows: list[tuple[Any, ...]], source: HiveWriter, schema: pa.Schema) -> pa.RecordBatch:
    columns = zip(*rows, strict=True)
    return pa.RecordBatch.from_arrays(
        [pa.array(values, field.type) for values, field in zip(columns, schema, strict=True)], schema=schema
    )


_runs = count(1)


def delivered(target: HiveWriter, table: pa.Table, rejects: int = 0) -> None:
    """Rows by a run of their own."""
    delivery = Delivery(target, table.schema, run=f"run_{next(_runs)}")
    delivery.prepare()
    task = delivery.task()
    delivery.commit(target.write(task, iter(delivery.converted(table))))
    assert len(task.rejected) == rejects


def stray(hive: HiveTables, table: str) -> list[str]:
    """Directories of runs that have files."""
    cluster, base = hive.server.cluster, f"/warehouse/{hive.name(table)}"
    return cluster.names(f"{base}/_starhaul") if "_starhaul" in cluster.names(base) else []


_TABBED = "ROW FORMAT DELIMITED FIELDS TERMINATED BY '\\t' STORED AS textfile"


@pytest.mark.parametrize("form", ["STORED AS textfile", _TABBED, "STORED AS orc", "STORED AS parquet"])
def test_hive_gives_back_what_was_written(hive: HiveTables, form: str) -> None:
    columns, rows = (COLUMNS, ROWS) if "textfile" not in form else (COLUMNS.replace(", raw binary", ""), TEXT_ROWS)
    hive.ask(f"CREATE TABLE {{t}}t ({columns}) {form}")
    target = writer(hive, table=hive.name("t"))
    schema = pa.schema([(each.name, each.arrow) for each in target._target().columns])
    table = pa.Table.from_batches([batch_of(rows, target, schema)])
    delivered(target, table)
    delivered(target, table)
    expected = ordered([(*row[:4], single(row[4]), *row[5:]) for row in rows] * 2)
    assert ordered([(*row[:4], single(row[4]), *row[5:]) for row in hive.ask("SELECT * FROM {t}t")]) == expected
    delivered(writer(hive, "overwrite", table=hive.name("t")), table)
    assert len(hive.ask("SELECT * FROM {t}t")) == len(rows)
    delivered(writer(hive, "overwrite", table=hive.name("t")), table.slice(0, 1))
    delivered(target, table.slice(1, 1))
    assert len(hive.ask("SELECT * FROM {t}t")) == 2
    for _ in range(2):  # files stay for one run more
        delivered(writer(hive, "overwrite", table=hive.name("t")), table)
        assert len(stray(hive, "t")) == 2
        assert len(hive.ask("SELECT * FROM {t}t")) == len(rows)


@pytest.mark.parametrize(("form", "more"), [("orc", {}), ("orc", {"compress": "none"}), ("parquet", {})])
def test_days_of_every_year(hive: HiveTables, form: str, more: dict[str, str]) -> None:
    """Hive takes the days before 1582-10-15 for Julian ones, unless the file says that they are not."""
    hive.ask(f"CREATE TABLE {{t}}t (d date, at timestamp) STORED AS {form}")
    days = ["0001-01-01", "1582-10-04", "1582-10-14", "1582-10-15", "1969-12-31", "9999-12-31"]
    table = pa.table({"d": days, "at": [f"{day} 01:02:03" for day in days]})
    delivered(writer(hive, table=hive.name("t"), **more), table)
    shown = hive.ask("SELECT CAST(d AS string), CAST(at AS string) FROM {t}t")
    assert ordered(shown) == list(zip(days, table["at"].to_pylist(), strict=True))


@pytest.mark.parametrize("null", ["", " ", "a "])
def test_how_null_stands_to_the_last_blank(hive: HiveTables, null: str) -> None:
    """DESCRIBE pads what it tells with blanks, as if all of these were alike."""
    style = f"ROW FORMAT DELIMITED FIELDS TERMINATED BY ',' NULL DEFINED AS '{null}' STORED AS textfile"
    hive.ask(f"CREATE TABLE {{t}}t (a string, b string) {style}")
    rows = [("1", None), ("2", ""), ("3", " "), ("4", "a")]
    columns = dict(zip("ab", map(list, zip(*rows, strict=True)), strict=True))
    delivered(writer(hive, table=hive.name("t")), pa.table(columns), rejects=0 if null == "a " else 1)
    expected = [row for row in rows if row[1] != null]
    assert ordered(hive.ask("SELECT * FROM {t}t")) == ordered(expected)
    assert ordered(read(reader(hive, table=hive.name("t"), read="files"))) == ordered(expected)


def test_the_folders_of_new_partitions_are_called_as_hive_calls_them(hive: HiveTables) -> None:
    hive.ask("CREATE TABLE {t}p (a int) PARTITIONED BY (p string) STORED AS orc")
    rows = pa.table({"a": [1, 2], "p": ["{x}", "[y]^|~\x7f"]})
    delivered(writer(hive, table=hive.name("p")), rows)
    assert sorted(read(reader(hive, table=hive.name("p"), read="files"))) == [(1, "{x}"), (2, "[y]^|~\x7f")]


def test_partitions(hive: HiveTables, tmp_path: Path) -> None:
    name = hive.name("p")
    hive.ask("CREATE TABLE {t}p (a int, b varchar(3)) PARTITIONED BY (dt date, h string) STORED AS orc")
    days = ["2024-01-01", "2024-01-01", None, "2024-01-02"]
    given = {"a": [1, 2, 3, 4], "b": ["x", "y", "z", "long"], "dt": days, "h": ["1", "a b/c=d%", "1", "1"]}
    delivered(writer(hive, table=name), pa.table(given), rejects=2)
    rows = pa.table(given).slice(0, 2)

    def shown() -> list[tuple[Any, ...]]:
        return ordered(hive.ask("SELECT a, b, CAST(dt AS string), h FROM {t}p"))

    before = ordered(list(zip(*(column.to_pylist() for column in rows.columns), strict=True)))
    assert shown() == before
    assert stray(hive, "p") == []
    new = pa.table({"a": [7, 8], "b": ["n", "m"]})
    one = {"dt": "2024-01-01", "h": "1"}
    seen: list[int] = []
    over = threading.Event()

    def watch() -> None:
        while not over.is_set():
            seen.append(len(hive.ask("SELECT a FROM {t}p WHERE h = '1'")))

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        delivered(writer(hive, "overwrite", table=name, partition=one), new)
    finally:
        over.set()
        watcher.join()
    assert set(seen) <= {1, 2}
    replaced = [(7, "n", "2024-01-01", "1"), (8, "m", "2024-01-01", "1")]
    assert shown() == ordered([*replaced, *(row for row in before if row[3] != "1")])
    delivered(writer(hive, "overwrite", table=name, partition=one), new.slice(0, 1))
    delivered(writer(hive, "append", table=name, partition=one), new.slice(1))
    assert [row for row in shown() if row[3] == "1"] == replaced
    assert "h=1" not in hive.server.cluster.names(f"/warehouse/{name}/dt=2024-01-01")
    with pytest.raises(ConfigError, match="there are rows in"):
        writer(hive, "nonConflict", table=name, partition=one).check(new.schema)
    values = [{"value": value, "type": "string"} for value in ("ok", "2024-13-01", "1")]
    job = {
        "reader": {"name": "stream", "column": values, "sliceRecordCount": 1},
        "writer": {"name": "hive", **hive.parameters(table=name, writeMode="append", column=["b", "dt", "h"])},
        "settings": {"errorLimit": {"record": 1}},
    }
    report = starhaul.run(job, state=tmp_path)
    assert (report.state, report.rejected, report.written) == ("done", 1, 0)


def test_a_run_that_fails_leaves_nothing(hive: HiveTables) -> None:
    hive.ask("CREATE TABLE {t}t (a int, b string) STORED AS parquet", "INSERT INTO {t}t VALUES (1, 'x')")
    for mode, before in (("append", [(1, "x")]), ("overwrite", [(1, "x"), (2, "y")])):
        target = writer(hive, mode, table=hive.name("t"))
        table = pa.table({"a": pa.array([2], pa.int32()), "b": ["y"]})
        delivery = Delivery(target, table.schema, run=f"run_{next(_runs)}")
        delivery.prepare()
        receipt = target.write(delivery.task(), iter(delivery.converted(table)))
        assert ordered(hive.ask("SELECT * FROM {t}t")) == before
        delivery.abort(receipt)
        delivery.abort(receipt)
        assert ordered(hive.ask("SELECT * FROM {t}t")) == before
        assert stray(hive, "t") == []
        # A commit that is cut off, at its very end for instance, is repeated.
        delivery = Delivery(target, table.schema, run=f"run_{next(_runs)}")
        delivery.prepare()
        receipt = target.write(delivery.task(), iter(delivery.converted(table)))
        for _ in range(2):
            delivery.commit(receipt)
    assert hive.ask("SELECT * FROM {t}t") == [(2, "y")]


def test_tables_that_cannot_be_written(hive: HiveTables) -> None:
    hive.ask(
        "CREATE TABLE {t}a (a int) STORED AS avro", "CREATE TABLE {t}x (a array<int>) STORED AS orc",
        "CREATE TABLE {t}e (a int, b string) ROW FORMAT DELIMITED FIELDS TERMINATED BY ',' ESCAPED BY '\\\\'",
        "CREATE TABLE {t}b (a binary)", "CREATE TABLE {t}t (a int) PARTITIONED BY (p int)",
        "CREATE VIEW {t}v AS SELECT 1 a",
        "CREATE TABLE {t}d (a int, b string) ROW FORMAT DELIMITED FIELDS TERMINATED BY '\\\\'",
    )  # fmt: skip
    schema = pa.schema([("a", pa.int32())])
    for table, more, told in (
        ("a", {}, "format"), ("x", {}, "array<int>"), ("e", {}, "escape.delim"), ("b", {}, "binary"), ("v", {}, "view"),
        ("t", {"partition": {"q": 1}}, "no partition column 'q'"), ("t", {"partition": {"p": "x"}}, "'x' is no int"),
        ("d", {}, "its delimiter"), ("t", {"column": ["a"]}, "'p'"), ("none", {}, "there is no table"),
    ):  # fmt: skip
        with pytest.raises(ConfigError, match=told):
            writer(hive, table=hive.name(table), **more).accept(schema)


def test_a_partition_of_another_format_is_not_written(hive: HiveTables) -> None:
    name = hive.name("p")
    hive.ask(
        "CREATE TABLE {t}p (a int) PARTITIONED BY (dt string) STORED AS textfile", "INSERT INTO {t}p VALUES (1, 'x')",
        "ALTER TABLE {t}p SET FILEFORMAT orc",
    )  # fmt: skip
    rows = pa.table({"a": pa.array([2, 3], pa.int32()), "dt": ["new", "x"]})
    for mode in ("append", "overwrite"):
        with pytest.raises(ConfigError, match=r"dt=x of `default`.* is text, not orc"):
            delivered(writer(hive, mode, table=name), rows)
        with pytest.raises(ConfigError, match="is text, not orc"):
            writer(hive, mode, table=name, partition={"dt": "x"}).check(rows.select(["a"]).schema)
    assert hive.ask("SELECT * FROM {t}p") == [(1, "x")]


def test_a_table_that_is_elsewhere_is_not_written(hive: HiveTables) -> None:
    name, cluster = hive.name("p"), hive.server.cluster
    hive.ask("CREATE TABLE {t}p (a int) PARTITIONED BY (dt string) STORED AS orc")
    schema = pa.schema([("a", pa.int32()), ("dt", pa.string())])
    elsewhere = {"defaultFS": "hdfs://elsewhere:8020", "webhdfsUrl": cluster.url}
    for mode in ("append", "overwrite"):
        with pytest.raises(ConfigError, match="not on hdfs://elsewhere:8020"):
            writer(hive, mode, table=name, hdfs=elsewhere).check(schema)
    rows = pa.table({"a": [1], "dt": ["x"]}, schema)
    delivered(writer(hive, table=name, hdfs=elsewhere, hdfsAliases=[cluster.default_fs]), rows)
    assert hive.ask("SELECT * FROM {t}p") == [(1, "x")]
    hive.ask("CREATE TABLE {t}l (a int) STORED AS orc LOCATION 'file://" + f"{hive.server.folder}/tmp/l'")
    with pytest.raises(ConfigError, match="not on HDFS"):
        writer(hive, table=hive.name("l")).check(schema)


@pytest.mark.parametrize("form", ["orc", "parquet"])
def test_columns_that_are_not_named_are_null(hive: HiveTables, form: str) -> None:
    hive.ask(f"CREATE TABLE {{t}}t (a int, b int, c int) STORED AS {form}")
    delivered(writer(hive, table=hive.name("t"), column=["c", "a"]), pa.table({"c": [3], "a": [1]}))
    delivered(writer(hive, table=hive.name("t"), column=["b"]), pa.table({"b": pa.array([2], pa.int64())}))
    expected = [(1, None, 3), (None, 2, None)]
    assert ordered(hive.ask("SELECT * FROM {t}t")) == expected
    assert ordered(hive.ask("SELECT a, b, c FROM {t}t ORDER BY a")) == expected, "not by a fetch task"


def test_files_that_a_dropped_partition_has_left(hive: HiveTables) -> None:
    name = hive.name("p")
    hive.ask("CREATE EXTERNAL TABLE {t}p (a int) PARTITIONED BY (dt string) STORED AS orc")
    schema = pa.schema([("a", pa.int32()), ("dt", pa.string())])
    old, new = (pa.table({"a": values, "dt": ["x", "y"]}, schema) for values in ([1, 2], [3, 4]))
    drop = "ALTER TABLE {t}p DROP PARTITION (dt='x')"
    delivered(writer(hive, table=name), old)
    hive.ask(drop)
    assert "dt=x" in hive.server.cluster.names(f"/warehouse/{name}")
    with pytest.raises(ConfigError, match=r"there are rows in .*dt=x"):
        writer(hive, "nonConflict", table=name, partition={"dt": "x"}).check(old.schema.remove(1))
    writer(hive, "nonConflict", table=name, partition={"dt": "z"}).check(old.schema.remove(1))
    for _ in range(2):
        delivered(writer(hive, "overwrite", table=name), new)
        assert ordered(hive.ask("SELECT * FROM {t}p")) == [(3, "x"), (4, "y")]
        hive.ask(drop)
    # A commit that is cut off before it adds the partition, and is repeated.
    target = writer(hive, "overwrite", table=name)
    delivery = Delivery(target, schema, run=f"run_{next(_runs)}")
    delivery.prepare()
    receipt = target.write(delivery.task(), iter(delivery.converted(new.slice(0, 1))))
    delivery.commit(receipt)
    hive.ask(drop)
    delivery.commit(receipt)
    assert ordered(hive.ask("SELECT * FROM {t}p")) == [(3, "x"), (4, "y")]


def test_what_a_killed_run_has_staged_is_cleared(hive: HiveTables, monkeypatch: pytest.MonkeyPatch) -> None:
    hive.ask("CREATE TABLE {t}p (a int) PARTITIONED BY (dt string, h int) STORED AS orc")
    table = pa.table({"a": pa.array([1], pa.int32())})
    for partition in ({"dt": "x", "h": 1}, {"dt": "x"}):
        target = writer(hive, table=hive.name("p"), partition=partition)
        rows = table if "h" in partition else table.append_column("h", pa.array([1], pa.int32()))
        killed = Delivery(target, rows.schema, run=f"run_{next(_runs)}")
        killed.prepare()
        target.write(killed.task(), iter(killed.converted(rows)))
    assert len(stray(hive, "p")) == 2
    delivered(target, rows)
    assert len(stray(hive, "p")) == 2, "it may still run"
    monkeypatch.setattr("starhaul_writers.hive._ABANDONED_AFTER", -60)
    delivered(target, rows)
    assert stray(hive, "p") == []


@pytest.mark.parametrize("partition", [{}, {"dt": "x"}])
def test_two_runs_that_overwrite(hive: HiveTables, partition: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    """The second comes between two steps of the first."""
    hive.ask(f"CREATE TABLE {{t}}t (a int) {'PARTITIONED BY (dt string)' if partition else ''} STORED AS orc")
    table = pa.table({"a": pa.array([0], pa.int32())})
    target = writer(hive, "overwrite", table=hive.name("t"), partition=partition)
    for _ in range(3):
        delivered(target, table)
    deliveries = [Delivery(target, table.schema, run=f"run_{next(_runs)}") for _ in range(2)]
    receipts = []
    for delivery in deliveries:
        delivery.prepare()
        receipts.append(target.write(delivery.task(), iter(delivery.converted(table))))
    rows, waiting = Connection.rows, [deliveries[1]]

    def then(db: Connection, statement: str) -> list[tuple[Any, ...]]:
        found = rows(db, statement)
        if "SET LOCATION" in statement and waiting:
            waiting.pop().commit(receipts[1])
        return found

    monkeypatch.setattr(Connection, "rows", then)
    deliveries[0].commit(receipts[0])
    assert not waiting
    assert [row[0] for row in hive.ask("SELECT * FROM {t}t")] == [0]
    monkeypatch.undo()
    for _ in range(2):
        delivered(target, table)
    kept = [hive.server.cluster.names(f"/warehouse/{hive.name('t')}/_starhaul/{run}") for run in stray(hive, "t")]
    assert len(list(filter(None, kept))) == 2


def test_many_new_partitions(hive: HiveTables, monkeypatch: pytest.MonkeyPatch) -> None:
    hive.ask(
        "CREATE TABLE {t}p (a int) PARTITIONED BY (dt string) STORED AS parquet",
        "ALTER TABLE {t}p ADD PARTITION (dt='4')",
    )
    monkeypatch.setattr("starhaul_stores.hive.publication._AT_ONCE", 4)
    statements: list[str] = []
    rows = Connection.rows

    def told(db: Connection, statement: str) -> list[tuple[Any, ...]]:
        statements.append(statement)
        return rows(db, statement)

    monkeypatch.setattr(Connection, "rows", told)
    days = [*map(str, range(10)), "a/c=d%'\\"]
    table = pa.table({"a": pa.array(range(11), pa.int32()), "dt": days})
    delivered(writer(hive, table=hive.name("p")), table)
    assert sum("ADD IF NOT EXISTS" in each for each in statements) == 3
    expected = ordered(list(enumerate(days)))
    assert ordered(hive.ask("SELECT * FROM {t}p")) == expected
    delivered(writer(hive, "overwrite", table=hive.name("p")), table)
    assert ordered(hive.ask("SELECT * FROM {t}p")) == expected


def test_partitions_whose_folders_are_no_uris(hive: HiveTables) -> None:
    """`SET LOCATION` takes none of these as they are."""
    name = hive.name("p")
    hive.ask("CREATE TABLE {t}p (a int) PARTITIONED BY (dt string, h string) STORED AS orc")
    days = ["a b", "a|b", " <x> `y`", "50% \u3000|é😀", "plain"]
    schema = pa.schema([("a", pa.int32()), ("dt", pa.string()), ("h", pa.string())])

    def rows(first: int) -> pa.Table:
        return pa.table({"a": range(first, first + len(days)), "dt": days, "h": [f"h {each}" for each in days]}, schema)

    def expect(*tables: pa.Table) -> None:
        expected = ordered([tuple(row.values()) for each in tables for row in each.to_pylist()])
        assert ordered(hive.ask("SELECT * FROM {t}p")) == expected
        for way in ("files", "query"):
            assert ordered(read(reader(hive, table=name, read=way))) == expected
        assert read(reader(hive, table=name, read="files", partition="dt=a|b/*")) == [
            row for row in expected if row[1] == "a|b"
        ]

    delivered(writer(hive, table=name), rows(0))
    for number in range(3):
        target = writer(hive, "overwrite", table=name)
        delivery = Delivery(target, schema, run=f"run_{next(_runs)}")
        delivery.prepare()
        receipt = target.write(delivery.task(), iter(delivery.converted(rows(number * 10))))
        for _ in range(2):
            delivery.commit(receipt)
        expect(rows(number * 10))
    runs = [f"/warehouse/{name}/_starhaul/{run}" for run in stray(hive, "p")]
    told = [hive.server.cluster.ask("GET", "GETCONTENTSUMMARY", run).json()["ContentSummary"] for run in runs]
    assert [each["fileCount"] for each in told if each["fileCount"]] == [5, 5], "the rows, and those before them"
    delivered(writer(hive, table=name), rows(50))
    expect(rows(20), rows(50))
    one = {"dt": "a b", "h": "h a b"}
    for number in (7, 8):
        new = pa.table({"a": pa.array([number], pa.int32())})
        delivered(writer(hive, "overwrite", table=name, partition=one), new)
        assert hive.ask("SELECT a FROM {t}p WHERE dt = 'a b'") == [(number,)]
        assert hive.ask("SELECT count(*) FROM {t}p WHERE dt != 'a b'") == [(8,)]


def test_a_table_whose_location_is_no_uri(hive: HiveTables) -> None:
    """Nothing but `overwrite` needs another location."""
    hive.ask("CREATE EXTERNAL TABLE {t}t (a int) STORED AS orc LOCATION '/else/{t}a b'")
    table = pa.table({"a": pa.array([1], pa.int32())})
    delivered(writer(hive, table=hive.name("t")), table)
    with pytest.raises(ConfigError, match=r"stands in '/else/.*a b', and Hive sets no location"):
        writer(hive, "overwrite", table=hive.name("t")).check(table.schema)
    assert read(reader(hive, table=hive.name("t"), read="files")) == [(1,)]
