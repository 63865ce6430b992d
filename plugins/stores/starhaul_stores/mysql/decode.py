"""Values as MySQL prints them, as the wire carries them, to Arrow columns."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa

from starhaul import Cast, Formats, cast
from starhaul_stores.mysql.types import Declared
from starhaul_stores.relational.read_params import is_utf8

if TYPE_CHECKING:
    from starhaul_stores.mysql.rows import Values

_ZERO_DATE = rb"^0000-00-00( 00:00:00(\.0+)?)?$"


def taken(values: Values, column: Declared) -> Cast:
    """A column off the wire in the Arrow type of its MySQL column."""
    if pa.types.is_decimal128(column.arrow):
        from starhaul_stores.mysql.digits import decimals

        if (found := decimals(values, column.arrow)) is not None:
            return Cast(found)
    return loaded(values.gathered(), column)


def loaded(values: pa.Array, column: Declared) -> Cast:
    """A `pa.binary` column of texts in the Arrow type of its MySQL column."""
    kind, types = column.arrow, pa.types
    if types.is_binary(kind):
        return Cast(values)
    if column.name == "bit":
        return Cast(_bits(values, kind))
    if types.is_string(kind):
        return _texts(values, column.encoding)
    if isinstance(kind, pa.BaseExtensionType):
        texts = _texts(values)
        return texts if texts.bad is not None else cast(texts.values, kind)
    texts = as_strings(values)
    if types.is_duration(kind):
        return Cast(_durations(texts, kind, column.digits))
    if types.is_float32(kind):
        return Cast(_parsed(texts, pa.float64()).values.cast(kind))
    if types.is_timestamp(kind) and kind.tz:
        local = _parsed(texts, pa.timestamp(kind.unit))
        return Cast(local.values.view(pa.int64()).view(kind), local.bad, local.explain)
    return _parsed(texts, kind)


def zero_dates(values: pa.Array) -> pa.BooleanArray:
    """Which texts of dates are MySQL's zero date, which stands for none."""
    import pyarrow.compute as pc

    return pc.fill_null(pc.match_substring_regex(values, _ZERO_DATE), False)


def _parsed(texts: pa.Array, kind: pa.DataType) -> Cast:
    try:
        return Cast(texts.cast(kind))
    except pa.ArrowInvalid:  # now the hub tells which
        return cast(texts, kind)


def _texts(values: pa.Array, encoding: str = "") -> Cast:
    """Bytes as text; the server may send what is not UTF-8 out of columns that were filled by force."""
    if not is_utf8(encoding):
        return cast(values, pa.string(), Formats(encoding=encoding))
    if _is_ascii(values):
        return Cast(as_strings(values))
    try:
        return Cast(values.cast(pa.string()))
    except pa.ArrowInvalid:
        return cast(values, pa.string())


def _is_ascii(values: pa.Array) -> bool:
    """Whether all that its buffer holds is ASCII, which is found out sooner than whether it is UTF-8."""
    import numpy as np

    octets = values.buffers()[2]
    return octets is None or not octets.size or bool(np.frombuffer(octets, np.int8).min() >= 0)


def as_strings(values: pa.Array) -> pa.Array:
    """The same bytes, known to be ASCII, as strings."""
    return pa.Array.from_buffers(pa.string(), len(values), values.buffers(), values.null_count, values.offset)


def _durations(texts: pa.Array, kind: pa.DataType, digits: int) -> pa.Array:
    """`-838:59:59.000000` counted in the units of `kind`. All but the hours has a fixed width."""
    import pyarrow.compute as pc

    tail = 6 + (digits + 1 if digits else 0)
    per_second = {"s": 1, "ms": 10**3, "us": 10**6}[kind.unit]
    negative = pc.starts_with(texts, "-")
    hours = pc.utf8_slice_codeunits(pc.utf8_ltrim(texts, "-"), 0, -tail).cast(pa.int64())
    minutes = pc.utf8_slice_codeunits(texts, -tail + 1, -tail + 3).cast(pa.int64())
    seconds = _sliced(texts, -tail + 4, -tail + 6 or None).cast(pa.int64())
    total = pc.add(pc.multiply(pc.add(pc.multiply(hours, 60), minutes), 60), seconds)
    total = pc.multiply(total, per_second)
    if digits:
        fraction = _sliced(texts, -digits, None).cast(pa.int64())
        total = pc.add(total, pc.multiply(fraction, per_second // 10**digits))
    return pc.if_else(negative, pc.negate(total), total).cast(kind)


def _sliced(texts: pa.Array, start: int, stop: int | None) -> pa.Array:
    import pyarrow.compute as pc

    return pc.utf8_slice_codeunits(texts, start) if stop is None else pc.utf8_slice_codeunits(texts, start, stop)


def _bits(values: pa.Array, kind: pa.DataType) -> pa.Array:
    """BIT columns come as bytes, the highest first."""
    numbers = (None if value is None else int.from_bytes(value, "big") for value in values.to_pylist())
    return pa.array(numbers, pa.uint64()).cast(kind)
