"""Decimals: to one another, to numbers and to text.

Arrow multiplies by a power of ten without looking for overflow when it raises a scale: a decimal(38, 0) that becomes
decimal(38, 20), or a long text that becomes any decimal, can come out as a different number (seen with Arrow 26). So
every step that raises a scale is taken in a width that has room for it, after the range has been checked. Sources are
decimal128 or decimal256, as `routes.unwrapped` widens the narrower ones.
"""

from __future__ import annotations

import re
from decimal import Decimal, InvalidOperation
from functools import partial

import pyarrow as pa
import pyarrow.compute as pc

from starhaul.convert.attempt import patch, refuse_where
from starhaul.convert.classify import Fit
from starhaul.convert.numbers import float_to_float, float_to_text, int_range, int_to_bool
from starhaul.convert.route import Route, widening
from starhaul.convert.spelling import any_byte, longest, shaped

_EXACT_DIGITS = {32: 6, 64: 15}
"""Decimal digits that survive the way into a binary float and back, by its width (C's FLT_DIG and DBL_DIG)."""
_NUMERAL = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?", re.ASCII)


def decimal_to_decimal(source: pa.DataType, target: pa.DataType) -> Route:
    """Values with no more digits than fit, before and after the point. Nothing is rounded."""
    raised = target.scale - source.scale
    room = target.precision - raised
    """Digits that a value may have at the source's scale, to fit the target at its own."""
    fit = Fit.WIDENS if raised >= 0 and room >= source.precision else Fit.CHECKED
    if room < 1 and raised > 0:
        return Route(fit, lambda values: _zeros(values, target), _rule(target))
    digits = min(source.precision, room) if raised > 0 else source.precision
    wide = pa.decimal128 if max(digits, digits + raised) <= 38 and source.bit_width <= 128 else pa.decimal256
    most = 38 if wide is pa.decimal128 else 76

    def kernel(values: pa.Array) -> pa.Array:
        values = values.cast(wide(digits if digits < source.precision else most, source.scale))
        return _narrowed(values.cast(wide(min(target.precision, most), target.scale)), target)

    return Route(fit, kernel, _rule(target))


def decimal_to_int(source: pa.DataType, target: pa.DataType) -> Route:
    """Whole numbers in range."""
    low, high = int_range(target)
    whole = pa.decimal256(max(1, min(76, source.precision - source.scale)), 0)
    fits = source.scale <= 0 and low < 0 and 10**whole.precision - 1 <= high
    cast = Route(Fit.WIDENS if fits else Fit.CHECKED, lambda values: values.cast(target))
    route = cast if source.scale >= 0 else decimal_to_decimal(source, whole).then(cast)
    return Route(route.fit, route.kernel, "" if fits else f"a whole number from {low} to {high}")


def decimal_to_bool(source: pa.DataType, target: pa.DataType) -> Route:
    """0 is false, 1 is true, nothing else fits."""
    return decimal_to_int(source, pa.int8()).then(int_to_bool(pa.int8(), target))


def int_to_decimal(source: pa.DataType, target: pa.DataType) -> Route:
    """Integers with no more digits than fit."""
    digits = len(str(int_range(source)[1]))
    counted = pa.decimal128(digits, 0)
    return widening(counted).then(decimal_to_decimal(counted, target))


def bool_to_decimal(source: pa.DataType, target: pa.DataType) -> Route:
    """False is 0, true is 1."""
    digit = pa.decimal128(1, 0)
    known = Route(Fit.WIDENS, lambda values: values.cast(pa.int8()).cast(pa.decimal128(3, 0)).cast(digit))
    return known.then(decimal_to_decimal(digit, target))


def float_to_decimal(source: pa.DataType, target: pa.DataType) -> Route:
    """The decimal that the float's shortest text denotes: 0.1 is 0.1, not the binary fraction next to it."""
    return float_to_text(source, pa.string()).then(text_to_decimal(target))


def decimal_to_float(source: pa.DataType, target: pa.DataType) -> Route:
    """The nearest float, if its shortest text denotes the same decimal again. Up to 6 digits (float32) or 15
    (float64) always do."""
    if pa.types.is_float16(target):
        return decimal_to_float(source, pa.float32()).then(float_to_float(pa.float32(), target))
    if source.precision <= _EXACT_DIGITS[target.bit_width] and 0 <= source.scale <= 22:
        return Route(Fit.WIDENS, _quotient if target.bit_width == 64 else lambda values: _by_text(values, target))
    # By way of text: Arrow's own cast does not always find the nearest float.
    forth = Route(Fit.WIDENS, lambda values: _by_text(values, target))
    back = float_to_decimal(target, source)

    def kernel(values: pa.Array) -> pa.Array:
        nearest = forth.kernel(values)
        integer = _integer_type(source)
        refuse_where(pc.not_equal(back.kernel(nearest).view(integer), values.view(integer)))
        return nearest

    return Route(Fit.CHECKED, kernel, f"a decimal that {target} holds without loss")


