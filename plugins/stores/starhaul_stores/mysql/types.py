"""Types of MySQL columns and the Arrow types that hold their values without loss.

| MySQL type                          | Arrow type            | remark                                       |
|-------------------------------------|-----------------------|----------------------------------------------|
| TINYINT … BIGINT, UNSIGNED or not   | int8 … int64, uint8 … | TINYINT(1) too; a bool arrives there as 0, 1 |
| YEAR                                | int16                 |                                              |
| BIT(1); BIT(n)                      | bool; uint64          | PostgreSQL's bit(n) arrives as text          |
| DECIMAL(p,s)                        | decimal128/256(p,s)   |                                              |
| FLOAT; DOUBLE                       | float32; float64      | NaN and infinities: rejected when written    |
| DATE                                | date32                | zero dates: rejected when read, or null      |
| DATETIME(0); (1…3); (4…6)           | timestamp s; ms; us   |                                              |
| TIMESTAMP(n)                        | the same in UTC       |                                              |
| TIME(n)                             | duration s; ms; us    | a time of day arrives there too              |
| CHAR, VARCHAR, TEXT …, ENUM, SET    | string                |                                              |
| BINARY, VARBINARY, BLOB …, GEOMETRY | binary                | geometries in MySQL's own form               |
| JSON                                | arrow.json            | in MariaDB it is a LONGTEXT with a check     |
| UUID (MariaDB)                      | arrow.uuid            |                                              |
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from starhaul import ConfigError, native_type

_DECLARED = re.compile(r"(?P<name>[a-z]+\d?)(?:\((?P<arguments>.*)\))?(?P<rest>[^)]*)", re.DOTALL)
_MEMBER = re.compile(r"'((?:[^']|'')*)'")
_MEMBERS = re.compile(r"'(?:[^']|'')*'(?:,'(?:[^']|'')*')*")
_INTEGERS = {"tinyint": 8, "smallint": 16, "mediumint": 32, "int": 32, "integer": 32, "bigint": 64}
_TEXTS = frozenset({"char", "varchar", "tinytext", "text", "mediumtext", "longtext", "enum", "set", "inet4", "inet6"})
_GEOMETRIES = frozenset(
    {"geometry", "point", "linestring", "polygon", "multipoint", "multilinestring", "multipolygon",
     "geometrycollection", "geomcollection"}
)  # fmt: skip
_BYTES = frozenset({"binary", "varbinary", "tinyblob", "blob", "mediumblob", "longblob"}) | _GEOMETRIES
_DIGITS = {"s": 0, "ms": 3, "us": 6, "ns": 9}
_LITERAL = re.compile(r"\s*'([^'\\]|'')*'\s*")
_ALIASED = re.compile(
    r"(?P<sql>.*?[\s)`'\"])(?:as(?:\s+|(?=[`'\"])))?(?P<alias>\w+|`(?:[^`]|``)*`|'(?:[^']|'')*'|\"(?:[^\"]|\"\")*\")",
    re.DOTALL | re.IGNORECASE,
)
_OURS = re.compile(r"[a-z]+\d?(\([^)]*\))?( unsigned)?( zerofill)?", re.DOTALL)

UNSIGNED, ZEROFILL, ENUM, SET = 32, 64, 256, 2048
_BINARY_CHARSET = 63
_NO_SCALE = 31
_MOST_DIGITS = 65
_MOST_BITS = 64


@dataclass(frozen=True, slots=True)
class Declared:
    """The type of a column, taken apart."""

    text: str
    """As `information_schema` tells it, lower case but for the members of an ENUM or SET (`decimal(12,2) unsigned`)."""
    name: str
    arrow: Any
    """The Arrow type (`pa.DataType`) of its values."""
    digits: int = 0
    """Of fractions of a second."""
    members: tuple[str, ...] = ()
    """Of an ENUM or SET."""
    bits: int = 0
    """Of a BIT; 0 where there are more than MySQL has."""
    scale: int | None = None
    """Digits after the point to which a FLOAT or DOUBLE rounds, if it does."""
    encoding: str = ""
    """Of its texts, by the job's word against the table's; they come as the bytes that the server stores."""

    @property
    def is_geometry(self) -> bool:
        """Whether its values are geometries."""
        return self.name in _GEOMETRIES


def declared(text: str) -> Declared:
    """What a column's type means. A type that nobody has heard of is text, as all values are on the wire."""
    matched = _DECLARED.match(text)
    if matched is None:
        return Declared(text, text, pa.string())
    name, arguments, rest = matched["name"].lower(), matched["arguments"] or "", (matched["rest"] or "").lower()
    numbers = [int(part) for part in arguments.split(",")] if re.fullmatch(r"\d+(,\d+)?", arguments) else []
    first = numbers[0] if numbers else 0
    digits = first if name in ("time", "datetime", "timestamp") else 0
    members = _members(arguments) if name in ("enum", "set") else ()
    if members and not _MEMBERS.fullmatch(arguments):
        text = text.replace(arguments, ",".join("'" + member.replace("'", "''") + "'" for member in members), 1)
    bits = (first or 1) if name == "bit" and first <= _MOST_BITS else 0
    scale = numbers[1] if name in ("float", "double") and len(numbers) > 1 else None
    return Declared(text, name, _arrow(name, numbers, "unsigned" in rest), digits, members, bits, scale)


