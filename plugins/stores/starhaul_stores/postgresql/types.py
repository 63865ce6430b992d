"""PostgreSQL's types and the Arrow types that hold them without loss.

| PostgreSQL                                  | Arrow                      | remarks                                   |
|---------------------------------------------|----------------------------|-------------------------------------------|
| boolean                                     | bool                       |                                           |
| smallint, integer, bigint, oid              | int16, int32, int64, uint32|                                           |
| real, double precision                      | float32, float64           |                                           |
| numeric(p,s), p ≤ 76                        | decimal(p,s)               | NaN has no place: the row is rejected     |
| numeric, numeric(p,s) otherwise             | string                     | any number of digits, NaN, Infinity       |
| money                                       | decimal(19,2)              |                                           |
| text, varchar(n), char(n), name, "char"     | string                     | char(n) with its blanks                   |
| bytea                                       | binary                     |                                           |
| date                                        | date32                     | infinity: the row is rejected             |
| timestamp, timestamptz                      | timestamp(us), in UTC      | until 294247; infinity: rejected          |
| time                                        | time64(us)                 | 24:00:00: the row is rejected             |
| json, jsonb                                 | arrow.json                 |                                           |
| uuid                                        | arrow.uuid                 |                                           |
| interval, timetz, bit, arrays, enums,       | string                     | the server's own text, which it reads    |
| ranges, inet, xml, composites, all others   |                            | back as the same value; MySQL's bit(n)    |
|                                             |                            | arrives in a bit(n) as uint64             |

The type's own name travels as native type, so that a table can be created with it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

import pyarrow as pa

from starhaul import ConfigError, native_type
from starhaul_stores.postgresql.containers import alters

BOOL, BYTEA, CHAR, NAME, INT8, INT2, INT4, TEXT, OID = 16, 17, 18, 19, 20, 21, 23, 25, 26
JSON, FLOAT4, FLOAT8, MONEY, BPCHAR, VARCHAR = 114, 700, 701, 790, 1042, 1043
TIMETZ, VARBIT = 1266, 1562
DATE, TIME, TIMESTAMP, TIMESTAMPTZ, INTERVAL, BIT, NUMERIC, UUID, JSONB = (
    1082,
    1083,
    1114,
    1184,
    1186,
    1560,
    1700,
    2950,
    3802,
)

_PLAIN = {
    BOOL: pa.bool_(), INT2: pa.int16(), INT4: pa.int32(), INT8: pa.int64(), OID: pa.uint32(), FLOAT4: pa.float32(),
    FLOAT8: pa.float64(), BYTEA: pa.binary(), DATE: pa.date32(), TIME: pa.time64("us"), TIMESTAMP: pa.timestamp("us"),
    TIMESTAMPTZ: pa.timestamp("us", "UTC"), JSON: pa.json_(), JSONB: pa.json_(), UUID: pa.uuid(),
    MONEY: pa.decimal128(19, 2),
}  # fmt: skip
_BOUNDED = re.compile(r"(?:var)?char\((\d{1,7})\)", re.IGNORECASE)
"""Texts of other databases that have a length in characters."""
_BITS = re.compile(r"bit\((\d+)\)")
_ITS_OWN = re.compile(
    r"(interval|name|time(\(\d\))? with(out)? time zone|timestamp(\(\d\))? with(out)? time zone|date|"
    r"boolean|smallint|integer|bigint|oid|real|double precision|numeric(\(\d+,\d+\))?|money|text|bytea|jsonb?|uuid|xml|"
    r"inet|cidr|macaddr8?|tsvector|tsquery|point|line|lseg|box|path|polygon|circle|pg_lsn|character varying(\(\d+\))?|"
    r"character\(\d+\)|bit(\(\d+\)| varying(\(\d+\))?)|(int4|int8|num|date|ts|tstz)(multi)?range)(\[\])?"
)
"""Types that every server has, as `format_type` spells them. Spellings that other databases use for something else,
such as `bit(8)` and `time`, are told apart by the Arrow type that comes with them."""
_ROUNDING_ARRAY = re.compile(r"(?:numeric\(|time(?:stamp)?\(|interval[( ]).*\[\]")
"""Arrays, as `format_type` spells them, whose elements the server rounds."""


@dataclass(frozen=True, slots=True)
class Numeric:
    """What the modifier of `numeric(p,s)` says."""

    precision: int
    scale: int

    @property
    def arrow(self) -> pa.DataType | None:
        """The decimal that holds all of it but NaN; None if there is none."""
        if self.precision > 76 or self.scale < 0 or self.scale > self.precision:
            return None
        return decimal(self.precision, self.scale)


_FROM_TEXT = frozenset({BIT, VARBIT, INTERVAL, TIMETZ})
"""Types whose texts may look like a number and mean something else: 10 is two bits, and ten seconds."""


def decimal(precision: int, scale: int) -> pa.DataType:
    """Arrow's exact decimal of so many digits."""
    return pa.decimal128(precision, scale) if precision <= 38 else pa.decimal256(precision, scale)


