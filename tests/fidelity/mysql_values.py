"""The types of MySQL and MariaDB at their extremes, and what becomes of them elsewhere.

Literals are SQL. Values arrive equal where nothing else is said.
"""

from __future__ import annotations

from tests.fidelity.values import Type, alone, but, of, text_elsewhere

_NO_DATE = "rejected: does not fit"
_ZERO = {"other": _NO_DATE, "sqlite": _NO_DATE}
_YEAR_0 = {
    "other": "converted: the year 0 to 0001-01-01 BC", "sqlite": "rejected: outside the years 0001 to 9999",
}  # fmt: skip
_NUMBER = "converted: its number"
_GEOMETRY = "converted: MySQL's own bytes"
_MEMBER = {"other": "converted: the member's text", "sqlite": "converted: the member's text"}

TYPES: tuple[Type, ...] = (
    of("tinyint", "number", "-128", "127", "0"),
    of("tinyint(1)", "number", "5", "-1", "1"),
    of("tinyint unsigned", "number", "255"),
    of("smallint", "number", "-32768", "32767"),
    of("smallint unsigned", "number", "65535"),
    of("mediumint", "number", "-8388608", "8388607"),
    of("mediumint unsigned", "number", "16777215"),
    of("int", "number", "-2147483648", "2147483647"),
    of("int(8) unsigned zerofill", "number", "42", "4294967295"),
    of("bigint", "number", "-9223372036854775808", "9223372036854775807"),
    of("bigint unsigned", "number", "9223372036854775808", "18446744073709551615"),
    of("decimal(65,30)", "number", "-99999999999999999999999999999999999.999999999999999999999999999999", "1e-30"),
    of("decimal(65,0)", "number", "9" * 65, "-1"),
    of("decimal(38,10)", "number", "9999999999999999999999999999.9999999999", "-0.0000000001"),
    of("decimal(15,15)", "number", "0.999999999999999", "-0.000000000000001"),
    of("decimal(16,2)", "number", "99999999999999.99"),
    of("decimal(10,2) unsigned", "number", "99999999.99", "0"),
    of("decimal(5,5)", "number", "0.00001", "-0.99999"),
    of("float", "float", "3.40282346e38", "-1.17549435e-38", "1.401298464324817e-45", "16777216", "0.1"),
    of("double", "float", "1.7976931348623157e308", "5e-324", "0.1", "-2.2250738585072014e-308", "1e22"),
    of("bit(1)", "bool", "b'1'", "b'0'"),
    of("bit(8)", "bits", "b'10100101'", "b'0'", sqlite=_NUMBER),
    of("bit(9)", "bits", "b'100000001'", "b'1'", sqlite=_NUMBER),
    of("bit(64)", "bits", f"b'{'1' * 64}'", "b'1'", sqlite=_NUMBER),
    of("year", "number", "1901", "2155", "0"),
    of("date", "moment", "'0001-01-01'", "'1000-01-01'", "'1582-10-10'", "'9999-12-31'", but("'0000-00-00'", **_ZERO),
       but("'2026-00-10'", **_ZERO), but("'0000-01-01'", **_YEAR_0)),
    of("time", "duration", "'-838:59:59'", "'838:59:59'", "'00:00:00'", "'24:00:00'"),
    of("time(6)", "duration", "'-838:59:59.999999'", "'12:34:56.123456'", "'-00:00:00.000001'"),
    of("time(2)", "duration", "'100:00:00.01'"),
    of("datetime", "moment", "'0001-01-01 00:00:00'", "'1900-01-01'", "'9999-12-31 23:59:59'",
       but("'0000-00-00'", **_ZERO), but("'2026-02-00 12:00:00'", **_ZERO)),
    of("datetime(6)", "moment", "'9999-12-31 23:59:59.999999'", "'1969-12-31 23:59:59.000001'",
       but("'0000-00-00'", **_ZERO)),
    of("datetime(3)", "moment", "'2026-01-31 00:00:00.999'", "'2026-01-31 00:00:00.12'"),
    of("datetime(1)", "moment", "'2026-01-31 00:00:00.9'"),
    of("timestamp(6)", "moment", "'1970-01-01 00:00:01'", "'2038-01-19 03:14:07.999999'", "'2026-03-29 02:30:00'",
       but("'0000-00-00'", **_ZERO)),
    of("timestamp", "moment", "'2026-10-25 00:30:00'", "'2026-10-25 01:30:00'"),
    of("char(5)", "text", "'  x'", "''", "'abcde'"),
    of("varchar(30)", "text", "'trailing  '", "'\\\\N'", "'\\\\.'", "'NULL'", "''", "'😀'",
       but("'a\\0b'", other="rejected: no NUL character"),
       "'\\t\\n\\r'", "'\\Z\"'''", "'a,b'", "x'01027f'", "'\\r\\n'"),
    of("varchar(9) character set latin1", "text", "'é€'"),
    of("varchar(9) character set gbk", "text", "'中文'"),
    of("char(4) character set gbk", "text", "'中 文'"),
    of("text character set latin1", "text", "'ÿ'"),
    of("varchar(9) collate utf8mb4_bin", "text", "'a\\\\'"),
    of("varchar(9) character set utf8mb3", "text", "'é日'"),
    of("varchar(9) character set utf16", "text", "'é😀'"),
    of("tinytext", "text", "repeat('x', 255)"),
    of("mediumtext", "text", "''"),
    of("longtext", "text", but("repeat('é\\\\', 30000)", "60,000 characters")),
    of("binary(4)", "bytes", "x'00ff'", "x'61200a5c'"),
    of("varbinary(9)", "bytes", "x''", "x'00'", "x'5c4e'", "x'0a5c09'"),
    of("tinyblob", "bytes", "x'00ff10'"),
    of("longblob", "bytes", but("repeat(x'00ff0a5c', 50000)", "200,000 bytes"),
       alone("repeat(x'00ff0a5c', 4194304)", "16 MiB")),
    of("json", "text", "'{\"a\": [1, null]}'", "'null'", "'{\"b\": 1.10, \"a\": 12345678901234567890.123}'",
       "'\"\\\\u00e9\"'"),
    of("enum('a','it''s','',',')", "text", "'it''s'", "''", "','", **_MEMBER),
    of("set('a','b','c')", "text", "'a,c'", "''", **_MEMBER),
    of("geometry", "bytes", "ST_GeomFromText('POINT(1 2)', 4326)", "ST_GeomFromText('LINESTRING(0 0,1 1)')",
       "ST_GeomFromText('GEOMETRYCOLLECTION EMPTY')", other=_GEOMETRY, sqlite=_GEOMETRY),
    of("point", "bytes", "POINT(0.1, -0.2)", other=_GEOMETRY, sqlite=_GEOMETRY),
    text_elsewhere("inet4", "'127.0.0.1'"),
    text_elsewhere("inet6", "'::1'", "'2001:db8::ff00:42:8329'"),
    of("uuid", "own", "'12345678-1234-5678-1234-567812345678'"),
)  # fmt: skip