def _members(arguments: str) -> tuple[str, ...]:
    """The members of an ENUM or SET. OceanBase does not double the quotes in them."""
    if _MEMBERS.fullmatch(arguments):
        return tuple(part.replace("''", "'") for part in _MEMBER.findall(arguments))
    return tuple(arguments[1:-1].split("','"))


def described(field: Any) -> str:
    """The type of a column of a result, as `declared` understands it, by what the server says of the column on the
    wire (https://mariadb.com/kb/en/result-set-packets/#column-definition-packet)."""
    unsigned = " unsigned" * bool(field.flags & UNSIGNED) + " zerofill" * bool(field.flags & ZEROFILL)
    code, length, scale = field.type_code, field.length, field.scale
    if code in _WIRE_INTEGERS:
        return f"{_WIRE_INTEGERS[code]}{unsigned}"
    if code in (0, 246):
        precision = length - (1 if scale else 0) - (0 if unsigned else 1)
        return f"decimal({max(precision, scale, 1)},{scale}){unsigned}"
    if code in (7, 11, 12):
        digits = scale if scale < _NO_SCALE else 6
        return f"{ {7: 'timestamp', 11: 'time', 12: 'datetime'}[code] }({digits})"
    if code == 16:
        return f"bit({length})"
    if code in _WIRE_OTHERS:
        return _WIRE_OTHERS[code]
    binary = field.charsetnr == _BINARY_CHARSET
    if field.flags & (ENUM | SET):
        return "text"
    if code in (249, 250, 251, 252):
        return "longblob" if binary else "longtext"
    if binary:
        return f"varbinary({length})" if 0 < length <= 65532 else "longblob"
    return f"varchar({length // 4})" if 4 <= length <= 65532 else "longtext"


_WIRE_INTEGERS = {1: "tinyint", 2: "smallint", 3: "int", 9: "mediumint", 8: "bigint"}
_WIRE_OTHERS = {4: "float", 5: "double", 10: "date", 14: "date", 13: "year", 245: "json", 255: "geometry", 6: "text"}


def is_literal(sql: str) -> bool:
    """Whether SQL is nothing but a text in quotes."""
    return _LITERAL.fullmatch(sql) is not None


def without_alias(sql: str, name: str) -> str:
    """A column of a SELECT without the alias that may stand at its end, if the server calls it `name`. A column without
    one is called by its own text."""
    matched = _ALIASED.fullmatch(sql.strip())
    if matched is None or sql.strip() == name:
        return sql
    alias = matched["alias"]
    told = alias[1:-1].replace(alias[0] * 2, alias[0]) if alias[0] in "`'\"" else alias
    return matched["sql"] if told == name else sql


def asked(sql: str, kind: Declared) -> str:
    """A column as it has to be asked for: a FLOAT as a DOUBLE, since by itself it is printed with six digits, and a
    text of another encoding than the server believes as bytes (by way of CONCAT, as some types have other bytes than
    their text)."""
    if kind.name == "float":
        return f"({sql}) * 1e0"
    return f"CAST(CONCAT({sql}) AS BINARY)" if kind.encoding else sql


def accepted(column: Declared, field: pa.Field) -> pa.DataType:
    """The Arrow type that arrives in a column without loss; the source (`field`) decides where a column takes several.
    Raises `ConfigError` for bits of another number."""
    types, source = pa.types, field.type
    width = _bits_in_text(field) if column.name == "bit" else None
    if width is not None:
        if width != column.bits:
            problem = f"{field.name!r}: {native_type(field)} does not fit {column.text}"
            raise ConfigError("column", problem, "give both the same number of bits, or cast it in the query")
        return source
    if column.name == "tinyint" and types.is_boolean(source):
        return pa.bool_()
    if column.name == "time" and not types.is_duration(source):
        unit = column.arrow.unit
        return pa.time64(unit) if unit == "us" else pa.time32(unit)
    if column.name in ("longtext", "mediumtext", "text") and _is(source, "arrow.json"):
        return source
    return column.arrow


def declaration(field: pa.Field, *, in_key: bool = False) -> str:
    """The type to declare for a new column that takes this field exactly: the source's own name of it where that is a
    type of MySQL with the same meaning. A key needs a length: texts then have 255 characters at most. Raises
    `ConfigError` for types that MySQL has no place for."""
    ours, native = _declaration(field, in_key), native_type(field)
    if native and _is_text(field.type) and (bounded := _BOUNDED.fullmatch(native)) and int(bounded[1]) <= _SHORT:
        return f"varchar({bounded[1]})"
    if native and _OURS.fullmatch(native.lower()):
        theirs = declared(native)
        known = theirs.name in _INTEGERS or theirs.name in _TEXTS or theirs.name in _BYTES or theirs.name in _OTHERS
        native = _UNBOUNDED.get(theirs.text.lower(), native)
        keyed = not in_key or theirs.name not in _BYTES | _TEXTS or theirs.name in ("char", "varchar", "varbinary")
        known = known and (theirs.name != "bit" or _bits_in_text(field) in (None, theirs.bits))
        if known and keyed and accepted(theirs, field) == field.type:
            return native
    return ours