def numeric(modifier: int) -> Numeric | None:
    """None for `numeric` without a precision. The scale is a signed number of 11 bits (`numeric.c`)."""
    if modifier < 0:
        return None
    packed = modifier - 4
    return Numeric(packed >> 16 & 0xFFFF, ((packed & 0x7FF) ^ 1024) - 1024)


def read_as(kind: int, modifier: int) -> pa.DataType:
    """The Arrow type in which values of a type (its oid and modifier) are read."""
    if kind == NUMERIC:
        declared = numeric(modifier)
        return (declared and declared.arrow) or pa.string()
    return _PLAIN.get(kind, pa.string())


def accepted(kind: int, modifier: int, told: str, source: pa.Field) -> pa.DataType:
    """The Arrow type that arrives in a column of a type without loss. `source` decides where the column leaves it open.
    Raises `ConfigError` where nobody can see to it that the server does not round."""
    types = pa.types
    if kind == NUMERIC:
        return _accepted_numeric(modifier, source)
    if kind == BIT and modifier == 1 and (types.is_boolean(source.type) or types.is_uint8(source.type)):
        return pa.uint8()  # its text is 0 or 1
    if kind == BIT and types.is_uint64(source.type) and native_type(source) == f"bit({modifier})":
        return source.type  # MySQL's, whose digits `rendering` writes
    if kind in _FROM_TEXT and (types.is_integer(source.type) or types.is_floating(source.type)):
        hint = "let the source give it as text"
        raise ConfigError("column", f"{source.name!r}: the server would take a number's digits for {told}", hint)
    if kind in (TIMESTAMP, TIMESTAMPTZ, TIME):
        if native_type(source) == told and source.type == read_as(kind, modifier):
            return source.type
        unit = {0: "s", 3: "ms"}.get(modifier, "us")
        if kind == TIME:
            return pa.time64("us") if unit == "us" else pa.time32(unit)
        return pa.timestamp(unit, "UTC" if kind == TIMESTAMPTZ else None)
    if kind == INTERVAL and types.is_duration(source.type) and modifier == -1:
        return pa.duration(source.type.unit if source.type.unit != "ns" else "us")
    theirs = native_type(source) or ""
    if theirs != told and alters(told, theirs):
        hint = "declare it the same, or cast it in the source's query"
        raise ConfigError("column", f"{source.name!r}: the server would make other values of {theirs} for {told}", hint)
    rounds = _ROUNDING_ARRAY.fullmatch(told) or (kind in (INTERVAL, TIMETZ) and modifier != -1)
    if rounds and theirs != told:
        hint = "declare it without digits or fields, or let the source be the same"
        raise ConfigError("column", f"{source.name!r}: the server would round values for {told}", hint)
    return _PLAIN.get(kind, pa.string())


def declaration(field: pa.Field) -> str:
    """The type to declare for a new column that takes this field exactly: the source's own name of it if that is one of
    ours. Raises `ConfigError` for types that have no place."""
    ours, native = _declaration(field), native_type(field)
    if ours == "text" and native is not None and (bounded := _BOUNDED.fullmatch(native)):
        return f"character varying({bounded[1]})"
    if native is None or not _ITS_OWN.fullmatch(native):
        return ours
    if pa.types.is_uint64(field.type) and (bits := _BITS.fullmatch(native)) and int(bits[1]) <= 64:
        return native
    return native if _is_read_as(native, field.type) else ours


