"""`hivewriter`: what Hive shows after a run, meanwhile, and after one that failed."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

import starhaul
from starhaul import ConfigError
from tests.servers.hive import HiveTables
from tests.servers.hive_plugins import (
    COLUMNS,
    ROWS,
    TEXT_ROWS,
    batch_of,
    delivered,
    ordered,
    read,
    reader,
    single,
    stray,
    writer,
)

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore::ResourceWarning")]


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


def test_tables_that_cannot_be_written(hive: HiveTables) -> None:
    hive.ask(
        "CREATE TABLE {t}a (a int) STORED AS avro", "CREATE TABLE {t}x (a array<int>) STORED AS orc",
        "CREATE TABLE {t}e (a int, b string) ROW FORMAT DELIMITED FIELDS TERMINATED BY ',' ESCAPED BY '\\\\'",
        "CREATE TABLE {t}b (a binary)", "CREATE TABLE {t}t (a int) PARTITIONED BY (p int)",
        "CREATE VIEW {t}v AS SELECT 1 a",
        "CREATE TABLE {t}d (a int, b string) ROW FORMAT DELIMITED FIELDS TERMINATED BY '\\\\'",
        "CREATE TABLE {t}c (a int) CLUSTERED BY (a) INTO 2 BUCKETS STORED AS orc",
    )  # fmt: skip
    schema = pa.schema([("a", pa.int32())])
    for table, more, told in (
        ("a", {}, "format"), ("x", {}, "array<int>"), ("e", {}, "escape.delim"), ("b", {}, "binary"), ("v", {}, "view"),
        ("t", {"partition": {"q": 1}}, "no partition column 'q'"), ("t", {"partition": {"p": "x"}}, "'x' is no int"),
        ("d", {}, "its delimiter"), ("c", {}, "2 buckets"), ("t", {"column": ["a"]}, "'p'"),
        ("none", {}, "there is no table"),
    ):  # fmt: skip
        with pytest.raises(ConfigError, match=told):
            writer(hive, table=hive.name(table), **more).accept(schema)


@pytest.mark.parametrize("mode", ["append", "overwrite"])
def test_hive_counts_what_was_written(hive: HiveTables, mode: str) -> None:
    """It answers `count(*)` by statistics where it holds them for right, as its own INSERT leaves them."""
    managed = "SET TBLPROPERTIES ('EXTERNAL'='FALSE')"
    hive.ask(
        "SET hive.stats.autogather=true", "SET hive.stats.column.autogather=true",
        "CREATE TABLE {t}t (a int) STORED AS orc", "INSERT INTO {t}t VALUES (1), (2)", f"ALTER TABLE {{t}}t {managed}",
        "CREATE TABLE {t}p (a int) PARTITIONED BY (d string) STORED AS orc", f"ALTER TABLE {{t}}p {managed}",
        "INSERT INTO {t}p PARTITION (d='x') VALUES (1), (2)",
    )  # fmt: skip
    for table in ("t", "p"):
        assert hive.ask(f"SELECT count(*), max(a) FROM {{t}}{table}") == [(2, 2)]
    rows = pa.table({"a": pa.array([7, 8, 9], pa.int32())})
    delivered(writer(hive, mode, table=hive.name("t")), rows)
    delivered(writer(hive, mode, table=hive.name("p"), partition={"d": "x"}), rows)
    delivered(writer(hive, mode, table=hive.name("p"), partition={"d": "y"}), rows)
    before = 2 if mode == "append" else 0
    assert hive.ask("SELECT count(*), max(a) FROM {t}t") == [(before + 3, 9)]
    assert hive.ask("SELECT count(*), max(a) FROM {t}p WHERE d = 'x'") == [(before + 3, 9)]
    assert hive.ask("SELECT count(*), max(a) FROM {t}p") == [(before + 6, 9)]


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
