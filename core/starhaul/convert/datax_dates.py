"""DataX's dates: milliseconds since 1970, which are a date, a time of day or both, shown in one time zone.

What is finer is cut off. Text follows the first of the patterns that its beginning fits (date and time, date, time,
then the extra ones), as Java's lenient parser sees it: the 40th of a month is in the next one, and whatever stands
behind the fields is not looked at. Where no pattern is set they are DataX's: `yyyy-MM-dd HH:mm:ss`, `yyyy-MM-dd`,
`HH:mm:ss` and `yyyyMMdd`, in `GMT+8`.

Between the two ends a column is what the clocks of the zone show, as a timestamp of milliseconds without a zone.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Sequence
from dataclasses import replace

import pyarrow as pa
import pyarrow.compute as pc

from starhaul.api.formats import Formats
from starhaul.convert import zones
from starhaul.convert.attempt import Kernel, attempt, patch
from starhaul.convert.classify import Fit
from starhaul.convert.numbers import int_to_int, refuse_beyond
from starhaul.convert.patterns import Pattern, read_pattern, text_to_timestamp, timestamp_to_pattern
from starhaul.convert.route import Route
from starhaul.convert.times import DAY, PER_SECOND, time_to_time, timestamp_to_timestamp

DATETIME, DATE, TIME, EXTRA, ZONE = "yyyy-MM-dd HH:mm:ss", "yyyy-MM-dd", "HH:mm:ss", ("yyyyMMdd",), "+08:00"
WALL = pa.timestamp("ms")
_DAY_MS = DAY * 1000
_EPOCH = dt.datetime(1970, 1, 1)
_CUT = "a time, cut to milliseconds"
_FINEST = {"S": 1, "s": 1000, "m": 60_000, "H": 3_600_000}
_FIRST, _LAST = -62_135_596_800_000, 253_402_300_799_999
"""Year 1 to 9999, in milliseconds."""


def with_defaults(formats: Formats) -> Formats:
    """The formats with DataX's own where none is set."""
    return replace(
        formats,
        datetime=formats.datetime or DATETIME,
        date=formats.date or DATE,
        time=formats.time or TIME,
        extra=formats.extra or EXTRA,
        time_zone=formats.time_zone or ZONE,
    )


def long_to_date(source: pa.DataType, target: pa.DataType, formats: Formats) -> Route:
    """Milliseconds since 1970 in UTC."""
    to_ms = int_to_int(source, pa.int64()).kernel
    to_wall = _instant_to_wall(_zone(formats))
    back = _from_wall(target, formats)
    return Route(Fit.LOSSY, lambda values: back(to_wall(_in_years(to_ms(values)))), "milliseconds since 1970")


def date_to_long(source: pa.DataType, target: pa.DataType, formats: Formats) -> Route:
    """Milliseconds since 1970 in UTC."""
    to_wall, to_instant = _to_wall(source, formats), _wall_to_instant(_zone(formats))
    fit = int_to_int(pa.int64(), target).kernel
    return Route(Fit.LOSSY, lambda values: fit(to_instant(to_wall(values))), _CUT)


def date_to_date(source: pa.DataType, target: pa.DataType, formats: Formats) -> Route:
    """The same time, as far as the target shows it."""
    if source == target and not _is_finer_than_ms(source):
        return Route(Fit.SAME)
    if pa.types.is_timestamp(source) and pa.types.is_timestamp(target) and source.tz and target.tz:
        milliseconds = pa.timestamp("ms", "UTC")
        following = timestamp_to_timestamp(milliseconds, target).kernel
        return Route(Fit.LOSSY, lambda values: following(_floored(values).view(milliseconds)), _CUT)
    there, back = _to_wall(source, formats), _from_wall(target, formats)
    return Route(Fit.LOSSY, lambda values: back(there(values)), _CUT)


def date_to_text(source: pa.DataType, target: pa.DataType, formats: Formats) -> Route:
    """By the pattern of a date, a time or both, whichever the source is. What the pattern does not show is cut off."""
    formats = with_defaults(formats)
    if pa.types.is_date(source):
        pattern = read_pattern(str(formats.date), "date")
    elif pa.types.is_time(source):
        pattern = read_pattern(str(formats.time), "time")
    else:
        pattern = read_pattern(str(formats.datetime), "datetime")
    to_wall = _to_wall(source, formats)
    step = next((step for letter, step in _FINEST.items() if pattern.count(letter)), _DAY_MS)
    step = 10 ** max(0, 3 - pattern.count("S")) if pattern.count("S") else step

    def cut(values: pa.Array) -> pa.Array:
        ticks = to_wall(values).view(pa.int64())
        return pc.multiply(_floor_divided(ticks, step), step).view(WALL)

    if pattern.zone:
        zone = _zone(formats)
        to_instant = _wall_to_instant(zone)
        utc = pa.timestamp("ms", "UTC")
        shown = timestamp_to_pattern(pattern, utc, target, zone).kernel
        return Route(Fit.LOSSY, lambda values: shown(to_instant(cut(values)).view(utc)), _CUT)
    shown = timestamp_to_pattern(pattern, WALL, target).kernel
    return Route(Fit.LOSSY, lambda values: shown(cut(values)), f"a time, cut to {pattern.text}")


