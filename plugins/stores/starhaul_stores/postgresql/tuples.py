"""The encoding `pgcopy/binary`: the tuples of `COPY … (FORMAT binary)`, without header and trailer.

It passes from a reader to a writer as it is where both columns are of the same type, and of one whose binary form is
the same on every server. So do values that Arrow has no place for (infinite dates, NaN). Decoding is for rows that are
refused, one by one, and not on the way of rows that arrive.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from decimal import Decimal
from struct import Struct, unpack_from
from typing import Any, TypeAlias

import pyarrow as pa

from starhaul import Block, PermanentError, native_type
from starhaul_stores.postgresql.connection import Rows
from starhaul_stores.postgresql.rendering import date_text, moment_text

ENCODING = "pgcopy/binary"

HEADER = b"PGCOPY\n\xff\r\n\0" + bytes(8)
"""Signature, flags, and the length of nothing more."""
TRAILER = b"\xff\xff"

EPOCH_DAYS = 10957
EPOCH_MICROSECONDS = EPOCH_DAYS * 86400 * 10**6
"""2000-01-01, from which the server counts, as Arrow counts."""

_SAME_EVERYWHERE = re.compile(
    r"boolean|smallint|integer|bigint|oid|real|double precision|numeric(\(\d+,\d+\))?|text|name|bytea|jsonb?|uuid|date|"
    r"character varying(\(\d+\))?|character\(\d+\)|time(\(\d\))? without time zone|"
    r"timestamp(\(\d\))? with(out)? time zone"
)
"""In `format_type`'s spelling. Not money, whose value depends on the locale, nor types that hold oids (arrays)."""
_NUMBERS = {
    "boolean": ">?", "smallint": ">h", "integer": ">i", "bigint": ">q", "oid": ">I", "real": ">f",
    "double precision": ">d", "date": ">i", "time": ">q", "timestamp": ">q",
}  # fmt: skip
_FIELDS, _LENGTH = Struct(">h").unpack_from, Struct(">i").unpack_from
_DAY_MICROSECONDS = 86400 * 10**6
_FLOATS = {"nan": "NaN", "inf": "Infinity", "-inf": "-Infinity"}
_NUMERIC_SIGNS = {0xC000: "NaN", 0xD000: "Infinity", 0xF000: "-Infinity"}

Data: TypeAlias = bytes | bytearray | memoryview


def same_everywhere(schema: pa.Schema) -> bool:
    """Whether all types have the same binary form on every server."""
    return all(_SAME_EVERYWHERE.fullmatch(native_type(field) or "") for field in schema)


def passes(source: pa.Schema, target: pa.Schema) -> bool:
    """Whether rows of one schema can go to columns of the other in this encoding. Both name PostgreSQL's types."""
    return same_everywhere(source) and list(map(native_type, source)) == list(map(native_type, target))


def blocks(messages: Iterable[Rows], schema: pa.Schema) -> Iterator[Block]:
    """The rows of a COPY in binary, as the server sends them: a header, rows, a trailer."""
    first = True
    for rows in messages:
        if first:
            header, first = _header_length(rows.data), False
            del rows.data[:header]
            rows.lengths[0] -= header
            if not rows.lengths[0]:  # it came by itself
                del rows.lengths[0]
        if rows.lengths and rows.lengths[-1] == len(TRAILER):  # a row is longer
            del rows.data[-len(TRAILER) :]
            del rows.lengths[-1]
        if rows.lengths:
            yield Block(rows.data, len(rows), schema, lambda data: decoded(data, schema))


def row_ends(data: Data) -> list[int]:
    """Where each row ends."""
    ends, place, size = [], 0, len(data)
    while place < size:
        (count,) = _FIELDS(data, place)
        place += 2
        for _ in range(count):
            place += 4 + max(_LENGTH(data, place)[0], 0)
        ends.append(place)
    return ends


def decoded(data: Data, schema: pa.Schema) -> pa.RecordBatch:
    """Rows as a batch of the schema that they were read with; as texts if a value has no place there."""
    raw = _values(bytes(data))
    columns = list(zip(*raw, strict=True)) if raw else [()] * len(schema)
    kinds = [(native_type(field) or "").partition("(")[0].split(" with")[0] for field in schema]
    try:
        arrays = [
            _array([None if value is None else _number_or_bytes(value, kind) for value in column], field.type)
            for column, kind, field in zip(columns, kinds, schema, strict=True)
        ]
        return pa.RecordBatch.from_arrays(arrays, schema=schema)
    except (pa.ArrowInvalid, OverflowError, ValueError):
        zoned = [(native_type(field) or "").endswith("with time zone") for field in schema]
        texts = [
            pa.array([None if value is None else _told(value, kind, zone) for value in column], pa.string())
            for column, kind, zone in zip(columns, kinds, zoned, strict=True)
        ]
        return pa.RecordBatch.from_arrays(texts, names=schema.names)