def oid_of(told: str) -> tuple[int, int]:
    """Oid and modifier of a type in `format_type`'s spelling; of text for those that are read as text."""
    name, _, rest = told.partition("(")
    digits = [int(part) for part in re.findall(r"\d+", rest)]
    name = name + rest.partition(")")[2]
    if name == "numeric":
        return NUMERIC, ((digits[0] << 16) | (digits[1] & 0x7FF)) + 4 if digits else -1
    oid = {
        "boolean": BOOL, "smallint": INT2, "integer": INT4, "bigint": INT8, "oid": OID, "real": FLOAT4,
        "interval": INTERVAL, "double precision": FLOAT8, "money": MONEY, "bytea": BYTEA, "date": DATE,
        "time without time zone": TIME,
        "timestamp without time zone": TIMESTAMP, "timestamp with time zone": TIMESTAMPTZ, "json": JSON, "jsonb": JSONB,
        "uuid": UUID, "character varying": VARCHAR, "character": BPCHAR, "bit": BIT,
    }.get(name, TEXT)  # fmt: skip
    return oid, digits[0] if digits else -1


def _is_read_as(native: str, kind: pa.DataType) -> bool:
    return bool(read_as(*oid_of(native)) == kind)


def _accepted_numeric(modifier: int, source: pa.Field) -> pa.DataType:
    declared = numeric(modifier)
    if declared is not None:
        return declared.arrow or pa.string()
    types = pa.types
    kind = source.type
    if types.is_decimal(kind) or types.is_integer(kind) or types.is_floating(kind):
        return kind if not types.is_float16(kind) else pa.float32()
    return pa.string()


def _declaration(field: pa.Field) -> str:
    kind = field.type
    types = pa.types
    if types.is_dictionary(kind) or types.is_run_end_encoded(kind):
        return _declaration(field.with_type(kind.value_type))
    if types.is_decimal(kind):
        precision, scale = (kind.precision, kind.scale) if kind.scale >= 0 else (kind.precision - kind.scale, 0)
        return f"numeric({max(precision, scale)},{scale})"
    if types.is_timestamp(kind) or types.is_time(kind):
        digits = {"s": "(0)", "ms": "(3)"}.get(kind.unit, "")
        zone = "with" if types.is_timestamp(kind) and kind.tz else "without"
        return f"{'timestamp' if types.is_timestamp(kind) else 'time'}{digits} {zone} time zone"
    for test, name in (
        (types.is_boolean, "boolean"), (types.is_int8, "smallint"), (types.is_int16, "smallint"),
        (types.is_int32, "integer"), (types.is_int64, "bigint"), (types.is_uint8, "smallint"),
        (types.is_uint16, "integer"), (types.is_uint32, "bigint"), (types.is_uint64, "numeric(20,0)"),
        (types.is_float16, "real"), (types.is_float32, "real"), (types.is_float64, "double precision"),
        (types.is_date, "date"), (types.is_duration, "interval"), (types.is_null, "text"), (types.is_nested, "json"),
        (_is_json, "json"), (_is_uuid, "uuid"), (_is_text, "text"), (_is_bytes, "bytea"),
    ):  # fmt: skip
        if test(kind):
            return name
    raise ConfigError(
        f"column {field.name!r}", f"PostgreSQL has no place for Arrow's {kind}", "cast it to text in the job"
    )


def _is_json(kind: pa.DataType) -> bool:
    return isinstance(kind, pa.JsonType)


def _is_uuid(kind: pa.DataType) -> bool:
    return isinstance(kind, pa.UuidType)


def _is_text(kind: pa.DataType) -> bool:
    return pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind)


def _is_bytes(kind: pa.DataType) -> bool:
    test = pa.types
    return any(f(kind) for f in (test.is_binary, test.is_large_binary, test.is_fixed_size_binary, test.is_binary_view))
