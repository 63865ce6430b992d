"""`hivereader`: what it reads from files is what HiveServer2 answers, and both are what Hive was given."""

from __future__ import annotations

import datetime as dt
import io

import pyarrow as pa
import pyarrow.orc
import pyarrow.parquet
import pytest

from starhaul import ConfigError, PermanentError
from starhaul.testing import RecordingTask
from starhaul_readers.hdfs import HdfsReader, HdfsReaderParams
from tests.servers.hive import HiveTables
from tests.servers.hive_plugins import COLUMNS, ROWS, TEXT_ROWS, inserted, ordered, read, reader, single

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore::ResourceWarning")]


@pytest.mark.parametrize("form", ["textfile", "orc", "parquet"])
def test_files_say_what_the_server_says(hive: HiveTables, form: str) -> None:
    columns, rows = (COLUMNS, ROWS) if form != "textfile" else (COLUMNS.replace(", raw binary", ""), TEXT_ROWS)
    hive.ask(f"CREATE TABLE {{t}}t ({columns}) STORED AS {form}")
    assert read(reader(hive, table=hive.name("t"), read="files")) == []
    inserted(hive, "t", rows)
    expected = ordered([(*row[:4], single(row[4]), *row[5:]) for row in rows])
    by_files = reader(hive, table=hive.name("t"))
    assert by_files.describe()[0].startswith("Reads the table's files")
    assert ordered(read(by_files)) == expected
    assert ordered(read(reader(hive, table=hive.name("t"), read="query"))) == expected
    some = reader(hive, table=hive.name("t"), column=["word", "N"], read="files")
    assert ordered(read(some)) == ordered([(row[8], row[2]) for row in ROWS])


@pytest.mark.parametrize("form", ["orc", "parquet", "parquet of INT64", "proleptic orc", "proleptic parquet", "avro"])
def test_days_of_the_julian_calendar(hive: HiveTables, form: str) -> None:
    """Hive counts days before 1582-10-15 by the Julian calendar in its files, unless it is told otherwise."""
    days = ["0001-01-01", "0600-03-01", "1500-01-01", "1500-03-01", "1582-10-04", "1582-10-15", "1969-12-31"]
    set_to = {True: "true", False: "false"}
    settings = [
        f"SET hive.parquet.date.proleptic.gregorian={set_to[form == 'proleptic parquet']}",
        f"SET hive.parquet.write.int64.timestamp={set_to['INT64' in form]}",
    ]
    rows = " UNION ALL ".join(f"SELECT date '{day}', timestamp '{day} 01:02:03'" for day in days)
    kind = next(each for each in ("orc", "parquet", "avro") if each in form)
    create = f"CREATE TABLE {{t}}t (d date, at timestamp) STORED AS {kind}"
    if form == "proleptic orc":
        create += " TBLPROPERTIES ('orc.proleptic.gregorian'='true')"
    told = hive.ask(*settings, create, f"INSERT INTO {{t}}t {rows}", "SELECT * FROM {t}t")
    expected = [(dt.date.fromisoformat(day), dt.datetime.fromisoformat(f"{day} 01:02:03")) for day in days]
    assert sorted(read(reader(hive, table=hive.name("t"), read="query"))) == expected
    assert len(told) == len(days)
    if kind != "avro":
        assert sorted(read(reader(hive, table=hive.name("t"), read="files"))) == expected
        return
    cluster = hive.server.cluster
    given = {"defaultFS": cluster.default_fs, "webhdfsUrl": cluster.url, "fileType": "avro", "column": ["*"]}
    source = HdfsReader(HdfsReaderParams.model_validate({**given, "path": f"/warehouse/{hive.name('t')}"}))
    found = [(day, at.replace(tzinfo=None)) for day, at in read(source)]
    assert sorted(found) == expected


def test_days_by_a_calendar_that_the_files_do_not_tell(hive: HiveTables) -> None:
    """As in files of Hive 3.1: the job says by which, and by default they end the run."""
    name, cluster = hive.name("t"), hive.server.cluster
    hive.ask(
        "CREATE TABLE {t}t (d date) STORED AS orc TBLPROPERTIES ('orc.compress'='NONE')",
        "INSERT INTO {t}t VALUES (date '0600-03-01'), (date '1582-10-15')",
    )
    (file,) = cluster.names(f"/warehouse/{name}")
    content = cluster.content(f"/warehouse/{name}/{file}")
    start = content.rindex(b"\x58\x01")  # `calendar = JULIAN` in the footer, which becomes a field that nobody knows
    cluster.put(f"/warehouse/{name}/{file}", content[:start] + b"\x78" + content[start + 1 :])
    late = dt.date(1582, 10, 15)
    with pytest.raises(PermanentError, match=r"'d' holds days before 1582-10-15, and the file does not .*`calendar`"):
        read(reader(hive, table=name))
    by_hive = read(reader(hive, table=name, read="query"))
    assert by_hive == [(dt.date(600, 3, 1),), (late,)], "Hive 4 takes them for Julian"
    assert read(reader(hive, table=name, calendar="julian")) == by_hive
    assert read(reader(hive, table=name, calendar="gregorian")) == [(dt.date(600, 3, 4),), (late,)]


