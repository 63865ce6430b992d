"""`hivewriter`: how files become rows of partitions and tables, and what runs that fail or meet leave."""

from __future__ import annotations

from typing import Any

import pyarrow as pa
import pytest

from starhaul import ConfigError
from starhaul.testing.delivery import Delivery
from starhaul_stores.hive.connection import Connection
from tests.servers.hive import HiveTables
from tests.servers.hive_plugins import (
    delivered,
    new_run,
    ordered,
    read,
    reader,
    stray,
    writer,
)

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore::ResourceWarning")]


def test_a_run_that_fails_leaves_nothing(hive: HiveTables) -> None:
    hive.ask("CREATE TABLE {t}t (a int, b string) STORED AS parquet", "INSERT INTO {t}t VALUES (1, 'x')")
    for mode, before in (("append", [(1, "x")]), ("overwrite", [(1, "x"), (2, "y")])):
        target = writer(hive, mode, table=hive.name("t"))
        table = pa.table({"a": pa.array([2], pa.int32()), "b": ["y"]})
        delivery = Delivery(target, table.schema, run=new_run())
        delivery.prepare()
        receipt = target.write(delivery.task(), iter(delivery.converted(table)))
        assert ordered(hive.ask("SELECT * FROM {t}t")) == before
        delivery.abort(receipt)
        delivery.abort(receipt)
        assert ordered(hive.ask("SELECT * FROM {t}t")) == before
        assert stray(hive, "t") == []
        # A commit that is cut off, at its very end for instance, is repeated.
        delivery = Delivery(target, table.schema, run=new_run())
        delivery.prepare()
        receipt = target.write(delivery.task(), iter(delivery.converted(table)))
        for _ in range(2):
            delivery.commit(receipt)
    assert hive.ask("SELECT * FROM {t}t") == [(2, "y")]


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
    delivery = Delivery(target, schema, run=new_run())
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
        killed = Delivery(target, rows.schema, run=new_run())
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
    deliveries = [Delivery(target, table.schema, run=new_run()) for _ in range(2)]
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
        delivery = Delivery(target, schema, run=new_run())
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
