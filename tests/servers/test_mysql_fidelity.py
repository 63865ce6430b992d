"""MySQL → Arrow → MySQL: every type at its extremes arrives equal, as the server itself compares; nothing changes on
the way in silence."""

from __future__ import annotations

from typing import Any

import pyarrow as pa
import pytest

from starhaul.testing import RecordingTask
from starhaul.testing.delivery import Delivery
from starhaul_readers.mysql import MysqlReader, MysqlReaderParams
from starhaul_writers.mysql import MysqlWriter, MysqlWriterParams
from tests.conftest import MysqlDatabase

TYPES = {
    "tinyint": ("-128", "127", "0"),
    "tinyint(1)": ("5", "-1"),
    "tinyint unsigned": ("255",),
    "smallint": ("-32768", "32767"),
    "smallint unsigned": ("65535",),
    "mediumint": ("-8388608", "8388607"),
    "mediumint unsigned": ("16777215",),
    "int": ("-2147483648", "2147483647"),
    "int(8) unsigned zerofill": ("42", "4294967295"),
    "bigint": ("-9223372036854775808", "9223372036854775807"),
    "bigint unsigned": ("18446744073709551615",),
    "decimal(65,30)": ("-99999999999999999999999999999999999.999999999999999999999999999999", "1e-30"),
    "decimal(38,10)": ("9999999999999999999999999999.9999999999",),
    "decimal(10,2) unsigned": ("99999999.99",),
    "decimal(5,5)": ("0.00001", "-0.99999"),
    "float": ("3.40282346e38", "-1.17549435e-38", "1.401298464324817e-45", "16777216"),
    "double": ("1.7976931348623157e308", "5e-324", "0.1", "-2.2250738585072014e-308"),
    "bit(1)": ("b'1'", "b'0'"),
    "bit(8)": ("b'10100101'",),
    "bit(64)": (f"b'{'1' * 64}'", "b'1'"),
    "year": ("1901", "2155", "0"),
    "date": ("'0001-01-01'", "'1000-01-01'", "'9999-12-31'"),
    "time": ("'-838:59:59'", "'838:59:59'", "'00:00:00'"),
    "time(6)": ("'-838:59:59.999999'", "'12:34:56.123456'", "'-00:00:00.000001'"),
    "time(2)": ("'100:00:00.01'",),
    "datetime": ("'0001-01-01 00:00:00'", "'1900-01-01'", "'9999-12-31 23:59:59'"),
    "datetime(6)": ("'9999-12-31 23:59:59.999999'", "'1969-12-31 23:59:59.000001'"),
    "datetime(1)": ("'2026-01-31 00:00:00.9'",),
    "timestamp(6)": ("'1970-01-01 00:00:01'", "'2038-01-19 03:14:07.999999'", "'2026-03-29 02:30:00'"),
    "char(5)": ("'  x'", "''"),
    "varchar(30)": ("'trailing  '", "'\\\\\\\\N'", "'NULL'", "''", "'😀'", "'a\\0b'", "'\\t\\n\\r'", "'\\Z\"'''"),
    "varchar(9) character set latin1": ("'é€'",),
    "varchar(9) character set gbk": ("'中文'",),
    "varchar(9) collate utf8mb4_bin": ("'a\\\\'",),
    "longtext": ("repeat('é\\\\', 300000)",),
    "binary(4)": ("x'00ff'", "x'61200a5c'"),
    "varbinary(9)": ("x''", "x'00'", "x'5c4e'", "x'0a5c09'"),
    "longblob": ("repeat(x'00ff0a5c', 500000)",),
    "json": ("'{\"a\": [1, null]}'", "'null'"),
    "enum('a','it''s','',',')": ("'it''s'", "''", "','"),
    "set('a','b','c')": ("'a,c'", "''"),
    "geometry": ("ST_GeomFromText('POINT(1 2)', 4326)", "ST_GeomFromText('LINESTRING(0 0,1 1)')"),
    "point": ("POINT(0.1, -0.2)",),
    "inet6": ("'::1'",),
    "uuid": ("'12345678-1234-5678-1234-567812345678'",),
}


def copy(mysql: MysqlDatabase, source: str, target: str, **more: Any) -> tuple[RecordingTask, RecordingTask]:
    """Move a table whole; the tasks of both sides."""
    reader = MysqlReader(MysqlReaderParams.model_validate({"url": mysql.url, "table": source}))
    writer = MysqlWriter(MysqlWriterParams.model_validate({"url": mysql.url, "table": target, **more}))
    reader.check()
    delivery = Delivery(writer, reader.schema())
    delivery.prepare()
    reading, writing = RecordingTask(reader.schema()), delivery.task()
    batches = [batch for split in reader.split(1) for batch in reader.read(split, reading)]
    table = pa.Table.from_batches(batches, schema=reader.schema())
    delivery.commit(delivery.write(writing, delivery.converted(table)))
    return reading, writing


