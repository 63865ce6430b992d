"""Values into columns of given types: of a table that was there before, as most are.

Among them are the values that other tools change in silence. Each stands between two NULLs, which must stay NULL.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import count
from pathlib import Path
from typing import Any, NamedTuple

from starhaul import ConfigError, run
from starhaul.runs.rejects import read_rejects
from tests.fidelity.databases import Database
from tests.fidelity.values import Store

_numbers = count(1)


class Given(NamedTuple):
    """A value on its way into a column."""

    type: str
    literal: str
    target: str
    told: str
    """What the target's own text of it is then; or `rejected: REASON`; or `refused: REASON` for the whole job."""
    more: Mapping[str, Any] = {}
    """Settings of the conversion."""


NO_DATE = "rejected: 0000-00-00"
UTC = {"timeZone": "UTC"}
FROM_MYSQL: tuple[Given, ...] = (
    Given("date", "'0000-00-00'", "date", NO_DATE),
    Given("datetime", "'0000-00-00'", "timestamp", NO_DATE),
    Given("date", "'1000-01-01'", "date", "1000-01-01"),
    Given("datetime", "'1900-01-01'", "timestamp", "1900-01-01 00:00:00"),
    Given("datetime(6)", "'2026-01-31 12:34:56.123456'", "timestamp", "2026-01-31 12:34:56.123456"),
    Given("datetime(6)", "'2026-01-31 12:34:56.123456'", "timestamp(3)", "rejected: "),
    Given("datetime(6)", "'2026-01-31 12:34:56.123456'", "date", "rejected: "),
    Given("datetime", "'2026-01-31 12:34:56'", "timestamptz", "refused: "),
    Given("datetime", "'2026-01-31 12:34:56'", "timestamptz", "2026-01-31 12:34:56+00", UTC),
    Given("timestamp", "'2026-01-31 12:34:56'", "timestamp", "2026-01-31 12:34:56", UTC),
    Given("decimal(38,10)", "9999999999999999999999999999.9999999999", "numeric",
          "9999999999999999999999999999.9999999999"),
    Given("decimal(65,30)", "-99999999999999999999999999999999999.999999999999999999999999999999", "numeric(65,30)",
          "-99999999999999999999999999999999999.999999999999999999999999999999"),
    Given("decimal(10,2)", "1.25", "numeric(10,1)", "rejected: "),
    Given("decimal(10,2)", "1.25", "integer", "rejected: "),
    Given("decimal(10,2)", "2.00", "integer", "2"),
    Given("time", "'-838:59:59'", "interval", "PT-838H-59M-59S"),
    Given("time", "'-838:59:59'", "text", "-838:59:59"),
    Given("time", "'-838:59:59'", "varchar(9)", "rejected: too long"),
    Given("time", "'838:59:59'", "text", "838:59:59"),
    Given("time", "'24:00:00'", "text", "24:00:00"),
    Given("time", "'-00:00:01'", "text", "-00:00:01"),
    Given("time(6)", "'-838:59:59.999999'", "text", "-838:59:59.999999"),
    Given("time(6)", "'-00:00:00.000001'", "varchar(20)", "-00:00:00.000001"),
    Given("time", "'838:59:59'", "time", "rejected: "),
    Given("time", "'-838:59:59'", "time", "rejected: "),
    Given("time(6)", "'12:34:56.123456'", "time", "12:34:56.123456"),
    Given("time(6)", "'12:34:56.123456'", "interval", "PT12H34M56.123456S"),
    Given("bigint unsigned", "18446744073709551615", "numeric(20)", "18446744073709551615"),
    Given("bigint unsigned", "18446744073709551615", "bigint", "rejected: "),
    Given("bit(8)", "b'10100101'", "bit(8)", "10100101"),
    Given("bit(8)", "b'10100101'", "bit(9)", "refused: "),
    Given("bit(8)", "b'10100101'", "bit(4)", "refused: "),
    Given("bit(8)", "b'00001010'", "bit varying(64)", "refused: "),
    Given("int", "10", "bit varying(8)", "refused: "),
    Given("bit(8)", "b'10100101'", "integer", "165"),
    Given("bit(1)", "b'1'", "boolean", "true"),
    Given("bit(1)", "b'0'", "boolean", "false"),
    Given("bit(1)", "b'1'", "bit(1)", "1"),
    Given("tinyint(1)", "5", "smallint", "5"),
    Given("tinyint(1)", "1", "boolean", "true"),
    Given("tinyint(1)", "5", "boolean", "rejected: "),
    Given("year", "2155", "integer", "2155"),
    Given("int", "5", "interval", "refused: "),
    Given("int", "120000", "time", "refused: "),
    Given("int", "20260131", "date", "refused: "),
    Given("json", "'{\"b\": [1, null], \"a\": 1.10}'", "jsonb", '{"a": 1.10, "b": [1, null]}'),
    Given("varchar(20)", "'😀'", "text", "😀"),
    Given("varchar(20)", "'\\\\N'", "text", "\\N"),
    Given("varchar(20)", "''", "text", ""),
    Given("varchar(20)", "'blanks  '", "text", "blanks  "),
    Given("varchar(20)", "'blanks  '", "varchar(6)", "rejected: too long"),
    Given("varchar(20)", "'a\\0b'", "text", "rejected: "),
    Given("varchar(20)", "'12'", "integer", "12"),
    Given("varchar(20)", "'x'", "integer", "rejected: "),
    Given("varchar(20)", "'infinity'", "date", "rejected: "),
    Given("varchar(20)", "'now'", "timestamp", "rejected: "),
    Given("blob", "x'00ff10'", "bytea", "\\x00ff10"),
    Given("float", "3.4e38", "real", "3.4e+38"),
    Given("float", "0.1", "double precision", "0.10000000149011612"),
    Given("double", "1.7976931348623157e308", "double precision", "1.7976931348623157e+308"),
    Given("double", "0.1", "real", "rejected: "),
    Given("double", "0.125", "numeric(10,2)", "rejected: "),
)  # fmt: skip
FROM_POSTGRESQL: tuple[Given, ...] = (
    Given("numeric(10,2)", "NaN", "decimal(10,2)", "rejected: NaN"),
    Given("numeric", "NaN", "decimal(10,2)", "rejected: NaN"),
    Given("numeric", "1.005", "decimal(10,2)", "rejected: "),
    Given("numeric(38,10)", "9999999999999999999999999999.9999999999", "decimal(38,10)",
          "9999999999999999999999999999.9999999999"),
    Given("date", "infinity", "date", "rejected: infinity"),
    Given("date", "0001-01-01", "date", "0001-01-01"),
    Given("timestamp", "2026-01-31 12:34:56.123456", "datetime(6)", "2026-01-31 12:34:56.123456"),
    Given("timestamp", "2026-01-31 12:34:56.123456", "datetime", "rejected: "),
    Given("timestamptz", "2026-01-31 12:34:56.123456+02", "datetime(6)", "refused: "),
    Given("timestamptz", "2026-01-31 12:34:56.123456+02", "datetime(6)", "2026-01-31 10:34:56.123456", UTC),
    Given("timestamptz", "2026-01-31 12:34:56.123456+02", "timestamp(6)", "2026-01-31 10:34:56.123456"),
    Given("json", '{"a":  1}', "json", '{"a":  1}'),
    Given("uuid", "12345678-1234-5678-1234-567812345678", "char(36)", "12345678-1234-5678-1234-567812345678"),
    Given("uuid", "12345678-1234-5678-1234-567812345678", "uuid", "12345678-1234-5678-1234-567812345678"),
    Given("text[]", '{"a,b",NULL}', "text", '{"a,b",NULL}'),
    Given("interval", "1 mon -1 day", "varchar(50)", "P1M-1D"),
    Given("interval", "1 mon", "time", "rejected: "),
    Given("boolean", "true", "tinyint(1)", "1"),
    Given("boolean", "true", "bit(1)", "1"),
    Given("bytea", "\\x00ff10", "blob", "00FF10"),
    Given("bytea", "\\x00ff10", "binary(5)", "rejected: "),
    Given("bytea", "\\x61", "varchar(5)", "a"),
    Given("bytea", "\\xff", "varchar(5)", "rejected: "),
    Given("bit(8)", "10100101", "varchar(8)", "10100101"),
    Given("bit(8)", "00001010", "bit(8)", "10"),
    Given("bit(2)", "10", "bit(8)", "refused: "),
    Given("bit varying(8)", "10", "bit(8)", "refused: "),
    Given("text", "10", "bit(8)", "10"),
    Given("time", "24:00", "time", "rejected: 24:00:00"),
    Given("time", "23:59:59.999999", "time", "rejected: "),
    Given("text", "-838:59:59", "time", "rejected: expected a time HH:mm:ss"),
    Given("interval", "-838:59:59", "time", "rejected: "),
    Given("text", "😀", "text", "😀"),
    Given("text", "\\N", "varchar(9)", "\\N"),
    Given("text", "sixsix", "varchar(3)", "rejected: "),
    Given("text", "😀", "varchar(3) character set latin1", "rejected: "),
    Given("text", "a  ", "char(3)", "a"),
    Given("integer", "300", "tinyint", "rejected: "),
    Given("integer", "-1", "int unsigned", "rejected: "),
    Given("integer", "70", "year", "rejected: "),
    Given("integer", "2", "enum('a','b')", "rejected: "),
    Given("text", "A", "enum('a','b')", "rejected: "),
    Given("text", "1", "enum('a','b')", "rejected: "),
    Given("double precision", "0.1", "float", "rejected: "),
    Given("double precision", "NaN", "double", "rejected: no NaN"),
    Given("double precision", "1e300", "decimal(10,2)", "rejected: "),
)  # fmt: skip
GIVEN: Mapping[Store, tuple[Given, ...]] = {"mysql": FROM_MYSQL, "postgresql": FROM_POSTGRESQL}


