"""Arrow columns to what SQLite stores and back. The table in `types` says what is stored as what."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal

import pyarrow as pa

from starhaul import Cast, cast
from starhaul_stores.sqlite.types import NUMERIC_DIGITS, Affinity

_FIRST_DAY, _LAST_DAY = -719162, 2932896  # 0001-01-01 and 9999-12-31
_PER_SECOND = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}
_LOOKS_NUMERIC = r"^[ \t\n\v\f\r]*[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]+)?[ \t\n\v\f\r]*$"


@dataclass(frozen=True, slots=True)
class Stored:
    """A column as SQLite will store it. Where `bad` is true the value must not be written."""

    values: pa.Array
    bad: pa.BooleanArray | None = None
    reason: str = ""
    """Why, for all bad values alike."""


def stored(values: pa.Array, affinity: Affinity, note: Callable[[str, int], None]) -> Stored:
    """A column of an accepted type, ready to be bound to the parameters of an INSERT.

    `note` is told what SQLite alters on its own: it has no negative zero in columns with a numeric affinity.
    """
    kind = values.type
    types = pa.types
    if types.is_floating(kind):
        return _floats(values, affinity, note)
    if types.is_decimal(kind):
        numeric = affinity in ("NUMERIC", "REAL", "INTEGER")
        return Stored(_doubles(values)) if numeric and kind.precision <= NUMERIC_DIGITS else Stored(_digits(values))
    if types.is_date(kind):
        return _dates(values)
    if types.is_timestamp(kind):
        return _timestamps(values)
    if types.is_time(kind):
        return Stored(_without_zero_fraction(values, pa.time32("s"), ""))
    if types.is_duration(kind):
        return Stored(values.cast(pa.int64()))
    if types.is_uint64(kind) or isinstance(kind, pa.UuidType):
        return Stored(cast(values, pa.string()).values)
    if isinstance(kind, pa.BaseExtensionType):
        values = values.storage
    if types.is_string(values.type) and affinity in ("NUMERIC", "REAL", "INTEGER"):
        return _texts_among_numbers(values)
    return Stored(values)


def loaded(values: pa.Array, kind: pa.DataType) -> Cast:
    """The opposite: a column as it was streamed (int64, float64, string, binary) in the type that it stands for."""
    if values.type == kind:
        return Cast(values)
    if pa.types.is_decimal(kind) and pa.types.is_float64(values.type):
        return _decimals(values, kind)
    if pa.types.is_boolean(kind) or pa.types.is_duration(kind):
        return Cast(values.cast(kind))  # the SELECT lets only 0 and 1 pass as booleans
    return cast(values, kind)


def _floats(values: pa.Array, affinity: Affinity, note: Callable[[str, int], None]) -> Stored:
    import pyarrow.compute as pc

    values = values.cast(pa.float64())
    nan = pc.is_nan(values)
    if affinity != "BLOB" and (zeros := pc.sum(pc.equal(values.view(pa.int64()), -(2**63))).as_py()):
        note("negative zero stored as 0.0", zeros)
    if not pc.any(nan).as_py():
        return Stored(values)
    return Stored(values, nan, "SQLite would store NaN as NULL")


def _doubles(values: pa.Array) -> pa.Array:
    """Decimals of 15 digits or fewer as the nearest doubles: the unscaled integers and the power of ten are exact, and
    IEEE division rounds once."""
    import pyarrow.compute as pc

    wide = values.cast(pa.decimal128(38, values.type.scale))
    unscaled = pa.Array.from_buffers(pa.decimal128(38, 0), len(wide), wide.buffers(), wide.null_count, wide.offset)
    return pc.divide(unscaled.cast(pa.int64()).cast(pa.float64()), 10.0**values.type.scale)


def _decimals(values: pa.Array, kind: pa.DataType) -> Cast:
    """Doubles as the decimals whose nearest doubles they are; the others do not fit."""
    import pyarrow.compute as pc

    power = 10.0**kind.scale
    unscaled = pc.round(pc.multiply(values, power))
    fits = pc.and_(pc.equal(pc.divide(unscaled, power), values), pc.less(pc.abs(unscaled), 10.0**kind.precision))
    bad = pc.invert(pc.fill_null(fits, True))
    if not pc.any(bad).as_py():
        bad = None
    else:
        unscaled = pc.if_else(bad, pa.scalar(None, pa.float64()), unscaled)
    whole = unscaled.cast(pa.int64()).cast(pa.decimal128(19, 0))
    result = pa.Array.from_buffers(kind, len(whole), whole.buffers(), whole.null_count, whole.offset)
    return Cast(result, bad, lambda row: f"{values[row].as_py()!r} is no decimal({kind.precision}, {kind.scale})")


def _digits(values: pa.Array) -> pa.Array:
    """Decimals as plain digits. Arrow writes small ones with an exponent, which not every reader of text expects."""
    import pyarrow.compute as pc

    texts = values.cast(pa.string())
    exponent = pc.fill_null(pc.match_substring(texts, "E"), False)
    if not pc.any(exponent).as_py():
        return texts
    plain = [format(Decimal(text), "f") for text in texts.filter(exponent).to_pylist()]
    return pc.replace_with_mask(texts, exponent, pa.array(plain, pa.string()))


def _dates(values: pa.Array) -> Stored:
    days = values.cast(pa.date32()).view(pa.int32())
    return Stored(values.cast(pa.string()), *_outside(days, _FIRST_DAY, _LAST_DAY))


def _timestamps(values: pa.Array) -> Stored:
    kind = values.type
    per_second = _PER_SECOND[kind.unit]
    ends = _FIRST_DAY * 86400 * per_second, (_LAST_DAY + 1) * 86400 * per_second - 1
    ticks = values.view(pa.int64())
    outside = _outside(ticks, *ends) if kind.unit != "ns" else ()  # 64 bits of nanoseconds reach from 1677 to 2262
    local = ticks.view(pa.timestamp(kind.unit))
    texts = _without_zero_fraction(local, pa.timestamp("s"), "+00:00" if kind.tz else "")
    return Stored(texts, *outside)


def _without_zero_fraction(values: pa.Array, seconds: pa.DataType, suffix: str) -> pa.Array:
    """Times as ISO texts, with a fraction only where there is one: texts then sort as the times do, and whole seconds
    look as SQLite's own functions write them."""
    import pyarrow.compute as pc

    texts = values.cast(pa.string())
    if values.type.unit != "s":
        whole = values.cast(seconds, safe=False)
        exact = pc.equal(whole.cast(values.type), values)
        texts = pc.if_else(exact, whole.cast(pa.string()), texts)
    return pc.binary_join_element_wise(texts, suffix, "") if suffix else texts


def _outside(numbers: pa.Array, first: int, last: int) -> tuple[pa.Array, str] | tuple[()]:
    import pyarrow.compute as pc

    ends = pc.min_max(numbers).as_py()
    if ends["min"] is None or (ends["min"] >= first and ends["max"] <= last):
        return ()
    bad = pc.or_(pc.less(numbers, first), pc.greater(numbers, last))
    return pc.fill_null(bad, False), "outside the years 0001 to 9999, which ISO dates cover"


def _texts_among_numbers(values: pa.Array) -> Stored:
    import pyarrow.compute as pc

    bad = pc.fill_null(pc.match_substring_regex(values, _LOOKS_NUMERIC), False)
    if not pc.any(bad).as_py():
        return Stored(values)
    return Stored(values, bad, "SQLite would make a number of this text; the column should be declared TEXT")
