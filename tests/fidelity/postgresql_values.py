"""The types of PostgreSQL at their extremes, and what becomes of them elsewhere."""

from __future__ import annotations

from tests.fidelity.values import OWN_TEXT, REFUSED, Type, alone, but, of, text_elsewhere

SETUP = """
    CREATE TYPE mood AS ENUM ('happy', 'it''s, "so" so'); CREATE TYPE pair AS (n int, t text);
    CREATE DOMAIN short_text AS varchar(3); CREATE DOMAIN positive AS int CHECK (VALUE > 0);
    CREATE EXTENSION IF NOT EXISTS hstore SCHEMA public
"""
"""Literals are texts: what stands between quotes in SQL."""

_IN_ARROW = "rejected: is no "
_NEVER = {"other": _IN_ARROW, "sqlite": _IN_ARROW}
_YEARS = {"other": "rejected: outside the years", "sqlite": "rejected: outside the years"}
_STAMP = {"other": "rejected: Incorrect datetime value"}
_FLOAT = {"other": "rejected: no NaN and no infinities"}
_LONG = {"other": OWN_TEXT, "sqlite": OWN_TEXT}
_REFUSED = f"rejected: {REFUSED}"
NAN = but("NaN", **_FLOAT, sqlite="rejected: NaN as NULL")
INFINITE = but("Infinity", **_FLOAT), but("-Infinity", **_FLOAT)
MINUS_0 = but("-0", other="converted: -0.0 to 0.0", sqlite="converted: -0.0 to 0.0", back="converted: -0 to 0 0")
NEVER = but("infinity", **_NEVER), but("-infinity", **_NEVER)