def moved(given: Given, source: Database, target: Database, folder: Path) -> str:
    """What became of the value: the target's own text of it, `rejected: REASON` or `refused: REASON`."""
    table = f"given_{next(_numbers)}"
    source.execute(f"CREATE TABLE {table} (id int, v {given.type} NULL)")
    literal = source.literal(given.literal, given.type)
    source.execute(f"INSERT INTO {table} VALUES (1, NULL), (2, {literal}), (3, NULL)")
    target.execute(f"CREATE TABLE {table} (id int, v {given.target} NULL)")
    job = {
        "reader": {**source.address(), "table": table},
        "writer": {**target.address(), "table": table},
        "settings": {"errorLimit": {"record": 1}, "conversion": dict(given.more)},
    }
    try:
        report = run(job, state=folder)
    except ConfigError as error:
        return f"refused: {error}"
    assert report.state == "done", report.error
    arrived = dict(target.execute(f"SELECT id, {_shown(target, given.target)} FROM {table}"))
    told = str(arrived.pop(2, "nothing"))
    assert arrived == {1: None, 3: None}
    if report.rejects is None:
        return told
    assert told == "nothing"
    (line,) = read_rejects(Path(report.rejects))
    return f"rejected: {line['reason']}"


def _shown(target: Database, kind: str) -> str:
    if target.store == "postgresql":
        return "v::text"
    if kind.startswith(("bit", "tinyint")):
        return "CAST(v + 0 AS CHAR)"
    return "HEX(v)" if "blob" in kind or "binary" in kind else "CAST(v AS CHAR)"