@pytest.mark.parametrize("rows_of_a_load", [2, 10**9], ids=["LOAD DATA", "INSERT"])
@pytest.mark.parametrize("kind", TYPES)
def test_every_type_arrives_equal(
    mysql: MysqlDatabase, kind: str, rows_of_a_load: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("starhaul_stores.mysql.insertion._ROWS_OF_A_LOAD", rows_of_a_load)
    mysql.execute(f"CREATE TABLE source (id int PRIMARY KEY, v {kind} NULL)", "CREATE TABLE copied LIKE source")
    values = ["NULL", *TYPES[kind]]
    mysql.execute(f"INSERT INTO source VALUES {', '.join(f'({n}, {v})' for n, v in enumerate(values))}")
    mysql.execute("ALTER TABLE source ADD COLUMN same int", "ALTER TABLE copied ADD COLUMN same int")
    reading, writing = copy(mysql, "source", "copied")
    assert reading.rejected == writing.rejected == []
    unequal = mysql.execute(
        "SELECT s.id, hex(s.v), hex(c.v) FROM source s LEFT JOIN copied c USING (id) "
        "WHERE c.id IS NULL OR NOT (CAST(s.v AS BINARY) <=> CAST(c.v AS BINARY)) OR NOT (s.v <=> c.v)"
    )
    assert unequal == []
    assert mysql.execute("SELECT count(*) FROM copied") == [(len(values),)]


@pytest.mark.parametrize("kind", [kind for kind in TYPES if "character set" not in kind and kind != "uuid"])
def test_a_created_table_holds_the_same(mysql: MysqlDatabase, kind: str) -> None:
    mysql.execute(f"CREATE TABLE source (id int PRIMARY KEY, v {kind} NULL)")
    values = ["NULL", *TYPES[kind]]
    mysql.execute(f"INSERT INTO source VALUES {', '.join(f'({n}, {v})' for n, v in enumerate(values))}")
    reading, writing = copy(mysql, "source", "made", createTable="ifMissing", keys=["id"])
    assert reading.rejected == writing.rejected == []
    unequal = mysql.execute(
        "SELECT s.id, hex(s.v), hex(c.v) FROM source s LEFT JOIN made c USING (id) "
        "WHERE c.id IS NULL OR NOT (CAST(s.v AS BINARY) <=> CAST(c.v AS BINARY))"
    )
    assert unequal == []


def test_zero_dates_are_rejected_or_asked_to_be_null(mysql: MysqlDatabase) -> None:
    mysql.execute(
        "SET SESSION sql_mode = ''",
        "CREATE TABLE source (id int PRIMARY KEY, d date, t datetime, s timestamp NULL)",
        "INSERT INTO source VALUES (1, '0000-00-00', NULL, NULL), (2, NULL, '0000-00-00', NULL), "
        "(3, NULL, NULL, '0000-00-00'), (4, '2026-00-10', NULL, NULL), (5, '2026-01-01', NULL, NULL)",
        "CREATE TABLE copied LIKE source",
    )
    reading, _ = copy(mysql, "source", "copied")
    assert [row["id"] for row, _, _ in reading.rejected] == ["1", "2", "3", "4"]
    assert "0000-00-00" in reading.rejected[0][1]
    assert mysql.execute("SELECT id FROM copied") == [(5,)]
    params = {"url": mysql.url, "table": "source", "zeroDate": "null"}
    reader = MysqlReader(MysqlReaderParams.model_validate(params))
    task = RecordingTask(reader.schema())
    rows = pa.Table.from_batches([b for s in reader.split(1) for b in reader.read(s, task)])
    assert rows["id"].to_pylist() == [1, 2, 3, 5]
    assert [row["id"] for row, _, _ in task.rejected] == ["4"]
    assert task.notes == {"zero date made NULL": 3}


def test_a_query_keeps_its_types(mysql: MysqlDatabase) -> None:
    mysql.execute("CREATE TABLE t (a int unsigned, f float, d decimal(12,3))", "INSERT INTO t VALUES (7, 0.1, 1.5)")
    sql = "SELECT a, f, sum(d) AS total, 'x' AS word, NULL AS nothing, 1.50 AS c, now(3) > 0 AS yes FROM t;"
    reader = MysqlReader(MysqlReaderParams.model_validate({"url": mysql.url, "querySql": sql}))
    kinds = [pa.uint32(), pa.float32(), pa.decimal128(34, 3), pa.string(), pa.binary(), pa.decimal128(3, 2)]
    assert reader.schema().types[:6] == kinds
    (batch,) = [b for s in reader.split(1) for b in reader.read(s, RecordingTask(reader.schema()))]
    assert batch.to_pylist()[0]["f"] == pytest.approx(0.1)
    assert batch["word"].to_pylist() == ["x"]


def test_a_row_of_more_than_a_packet(mysql: MysqlDatabase) -> None:
    """Rows of 16 MiB and more come in several packets."""
    mysql.execute("CREATE TABLE source (id int PRIMARY KEY, v longblob)", "CREATE TABLE copied LIKE source")
    for number, size in enumerate((5, (1 << 24) - 20, 1 << 24, 5)):
        mysql.execute(f"INSERT INTO source VALUES ({number}, repeat('ab', {size // 2}))")
    reader = MysqlReader(MysqlReaderParams.model_validate({"url": mysql.url, "table": "source"}))
    task = RecordingTask(reader.schema())
    rows = [row for s in reader.split(1) for b in reader.read(s, task) for row in b.to_pylist()]
    assert [len(row["v"]) for row in rows] == [4, (1 << 24) - 20, 1 << 24, 4]
    assert all(set(row["v"]) == set(b"ab") for row in rows)