def decimal_to_text(source: pa.DataType, target: pa.DataType) -> Route:
    """Plain digits, as many after the point as the scale has, never an exponent."""
    if 0 <= source.scale <= 6:
        return widening(target)
    integer = _integer_type(source)

    def kernel(values: pa.Array) -> pa.Array:
        unscaled = values.view(integer).cast(pa.string())
        if source.scale < 0:
            raised = pc.binary_join_element_wise(unscaled, "0" * -source.scale, "")
            return pc.if_else(pc.equal(unscaled, "0"), "0", raised).cast(target)
        negative = pc.starts_with(unscaled, "-")
        padded = pc.utf8_lpad(pc.utf8_ltrim(unscaled, "-"), source.scale + 1, "0")
        whole = pc.utf8_slice_codeunits(padded, 0, -source.scale)
        fraction = pc.utf8_slice_codeunits(padded, -source.scale)
        return pc.binary_join_element_wise(pc.if_else(negative, "-", ""), whole, ".", fraction, "").cast(target)

    return Route(Fit.WIDENS, kernel)


def text_to_decimal(target: pa.DataType) -> Route:
    """A numeral, `[+-]digits[.digits][e[+-]digits]`, digits missing on one side of the point at most, without blanks.
    It must fit without rounding; zeros at either end do not count."""
    scale = max(target.scale, 0)
    wide = pa.decimal256 if target.bit_width == 256 else pa.decimal128
    parsed, integer = wide(target.precision, target.scale), wide(target.precision, 0)

    def short(values: pa.Array) -> pa.Array:
        if longest(values) + scale > 38:
            return _narrowed(values.cast(pa.decimal256(76, target.scale)), parsed)
        return values.cast(parsed)

    def short_units(values: pa.Array) -> pa.Array:
        return short(values).view(integer)

    def kernel(values: pa.Array) -> pa.Array:
        if longest(values) + scale <= 76 and not any_byte(values, b"eE"):
            return short(values).cast(target)
        too_long = pc.greater(pc.binary_length(values), 76 - scale)
        suspicious = pc.or_(too_long, pc.match_substring_regex(values, "[eE]"))
        # As integers: pyarrow makes no array of Python decimals with a negative scale.
        units = patch(values, suspicious, short_units, partial(unscaled, target=target), integer)
        return units.view(parsed).cast(target)

    before, after = max(target.precision - scale, 0), f"[0-9]{{0,{scale}}}0*"
    shape = rf"[+-]?0*[0-9]{{0,{before}}}(\.{after})?|.*[eE].*"
    return Route(Fit.CHECKED, shaped(kernel, shape if target.scale >= 0 else ".*"), _rule(target))


def unscaled(text: str, target: pa.DataType) -> Decimal:
    """The value of a numeral in units of the target's last digit; `ValueError` if it is none or does not fit."""
    if not _NUMERAL.fullmatch(text):
        raise ValueError(text)
    try:
        sign, digits, exponent = Decimal(text).as_tuple()
    except InvalidOperation as error:
        raise ValueError(text) from error
    number = int("".join(map(str, digits)))
    shift = int(exponent) + target.scale
    if number == 0:
        return Decimal(0)
    if not -len(digits) < shift < target.precision:
        raise ValueError(text)
    units, rest = (number * 10**shift, 0) if shift >= 0 else divmod(number, 10**-shift)
    if rest or units >= 10**target.precision:
        raise ValueError(text)
    return Decimal((sign, tuple(map(int, str(units))), 0))


def _by_text(values: pa.Array, target: pa.DataType) -> pa.Array:
    return values.cast(pa.string()).cast(target)


def _quotient(values: pa.Array) -> pa.Array:
    """Decimals of at most 15 digits as float64. The digits and the power of ten are both exact in float64, so that
    their quotient is the nearest one."""
    digits = values.view(_integer_type(values.type)).cast(pa.int64()).cast(pa.float64())
    return pc.divide(digits, pa.scalar(10.0**values.type.scale, pa.float64()))


def _narrowed(values: pa.Array, target: pa.DataType) -> pa.Array:
    """The values, already at the target's scale, in its precision and width. The precision goes first, as Arrow cuts
    off high bits when it goes from decimal128 to decimal32."""
    wide = pa.decimal256 if values.type.bit_width == 256 else pa.decimal128
    if target.precision <= values.type.precision:
        values = values.cast(wide(target.precision, target.scale))
    return values.cast(target)


def _zeros(values: pa.Array, target: pa.DataType) -> pa.Array:
    """Nothing but zero fits: the target's first digit stands after the source's last one."""
    units = values.view(_integer_type(values.type))
    refuse_where(pc.not_equal(units, pa.scalar(Decimal(0), units.type)))
    # All zeros and nulls: they fit any precision, and zero is zero at any scale.
    wide = pa.decimal256 if target.bit_width == 256 else pa.decimal128
    return units.cast(wide(target.precision, 0)).view(wide(target.precision, target.scale)).cast(target)


def _integer_type(kind: pa.DataType) -> pa.DataType:
    """The type of the same layout whose values are the unscaled integers."""
    return (pa.decimal256 if kind.bit_width == 256 else pa.decimal128)(kind.precision, 0)


def _rule(target: pa.DataType) -> str:
    before = max(target.precision - target.scale, 0)
    return f"a number with at most {before} digits before the point and {max(target.scale, 0)} after it"