def text_to_date(source: pa.DataType, target: pa.DataType, formats: Formats) -> Route:
    """What one of the patterns reads; see above."""
    formats = with_defaults(formats)
    patterns = [read_pattern(str(formats.datetime), "datetime"), read_pattern(str(formats.date), "date")]
    patterns += [read_pattern(str(formats.time), "time")]
    patterns += [_any_pattern(each) for each in formats.extra]
    first = patterns[0]
    readers = [(re.compile(_beginning(each)), each.zone) for each in patterns]
    offset = _zone(formats)
    strict = text_to_timestamp(first, "ms").kernel
    to_wall = _instant_to_wall(offset)
    back = _from_wall(target, formats)

    def quick(values: pa.Array) -> pa.Array:
        """What follows the first pattern to the letter."""
        read = strict(pc.replace_substring_regex(values, *_TAIL) if first.text == DATETIME else values)
        return to_wall(read.view(pa.int64())) if first.zone else read

    def one(text: str) -> int:
        return _read_leniently(text, readers, offset)

    def kernel(values: pa.Array) -> pa.Array:
        wall, refused = attempt(values, quick)
        if refused is not None:
            ticks = patch(values, refused, lambda some: quick(some).view(pa.int64()), one, pa.int64())
            wall = ticks.view(WALL)
        return back(wall)

    shown = ", ".join(each.text for each in patterns)
    return Route(Fit.LOSSY, kernel, f"text that begins as one of {shown}")


_TAIL = (r"(?s)\A([0-9]{4}-[0-9]{2}-[0-9]{2} [0-9]{2}:[0-9]{2}:[0-9]{2})[^0-9].*\z", r"\1")
"""What stands behind the fields of the usual pattern."""


def _any_pattern(text: str) -> Pattern:
    """A pattern of a time of day if it has no year, else of a date and time."""
    return read_pattern(text, "datetime" if "y" in text or "u" in text else "time")


def _beginning(pattern: Pattern) -> str:
    """A regular expression for the beginning of a text, as Java's FastDateFormat reads it: a field takes all digits
    there are, unless another field follows at once; then it takes as many as it has letters."""
    parts = []
    for index, token in enumerate(pattern.tokens):
        following = pattern.tokens[index + 1].letter if index + 1 < len(pattern.tokens) else ""
        if not token.letter:
            parts.append(re.escape(token.text))
        elif token.letter in ("X", "Z"):
            parts.append(r"(?P<Z>Z|[+-][0-9]{2}(?::?[0-9]{2})?)")
        else:
            digits = f"[0-9]{{1,{token.count}}}+" if following and following not in "XZ" else "[0-9]{1,9}+"
            parts.append(rf"\s*(?P<{token.letter}>{digits})")
    return "".join(parts)


def _read_leniently(text: str, readers: Sequence[tuple[re.Pattern[str], str]], zone: str) -> int:
    """What the clocks show, in milliseconds since 1970. Raises `ValueError` if no pattern fits."""
    for expression, zoned in readers:
        match = expression.match(text)
        if match is None:
            continue
        found = {letter: int(digits) for letter, digits in match.groupdict().items() if digits and letter != "Z"}
        month = found.get("M", 1) - 1
        year = found.get("y", 1970) + month // 12
        if not 1 <= year <= 9999:
            raise ValueError(text)
        start = dt.datetime(year, month % 12 + 1, 1) - _EPOCH
        milliseconds = (start.days + found.get("d", 1) - 1) * _DAY_MS
        milliseconds += found.get("H", 0) * 3_600_000 + found.get("m", 0) * 60_000
        milliseconds += found.get("s", 0) * 1000 + found.get("S", 0)
        if zoned:
            instant = pa.array([milliseconds - _offset_ms(match["Z"])], pa.int64())
            milliseconds = _instant_to_wall(zone)(instant).view(pa.int64())[0].as_py()
        if not _FIRST <= milliseconds <= _LAST:
            raise ValueError(text)
        return milliseconds
    raise ValueError(text)


