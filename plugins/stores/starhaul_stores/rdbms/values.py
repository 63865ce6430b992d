"""Values as drivers give them to Arrow columns: exactly, or with the rows named that do not fit."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from types import MappingProxyType
from typing import Any
from uuid import UUID

import pyarrow as pa

from starhaul import Cast, cast

_ANY_ZERO = (b"\x00", b"\x01")


def column(values: Sequence[Any], kind: pa.DataType) -> Cast:
    """One column of a result. Values of the Python type that belongs to `kind` are taken as they are; others by way of
    their text, by the hub's rules. Of bad rows the values are null."""
    known = set(map(type, values)) - {type(None)}
    array = _taken(values, kind, known)
    if array is not None:
        return Cast(array)
    texts, odd = _texts(values, kind)
    if pa.types.is_string(kind):
        found = Cast(texts)
    elif pa.types.is_binary(kind):
        return _mixed_bytes(values, kind)
    else:
        found = cast(texts, kind)
    if not odd:
        return found
    import pyarrow.compute as pc

    bad = pa.array([row in odd for row in range(len(values))], pa.bool_())
    worse = bad if found.bad is None else pc.or_(bad, found.bad)
    return Cast(found.values, worse, lambda row: odd[row] if row in odd else found.explain(row))


def _taken(values: Sequence[Any], kind: pa.DataType, known: set[type]) -> pa.Array | None:
    """The column, if all values are of the type that Arrow takes without altering them."""
    types = pa.types
    try:
        if not known:
            return pa.nulls(len(values), kind)
        if types.is_integer(kind) or types.is_decimal(kind):
            if known == {int} or (types.is_decimal(kind) and known <= {int, Decimal}):
                return pa.array(values, kind)
        elif types.is_float64(kind) or types.is_string(kind) or types.is_boolean(kind):
            if known == {{"double": float, "string": str, "bool": bool}[str(kind)]}:
                return pa.array(values, kind)
        elif types.is_float32(kind) and known == {float}:
            return pa.array(values, pa.float64()).cast(kind)
        elif types.is_binary(kind) and known <= {bytes, bytearray, memoryview}:
            return pa.array([None if value is None else bytes(value) for value in values], kind)
        elif types.is_date(kind) and known == {date}:
            return pa.array(values, kind)
        elif types.is_timestamp(kind) and known == {datetime}:
            return _timestamps(values, kind)
        elif types.is_time(kind) and known == {time} and all(value is None or value.tzinfo is None for value in values):
            return pa.array(values, pa.time64("us")).cast(kind)
        elif types.is_duration(kind) and known == {timedelta}:
            return pa.array(values, pa.duration("us")).cast(kind)
        elif isinstance(kind, pa.UuidType) and known == {UUID}:
            storage = pa.array([None if value is None else value.bytes for value in values], kind.storage_type)
            return pa.ExtensionArray.from_storage(kind, storage)
        elif isinstance(kind, pa.JsonType) and known == {str}:
            return pa.ExtensionArray.from_storage(kind, pa.array(values, kind.storage_type))
    except (pa.ArrowException, ValueError, TypeError, OverflowError):
        pass  # some value does not fit; each is looked at
    return None


def _timestamps(values: Sequence[Any], kind: pa.DataType) -> pa.Array | None:
    if kind.tz is None and all(value is None or value.tzinfo is None for value in values):
        return pa.array(values, pa.timestamp("us")).cast(kind)
    if kind.tz is not None and all(value is None or value.tzinfo is not None for value in values):
        return pa.array(values, pa.timestamp("us", "UTC")).cast(kind)
    if kind.tz is not None and all(value is None or value.tzinfo is None for value in values):  # the session is in UTC
        return pa.array(values, pa.timestamp("us")).cast(pa.timestamp(kind.unit)).view(pa.int64()).view(kind)
    return None