def test_delimiters_by_number(hive: HiveTables) -> None:
    serde = "ROW FORMAT SERDE 'org.apache.hadoop.hive.serde2.lazy.LazySimpleSerDe' WITH SERDEPROPERTIES"
    properties = ("'field.delim'='9'", "'serialization.format'='+044'", "'serialization.format'='|'")
    for number, each in enumerate(properties):
        hive.ask(f"CREATE TABLE {{t}}t{number} (a string, b string) {serde} ({each})")
        hive.server.cluster.put(f"/warehouse/{hive.name(f't{number}')}/f", b"a|b,c\td9e\n")
        (row,) = hive.ask(f"SELECT * FROM {{t}}t{number}")
        assert read(reader(hive, table=hive.name(f"t{number}"), read="files")) == [row]
        assert None not in row


def test_files_that_are_elsewhere(hive: HiveTables) -> None:
    name, cluster = hive.name("t"), hive.server.cluster
    hive.ask("CREATE TABLE {t}t (a int) STORED AS orc", "INSERT INTO {t}t VALUES (1)")
    elsewhere = {"defaultFS": "hdfs://elsewhere:8020", "webhdfsUrl": cluster.url}
    assert (
        f"its files are in {cluster.default_fs}/warehouse/{name}, not on hdfs://elsewhere:8020"
        in (reader(hive, table=name, hdfs=elsewhere).describe()[0])
    )
    assert read(reader(hive, table=name, hdfs=elsewhere)) == [(1,)]
    with pytest.raises(ConfigError, match="hdfsAliases"):
        reader(hive, table=name, hdfs=elsewhere, read="files").check()
    alias = {"hdfs": elsewhere, "hdfsAliases": [cluster.default_fs]}
    assert read(reader(hive, table=name, read="files", **alias)) == [(1,)]
    cluster.ask("DELETE", "DELETE", f"/warehouse/{name}", recursive="true")
    assert f"there is no {cluster.default_fs}/warehouse/{name}" in reader(hive, table=name).describe()[0]
    assert read(reader(hive, table=name)) == hive.ask("SELECT * FROM {t}t")


def put(hive: HiveTables, path: str, table: pa.Table, form: str) -> None:
    """A file of somebody else's in a table's directory."""
    file = io.BytesIO()
    if form == "orc":
        pyarrow.orc.write_table(table, file)
    else:
        pyarrow.parquet.write_table(table, file)
    hive.server.cluster.put(f"/warehouse/{hive.name(path)}", file.getvalue())


@pytest.mark.parametrize("form", ["orc", "parquet"])
def test_files_that_name_their_columns_otherwise(hive: HiveTables, form: str) -> None:
    name = hive.name("t")
    hive.ask(f"CREATE TABLE {{t}}t (userid int, word string) STORED AS {form}")
    one = pa.array([1], pa.int32())
    put(hive, "t/a", pa.table({"userid": one, "word": ["a"]}), form)
    put(hive, "t/b", pa.table({"userId": one, "Word": ["b"]}), form)
    put(hive, "t/c", pa.table({"_col0": one, "_col1": ["c"]}), form)
    put(hive, "t/d", pa.table({"_col0": one}), form)
    put(hive, "t/e", pa.table({"userId": one, "Word": ["e"], "more": [1]}), form)
    if form == "parquet":
        put(hive, "t/f", pa.table({"Word": ["f"], "userId": one}), form)
        put(hive, "t/g", pa.table({"other": one}), form)
    told = ordered(hive.ask("SELECT * FROM {t}t"))
    assert ordered(hive.ask("SELECT userid, word FROM {t}t ORDER BY word")) == told, "not by a fetch task"
    assert ordered(read(reader(hive, table=name, read="files"))) == told
    some = ordered(read(reader(hive, table=name, read="files", column=["word"])))
    assert some == ordered([(row[1],) for row in told])
    put(hive, "t/e", pa.table({"userId": one, "Word": ["e"]}), form)
    hive.ask("ALTER TABLE {t}t ADD COLUMNS (late string)")
    assert ordered(read(reader(hive, table=name, read="files"))) == ordered([(*row, None) for row in told])
    if form == "parquet":
        hive.ask("ALTER TABLE {t}t SET TBLPROPERTIES ('parquet.column.index.access'='true')")
        assert "(parquet.column.index.access)" in reader(hive, table=name).describe()[0]


