"""Local times and instants: timestamps without and with a zone.

Arrow reads the operating system's zone files, which list each change of the clocks up to 2037 and describe later ones
by a rule that Arrow does not apply: it would be an hour off in many a summer from 2038 on. Python's `zoneinfo` knows
the rule, so later instants, and all instants of zones for which the two disagree, are converted one by one.
"""

from __future__ import annotations

import datetime as dt
import re
from zoneinfo import ZoneInfo

import pyarrow as pa
import pyarrow.compute as pc

from starhaul.api.errors import ConfigError
from starhaul.convert.attempt import patch, refuse_where
from starhaul.convert.classify import Fit
from starhaul.convert.numbers import refuse_beyond
from starhaul.convert.route import Route
from starhaul.convert.times import DAY, PER_SECOND

_EPOCH = dt.datetime(1970, 1, 1)
_FIRST = int((dt.datetime(1, 1, 2) - _EPOCH).total_seconds())
_LAST = int((dt.datetime(9999, 12, 31) - _EPOCH).total_seconds()) - 1
_RULES = int((dt.datetime(2037, 1, 1) - _EPOCH).total_seconds())
_OFFSET = re.compile(r"([+-])([01][0-9]|2[0-3]):([0-5][0-9])")


def local_to_instant(source: pa.DataType, zone: str, target: pa.DataType) -> Route:
    """The instant at which the clocks of `zone` show the local time. Times that they skip, or show twice, do not fit;
    nor do years beyond 0001 to 9999. Same unit."""
    clock = find_clock(zone)
    per_second = PER_SECOND[source.unit]
    trusted = _is_trusted(zone, clock)

    def by_arrow(values: pa.Array) -> pa.Array:
        earliest = pc.assume_timezone(values, zone, ambiguous="earliest", nonexistent="earliest")
        latest = pc.assume_timezone(values, zone, ambiguous="latest", nonexistent="latest")
        refuse_where(pc.not_equal(earliest, latest))
        return earliest.cast(target).view(pa.int64())

    def exact(ticks: int) -> int:
        local = _EPOCH + dt.timedelta(seconds=ticks // per_second)
        first, second = (local.replace(tzinfo=clock, fold=fold).utcoffset() for fold in (0, 1))
        if first is None or first != second:
            raise ValueError("skipped or ambiguous")
        return ticks - _ticks(first, per_second)

    def kernel(values: pa.Array) -> pa.Array:
        ticks = _years_in_range(values, per_second)
        late = _untrusted(ticks, per_second, trusted)
        if late is None:
            return by_arrow(values).view(target)
        return patch(ticks, late, lambda some: by_arrow(some.view(source)), exact, pa.int64()).view(target)

    return Route(Fit.CHECKED, kernel, f"a time that the clocks of {zone} show exactly once")


def instant_to_local(source: pa.DataType, zone: str, target: pa.DataType) -> Route:
    """What the clocks of `zone` show at an instant. Local times that they show twice do not fit, as they could not be
    told apart; nor do years beyond 0001 to 9999. Same unit."""
    clock = find_clock(zone)
    per_second = PER_SECOND[source.unit]
    trusted = _is_trusted(zone, clock)

    def by_arrow(values: pa.Array) -> pa.Array:
        return pc.local_timestamp(values.view(pa.timestamp(source.unit, zone))).view(pa.int64())

    def exact(ticks: int) -> int:
        offset = _offset_at(ticks // per_second, clock)
        return ticks + _ticks(offset, per_second)

    def kernel(values: pa.Array) -> pa.Array:
        ticks = _years_in_range(values, per_second)
        late = _untrusted(ticks, per_second, trusted)
        local = by_arrow(ticks) if late is None else patch(ticks, late, by_arrow, exact, pa.int64())
        return local.view(target)

    there = Route(Fit.CHECKED, kernel, f"an instant at which the clocks of {zone} show a time for the only time")
    back = local_to_instant(target, zone, source)

    def told_apart(values: pa.Array) -> pa.Array:
        local = there.kernel(values)
        back.kernel(local)
        return local

    return Route(Fit.CHECKED, told_apart, there.rule)


def offset_seconds(values: pa.Array, zone: str) -> pa.Array:
    """How far the clocks of `zone` are ahead of UTC at each instant, in seconds."""
    per_second = PER_SECOND[values.type.unit]
    clock = find_clock(zone)
    ticks = _years_in_range(values, per_second)
    late = _untrusted(ticks, per_second, _is_trusted(zone, clock))

    def by_arrow(some: pa.Array) -> pa.Array:
        local = pc.local_timestamp(some.view(pa.timestamp(values.type.unit, zone))).view(pa.int64())
        return pc.divide(pc.subtract(local, some), per_second)

    if late is None:
        return by_arrow(ticks)
    return patch(ticks, late, by_arrow, lambda one: _seconds(_offset_at(one // per_second, clock)), pa.int64())


def find_clock(zone: str) -> dt.tzinfo:
    """Python's idea of a zone that Arrow names: `Area/City`, `UTC` or `+HH:MM`. `ConfigError` if there is none."""
    offset = _OFFSET.fullmatch(zone)
    if offset:
        ahead = dt.timedelta(hours=int(offset[2]), minutes=int(offset[3]))
        return dt.timezone(ahead if offset[1] == "+" else -ahead)
    try:
        return ZoneInfo(zone)
    except (OSError, ValueError, KeyError) as error:
        raise ConfigError("timeZone", f"unknown time zone {zone!r}", "such as Asia/Shanghai, UTC or +08:00") from error


def _is_trusted(zone: str, clock: dt.tzinfo) -> bool:
    """Whether Arrow knows the zone and tells the time of day twice a year as Python does."""
    probes = [dt.datetime(year, month, 1, 12) for year in range(1970, 2037) for month in (1, 7)]
    try:
        shown = pc.local_timestamp(pa.array(probes, pa.timestamp("s")).cast(pa.timestamp("s", zone))).to_pylist()
    except pa.ArrowInvalid:
        return False
    utc = (probe.replace(tzinfo=dt.UTC) for probe in probes)
    return bool(shown == [probe.astimezone(clock).replace(tzinfo=None) for probe in utc])


def _years_in_range(values: pa.Array, per_second: int) -> pa.Array:
    """The ticks since 1970, in UTC or local; raises `MisfitError` for years that zones are not known for."""
    ticks = values.view(pa.int64())
    if per_second < PER_SECOND["ns"]:
        refuse_beyond(ticks, _FIRST * per_second, _LAST * per_second)
    else:
        refuse_beyond(ticks, -(2**63) + DAY * per_second, 2**63 - 1 - DAY * per_second)
    return ticks


def _untrusted(ticks: pa.Array, per_second: int, trusted: bool) -> pa.BooleanArray | None:
    """Rows that Arrow is not to convert, or None."""
    limit = _RULES * per_second if trusted else -(2**63)
    latest = pc.max(ticks).as_py()
    return None if latest is None or latest < limit else pc.greater_equal(ticks, limit)


def _offset_at(seconds: int, clock: dt.tzinfo) -> dt.timedelta:
    instant = (_EPOCH + dt.timedelta(seconds=seconds)).replace(tzinfo=dt.UTC)
    return instant.astimezone(clock).utcoffset() or dt.timedelta()


def _seconds(offset: dt.timedelta) -> int:
    return round(offset.total_seconds())


def _ticks(offset: dt.timedelta, per_second: int) -> int:
    return _seconds(offset) * per_second
