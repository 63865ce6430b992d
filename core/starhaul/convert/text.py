"""Text that is read as a number or a truth value, and the other kinds of text.

Nothing is trimmed: a blank before or after a number makes a bad row. Digits are ASCII digits.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable
from typing import NoReturn

import pyarrow as pa
import pyarrow.compute as pc

from starhaul.convert.attempt import MisfitError, refuse_where
from starhaul.convert.classify import Fit
from starhaul.convert.numbers import float_to_float, float_to_text, int_range
from starhaul.convert.route import Route
from starhaul.convert.spelling import any_byte, longest, matches, shaped

_SMALLEST_NORMAL = {32: 2.0**-126, 64: 2.0**-1022}
_SURE_DIGITS = {32: 6, 64: 15}
"""Numerals of so many digits differ, each, in their nearest float (C's FLT_DIG and DBL_DIG)."""


def empty_to_null(values: pa.Array) -> pa.Array:
    """The column with null in place of empty texts."""
    return pc.if_else(pc.equal(values, pa.scalar("", values.type)), pa.scalar(None, values.type), values)


def text_to_bool(target: pa.DataType) -> Route:
    """`true` or `false` in any case, `1` or `0`."""
    return Route(Fit.CHECKED, lambda values: values.cast(target), "true, false, 1 or 0")


def text_to_int(target: pa.DataType) -> Route:
    """`[-]digits`, in range; no minus for unsigned ones."""
    low, high = int_range(target)
    shape = f"{'-?' if low else ''}0*[0-9]{{1,{len(str(high))}}}"

    def kernel(values: pa.Array) -> pa.Array:
        if any_byte(values, b"xX"):  # Arrow would read hexadecimal numbers
            refuse_where(pc.invert(matches(values, shape)))
        return values.cast(target)

    return Route(Fit.CHECKED, shaped(kernel, shape), f"digits, from {low} to {high}")


def text_to_float(target: pa.DataType) -> Route:
    """A numeral, `[+-]digits[.digits][e[+-]digits]`, digits missing on one side of the point at most; or `NaN`,
    `Infinity` or `inf` with an optional sign, in any case.

    A numeral stands for its nearest float, if that float, written with as many digits, is the numeral again. So
    0.1 and 0.10000000000000001 fit a float64, and 9007199254740993 does not. Float16 takes what it holds exactly.
    """
    if pa.types.is_float16(target):
        return text_to_float(pa.float32()).then(float_to_float(pa.float32(), target))
    to_text = float_to_text(target, pa.string()).kernel

    def kernel(values: pa.Array) -> pa.Array:
        numbers = values.cast(target)
        if not pc.all(pc.is_finite(numbers), min_count=0).as_py():
            named = matches(values, "(?i)[+-]?(nan|inf|infinity)")
            refuse_where(pc.and_not(pc.invert(pc.is_finite(numbers)), named))
        magnitude = pc.abs(numbers)
        tiny = pc.less(magnitude, pa.scalar(_SMALLEST_NORMAL[target.bit_width], target))
        if longest(values) <= _SURE_DIGITS[target.bit_width] and not pc.any(tiny, min_count=0).as_py():
            return numbers
        _refuse_rounded(values, numbers, tiny, to_text)
        return numbers

    shape = r"[+-]?[0-9.]+([eE][+-]?[0-9]+)?|[+-]?[a-zA-Z]+"
    return Route(Fit.CHECKED, shaped(kernel, shape), f"a number that {target} holds to its last digit, NaN or Infinity")


def _refuse_rounded(
    values: pa.Array, numbers: pa.Array, tiny: pa.BooleanArray, to_text: Callable[[pa.Array], pa.Array]
) -> None:
    """Raise `MisfitError` for numerals that name a number other than the float they were read as."""
    long = pc.greater(pc.binary_length(values), _SURE_DIGITS[numbers.type.bit_width])
    suspicious = pc.and_(pc.is_finite(numbers), pc.or_(long, tiny))
    shortest = to_text(numbers).cast(values.type)
    suspicious = pc.and_(suspicious, pc.not_equal(values, shortest))
    misfits = [False] * len(values)
    for row in pc.indices_nonzero(suspicious).to_pylist():
        misfits[row] = not _names(values[row].as_py(), numbers[row].as_py(), shortest[row].as_py())
    if any(misfits):
        raise MisfitError(pa.array(misfits, pa.bool_()))


def _names(numeral: str, number: float, shortest: str) -> bool:
    """Whether a numeral, to its last digit, is what `number` looks like with so many digits. Where its exact value lies
    in the middle between two numerals (2**-24 and 16 digits), both the rounded and the shortest one name it."""
    digits = _digits(numeral)
    if not digits:
        return number == 0
    if digits == _digits(shortest):
        return True  # the numeral was read as this number, so the exponents agree
    # Python formats the exact binary value, correctly rounded, at any length.
    shown = f"{abs(number):.{len(digits) - 1}e}"
    return math.isfinite(number) and number != 0 and shown.split("e")[0].replace(".", "") == digits


def _digits(numeral: str) -> str:
    """The significant digits of a numeral."""
    return re.split("[eE]", numeral)[0].lstrip("+-").replace(".", "").lstrip("0").rstrip("0")


def text_to_json() -> Route:
    """A JSON text (RFC 8259); `NaN` and `Infinity` are none."""

    def kernel(values: pa.Array) -> pa.Array:
        misfits = [text is not None and not _is_json(text) for text in values.to_pylist()]
        if any(misfits):
            raise MisfitError(pa.array(misfits, pa.bool_()))
        return values

    return Route(Fit.CHECKED, kernel, "a JSON text")


def _is_json(text: str) -> bool:
    try:
        json.loads(text, parse_constant=_no_constant, parse_int=str, parse_float=str)
    except (ValueError, RecursionError):
        return False
    return True


def _no_constant(name: str) -> NoReturn:
    raise ValueError(name)
