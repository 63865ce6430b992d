"""Booleans, integers and floating point numbers, to one another and to text. Sources are no float16, as
`routes.unwrapped` widens it."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc

from starhaul.convert.attempt import refuse_where
from starhaul.convert.classify import Fit
from starhaul.convert.route import Route, widening

_FRACTION_BITS = {16: 11, 32: 24, 64: 53}
"""Bits of the significand of IEEE 754 binary formats, by width: integers of so many bits are exact."""


def bool_to_number(source: pa.DataType, target: pa.DataType) -> Route:
    """False is 0, true is 1."""
    return widening(pa.int8()).then(int_to_float(pa.int8(), target) if _is_float(target) else widening(target))


def int_to_bool(source: pa.DataType, target: pa.DataType) -> Route:
    """0 is false, 1 is true, nothing else fits."""

    def kernel(values: pa.Array) -> pa.Array:
        truth = values.cast(target)
        refuse_where(pc.not_equal(truth.cast(source), values))
        return truth

    return Route(Fit.CHECKED, kernel, "0 or 1")


def float_to_bool(source: pa.DataType, target: pa.DataType) -> Route:
    """0.0 and -0.0 are false, 1.0 is true, nothing else fits."""
    return float_to_int(source, pa.int8()).then(int_to_bool(pa.int8(), target))


def int_to_int(source: pa.DataType, target: pa.DataType) -> Route:
    """Whatever is in range."""
    low, high = int_range(target)
    if low <= int_range(source)[0] and int_range(source)[1] <= high:
        return widening(target)
    least, most = max(low, int_range(source)[0]), min(high, int_range(source)[1])

    def kernel(values: pa.Array) -> pa.Array:
        try:
            return values.cast(target)
        except pa.ArrowInvalid:
            refuse_beyond(values, least, most)
            raise

    return Route(Fit.CHECKED, kernel, f"a whole number from {low} to {high}")


def int_to_float(source: pa.DataType, target: pa.DataType) -> Route:
    """Integers which the float holds exactly: all up to 2**53 for float64, and larger ones with zeros at their end."""
    if pa.types.is_float16(target):
        return int_to_float(source, pa.float32()).then(float_to_float(pa.float32(), target))
    magnitude_bits = source.bit_width - (1 if pa.types.is_signed_integer(source) else 0)
    if magnitude_bits <= _FRACTION_BITS[target.bit_width]:
        return widening(target)
    limit = float(2**magnitude_bits)

    def kernel(values: pa.Array) -> pa.Array:
        try:
            return values.cast(target)
        except pa.ArrowInvalid:
            # Arrow refuses everything beyond 2**53, though multiples of powers of two are exact there.
            rounded = values.cast(target, safe=False)
            refuse_where(pc.greater_equal(rounded, pa.scalar(limit, target)))
            refuse_where(pc.not_equal(rounded.cast(source), values))
            return rounded

    return Route(Fit.CHECKED, kernel, f"a whole number that {target} holds exactly")


def float_to_int(source: pa.DataType, target: pa.DataType) -> Route:
    """Whole numbers in range. NaN and infinity do not fit; the sign of zero is not kept."""
    low, high = int_range(target)

    def kernel(values: pa.Array) -> pa.Array:
        try:
            return values.cast(target)
        except pa.ArrowInvalid:
            refuse_where(pc.invert(pc.equal(pc.floor(values), values)))
            raise

    return Route(Fit.CHECKED, kernel, f"a whole number from {low} to {high}")


def float_to_float(source: pa.DataType, target: pa.DataType) -> Route:
    """Values which the narrower type holds exactly, NaN and infinity among them."""
    if target.bit_width > source.bit_width:
        return widening(target)

    def kernel(values: pa.Array) -> pa.Array:
        rounded = values.cast(target, safe=False)
        altered = pc.not_equal(rounded.cast(source), values)
        refuse_where(pc.and_(altered, pc.invert(pc.is_nan(values))))
        return rounded

    return Route(Fit.CHECKED, kernel, f"a number that {target} holds exactly")


def float_to_text(source: pa.DataType, target: pa.DataType) -> Route:
    """The shortest text that reads back as the same number, by the double-conversion library of Arrow
    (`0.1`, `1e+22`, `-0`); `NaN`, `Infinity` and `-Infinity` as Java and PostgreSQL spell them."""

    def kernel(values: pa.Array) -> pa.Array:
        text = values.cast(pa.string())
        if pc.all(pc.is_finite(values), min_count=0).as_py():
            return text.cast(target)
        text = pc.if_else(pc.is_nan(values), "NaN", text)
        infinity = pc.if_else(pc.greater(values, pa.scalar(0, source)), "Infinity", "-Infinity")
        return pc.if_else(pc.is_inf(values), infinity, text).cast(target)

    return Route(Fit.WIDENS, kernel)


def bool_to_text(source: pa.DataType, target: pa.DataType) -> Route:
    """`true` and `false`."""
    return widening(target)


def int_to_text(source: pa.DataType, target: pa.DataType) -> Route:
    """Decimal digits, with `-` before negative ones."""
    return widening(target)


def refuse_beyond(numbers: pa.Array, low: int, high: int) -> None:
    """Raise `MisfitError` for integers outside of `low` to `high`, both within the range of their type."""
    found = pc.min_max(numbers).as_py()
    if found["min"] is not None and (found["min"] < low or found["max"] > high):
        below, above = pa.scalar(low, numbers.type), pa.scalar(high, numbers.type)
        refuse_where(pc.or_(pc.less(numbers, below), pc.greater(numbers, above)))


def int_range(integer: pa.DataType) -> tuple[int, int]:
    """Smallest and largest value of an integer type."""
    if pa.types.is_signed_integer(integer):
        return -(2 ** (integer.bit_width - 1)), 2 ** (integer.bit_width - 1) - 1
    return 0, 2**integer.bit_width - 1


def _is_float(kind: pa.DataType) -> bool:
    return bool(pa.types.is_floating(kind))
