"""DataX's own conversions, for jobs that ask for them (`conversion: datax`): the matrix of its six column types.

DataX holds every value as Long, Double, String, Date, Bool or Bytes, and converts on the way out. So it is here: a
fraction is cut off where an integer is wanted, text is any numeral that Java's BigDecimal reads, a number of whatever
size but zero is true, dates are milliseconds; see `datax_dates`. What DataX cannot convert makes a bad row for each
value that is not null, and does not refuse the job. Numbers that do not fit their target are bad rows, too.

Types that DataX does not know (JSON, UUIDs, durations, nested ones) become text first; to them, and between them, the
exact conversions apply.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from decimal import ROUND_HALF_UP, Context, Decimal, InvalidOperation
from types import MappingProxyType
from typing import Any, Literal, TypeAlias

import pyarrow as pa
import pyarrow.compute as pc

from starhaul.api.formats import Formats
from starhaul.convert import datax_dates as dates
from starhaul.convert.attempt import Kernel, attempt, patch, refuse_where
from starhaul.convert.binary import text_to_binary
from starhaul.convert.classify import Fit
from starhaul.convert.numbers import int_range
from starhaul.convert.route import Route
from starhaul.convert.routes import family, find_exact_route, plain_route
from starhaul.convert.spelling import matches

Column: TypeAlias = Literal["Long", "Double", "String", "Date", "Bool", "Bytes"]
Finder: TypeAlias = Callable[[Any, Any, Formats], Route]

_COLUMNS = MappingProxyType[str | None, Column](
    {
        "int": "Long", "float": "Double", "decimal": "Double", "text": "String", "date": "Date", "time": "Date",
        "timestamp": "Date", "bool": "Bool", "binary": "Bytes",
    }
)  # fmt: skip
_NUMERAL = r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?"
_PLAIN_NUMERAL = r"[+-]?[0-9]+(?:\.[0-9]*)?"
_NOT_FINITE = r"NaN|[+-]?Infinity"
_WIDE = Context(prec=200)
_MOST_DIGITS = 400
"""No number with a larger exponent fits any type."""


def find_datax_route(source: pa.DataType, target: pa.DataType, formats: Formats) -> Route:
    """The way from `source` to `target` by DataX's rules. Never `Fit.IMPOSSIBLE` between types that DataX knows. Raises
    `ConfigError` if a pattern, a zone or an encoding that it needs is not understood."""
    exact = replace(formats, datax=False)
    if pa.types.is_null(source):
        return find_exact_route(source, target, exact)
    plain = plain_route(source)
    if plain is not None:
        unwrap, inner = plain
        return unwrap.then(find_datax_route(inner, target, formats))
    columns = _COLUMNS.get(family(source)), _COLUMNS.get(family(target))
    if columns[1] is None or (columns[0] is None and source == target):
        return find_exact_route(source, target, exact)
    if columns[0] is None:
        return find_exact_route(source, pa.large_string(), exact).then(
            find_datax_route(pa.large_string(), target, formats)
        )
    finder = _MATRIX.get(columns)  # type: ignore[arg-type]
    if finder is not None:
        return finder(source, target, formats)
    return Route(Fit.CHECKED, lambda values: _none_of(values, target), f"null, as DataX has no {target} of {source}")


def exactly(source: pa.DataType, target: pa.DataType, formats: Formats) -> Route:
    """Where DataX's rule is the exact one."""
    return find_exact_route(source, target, replace(formats, datax=False))


def double_to_long(source: pa.DataType, target: pa.DataType, formats: Formats) -> Route:
    """The number without its fraction, if it is in range."""
    following = exactly(source, target, formats)

    def kernel(values: pa.Array) -> pa.Array:
        if pa.types.is_floating(source):
            refuse_where(pc.invert(pc.is_finite(values)))
        return following.kernel(pc.trunc(values))

    return Route(Fit.LOSSY, kernel, "a number whose fraction is cut off")


