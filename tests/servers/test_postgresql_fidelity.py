"""PostgreSQL to PostgreSQL: every type at its extremes arrives equal, or its row is rejected."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pyarrow as pa
import pytest

from starhaul.testing import RecordingTask
from starhaul.testing.delivery import Delivery
from starhaul_readers.postgresql import PostgresqlReader, PostgresqlReaderParams
from starhaul_writers.postgresql import PostgresqlWriter, PostgresqlWriterParams
from tests.conftest import PostgresqlSchema

EQUAL: Mapping[str, tuple[str, ...]] = {
    "smallint": ("-32768", "32767"),
    "integer": ("-2147483648", "2147483647"),
    "bigint": ("-9223372036854775808", "9223372036854775807"),
    "oid": ("0", "4294967295"),
    "real": ("NaN", "Infinity", "-Infinity", "-0", "3.4028235e38", "1e-45", "0.1"),
    "double precision": ("NaN", "Infinity", "-Infinity", "-0", "1.7976931348623157e308", "5e-324", "0.1"),
    "numeric(38,10)": ("9999999999999999999999999999.9999999999", "-0.0000000001", "0"),
    "numeric(76,38)": ("9" * 38 + "." + "9" * 38, "-" + "0." + "0" * 37 + "1"),
    "numeric(100,50)": ("9" * 50 + "." + "9" * 50, "NaN"),
    "numeric(5,-2)": ("1234500", "-100"),
    "numeric(3,5)": ("0.00999", "-0.00001"),
    "numeric": ("NaN", "Infinity", "-Infinity", "1" * 400 + "." + "1" * 400, "0.000", "1e-100"),
    "money": ("-92233720368547758.08", "92233720368547758.07", "0.01"),
    "boolean": ("true", "false"),
    "text": ("", " ", "\\N", "\\.", "a\\b", "NULL", "'", '"', "a,b", "a\tb\nc\rd\r\ne", "\x01\x7f",
             "😀é日本語", "x" * 100_000),
    "varchar(3)": ("", "abc", "é😀ß", "a  "),
    "char(5)": ("", "ab", "   x ", "abcde"),
    '"char"': ("a", ""),
    "name": ("x" * 63, ""),
    "bytea": ("\\x", "\\x00", "\\x00ff5c", "\\x" + "00ff" * 100_000),
    "date": ("0001-01-01", "9999-12-31", "4713-01-01 BC", "5874897-12-31", "0001-12-31 BC", "1582-10-10",
             "10000-01-01"),
    "timestamp": ("0001-01-01", "9999-12-31 23:59:59.999999", "4713-01-01 BC", "294247-01-10 04:00:54.775807",
                  "1969-12-31 23:59:59.9"),
    "timestamp(0)": ("2026-01-31 23:59:59", "0044-03-15 12:00:00 BC"),
    "timestamp(1)": ("2026-01-31 23:59:59.9",),
    "timestamp(3)": ("2026-01-31 23:59:59.999",),
    "timestamptz": ("0001-01-01 00:00Z", "9999-12-31 23:59:59.999999Z", "294247-01-10 04:00:54.775807Z",
                    "2026-07-01 12:00+14", "4713-01-01 00:00Z BC"),
    "time": ("00:00", "23:59:59.999999"),
    "time(2)": ("23:59:59.99",),
    "timetz": ("00:00+15:59", "23:59:59.999999-15:59", "24:00:00Z"),
    "interval": ("0", "178000000 years", "-178000000 years", "1 mon -1 day 838:59:59.999999", "-00:00:00.000001",
                 "1 year -5 days"),
    "interval(2)": ("00:00:01.25",),
    "interval year to month": ("3 years 2 mons",),
    "json": ("{}", "null", '{ "a" :  1, "a": 2 }', "1.10", '"\\u00e9\\n"', "12345678901234567890.12345678901234567890"),
    "jsonb": ("{}", "null", '{"b": 1, "a": [1, 2.50]}', '"\\u00e9"', "12345678901234567890.12345678901234567890"),
    "uuid": ("00000000-0000-0000-0000-000000000000", "ffffffff-ffff-ffff-ffff-ffffffffffff"),
    "bit(1)": ("0", "1"),
    "bit(64)": ("10" * 32,),
    "bit varying(9)": ("", "101"),
    "inet": ("10.0.0.1/8", "::1", "192.168.0.1"),
    "cidr": ("10.0.0.0/8", "2001:db8::/32"),
    "macaddr": ("08:00:2b:01:02:03",),
    "xml": ("<a>b</a>", "text"),
    "integer[]": ("{}", "{1,NULL,-2}", "{{1,2},{3,4}}", "[0:1]={5,6}"),
    "text[]": ('{"",NULL,"NULL","a,b","\\"q\\"","{}","back\\\\slash"}',),
    "numeric(5,2)[]": ("{1.50,NaN}",),
    "timestamptz[]": ('{"2026-01-31 00:00:00+00",infinity}',),
    "interval[]": ("{1 mon,-00:00:01}",),
    "bytea[]": ('{"\\\\x00ff",NULL}',),
    "int4range": ("empty", "[1,5)", "(,)"),
    "tstzrange": ('["2026-01-01 00:00:00+00","2026-02-01 00:00:00+00")',),
    "datemultirange": ("{[2026-01-01,2026-02-01)}",),
    "point": ("(0.1,-2.5)",),
    "polygon": ("((0,0),(1,1),(2,0))",),
    "tsvector": ("'a':1 'b':2A",),
    "mood": ("happy", "it's, \"so\" so"),
    "pair": ('(1,"a ""b"", c")', "(,)"),
    "short_text": ("abc",),
    "positive": ("1", "2147483647"),
    "pg_lsn": ("16/B374D848",),
}  # fmt: skip
"""Type → values that must arrive as they are."""

REJECTED: Mapping[str, tuple[str, ...]] = {
    "date": ("infinity", "-infinity"),
    "timestamp": ("infinity", "-infinity", "294247-01-10 04:00:54.775808"),
    "timestamptz": ("infinity", "-infinity"),
    "time": ("24:00:00",),
    "numeric(10,2)": ("NaN",),
}
"""Type → values that Arrow has no place for."""

TYPES = """
    CREATE TYPE mood AS ENUM ('happy', 'it''s, "so" so'); CREATE TYPE pair AS (n int, t text);
    CREATE DOMAIN short_text AS varchar(3); CREATE DOMAIN positive AS int CHECK (VALUE > 0)
