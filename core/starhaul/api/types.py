"""How the types of stores appear in Arrow schemas.

Types are Arrow's own, plus `pa.json_()` and `pa.uuid()`. Exact decimals reach 76 digits (`decimal256`), unsigned
64-bit integers stay unsigned, and a timestamp with a zone is never mixed up with one without.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Literal, TypeAlias
from zoneinfo import ZoneInfo

import pyarrow as pa

NATIVE_TYPE = b"native_type"
"""Key of a field's metadata that holds the source's own name of the type (`NUMERIC(12,2)`, `VARCHAR(30)`)."""

TEXT_PATTERN = b"text_pattern"
"""Key of the metadata of a text field that a writer accepts: the Java pattern in which it wants times."""
EMPTY_AS_NULL = b"empty_as_null"
"""Key of the metadata of a field that a writer accepts: when an empty text becomes null; see `EmptyAsNull`."""

EmptyAsNull: TypeAlias = Literal["always", "datax", "never"]
"""`datax`: only where the job asks for DataX's conversions."""


def native_type(field: pa.Field) -> str | None:
    """The source's own name of a field's type, if the reader gave one."""
    value = (field.metadata or {}).get(NATIVE_TYPE)
    return None if value is None else value.decode()


def with_native_type(field: pa.Field, name: str) -> pa.Field:
    """The field with the source's own name of its type attached; other metadata stays."""
    return _with(field, NATIVE_TYPE, name)


def text_pattern(field: pa.Field) -> str | None:
    """The pattern in which a writer wants times as text, if it told one."""
    value = (field.metadata or {}).get(TEXT_PATTERN)
    return None if value is None else value.decode()


def with_text_pattern(field: pa.Field, pattern: str) -> pa.Field:
    """The field, for a writer to accept: the hub writes times in `pattern`, one of Java's, whatever the job's own are;
    a time that the pattern cannot show rejects its row."""
    return _with(field, TEXT_PATTERN, pattern)


def empty_as_null(field: pa.Field) -> EmptyAsNull:
    """When a writer wants null for an empty text; `never` if it told nothing."""
    told = (field.metadata or {}).get(EMPTY_AS_NULL, b"never").decode()
    return "always" if told == "always" else "datax" if told == "datax" else "never"


def with_empty_as_null(field: pa.Field, when: EmptyAsNull) -> pa.Field:
    """The field, for a writer to accept: the hub makes null of an empty text."""
    return _with(field, EMPTY_AS_NULL, when)


def _with(field: pa.Field, key: bytes, value: str) -> pa.Field:
    return field.with_metadata({**(field.metadata or {}), key: value.encode()})


def parse_type(text: str) -> pa.DataType:
    """The type that a name in a job document means: `int64`, `decimal(15,2)`, `timestamp(us, Europe/Paris)`.

    - `bool` or `boolean`; `int8` to `int64`, `uint8` to `uint64`, `long` (`int64`); `float16`, `float32` or `float`,
      `float64` or `double`; `null`
    - `decimal(P)`, `decimal(P,S)`: exact, P digits (1 to 76), S of them after the point
    - `string`, `large_string`; `binary` or `bytes`, `large_binary`, `binary(N)` (N bytes each); `json`; `uuid`
    - `date` (a day without a time), `time(UNIT)`, `duration(UNIT)`, `timestamp(UNIT)` (no zone),
      `timestamp(UNIT, ZONE)` (an instant; ZONE is an IANA name or an offset such as `+02:00`); UNIT is `s`, `ms`,
      `us` or `ns`, and `us` if nothing is in brackets

    Case does not matter, except in ZONE. Arrow's own spelling (`timestamp[us, tz=UTC]`, `date32[day]`) is understood
    as well. Raises `ValueError` with a sentence, so that it can stand in a validator of `Params`.
    """
    match = _TYPE.fullmatch(text)
    make = _TYPES.get(match["name"].lower()) if match else None
    if match and make:
        arguments = match["arguments"]
        try:
            return make(*(argument.strip() for argument in arguments.split(",")) if arguments else ())
        except (TypeError, ValueError, KeyError, OSError, pa.ArrowException):
            pass  # the sentence below says it better
    raise ValueError(
        f"{text!r} is not a type; types are bool, int8 to int64, uint8 to uint64, float32, float64, decimal(P,S), "
        "string, binary, date, time(UNIT), timestamp(UNIT), timestamp(UNIT, ZONE), duration(UNIT), json and uuid; "
        "UNIT is s, ms, us or ns"
    )


def _decimal(precision: str, scale: str = "0") -> pa.DataType:
    make = pa.decimal128 if int(precision) <= 38 else pa.decimal256
    return make(int(precision), int(scale))


def _binary(length: str | None = None) -> pa.DataType:
    if length is None:
        return pa.binary()
    if int(length) < 1:
        raise ValueError(length)
    return pa.binary(int(length))


def _date(unit: str = "day") -> pa.DataType:
    return {"day": pa.date32, "ms": pa.date64}[unit.lower()]()


def _time(unit: str = "us") -> pa.DataType:
    unit = unit.lower()
    return pa.time32(unit) if unit in ("s", "ms") else pa.time64(unit)


def _timestamp(unit: str = "us", zone: str | None = None) -> pa.DataType:
    if zone is None:
        return pa.timestamp(unit.lower())
    zone = re.sub("^tz ?= ?", "", zone)
    if not _OFFSET.fullmatch(zone):
        ZoneInfo(zone)
    return pa.timestamp(unit.lower(), zone)


def _duration(unit: str = "us") -> pa.DataType:
    return pa.duration(unit.lower())


_TYPE = re.compile(r"\s*(?P<name>\w+)\s*(?:[(\[](?P<arguments>[^()\[\]]+)[)\]])?\s*")
_OFFSET = re.compile(r"[+-]([01]\d|2[0-3]):[0-5]\d")

_TYPES: Mapping[str, Callable[..., pa.DataType]] = MappingProxyType(
    {
        "null": pa.null,
        "bool": pa.bool_,
        "boolean": pa.bool_,
        "int8": pa.int8,
        "int16": pa.int16,
        "int32": pa.int32,
        "int64": pa.int64,
        "long": pa.int64,
        "uint8": pa.uint8,
        "uint16": pa.uint16,
        "uint32": pa.uint32,
        "uint64": pa.uint64,
        "float16": pa.float16,
        "float32": pa.float32,
        "float": pa.float32,
        "float64": pa.float64,
        "double": pa.float64,
        "decimal": _decimal,
        "decimal128": _decimal,
        "decimal256": lambda precision, scale="0": pa.decimal256(int(precision), int(scale)),
        "string": pa.string,
        "large_string": pa.large_string,
        "json": pa.json_,
        "uuid": pa.uuid,
        "binary": _binary,
        "bytes": _binary,
        "fixed_size_binary": _binary,
        "large_binary": pa.large_binary,
        "date": _date,
        "date32": _date,
        "date64": lambda unit="ms": _date(unit),
        "time": _time,
        "time32": _time,
        "time64": _time,
        "timestamp": _timestamp,
        "duration": _duration,
    }
)