def number_to_double(source: pa.DataType, target: pa.DataType, formats: Formats) -> Route:
    """The nearest number of the target, half away from zero as a database rounds its decimals."""
    if source == target:
        return Route(Fit.SAME)
    if pa.types.is_decimal(target):
        return Route(Fit.LOSSY, _rounding(exactly(source, target, formats).kernel, target), "a number, rounded")

    def kernel(values: pa.Array) -> pa.Array:
        if pa.types.is_decimal(source):
            values = values.cast(pa.string()).cast(pa.float64())  # Arrow's own cast is not always the nearest
        narrow = values.cast(target, safe=False)
        refuse_where(pc.and_(pc.is_inf(narrow), pc.is_finite(values)))
        return narrow

    return Route(Fit.LOSSY, kernel, "a number, rounded to the nearest that the target holds")


def long_to_bool(source: pa.DataType, target: pa.DataType, formats: Formats) -> Route:
    """Whether it is not 0."""
    return Route(Fit.LOSSY, lambda values: pc.not_equal(values, pa.scalar(0, source)), "any number; 0 is false")


def float_to_text(source: pa.DataType, target: pa.DataType, formats: Formats) -> Route:
    """The digits of Java's `Double.toString` without an exponent: `1.0`, `10000000`, `0.00010`."""
    if pa.types.is_decimal(source):
        return exactly(source, target, formats)
    shortest = exactly(source, pa.string(), formats).kernel

    def kernel(values: pa.Array) -> pa.Array:
        written = shortest(values)
        size = pc.abs(values)
        usual = pc.and_(pc.greater_equal(size, 1e-3), pc.less(size, 1e7))
        usual = pc.or_(usual, pc.equal(size, 0.0))
        text = pc.if_else(pc.match_substring(written, "."), written, pc.binary_join_element_wise(written, ".0", ""))
        rare = pc.fill_null(pc.and_(pc.invert(usual), pc.is_finite(values)), False)
        if pc.any(rare, min_count=0).as_py():
            usual_text = text
            text = patch(written, rare, lambda some: usual_text, _java_plain, pa.string())
        return pc.if_else(pc.is_finite(values), text, written).cast(target)

    return Route(Fit.WIDENS, kernel)


def text_to_long(source: pa.DataType, target: pa.DataType, formats: Formats) -> Route:
    """Any numeral in range, its fraction cut off."""
    low, high = int_range(target)
    whole = exactly(pa.large_string(), target, formats).kernel

    def kernel(values: pa.Array) -> pa.Array:
        refuse_where(pc.invert(matches(values, _PLAIN_NUMERAL)))
        digits = pc.replace_substring_regex(values, r"\A\+?(-?[0-9]+)(?:\.[0-9]*)?\z", r"\1")
        return whole(digits.cast(pa.large_string()))

    def exact(text: str) -> int:
        number = int(_decimal(text))
        if not low <= number <= high:
            raise ValueError(text)
        return number

    return Route(Fit.LOSSY, _softened(kernel, exact, target), f"a numeral from {low} to {high}, its fraction cut off")


def text_to_double(source: pa.DataType, target: pa.DataType, formats: Formats) -> Route:
    """Any numeral, as the nearest number of the target; for floats also NaN, Infinity and -Infinity."""
    if pa.types.is_decimal(target):
        return Route(Fit.LOSSY, _rounding(exactly(source, target, formats).kernel, target), "a numeral, rounded")

    def kernel(values: pa.Array) -> pa.Array:
        refuse_where(pc.invert(matches(values, f"{_NUMERAL}|{_NOT_FINITE}")))
        numbers = pc.replace_substring_regex(values, r"\A\+", "").cast(pa.float64()).cast(target, safe=False)
        refuse_where(pc.and_(pc.is_inf(numbers), pc.invert(pc.match_substring(values, "Infinity"))))
        return numbers

    return Route(Fit.LOSSY, kernel, "a numeral, NaN, Infinity or -Infinity; rounded to the nearest number")


def text_to_bool(source: pa.DataType, target: pa.DataType, formats: Formats) -> Route:
    """`true` or `false` in any case."""

    def kernel(values: pa.Array) -> pa.Array:
        lower = pc.ascii_lower(values)
        truth = pc.equal(lower, pa.scalar("true", source))
        refuse_where(pc.invert(pc.or_(truth, pc.equal(lower, pa.scalar("false", source)))))
        return truth

    return Route(Fit.CHECKED, kernel, "true or false")