TYPES: tuple[Type, ...] = (
    of("smallint", "number", "-32768", "32767"),
    of("integer", "number", "-2147483648", "2147483647"),
    of("bigint", "number", "-9223372036854775808", "9223372036854775807"),
    of("oid", "number", "0", "4294967295"),
    of("real", "float", NAN, *INFINITE, MINUS_0, "3.4028235e38", "1e-45", "0.1"),
    of("double precision", "float", NAN, *INFINITE, MINUS_0, "1.7976931348623157e308", "5e-324", "0.1"),
    of("numeric(38,10)", "number", "9999999999999999999999999999.9999999999", "-0.0000000001", "0",
       but("NaN", **_NEVER)),
    of("numeric(10,2)", "number", "99999999.99", "-0.01"),
    of("numeric(76,38)", "number", "9" * 38 + "." + "9" * 38, "-" + "0." + "0" * 37 + "1"),
    of("numeric(100,50)", "number", "9" * 50 + "." + "9" * 50, "NaN", **_LONG),
    of("numeric(5,-2)", "number", "1234500", "-100", **_LONG),
    of("numeric(3,5)", "number", "0.00999", "-0.00001", **_LONG),
    of("numeric", "number", "NaN", "Infinity", "-Infinity", but("1" * 400 + "." + "1" * 400, "800 digits"), "0.000",
       "1e-100", **_LONG),
    of("money", "number", "-92233720368547758.08", "92233720368547758.07", "0.01"),
    of("boolean", "bool", "true", "false"),
    of("text", "text", "", " ", "\\N", "\\.", "a\\b", "NULL", "'", '"', "a,b", "a\tb\nc\rd\r\ne", "\x01\x7f",
       "😀é日本語", but("x" * 100_000, "100,000 characters")),
    of("varchar(3)", "text", "", "abc", "é😀ß", "a  "),
    of("char(5)", "text", "", "ab", "   x ", "abcde"),
    of('"char"', "text", "a", ""),
    of("name", "text", but("x" * 63, "63 characters"), ""),
    of("bytea", "bytes", "\\x", "\\x00", "\\x00ff5c", but("\\x" + "00ff" * 100_000, "200,000 bytes"),
       alone("\\x" + "00ff0a5c" * (4 << 20), "16 MiB")),
    of("date", "moment", "0001-01-01", "9999-12-31", "1582-10-10", but("4713-01-01 BC", **_YEARS),
       but("5874897-12-31", **_YEARS),
       but("0001-12-31 BC", other="converted: 1 BC to 0000-12-31", sqlite="rejected: outside the years"),
       but("10000-01-01", **_YEARS), *NEVER),
    of("timestamp", "moment", "0001-01-01", "9999-12-31 23:59:59.999999", but("4713-01-01 BC", **_YEARS),
       but("294247-01-10 04:00:54.775807", **_YEARS), but("294247-01-10 04:00:54.775808", **_NEVER),
       but("294276-12-31 23:59:59.999999", **_NEVER),
       "1969-12-31 23:59:59.9", *NEVER),
    of("timestamp(0)", "moment", "2026-01-31 23:59:59", but("0044-03-15 12:00:00 BC", **_YEARS)),
    of("timestamp(1)", "moment", "2026-01-31 23:59:59.9"),
    of("timestamp(3)", "moment", "2026-01-31 23:59:59.999"),
    of("timestamptz", "moment", but("0001-01-01 00:00Z", **_STAMP), but("9999-12-31 23:59:59.999999Z", **_STAMP),
       but("294247-01-10 04:00:54.775807Z", **_YEARS),
       "2026-07-01 12:00+14", but("4713-01-01 00:00Z BC", **_YEARS), *NEVER),
    of("timestamptz(3)", "moment", "2026-07-01 12:00:00.123-07"),
    of("time", "moment", "00:00", "23:59:59.999999", but("24:00:00", **_NEVER)),
    of("time(2)", "moment", "23:59:59.99"),
    text_elsewhere("timetz", "00:00+15:59", "23:59:59.999999-15:59", "24:00:00Z"),
    text_elsewhere("interval", "0", "178000000 years", "-178000000 years", "1 mon -1 day 838:59:59.999999",
       "-00:00:00.000001", "1 year -5 days"),
    text_elsewhere("interval(2)", "00:00:01.25", back=_REFUSED),
    text_elsewhere("interval year to month", "3 years 2 mons", back=_REFUSED),
    of("json", "text", "{}", "null", '{ "a" :  1, "a": 2 }', "1.10", '"\\u00e9\\n"',
       "12345678901234567890.12345678901234567890"),
    of("jsonb", "text", "{}", "null", '{"b": 1, "a": [1, 2.50]}', '"\\u00e9"',
       "12345678901234567890.12345678901234567890"),
    of("uuid", "own", "00000000-0000-0000-0000-000000000000", "ffffffff-ffff-ffff-ffff-ffffffffffff"),
    of("bit(1)", "digits", "0", "1", sqlite=OWN_TEXT),
    of("bit(8)", "digits", "10100101", "00000001", sqlite=OWN_TEXT),
    of("bit(64)", "digits", "10" * 32, sqlite=OWN_TEXT),
    text_elsewhere("bit(65)", "1" + "0" * 64),
    text_elsewhere("bit varying(9)", "", "101"),
    text_elsewhere("inet", "10.0.0.1/8", "::1", "192.168.0.1"),
    text_elsewhere("cidr", "10.0.0.0/8", "2001:db8::/32"),
    text_elsewhere("macaddr", "08:00:2b:01:02:03"),
    text_elsewhere("xml", "<a>b</a>", "text"),
    text_elsewhere("integer[]", "{}", "{1,NULL,-2}", "{{1,2},{3,4}}", "[0:1]={5,6}"),
    text_elsewhere("text[]", '{"",NULL,"NULL","a,b","\\"q\\"","{}","back\\\\slash"}'),
    text_elsewhere("numeric(5,2)[]", "{1.50,NaN}", back=_REFUSED),
    text_elsewhere("timestamptz[]", '{"2026-01-31 00:00:00+00",infinity}'),
    text_elsewhere("interval[]", "{1 mon,-00:00:01}"),
    text_elsewhere("bytea[]", '{"\\\\x00ff",NULL}'),
    text_elsewhere("int4range", "empty", "[1,5)", "(,)"),
    text_elsewhere("tstzrange", '["2026-01-01 00:00:00+00","2026-02-01 00:00:00+00")'),
    text_elsewhere("datemultirange", "{[2026-01-01,2026-02-01)}"),
    text_elsewhere("point", "(0.1,-2.5)"),
    text_elsewhere("polygon", "((0,0),(1,1),(2,0))"),
    text_elsewhere("tsvector", "'a':1 'b':2A"),
    text_elsewhere("public.hstore", '"a"=>"1", "b"=>NULL', ""),
    text_elsewhere("mood", "happy", "it's, \"so\" so"),
    text_elsewhere("pair", '(1,"a ""b"", c")', "(,)"),
    of("short_text", "text", "abc"),
    of("positive", "number", "1", "2147483647"),
    text_elsewhere("pg_lsn", "16/B374D848"),
)  # fmt: skip