def test_orc_files_that_have_their_columns_elsewhere(hive: HiveTables) -> None:
    name = hive.name("t")
    hive.ask("CREATE TABLE {t}t (userid int, word string, other int) STORED AS orc")
    put(hive, "t/a", pa.table({"userid": pa.array([1], pa.int32()), "word": ["a"]}), "orc")
    put(hive, "t/b", pa.table({"userid": pa.array([2], pa.int32()), "old": ["b"]}), "orc")
    assert ordered(read(reader(hive, table=name, column=["userid", "other"]))) == [(1, None), (2, None)]
    with pytest.raises(PermanentError, match="/b: has column 'word' not at its place"):
        read(reader(hive, table=name))
    put(hive, "t/a", pa.table({"word": ["a"], "userid": pa.array([1], pa.int32())}), "orc")
    assert "/a: has column 'userid' not at its place" in reader(hive, table=name).describe()[0]
    assert ordered(read(reader(hive, table=name))) == ordered(hive.ask("SELECT * FROM {t}t"))


def test_lines_that_are_short_or_long_or_empty(hive: HiveTables) -> None:
    name, cluster = hive.name("t"), hive.server.cluster
    hive.ask("CREATE TABLE {t}t (a string, b string) ROW FORMAT DELIMITED FIELDS TERMINATED BY ','",
             "CREATE TABLE {t}s (a string)")  # fmt: skip
    cluster.put(f"/warehouse/{name}/short", b"1\n2\n\n4\n")
    cluster.put(f"/warehouse/{name}/mixed", b"\n\na,b\na,b,c\n,\n\\N\n\r\n,b\ra,,\nlast")
    cluster.put(f"/warehouse/{name}/empty", b"\n")
    cluster.put(f"/warehouse/{hive.name('s')}/f", b"\n\x01x\na\x01x\n\n")
    told = ordered(hive.ask("SELECT * FROM {t}t"))
    assert len(told) == 15
    assert ordered(read(reader(hive, table=name, read="files"))) == told
    assert ordered(read(reader(hive, table=name, read="files", column=["b"]))) == ordered([(b,) for _, b in told])
    assert read(reader(hive, table=hive.name("s"), read="files")) == hive.ask("SELECT * FROM {t}s")
    hive.ask("ALTER TABLE {t}t ADD COLUMNS (late string)")
    late = reader(hive, table=name, read="files", column=["a", "late"])
    assert ordered(read(late)) == ordered(hive.ask("SELECT a, late FROM {t}t"))


def test_text_files_of_another_meaning(hive: HiveTables) -> None:
    cluster, serde = hive.server.cluster, "org.apache.hadoop.hive.serde2.lazy.LazySimpleSerDe"
    for table, told in (
        ("rest", "'serialization.last.column.takes.rest'='true'"), ("other", "'timestamp.formats'='yyyy-dd-MM HH:mm'"),
    ):  # fmt: skip
        properties = f"ROW FORMAT SERDE '{serde}' WITH SERDEPROPERTIES ('field.delim'=',', {told})"
        hive.ask(f"CREATE TABLE {{t}}{table} (a timestamp, b string) {properties} STORED AS TEXTFILE")
        cluster.put(f"/warehouse/{hive.name(table)}/f", b"2024-02-01 00:00,1,2\n")
        with pytest.raises(ConfigError, match=f"its text files have {told.split(chr(39))[1]}"):
            reader(hive, table=hive.name(table), read="files").check()
        assert read(reader(hive, table=hive.name(table))) == hive.ask(f"SELECT * FROM {{t}}{table}")


@pytest.mark.parametrize("value", ["interval '1' day", "create_union(0, 5, 'x')"])
def test_a_type_that_the_driver_does_not_know(hive: HiveTables, value: str) -> None:
    with pytest.raises(PermanentError, match="a type that impyla does not know"):
        read(reader(hive, querySql=f"SELECT {value} AS c"))


