"""Times as text, in ISO 8601: the text of times where a job gives no pattern, and the way to and from patterns.

- date `yyyy-MM-dd`, time of day `HH:mm[:ss[.fraction]]`
- timestamp: a date, or a date, a blank or `T`, and a time; with a zone also `Z`, `+HH`, `+HHmm` or `+HH:mm`
- duration `[-]HH:mm:ss[.fraction]`, with as many digits for the hours as it takes, and two at least

Years are 0000 to 9999 (0000 is 1 BC, proleptic Gregorian calendar). There is no 24:00 and no second 60. Fractions may
have any number of digits, if those that do not fit the unit are zero. What is written has a blank, all digits of the
unit, and is in UTC (`Z`) where there is a zone.
"""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc

from starhaul.convert.attempt import Kernel, blank, refuse_where
from starhaul.convert.classify import Fit
from starhaul.convert.numbers import refuse_beyond
from starhaul.convert.route import Route
from starhaul.convert.spelling import matches, shaped
from starhaul.convert.times import DAY, PER_SECOND
from starhaul.convert.zones import instant_to_local, local_to_instant

FRACTION_DIGITS = {"s": 0, "ms": 3, "us": 6, "ns": 9}
YEAR_0 = -719528
"""Days from 1970-01-01 back to 0000-01-01."""
YEAR_10000 = 2932897
"""Days from 1970-01-01 to 10000-01-01."""
_DATE = "[0-9]{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12][0-9]|3[01])"
_CLOCK = r"(?:[01][0-9]|2[0-3]):[0-5][0-9](?::[0-5][0-9](?:\.[0-9]+)?)?"
_FIRST_DAY = "1677-09-21"
_ZONED = f"{_DATE}[ T]{_CLOCK}(?:Z|[+-][0-9]{{2}}(?::?[0-9]{{2}})?)"
_YEARS = "a year from 0000 to 9999"


def date_to_text(source: pa.DataType, target: pa.DataType) -> Route:
    """`yyyy-MM-dd`."""
    ticks = 1 if pa.types.is_date32(source) else DAY * 1000
    integer = pa.int32() if pa.types.is_date32(source) else pa.int64()

    def kernel(values: pa.Array) -> pa.Array:
        refuse_beyond(values.view(integer), YEAR_0 * ticks, YEAR_10000 * ticks - 1)
        return values.cast(target)

    return Route(Fit.CHECKED, kernel, _YEARS)


def time_to_text(source: pa.DataType, target: pa.DataType) -> Route:
    """`HH:mm:ss` and the fraction. A value beyond the day, which Arrow's format does not allow, is refused."""
    integer = pa.int32() if source.bit_width == 32 else pa.int64()

    def kernel(values: pa.Array) -> pa.Array:
        refuse_beyond(values.view(integer), 0, DAY * PER_SECOND[source.unit] - 1)
        return values.cast(target)

    return Route(Fit.WIDENS, kernel)


def timestamp_to_text(source: pa.DataType, target: pa.DataType) -> Route:
    """`yyyy-MM-dd HH:mm:ss` and the fraction; with a zone, the same instant in UTC, and `Z`."""
    per_day = DAY * PER_SECOND[source.unit]
    utc = pa.timestamp(source.unit, "UTC") if source.tz else source

    def kernel(values: pa.Array) -> pa.Array:
        if source.unit != "ns":  # int64 nanoseconds end in 2262
            refuse_beyond(values.view(pa.int64()), YEAR_0 * per_day, YEAR_10000 * per_day - 1)
        return values.cast(utc).cast(target)

    return Route(Fit.WIDENS, kernel) if source.unit == "ns" else Route(Fit.CHECKED, kernel, _YEARS)


def duration_to_text(source: pa.DataType, target: pa.DataType) -> Route:
    """`[-]HH:mm:ss` and the fraction."""
    per_second = PER_SECOND[source.unit]

    def kernel(values: pa.Array) -> pa.Array:
        ticks = values.cast(pa.int64())
        hours = pc.divide(ticks, 3600 * per_second)
        rest = pc.abs(pc.subtract(ticks, pc.multiply(hours, 3600 * per_second)))
        clock = _time_type(source.unit)
        clocked = rest.cast(pa.int32() if clock.bit_width == 32 else pa.int64()).cast(clock).cast(pa.string())
        hours_text = pc.utf8_lpad(pc.abs(hours).cast(pa.string()), 2, "0")
        sign = pc.if_else(pc.less(ticks, 0), "-", "")
        return pc.binary_join_element_wise(sign, hours_text, pc.utf8_slice_codeunits(clocked, 2), "").cast(target)

    return Route(Fit.WIDENS, kernel)


def text_to_date(target: pa.DataType) -> Route:
    """`yyyy-MM-dd`."""
    return Route(Fit.CHECKED, shaped(lambda values: values.cast(target), _DATE), "a date yyyy-MM-dd")


def text_to_time(target: pa.DataType) -> Route:
    """`HH:mm[:ss[.fraction]]`."""
    unit = target.unit

    def kernel(values: pa.Array) -> pa.Array:
        refuse_where(pc.less(pc.binary_length(values), 5))  # Arrow would take `HH`
        texts = pc.binary_join_element_wise(pa.scalar("1970-01-01 ", values.type), values, pa.scalar("", values.type))
        return cast_trimmed(texts, pa.timestamp(unit)).cast(target)

    return Route(Fit.CHECKED, shaped(kernel, _CLOCK), "a time HH:mm:ss")


