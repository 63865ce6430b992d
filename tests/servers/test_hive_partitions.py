"""`hivereader` and partitions: which there are, where they stand, and what they were made with."""

from __future__ import annotations

import pytest

from starhaul import ConfigError, PermanentError, TransientError
from starhaul_readers.hive import HiveReader, HiveReaderParams
from starhaul_stores.hive import partitions
from starhaul_stores.hive.catalog import find_table
from starhaul_stores.hive.connection import connected, literal
from tests.servers.hive import HiveTables
from tests.servers.hive_plugins import inserted, ordered, read, reader
from tests.servers.process import free_port

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore::ResourceWarning")]


def test_partitions_keep_what_they_were_made_with(hive: HiveTables) -> None:
    name, cluster = hive.name("p"), hive.server.cluster
    hive.ask(
        "CREATE TABLE {t}p (a string, b string) PARTITIONED BY (p int) ROW FORMAT DELIMITED FIELDS TERMINATED BY ','",
        "ALTER TABLE {t}p ADD PARTITION (p=1)", "ALTER TABLE {t}p SET SERDEPROPERTIES ('field.delim'='124')",
        "ALTER TABLE {t}p ADD PARTITION (p=2)",
    )  # fmt: skip
    for number in (1, 2):
        cluster.put(f"/warehouse/{name}/p={number}/f", b"a,b|c\n")
    expected = [("a", "b|c", 1), ("a,b", "c", 2)]
    assert ordered(hive.ask("SELECT * FROM {t}p")) == expected
    assert ordered(read(reader(hive, table=name))) == expected
    assert read(reader(hive, table=name, partition="p=2", read="files")) == expected[1:]
    with pytest.raises(ConfigError, match="p=1 has ',' between fields"):
        reader(hive, table=name, read="files").check()


def test_many_partitions_at_once(hive: HiveTables, monkeypatch: pytest.MonkeyPatch) -> None:
    """What `EXPLAIN EXTENDED` tells of all is what `DESCRIBE FORMATTED` tells of each."""
    values = [*map(str, range(12)), "a b/c=d%é'", " x ", "new\nline", "tab\t"]
    hive.ask(
        "CREATE TABLE {t}p (a int, b decimal(9,2), s struct<x:int,y:map<int,string>>) "
        "PARTITIONED BY (dt string, h int) ROW FORMAT DELIMITED FIELDS TERMINATED BY '\\t' LINES TERMINATED BY '\\n'",
        "ALTER TABLE {t}p ADD " + " ".join(f"PARTITION (dt={literal(value)}, h=7)" for value in values),
        "ALTER TABLE {t}p ADD PARTITION (dt='else', h=1) LOCATION '/else/with blank%20/dt=else/h=1'",
        "ALTER TABLE {t}p ADD PARTITION (dt='lines', h=1) LOCATION '/else/dt=else\n    name/h=1'",
        "ALTER TABLE {t}p ADD COLUMNS (c string)", "ALTER TABLE {t}p ADD PARTITION (dt='new', h=8)",
        "ALTER TABLE {t}p PARTITION (dt='3', h=7) SET FILEFORMAT orc",
        "INSERT INTO {t}p PARTITION (dt, h) SELECT 1, 2, named_struct('x', 1, 'y', map(1, 'z')), 'c', "
        "CAST(NULL AS string), CAST(NULL AS int)",
    )  # fmt: skip
    with connected(reader(hive, table=hive.name("p")).params) as db:
        table = find_table(db, hive.name("p"), "default")
        there = partitions.find_partitions(db, table)
        singly = {folder: partitions.find_partition(db, table, values) for folder, values in there.items()}
        asked: list[str | None] = []
        monkeypatch.setattr(partitions, "find_partition", lambda db, table, values: asked.append(values["dt"]))
        few = dict(list(there.items())[1:])
        for every, chosen in ((True, there), (False, few)):
            at_once = partitions.describe_partitions(db, table, chosen, every)
            assert len(at_once) + len(asked) == len(chosen)
            for folder, one in at_once.items():
                other = singly[folder]
                assert other is not None
                assert (one.location, one.format, one.serde) == (other.location, other.format, other.serde)
                assert one.columns == other.columns
                assert table.kept_otherwise(one) == table.kept_otherwise(other)
            assert set(asked) - {None} == {"lines", "new\nline", "tab\t"}, "what lines cannot tell"
            asked.clear()