"""


def copied(schema: PostgresqlSchema, **writer: Any) -> RecordingTask:
    """Copy table `a` to table `b` as the engine would; the task, for its rejects."""
    reader = PostgresqlReader(PostgresqlReaderParams.model_validate({"url": schema.url, "table": "a"}))
    reader.check()
    target = PostgresqlWriter(PostgresqlWriterParams.model_validate({"url": schema.url, "table": "b", **writer}))
    delivery = Delivery(target, reader.schema())
    delivery.prepare()
    task = delivery.task()
    reading = RecordingTask(reader.schema())
    batches = [batch for split in reader.split(1) for batch in reader.read(split, reading)]
    converted = delivery.converted(pa.Table.from_batches(batches, schema=reader.schema()))
    delivery.commit(delivery.write(task, converted))
    assert not task.rejected, task.rejected
    return reading


def differences(schema: PostgresqlSchema) -> list[tuple[object, ...]]:
    """Rows that are in one of the tables only. Texts are compared: `=` takes 0.0 for -0.0 and 1.0 for 1.00."""
    form = "SELECT id, v::text FROM"
    sql = f"({form} a EXCEPT ALL {form} b) UNION ALL ({form} b EXCEPT ALL {form} a)"
    return schema.db.execute(sql.encode()).fetchall()


def fill(schema: PostgresqlSchema, kind: str, values: tuple[str, ...]) -> None:
    schema.db.execute(f"CREATE TABLE a (id int PRIMARY KEY, v {kind})".encode())
    with schema.db.cursor() as cursor:
        cursor.executemany(
            f"INSERT INTO a VALUES (%s, %s::text::{kind})".encode(), [*enumerate(values), (len(values), None)]
        )


@pytest.mark.parametrize("kind", EQUAL)
def test_every_type_arrives_equal(postgresql: PostgresqlSchema, kind: str) -> None:
    postgresql.db.execute(TYPES.encode())
    fill(postgresql, kind, EQUAL[kind])
    postgresql.db.execute("CREATE TABLE b (LIKE a INCLUDING ALL)")
    task = copied(postgresql)
    assert not task.rejected
    assert not differences(postgresql)


@pytest.mark.parametrize("kind", REJECTED)
def test_what_arrow_cannot_hold_is_rejected(postgresql: PostgresqlSchema, kind: str) -> None:
    fill(postgresql, kind, REJECTED[kind])
    postgresql.db.execute("CREATE TABLE b (LIKE a)")
    reasons = [reason for _, reason, _ in copied(postgresql).rejected]
    assert len(reasons) == len(REJECTED[kind])
    assert all(repr(value) in reason for value, reason in zip(REJECTED[kind], reasons, strict=True)), reasons
    assert postgresql.db.execute("SELECT id, v FROM b").fetchall() == [(len(REJECTED[kind]), None)]


NOT_CREATED = ("mood", "pair", "short_text", "positive", '"char"')
"""Types of the database's own, and one that has another name."""
DECLARED_ROUNDING = ("interval(2)", "interval year to month", "numeric(100,50)", "numeric(5,-2)")
"""Types that a created column gets without the limits in which the server rounds."""
CREATED = [kind for kind in EQUAL if kind not in (*NOT_CREATED, *DECLARED_ROUNDING)]


@pytest.mark.parametrize("kind", CREATED)
def test_a_created_table_has_the_same_type(postgresql: PostgresqlSchema, kind: str) -> None:
    fill(postgresql, kind, EQUAL[kind])
    copied(postgresql, createTable="ifMissing")
    types = (
        "SELECT format_type(atttypid, atttypmod), attnotnull FROM pg_attribute "
        "WHERE attrelid = %s::regclass AND attnum > 0"
    )
    there, wanted = (postgresql.db.execute(types, [f"{postgresql.name}.{name}"]).fetchall() for name in "ba")
    assert there == wanted
    assert not differences(postgresql)