def text_to_local(target: pa.DataType, zone: str | None) -> Route:
    """A timestamp without a zone. Text that has one is refused, or shown by the clocks of `zone` if that is given."""

    def local(values: pa.Array) -> pa.Array:
        refuse_where(pc.equal(pc.binary_length(values), 13))  # Arrow would take `yyyy-MM-dd HH`
        return cast_trimmed(values, target)

    rule = "a timestamp yyyy-MM-dd HH:mm:ss"
    if zone is None:
        return Route(Fit.CHECKED, shaped(local, f"{_DATE}(?:[ T]{_CLOCK})?"), f"{rule} without a zone")
    utc = pa.timestamp(target.unit, "UTC")
    shown = instant_to_local(utc, zone, target)

    def kernel(values: pa.Array) -> pa.Array:
        try:
            return local(values)
        except pa.ArrowInvalid:
            return _each(values, lambda zoned: shown.kernel(cast_trimmed(zoned, utc)), local)

    return Route(Fit.CHECKED, kernel, rule)


def text_to_instant(target: pa.DataType, zone: str | None) -> Route:
    """A timestamp with a zone. Text that has none is refused, or read from the clocks of `zone` if that is given."""
    rule = "a timestamp yyyy-MM-dd HH:mm:ss with Z or +HH:mm"
    read = text_to_local(pa.timestamp(target.unit), None)
    placed = None if zone is None else read.then(local_to_instant(pa.timestamp(target.unit), zone, target))

    def zoned(values: pa.Array) -> pa.Array:
        return cast_trimmed(values, pa.timestamp(target.unit, "UTC")).cast(target)

    def kernel(values: pa.Array) -> pa.Array:
        has_zone = matches(values, _ZONED)
        if pc.all(has_zone, min_count=0).as_py():
            return zoned(values)
        if placed is None:
            refuse_where(pc.invert(has_zone))
            return zoned(values)
        return _each(values, zoned, placed.kernel)

    return Route(Fit.CHECKED, kernel, rule if zone is None else "a timestamp yyyy-MM-dd HH:mm:ss")


def text_to_duration(target: pa.DataType) -> Route:
    """`[-]HH:mm:ss[.fraction]`, two digits or more for the hours."""
    per_hour = 3600 * PER_SECOND[target.unit]
    rest_to_time = text_to_time(_time_type(target.unit))

    def kernel(values: pa.Array) -> pa.Array:
        refuse_where(pc.invert(matches(values, r"-?\d{2,16}:[0-5]\d:[0-5]\d(\.\d+)?")))
        negative = pc.starts_with(values, "-")
        hours = pc.replace_substring_regex(values, r"\A-?(\d+):.*\z", r"\1").cast(pa.int64())
        rest = rest_to_time.kernel(pc.replace_substring_regex(values, r"\A-?\d+:", "00:"))
        small = rest.view(pa.int32() if rest.type.bit_width == 32 else pa.int64()).cast(pa.int64())
        sign = pc.if_else(negative, -1, 1)
        # The sign goes on before the sum: the least duration has no positive counterpart.
        whole = pc.multiply_checked(pc.multiply(hours, sign), per_hour)
        return pc.add_checked(whole, pc.multiply(small, sign)).cast(target)

    return Route(Fit.CHECKED, kernel, "a duration HH:mm:ss")


def cast_trimmed(values: pa.Array, target: pa.DataType) -> pa.Array:
    """Arrow's cast from text to timestamps, and what it refuses for no good reason: fraction digits beyond the unit
    that are zero, and the part of a day that is the first of nanosecond timestamps."""
    try:
        return values.cast(target)
    except pa.ArrowInvalid:
        zone = "(Z|[+-][0-9:]+)?"
        values = pc.replace_substring_regex(values, rf"\A(.{{19}})\.0+{zone}\z", r"\1\2")
        values = pc.replace_substring_regex(values, rf"\A(.{{19}}\.[0-9]*[1-9])0+{zone}\z", r"\1\2")
        return _cast_first_day(values, target) if target.unit == "ns" else values.cast(target)


def _cast_first_day(values: pa.Array, target: pa.DataType) -> pa.Array:
    """Cast text to nanoseconds, of which the first are in the afternoon of a day whose midnight is out of range."""
    first = pc.starts_with(values, _FIRST_DAY)
    later = pc.replace_substring_regex(values, rf"\A{_FIRST_DAY}", "1677-09-22").cast(target)
    correction = pc.if_else(first, -DAY * PER_SECOND["ns"], 0)
    return pc.add_checked(later.view(pa.int64()), correction).view(target)


def _each(values: pa.Array, zoned: Kernel, local: Kernel) -> pa.Array:
    """Convert text with a zone by the one kernel, text without by the other."""
    has_zone = pc.fill_null(matches(values, _ZONED), False)
    return pc.if_else(has_zone, zoned(blank(values, pc.invert(has_zone))), local(blank(values, has_zone)))


def _time_type(unit: str) -> pa.DataType:
    return pa.time32(unit) if unit in ("s", "ms") else pa.time64(unit)