def _header_length(data: bytearray) -> int:
    """Of signature, flags, and an extension that nobody knows yet."""
    if not data.startswith(HEADER[:11]):
        raise PermanentError("COPY", "the server does not send binary data", "is a proxy in between?")
    flags, extension = unpack_from(">ii", data, 11)
    if flags:
        raise PermanentError("COPY", f"the server sends rows of an unknown form (flags {flags:#x})")
    return len(HEADER) + int(extension)


def _values(data: bytes) -> list[list[bytes | None]]:
    rows, place = [], 0
    while place < len(data):
        (count,) = _FIELDS(data, place)
        place += 2
        row: list[bytes | None] = []
        for _ in range(count):
            (length,) = _LENGTH(data, place)
            place += 4
            row.append(data[place : place + length] if length >= 0 else None)
            place += max(length, 0)
        rows.append(row)
    return rows


def _number_or_bytes(value: bytes, kind: str) -> Any:
    """What Arrow makes an array of: numbers as Arrow counts them, or text. Raises if it has no place for it."""
    if kind in _NUMBERS:
        (number,) = unpack_from(_NUMBERS[kind], value)
        if kind == "time" and number == _DAY_MICROSECONDS:
            raise ValueError("24:00:00")
        if kind in ("date", "timestamp"):
            if number in _infinities(kind):
                raise ValueError(_infinities(kind)[number])
            return number + (EPOCH_DAYS if kind == "date" else EPOCH_MICROSECONDS)
        return number
    if kind == "numeric":
        return _numeric(value)
    if kind in ("bytea", "uuid"):
        return value
    return (value[1:] if kind == "jsonb" else value).decode()


def _array(values: list[Any], arrow: pa.DataType) -> pa.Array:
    if isinstance(arrow, pa.BaseExtensionType):
        return pa.ExtensionArray.from_storage(arrow, pa.array(values, arrow.storage_type))
    if pa.types.is_date(arrow):
        return pa.array(values, pa.int32()).view(arrow)
    if pa.types.is_timestamp(arrow) or pa.types.is_time(arrow):
        return pa.array(values, pa.int64()).view(arrow)
    if pa.types.is_string(arrow):
        return pa.array([None if value is None else str(value) for value in values], arrow)
    return pa.array(
        [Decimal(each) if pa.types.is_decimal(arrow) and each is not None else each for each in values], arrow
    )


def _told(value: bytes, kind: str, zone: bool) -> str:
    """A value as the server would print it."""
    if kind in ("date", "timestamp"):
        (number,) = unpack_from(_NUMBERS[kind], value)
        if number in _infinities(kind):
            return _infinities(kind)[number]
        if kind == "date":
            return date_text(number + EPOCH_DAYS)
        moment, era, _ = moment_text("us")(number + EPOCH_MICROSECONDS).partition(" BC")
        return moment + ("+00" if zone else "") + era
    if kind == "time":
        (number,) = unpack_from(">q", value)
        seconds, fraction = divmod(number, 10**6)
        return f"{seconds // 3600:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}.{fraction:06d}"
    if kind == "bytea":
        return "\\x" + value.hex()
    if kind == "uuid":
        digits = value.hex()
        return "-".join(digits[start:end] for start, end in ((0, 8), (8, 12), (12, 16), (16, 20), (20, 32)))
    told = _number_or_bytes(value, kind)
    if kind in ("real", "double precision"):
        digits = str(pa.scalar(told, pa.float32() if kind == "real" else pa.float64()).cast(pa.string()))
        return _FLOATS.get(digits, digits)
    return str(told).lower() if kind == "boolean" else str(told)


def _infinities(kind: str) -> dict[int, str]:
    most = 2**31 if kind == "date" else 2**63
    return {most - 1: "infinity", -most: "-infinity"}


def _numeric(value: bytes) -> str:
    """The digits as the server prints them."""
    count, weight, sign, scale = unpack_from(">hhHh", value)
    if sign in _NUMERIC_SIGNS:
        return _NUMERIC_SIGNS[sign]
    digits = unpack_from(f">{count}h", value, 8)
    whole = "".join(f"{digits[i] if i < count else 0:04d}" for i in range(weight + 1)).lstrip("0") or "0"
    below = "0000" * max(-weight - 1, 0) + "".join(f"{digit:04d}" for digit in digits[max(weight + 1, 0) :])
    return ("-" if sign else "") + whole + ("." + below.ljust(scale, "0")[:scale] if scale else "")