def test_fields_that_are_null_to_hive(hive: HiveTables) -> None:
    """Rows of these are rejected, the others are as Hive reads them."""
    words = {
        "boolean": ["true", "FALSE", "True", "1", "0", " true", "t", ""],
        "int": ["1", "-0", "007", " 1", "1 ", "1e3", "\t2", ""],
        "double": ["1", " 1.5 ", ".5", "NaN", "-Infinity", "nan", "inf", "INFINITY", "1e-3", ""],
    }
    for kind, fields in words.items():
        table = f"of_{kind}"
        hive.ask(f"CREATE TABLE {{t}}{table} (n int, a {kind}) ROW FORMAT DELIMITED FIELDS TERMINATED BY '|'")
        lines = "".join(f"{number}|{field}\n" for number, field in enumerate(fields))
        hive.server.cluster.put(f"/warehouse/{hive.name(table)}/f", lines.encode())
        source = reader(hive, table=hive.name(table), read="files")
        task = RecordingTask(source.schema())
        found = [row for split in source.split(1) for batch in source.read(split, task) for row in batch.to_pylist()]
        told = [row for row in hive.ask(f"SELECT * FROM {{t}}{table}") if row[1] is not None]
        assert list(map(repr, ordered([tuple(row.values()) for row in found]))) == list(map(repr, ordered(told)))
        assert len(found) + len(task.rejected) == len(fields)


@pytest.mark.parametrize("form", ["textfile", "parquet", "orc"])
def test_texts_that_hive_cuts(hive: HiveTables, form: str) -> None:
    """Files that others wrote may hold longer ones than the table takes."""
    hive.ask(f"CREATE TABLE {{t}}t (a varchar(3), b int) STORED AS {form}")
    rows = pa.table({"a": ["abc", "abcd", None, "€€€"], "b": pa.array([1, 2, 3, 4], pa.int32())})
    file = io.BytesIO("abc\x011\nabcd\x012\n\\N\x013\n€€€\x014\n".encode())
    if form != "textfile":
        file = io.BytesIO()
        {"parquet": pyarrow.parquet, "orc": pyarrow.orc}[form].write_table(rows, file)
    hive.server.cluster.put(f"/warehouse/{hive.name('t')}/f", file.getvalue())
    source = reader(hive, table=hive.name("t"), read="files")
    task = RecordingTask(source.schema())
    found = [row for split in source.split(1) for batch in source.read(split, task) for row in batch.to_pylist()]
    assert [tuple(row.values()) for row in found] == [("abc", 1), (None, 3), ("€€€", 4)]
    assert [(row, reason) for row, reason, _ in task.rejected] == [
        ({"a": "abcd", "b": 2}, "column 'a': is longer than varchar(3), to which Hive cuts it")
    ]


def test_int96_without_a_zone(hive: HiveTables) -> None:
    name, cluster, noon = hive.name("t"), hive.server.cluster, dt.datetime(2024, 3, 31, 12)
    hive.ask("CREATE TABLE {t}t (at timestamp, a int) STORED AS parquet")
    file = io.BytesIO()
    table = pa.table({"At": pa.array([noon]), "a": pa.array([1], pa.int32())})
    pyarrow.parquet.write_table(table, file, use_deprecated_int96_timestamps=True)
    arrows = file.getvalue()
    writer = pyarrow.parquet.ParquetFile(file).metadata.created_by.encode()
    javas = arrows.replace(writer, b"parquet-mr version 1.10".ljust(len(writer)))
    cluster.put(f"/warehouse/{name}/b", arrows)
    assert read(reader(hive, table=name, read="files", int96Zone="Asia/Shanghai")) == [(noon, 1)]
    assert hive.ask("SELECT at FROM {t}t") == [(noon,)], "it stands as it is"
    cluster.put(f"/warehouse/{name}/b", javas)
    assert "/b: has timestamps in INT96 by parquet-mr" in reader(hive, table=name).describe()[0]
    assert read(reader(hive, table=name)) == hive.ask("SELECT * FROM {t}t")
    assert read(reader(hive, table=name, read="files", column=["a"])) == [(1,)]
    with pytest.raises(ConfigError, match="int96Zone"):
        reader(hive, table=name, read="files").check()
    zoned = reader(hive, table=name, read="files", int96Zone="Asia/Shanghai")
    assert read(zoned) == [(noon.replace(hour=20), 1)]
    cluster.put(f"/warehouse/{name}/a", arrows)
    with pytest.raises(PermanentError, match="/b: has timestamps in INT96 by parquet-mr"):
        read(reader(hive, table=name))