def text_to_bytes(source: pa.DataType, target: pa.DataType, formats: Formats) -> Route:
    """The bytes of the text in the encoding; `?` for characters that it does not have."""
    to_binary = text_to_binary(source, target, formats.encoding).kernel
    kernel = _softened(to_binary, lambda text: text.encode(formats.encoding, "replace"), target)
    return Route(Fit.LOSSY, kernel, f"'?' for characters that {formats.encoding} lacks")


def bytes_to_text(source: pa.DataType, target: pa.DataType, formats: Formats) -> Route:
    """The text that the bytes are in the encoding; U+FFFD for those that are none."""
    exact = exactly(source, target, formats).kernel
    kernel = _softened(exact, lambda data: data.decode(formats.encoding, "replace"), target)
    return Route(Fit.LOSSY, kernel, f"U+FFFD for bytes that are not {formats.encoding}")


_MATRIX = MappingProxyType[tuple[Column, Column], Finder](
    {
        ("Long", "Long"): exactly,
        ("Long", "Double"): number_to_double,
        ("Long", "String"): exactly,
        ("Long", "Date"): dates.long_to_date,
        ("Long", "Bool"): long_to_bool,
        ("Double", "Long"): double_to_long,
        ("Double", "Double"): number_to_double,
        ("Double", "String"): float_to_text,
        ("String", "Long"): text_to_long,
        ("String", "Double"): text_to_double,
        ("String", "String"): exactly,
        ("String", "Date"): dates.text_to_date,
        ("String", "Bool"): text_to_bool,
        ("String", "Bytes"): text_to_bytes,
        ("Date", "Long"): dates.date_to_long,
        ("Date", "String"): dates.date_to_text,
        ("Date", "Date"): dates.date_to_date,
        ("Bool", "Long"): exactly,
        ("Bool", "Double"): exactly,
        ("Bool", "String"): exactly,
        ("Bool", "Bool"): exactly,
        ("Bytes", "String"): bytes_to_text,
        ("Bytes", "Bytes"): exactly,
    }
)
"""What DataX converts; nothing else."""


def _none_of(values: pa.Array, target: pa.DataType) -> pa.Array:
    refuse_where(pc.is_valid(values))
    return pa.nulls(len(values), target)


def _softened(kernel: Kernel, one: Callable[[Any], Any], target: pa.DataType) -> Kernel:
    """`kernel`, and for the rows that it refuses `one`, which raises `ValueError` for a value that does not fit."""

    def run(values: pa.Array) -> pa.Array:
        converted, refused = attempt(values, kernel)
        return converted if refused is None else patch(values, refused, kernel, one, target)

    return run


def _rounding(kernel: Kernel, target: pa.DataType) -> Kernel:
    """To a decimal: by `kernel` what it takes, the rest rounded half up to the scale of the target."""
    unit = Decimal(1).scaleb(-target.scale)

    def one(value: Any) -> Decimal:
        number = _decimal(repr(value) if isinstance(value, float) else str(value))
        rounded = number.quantize(unit, ROUND_HALF_UP, _WIDE)
        if rounded and rounded.adjusted() >= target.precision - target.scale:
            raise ValueError(value)
        return rounded

    return _softened(kernel, one, target)


def _decimal(text: str) -> Decimal:
    """As Java's `new BigDecimal(text)`. Raises `ValueError`."""
    if "_" in text or not text.isascii() or text.strip() != text:
        raise ValueError(text)
    try:
        number = Decimal(text)
    except InvalidOperation:
        raise ValueError(text) from None
    if not number.is_finite() or (number and abs(number.adjusted()) > _MOST_DIGITS):
        raise ValueError(text)
    return number


def _java_plain(shortest: str) -> str:
    """What `new BigDecimal(Double.toString(x)).toPlainString()` gives, if `toString` writes an exponent."""
    sign, digits, exponent = Decimal(shortest).normalize().as_tuple()
    assert isinstance(exponent, int)  # noqa: S101 - the number is finite
    if len(digits) == 1:  # Java writes 1.0E10, and BigDecimal keeps the zero that it sees
        digits, exponent = (*digits, 0), exponent - 1
    number = Decimal((sign, digits, exponent))
    return f"{number:f}" if exponent < 0 else str(int(number))