_BOUNDED = re.compile(r"(?:character varying|character)\((\d{1,7})\)")
"""Texts of other databases that have a length in characters."""
_SHORT = 255
"""Characters of a text that are kept in the row without fear that a row becomes too long."""
_UNBOUNDED = {"text": "longtext", "blob": "longblob"}
"""Names that elsewhere stand for any length, and in MySQL for 65,535 bytes."""
_OTHERS = frozenset(
    {"year", "bit", "decimal", "float", "double", "date", "datetime", "timestamp", "time", "json", "enum", "set"}
)


def _arrow(name: str, numbers: Sequence[int], unsigned: bool) -> pa.DataType:
    if name in _INTEGERS:
        bits = _INTEGERS[name]
        return {8: (pa.int8(), pa.uint8()), 16: (pa.int16(), pa.uint16()), 32: (pa.int32(), pa.uint32()),
                64: (pa.int64(), pa.uint64())}[bits][unsigned]  # fmt: skip
    first = numbers[0] if numbers else None
    if name in ("decimal", "numeric", "dec", "fixed"):
        precision, scale = first or 10, numbers[1] if len(numbers) > 1 else 0
        if not scale <= precision <= _MOST_DIGITS:  # another store's name of a type
            return pa.string()
        return pa.decimal128(precision, scale) if precision <= 38 else pa.decimal256(precision, scale)
    unit = ("s", "ms", "ms", "ms", "us", "us", "us")[min(first or 0, 6)]
    if name in ("datetime", "timestamp"):
        return pa.timestamp(unit, "UTC" if name == "timestamp" else None)
    simple = {
        "year": pa.int16(), "float": pa.float32(), "double": pa.float64(), "date": pa.date32(), "json": pa.json_(),
        "uuid": pa.uuid(), "bit": pa.bool_() if first in (None, 1) else pa.uint64(), "time": pa.duration(unit),
    }  # fmt: skip
    if name in simple:
        return simple[name]
    return pa.binary() if name in _BYTES else pa.string()


def _declaration(field: pa.Field, in_key: bool) -> str:
    kind, types = field.type, pa.types
    if types.is_dictionary(kind):
        return _declaration(field.with_type(kind.value_type), in_key)
    if types.is_decimal(kind):
        precision, scale = (kind.precision, kind.scale) if kind.scale >= 0 else (kind.precision - kind.scale, 0)
        if precision <= 65 and scale <= min(30, precision):
            return f"decimal({precision},{scale})"
        return "varchar(100)"
    if types.is_temporal(kind) and not types.is_date(kind):
        if kind.unit == "ns":
            hint = "cast it to microseconds in the job"
            raise ConfigError(f"column {field.name!r}", f"MySQL has no place for the nanoseconds of {kind}", hint)
        digits = f"({_DIGITS[kind.unit]})" if kind.unit != "s" else ""
        if types.is_timestamp(kind):
            return f"{'timestamp' if kind.tz else 'datetime'}{digits}"
        return f"time{digits}"
    for test, name in (
        (types.is_boolean, "boolean"), (types.is_int8, "tinyint"), (types.is_int16, "smallint"),
        (types.is_int32, "int"), (types.is_int64, "bigint"), (types.is_uint8, "tinyint unsigned"),
        (types.is_uint16, "smallint unsigned"), (types.is_uint32, "int unsigned"),
        (types.is_uint64, "bigint unsigned"), (types.is_float16, "float"), (types.is_float32, "float"),
        (types.is_float64, "double"), (types.is_date, "date"), (types.is_null, "longtext"),
        (types.is_nested, "json"), (lambda each: _is(each, "arrow.json"), "json"),
        (lambda each: _is(each, "arrow.uuid"), "char(36)"),
        (_is_text, "varchar(255)" if in_key else "longtext"), (_is_bytes, "varbinary(255)" if in_key else "longblob"),
    ):  # fmt: skip
        if test(kind):
            return name
    raise ConfigError(f"column {field.name!r}", f"MySQL has no place for Arrow's {kind}", "cast it to text in the job")


_BITS = re.compile(r"bit(?: varying.*|\((\d+)\))?")


def _bits_in_text(field: pa.Field) -> int | None:
    """How many bits a text of PostgreSQL's `bit` has; 0 if their number varies, None if it is no such text."""
    matched = _BITS.fullmatch(native_type(field) or "") if _is_text(field.type) else None
    return None if matched is None else int(matched[1] or 0)


def _is(kind: pa.DataType, name: str) -> bool:
    return getattr(kind, "extension_name", "") == name


def _is_text(kind: pa.DataType) -> bool:
    return pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind)


def _is_bytes(kind: pa.DataType) -> bool:
    test = pa.types
    return any(f(kind) for f in (test.is_binary, test.is_large_binary, test.is_fixed_size_binary, test.is_binary_view))