def _texts(values: Sequence[Any], kind: pa.DataType) -> tuple[pa.Array, dict[int, str]]:
    """Each value as text that the hub reads as the same value, and the reasons for those that have none."""
    texts: list[str | None] = []
    odd: dict[int, str] = {}
    for row, value in enumerate(values):
        told: str | None = None
        if value is not None:
            try:
                told = _text(value, kind)
                told.encode()
            except (ValueError, TypeError) as error:
                told = None
                odd[row] = f"{value!r:.100} does not fit {kind}: {error}"
        texts.append(told)
    return pa.array(texts, pa.string()), odd


def _text(value: Any, kind: pa.DataType) -> str:
    as_text = _AS_TEXT.get(type(value))
    if as_text is not None:
        return as_text(value, kind)
    if isinstance(value, int | float | Decimal | str):  # of a subclass
        return str(value)
    if isinstance(value, dict | list | tuple):
        raise TypeError("the driver does not give it as text; cast it to text in `column`")
    return str(value)


def _of_bool(value: Any, kind: pa.DataType) -> str:
    if pa.types.is_boolean(kind):
        return "true" if value else "false"
    return str(int(value)) if not pa.types.is_string(kind) else str(value).lower()


def _of_int(value: Any, kind: pa.DataType) -> str:
    return ("true" if value else "false") if pa.types.is_boolean(kind) and value in (0, 1) else str(value)


def _of_decimal(value: Any, kind: pa.DataType) -> str:
    return format(value, "f") if value.is_finite() else str(value)


def _of_bytes(value: Any, kind: pa.DataType) -> str:
    data = bytes(value)
    if pa.types.is_boolean(kind) and data in _ANY_ZERO:
        return "true" if data == b"\x01" else "false"
    if isinstance(kind, pa.UuidType) and len(data) == 16:
        return str(UUID(bytes=data))
    return data.decode()


def _of_datetime(value: Any, kind: pa.DataType) -> str:
    if pa.types.is_date(kind) and value.time() == time():
        return str(value.date().isoformat())
    zone = "Z" if pa.types.is_timestamp(kind) and kind.tz and value.tzinfo is None else ""
    return value.isoformat(" ") + zone


def _keeps_floats(kind: pa.DataType) -> bool:
    return bool(pa.types.is_floating(kind) or pa.types.is_string(kind))


_AS_TEXT: Mapping[type, Callable[[Any, pa.DataType], str]] = MappingProxyType(
    {
        str: lambda value, kind: value,
        float: lambda value, kind: str(int(value)) if value.is_integer() and not _keeps_floats(kind) else repr(value),
        bool: _of_bool,
        int: _of_int,
        Decimal: _of_decimal,
        bytes: _of_bytes,
        bytearray: _of_bytes,
        memoryview: _of_bytes,
        datetime: _of_datetime,
        date: lambda value, kind: value.isoformat() + (" 00:00:00" if pa.types.is_timestamp(kind) else ""),
        time: lambda value, kind: value.isoformat(),
        timedelta: lambda value, kind: _clock(value) if pa.types.is_time(kind) else _seconds(value),
        UUID: lambda value, kind: str(value),
    }
)


def _clock(value: timedelta) -> str:
    if not timedelta() <= value < timedelta(days=1):
        raise ValueError("it is no time of a day")
    return (datetime.min + value).time().isoformat()


def _seconds(value: timedelta) -> str:
    raise ValueError("a length of time")


def _mixed_bytes(values: Sequence[Any], kind: pa.DataType) -> Cast:
    """Bytes among which there is something else, which SQLite allows."""
    known = [value if isinstance(value, bytes | type(None)) else None for value in values]
    bad = [value is not None and not isinstance(value, bytes | bytearray | memoryview) for value in values]
    known = [
        bytes(value) if isinstance(value, bytearray | memoryview) else held
        for value, held in zip(values, known, strict=True)
    ]
    return Cast(
        pa.array(known, kind), pa.array(bad, pa.bool_()), lambda row: f"{values[row]!r:.100} is not made of bytes"
    )