def test_partitions_and_what_goes_by_query(hive: HiveTables) -> None:
    name = hive.name("p")
    hive.ask("CREATE TABLE {t}p (a int, b string) PARTITIONED BY (dt string, h int) STORED AS orc")
    rows = [(1, "x", "2024-01-01", 1), (2, "y", "a b/c=d%", 2), (3, "z", None, 3), (4, "w", "2024-01-01", 2)]
    inserted(hive, "p", rows, "PARTITION (dt, h)")
    everything = reader(hive, table=name, read="files")
    everything.check()
    assert ordered(read(everything)) == ordered(rows)
    assert ordered(read(reader(hive, table=name, read="query"))) == ordered(rows)
    for way in ("files", "query"):
        assert ordered(read(reader(hive, table=name, read=way, partition="dt=2024-01-01/*"))) == [rows[0], rows[3]]
        assert read(reader(hive, table=name, read=way, partition="dt=a*", column=["h", "a"])) == [(2, 2)]
    assert read(reader(hive, table=name, where="a > 3 -- more")) == [rows[3]]
    assert read(reader(hive, querySql=f"SELECT a + 1 AS next, b FROM {name} WHERE a = 1")) == [(2, "x")]
    hive.ask("ALTER TABLE {t}p ADD COLUMNS (late string)")
    assert "no column of its files" in reader(hive, table=name, column=["dt"]).describe()[0]
    assert ordered(read(reader(hive, table=name, column=["a", "late"], read="files"))) == [
        (n, None) for n in (1, 2, 3, 4)
    ]
    hive.ask("CREATE VIEW {t}v AS SELECT a FROM {t}p", "CREATE TABLE {t}n (a array<int>, c char(4), m map<string,int>)")
    assert "it is a view" in reader(hive, table=hive.name("v")).describe()[0]
    hive.ask("INSERT INTO {t}n SELECT array(1, 2), 'x', map('k', 3)")
    assert read(reader(hive, table=hive.name("n"))) == [("[1,2]", "x   ", '{"k":3}')]
    with pytest.raises(ConfigError, match="array<int>"):
        reader(hive, table=hive.name("n"), read="files").check()
    for wrong, told in (
        ({"table": f"{name}x"}, f"did you mean {name}"), ({"table": name, "column": ["aa"]}, "did you mean a"),
        ({"table": name, "partition": "dt=no"}, "no partition 'dt=no'"), ({"table": "no.t"}, "no"),
    ):  # fmt: skip
        with pytest.raises(ConfigError, match=told):
            reader(hive, **wrong).check()
    with pytest.raises(PermanentError, match=r"(?i)nonsense|parse"):
        reader(hive, table=name, where="nonsense (").check()
    nowhere = HiveReaderParams.model_validate({"url": f"hive://127.0.0.1:{free_port()}", "table": "t"})
    with pytest.raises(TransientError, match="nobody answers"):
        HiveReader(nowhere).check()


def test_partitions_without_a_value(hive: HiveTables) -> None:
    for number, kind in enumerate(("int", "string", "varchar(9)", "varchar(40)", "char(3)", "date", "decimal(5,2)")):
        name, value = hive.name(f"p{number}"), "2024-01-02" if kind == "date" else "7"
        hive.ask(
            f"CREATE TABLE {{t}}p{number} (a int) PARTITIONED BY (h {kind}) STORED AS orc",
            f"INSERT INTO {{t}}p{number} PARTITION (h) SELECT 1, CAST(NULL AS {kind})",
            f"INSERT INTO {{t}}p{number} PARTITION (h) SELECT 2, CAST('{value}' AS {kind})",
        )  # fmt: skip
        asked = reader(hive, table=name, read="query")
        assert sorted(row[0] for row in read(asked) if row[1] is None) == [1], kind
        default = {"table": name, "partition": "h=__HIVE*"}
        if kind in ("varchar(9)", "char(3)"):
            with pytest.raises(ConfigError, match="no query finds h=__HIVE"):
                reader(hive, read="query", **default).check()
        else:
            assert read(reader(hive, read="query", **default)) == [(1, None)], kind
        if kind != "char(3)":
            assert read(reader(hive, read="files", **default)) == [(1, None)], kind
