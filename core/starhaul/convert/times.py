"""Dates, times of day, timestamps and durations, to one another. Time zones are in `zones`, text in `iso`."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc

from starhaul.convert.attempt import refuse_where
from starhaul.convert.classify import Fit
from starhaul.convert.numbers import refuse_beyond
from starhaul.convert.route import Route, casting, widening

PER_SECOND = {"s": 1, "ms": 1000, "us": 1_000_000, "ns": 1_000_000_000}
DAY = 86400


def time_to_time(source: pa.DataType, target: pa.DataType) -> Route:
    """Times of day, without rounding."""
    if PER_SECOND[target.unit] >= PER_SECOND[source.unit]:
        return widening(target)
    return casting(target, f"no fraction finer than {target.unit}")


def duration_to_duration(source: pa.DataType, target: pa.DataType) -> Route:
    """Lengths of time, without rounding or overflow."""
    return casting(target, f"a duration that {target} holds exactly")


def time_to_duration(source: pa.DataType, target: pa.DataType) -> Route:
    """The time since midnight."""
    integer = pa.int32() if source.bit_width == 32 else pa.int64()
    known = pa.duration(source.unit)
    since = Route(Fit.WIDENS, lambda values: values.view(integer).cast(pa.int64()).cast(known))
    if PER_SECOND[target.unit] >= PER_SECOND[source.unit]:  # a day fits a duration of any unit
        return since.then(widening(target))
    return since.then(duration_to_duration(known, target))


def duration_to_time(source: pa.DataType, target: pa.DataType) -> Route:
    """The time of day so long after midnight; a day or longer, and less than nothing, do not fit."""
    wide = pa.time64("ns") if source.unit == "ns" else pa.time64("us")
    fine = pa.duration(wide.unit)
    limit = DAY * PER_SECOND[source.unit]

    def kernel(values: pa.Array) -> pa.Array:
        refuse_beyond(values.cast(pa.int64()), 0, limit - 1)
        return values.cast(fine).cast(pa.int64()).cast(wide)

    return Route(Fit.CHECKED, kernel, "from 00:00:00 to before 24:00:00").then(time_to_time(wide, target))


def date_to_date(source: pa.DataType, target: pa.DataType) -> Route:
    """Calendar days."""
    return widening(target) if pa.types.is_date32(source) else casting(target, "a day within the range of date32")


def date_to_timestamp(source: pa.DataType, target: pa.DataType) -> Route:
    """Midnight of the day. `target` has no zone."""
    if target.unit in ("s", "ms"):
        return widening(target)
    return casting(target, f"a day within the range of {target}")


def timestamp_to_date(source: pa.DataType, target: pa.DataType) -> Route:
    """The day, if the time is midnight. `source` has no zone."""
    ticks = DAY * PER_SECOND[source.unit]

    def kernel(values: pa.Array) -> pa.Array:
        since = values.view(pa.int64())
        days = pc.divide(since, ticks)
        refuse_where(pc.not_equal(pc.multiply(days, ticks), since))
        if pa.types.is_date32(target):
            return days.cast(pa.int32()).view(target)
        return pc.multiply_checked(days, DAY * 1000).view(target)

    return Route(Fit.CHECKED, kernel, "midnight, as a date has no time")


def timestamp_to_time(source: pa.DataType, target: pa.DataType) -> Route:
    """The time of day; the date is dropped. `source` has no zone."""
    fine = pa.time32(source.unit) if source.unit in ("s", "ms") else pa.time64(source.unit)
    ticks = DAY * PER_SECOND[source.unit]
    integer = pa.int32() if fine.bit_width == 32 else pa.int64()

    def kernel(values: pa.Array) -> pa.Array:
        since = values.view(pa.int64())
        rest = pc.subtract(since, pc.multiply(pc.divide(since, ticks), ticks))
        rest = pc.if_else(pc.less(rest, 0), pc.add(rest, ticks), rest)
        return rest.cast(integer).cast(fine)

    return Route(Fit.LOSSY, kernel, "the date is dropped").then(time_to_time(fine, target))


def timestamp_to_timestamp(source: pa.DataType, target: pa.DataType) -> Route:
    """The same instant, or the same local time, in another unit: without rounding or overflow. Both have a zone, or
    neither has."""
    if source.unit == target.unit:
        return widening(target)
    ratio = PER_SECOND[source.unit] // PER_SECOND[target.unit]

    def kernel(values: pa.Array) -> pa.Array:
        try:
            return values.cast(target)
        except pa.ArrowInvalid:
            if ratio:
                ticks = values.view(pa.int64())
                refuse_where(pc.not_equal(pc.multiply(pc.divide(ticks, ratio), ratio), ticks))
            raise

    return Route(Fit.CHECKED, kernel, f"an instant that {target} holds exactly")