def _offset_ms(text: str) -> int:
    if text == "Z":
        return 0
    digits = text[1:].replace(":", "").ljust(4, "0")
    size = int(digits[:2]) * 3_600_000 + int(digits[2:]) * 60_000
    return size if text[0] == "+" else -size


def _zone(formats: Formats) -> str:
    return formats.time_zone or ZONE


def _is_finer_than_ms(kind: pa.DataType) -> bool:
    return not pa.types.is_date(kind) and kind.unit in ("us", "ns")


def _to_wall(source: pa.DataType, formats: Formats) -> Kernel:
    """What the clocks show, from a date, a time or a timestamp."""
    if pa.types.is_date(source):
        return lambda values: values.cast(WALL)
    if pa.types.is_time(source):
        integer = pa.int32() if source.bit_width == 32 else pa.int64()
        return lambda values: _floored(values.view(integer).cast(pa.int64()), source.unit).view(WALL)
    if source.tz is None:
        return lambda values: _floored(values).view(WALL)
    to_wall = _instant_to_wall(_zone(formats))
    return lambda values: to_wall(_floored(values))


def _from_wall(target: pa.DataType, formats: Formats) -> Kernel:
    """From what the clocks show to a date, a time or a timestamp."""
    if pa.types.is_date(target):

        def to_date(values: pa.Array) -> pa.Array:
            days = _floor_divided(values.view(pa.int64()), _DAY_MS)
            return days.cast(pa.int32()).view(pa.date32()).cast(target)

        return to_date
    if pa.types.is_time(target):
        fine = pa.time32("ms")
        following = time_to_time(fine, target).kernel
        step = 1000 if target.unit == "s" else 1

        def to_time(values: pa.Array) -> pa.Array:
            ticks = values.view(pa.int64())
            rest = pc.subtract(ticks, pc.multiply(_floor_divided(ticks, _DAY_MS), _DAY_MS))
            rest = pc.multiply(pc.divide(rest, step), step)
            return following(rest.cast(pa.int32()).view(fine))

        return to_time
    local = pa.timestamp(target.unit)
    if target.tz is None:
        return _to_unit(WALL, local)
    to_instant, utc = _wall_to_instant(_zone(formats)), pa.timestamp("ms", "UTC")
    to_unit = _to_unit(utc, target)
    return lambda values: to_unit(to_instant(values).view(utc))


def _to_unit(source: pa.DataType, target: pa.DataType) -> Kernel:
    """From milliseconds to the unit of another timestamp; what seconds do not show is cut off."""
    if target.unit == "s":
        return lambda values: _floor_divided(values.view(pa.int64()), 1000).view(target)
    return timestamp_to_timestamp(source, target).kernel


def _floored(values: pa.Array, unit: str | None = None) -> pa.Array:
    """A timestamp (or ticks of a unit) as whole milliseconds, earlier ones for those between."""
    unit = unit or values.type.unit
    ticks = values if values.type == pa.int64() else values.view(pa.int64())
    per_ms = PER_SECOND[unit] // 1000
    return pc.multiply_checked(ticks, 1000) if per_ms == 0 else _floor_divided(ticks, per_ms)


def _floor_divided(ticks: pa.Array, by: int) -> pa.Array:
    if by == 1:
        return ticks
    quotient = pc.divide(ticks, by)
    return pc.subtract(quotient, pc.greater(pc.multiply(quotient, by), ticks).cast(pa.int64()))


def _in_years(ticks: pa.Array) -> pa.Array:
    refuse_beyond(ticks, _FIRST, _LAST)
    return ticks


def _instant_to_wall(zone: str) -> Kernel:
    """From milliseconds since 1970 in UTC to what the clocks of the zone show."""
    clock = zones.find_clock(zone)

    def kernel(ticks: pa.Array) -> pa.Array:
        if isinstance(clock, dt.timezone):
            return pc.add(ticks, _constant_ms(clock)).view(WALL)
        ahead = zones.offset_seconds(ticks.view(pa.timestamp("ms", "UTC")), zone)
        return pc.add(ticks, pc.multiply(ahead, 1000)).view(WALL)

    return kernel


def _wall_to_instant(zone: str) -> Kernel:
    """From what the clocks of the zone show to milliseconds since 1970 in UTC. What they show twice, or never, does
    not fit: Java would pick one without a word."""
    clock = zones.find_clock(zone)
    if isinstance(clock, dt.timezone):
        return lambda wall: pc.subtract(wall.view(pa.int64()), _constant_ms(clock))
    exact = zones.local_to_instant(WALL, zone, pa.timestamp("ms", "UTC")).kernel
    return lambda wall: exact(wall).view(pa.int64())


def _constant_ms(clock: dt.timezone) -> int:
    return int(clock.utcoffset(None).total_seconds()) * 1000
