"""Declared types of SQLite columns and the Arrow types that they hold without loss.

SQLite gives every value its own storage class; a declared type only names a preference (its affinity). Starhaul takes
the declaration at its word and rejects the values that do not keep to it:

| declared type                              | Arrow type               | stored as                                   |
|--------------------------------------------|--------------------------|---------------------------------------------|
| BOOLEAN, BOOL                              | bool                     | integer 0 or 1                              |
| any name with INT                          | int64                    | integer                                     |
| any name with REAL, FLOA, DOUB             | float64                  | real (NaN would become NULL: rejected)      |
| DECIMAL(p,s), NUMERIC, DEC, NUMBER; p ≤ 15 | decimal128(p,s)          | real or integer, which keep 15 digits       |
| the same with p > 15                       | decimal(p,s) when read   | real or integer; 15 digits when written     |
| DECIMAL_TEXT(p,s), NUMERIC_TEXT(p,s)       | decimal(p,s), p ≤ 76     | text `-12.50`                               |
| UNSIGNED_TEXT                              | uint64                   | text                                        |
| DATE                                       | date32                   | text `2026-01-31`                           |
| TIME, TIME(0…9)                            | time64, µs or ns         | text `23:59:59` or `23:59:59.000001`        |
| DATETIME, TIMESTAMP, each (0…9)            | timestamp, µs if not told| text `2026-01-31 23:59:59[.000001]`         |
| TIMESTAMPTZ, TIMESTAMP WITH TIME ZONE      | the same in UTC          | the same followed by `+00:00`               |
| DURATION_S, _MS, _US, _NS                  | duration                 | integer                                     |
| JSON_TEXT, JSON                            | arrow.json               | text                                        |
| UUID                                       | arrow.uuid               | text with hyphens                           |
| any other name with CHAR, CLOB, TEXT       | string                   | text                                        |
| any name with BLOB                         | binary                   | blob                                        |
| none of these, or no type at all           | that of the values found | as it comes                                 |
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

import pyarrow as pa

from starhaul import ConfigError, native_type

Affinity: TypeAlias = Literal["INTEGER", "TEXT", "BLOB", "REAL", "NUMERIC"]

NUMERIC_DIGITS = 15
"""Decimal digits that a double tells apart, and that SQLite promises to keep of a number."""

_DECLARED = re.compile(r"\s*([^(]*?)\s*(?:\(\s*(\d+)\s*(?:,\s*(\d+)\s*)?\))?\s*([^()]*?)\s*")
_PLAIN_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]*( [A-Za-z][A-Za-z0-9_]*)*( ?\(\d+(, ?\d+)?\))?")
_DECIMALS = frozenset({"DECIMAL", "NUMERIC", "DEC", "NUMBER"})
_TEXT_DECIMALS = frozenset({"DECIMAL_TEXT", "NUMERIC_TEXT"})
_LOCAL = frozenset({"DATETIME", "TIMESTAMP", "TIMESTAMP WITHOUT TIME ZONE"})
_ZONED = frozenset({"TIMESTAMPTZ", "DATETIMETZ", "TIMESTAMP WITH TIME ZONE", "DATETIME WITH TIME ZONE"})
_DURATIONS = {"DURATION_S": "s", "DURATION_MS": "ms", "DURATION_US": "us", "DURATION_NS": "ns"}
_UNIT_OF_DIGITS = ("s", "ms", "ms", "ms", "us", "us", "us", "ns", "ns", "ns")
_DIGITS_OF_UNIT = {"s": 0, "ms": 3, "us": 6, "ns": 9}


@dataclass(frozen=True, slots=True)
class Declared:
    """A declared type, taken apart."""

    text: str
    """As it stands in the CREATE TABLE; empty for a column without a type."""
    arrow: Any
    """The Arrow type (`pa.DataType`) of its values; None where only the values tell."""
    affinity: Affinity


def declared(text: str) -> Declared:
    """What a declared type means. Never fails: a name that says nothing leaves the type open."""
    matched = _DECLARED.fullmatch(text.upper())
    affinity = _affinity(text.upper())
    if matched is None:
        return Declared(text, _by_affinity(affinity, text), affinity)
    name = " ".join(f"{matched[1]} {matched[4]}".split())
    first, second = (int(part) if part else None for part in (matched[2], matched[3]))
    return Declared(text, _special(name, first, second) or _by_affinity(affinity, text), affinity)


def accepted(column: Declared, source: pa.DataType) -> pa.DataType:
    """The Arrow type that arrives in a column without loss; `source` decides where the column leaves it open."""
    kind = column.arrow or declared(declaration(pa.field("", source))).arrow
    if column.affinity in ("TEXT", "BLOB") and column.arrow is not None:
        return kind
    if column.affinity in ("NUMERIC", "REAL", "INTEGER"):
        if pa.types.is_decimal(kind):  # a longer one would be cut to a double
            return pa.decimal128(min(kind.precision, NUMERIC_DIGITS), min(kind.scale, NUMERIC_DIGITS))
        if pa.types.is_uint64(kind):
            return pa.int64()
    return kind


def declaration(field: pa.Field) -> str:
    """The type to declare for a new column that takes this field exactly: the source's own name of it where SQLite
    would understand the same by it. Raises `ConfigError` for types that SQLite has no place for."""
    ours, native = _declaration(field), native_type(field)
    if native and _PLAIN_NAME.fullmatch(native) and declared(ours).arrow is not None:
        theirs = declared(native)
        same = (theirs.arrow, theirs.affinity) == (declared(ours).arrow, declared(ours).affinity)
        if same and accepted(theirs, field.type) == theirs.arrow:
            return native
    return ours


def _declaration(field: pa.Field) -> str:
    kind = field.type
    types = pa.types
    if types.is_dictionary(kind):
        return _declaration(field.with_type(kind.value_type))
    if types.is_decimal(kind):
        precision, scale = (kind.precision, kind.scale) if kind.scale >= 0 else (kind.precision - kind.scale, 0)
        return f"DECIMAL{'_TEXT' if precision > NUMERIC_DIGITS or scale > precision else ''}({precision},{scale})"
    if types.is_timestamp(kind):
        return f"TIMESTAMP{'TZ' if kind.tz else ''}({_DIGITS_OF_UNIT[kind.unit]})"
    if types.is_time(kind):
        return "TIME(9)" if kind.unit == "ns" else "TIME"
    if types.is_duration(kind):
        return f"DURATION_{kind.unit.upper()}"
    for test, name in (
        (types.is_boolean, "BOOLEAN"), (types.is_int8, "TINYINT"), (types.is_int16, "SMALLINT"),
        (types.is_int32, "INTEGER"), (types.is_int64, "BIGINT"), (types.is_uint8, "SMALLINT"),
        (types.is_uint16, "INTEGER"), (types.is_uint32, "BIGINT"), (types.is_uint64, "UNSIGNED_TEXT"),
        (types.is_float16, "FLOAT"), (types.is_float32, "FLOAT"), (types.is_float64, "DOUBLE"),
        (types.is_date, "DATE"), (types.is_null, "TEXT"), (types.is_nested, "JSON_TEXT"),
        (_is_json, "JSON_TEXT"), (_is_uuid, "UUID"), (_is_text, "TEXT"), (_is_bytes, "BLOB"),
    ):  # fmt: skip
        if test(kind):
            return name
    raise ConfigError(f"column {field.name!r}", f"SQLite has no place for Arrow's {kind}", "cast it to text in the job")


def _special(name: str, first: int | None, second: int | None) -> pa.DataType | None:
    """The types that stand for more than their affinity."""
    if name in _DECIMALS | _TEXT_DECIMALS and first is not None:
        scale = second or 0
        if not 1 <= first <= 76 or scale > first:
            return None
        return pa.decimal128(first, scale) if first <= 38 else pa.decimal256(first, scale)
    unit = _UNIT_OF_DIGITS[min(first, 9)] if first is not None else "us"
    if name in _LOCAL:
        return pa.timestamp(unit)
    if name in _ZONED:
        return pa.timestamp(unit, "UTC")
    if name == "TIME":
        return pa.time64("ns" if unit == "ns" else "us")
    if name in _DURATIONS:
        return pa.duration(_DURATIONS[name])
    simple = {
        "BOOLEAN": pa.bool_(), "BOOL": pa.bool_(), "DATE": pa.date32(), "UNSIGNED_TEXT": pa.uint64(),
        "JSON_TEXT": pa.json_(), "JSON": pa.json_(), "UUID": pa.uuid(),
    }  # fmt: skip
    return simple.get(name)


def _affinity(name: str) -> Affinity:
    """SQLite's rules, in SQLite's order (https://www.sqlite.org/datatype3.html, 3.1)."""
    if "INT" in name:
        return "INTEGER"
    if any(part in name for part in ("CHAR", "CLOB", "TEXT")):
        return "TEXT"
    if "BLOB" in name or not name.strip():
        return "BLOB"
    return "REAL" if any(part in name for part in ("REAL", "FLOA", "DOUB")) else "NUMERIC"


def _by_affinity(affinity: Affinity, text: str) -> pa.DataType | None:
    if affinity == "BLOB" and not text.strip():
        return None
    return {"INTEGER": pa.int64(), "TEXT": pa.string(), "BLOB": pa.binary(), "REAL": pa.float64()}.get(affinity)


def _is_json(kind: pa.DataType) -> bool:
    return getattr(kind, "extension_name", "") == "arrow.json"


def _is_uuid(kind: pa.DataType) -> bool:
    return getattr(kind, "extension_name", "") == "arrow.uuid"


def _is_text(kind: pa.DataType) -> bool:
    return pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind)


def _is_bytes(kind: pa.DataType) -> bool:
    test = pa.types
    return any(f(kind) for f in (test.is_binary, test.is_large_binary, test.is_fixed_size_binary, test.is_binary_view))
