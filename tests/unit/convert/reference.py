"""Value-by-value conversion in plain Python: slow, obviously right, and written apart from the kernels.

Values are "raw": what Arrow stores, as Python has it exactly. Dates, times, timestamps and durations are integers in
the unit of their type, as Python's own types reach neither far nor fine enough; UUIDs are 16 bytes, JSON is text.
"""

from __future__ import annotations

import datetime as dt
import json
import math
import re
from decimal import ROUND_HALF_EVEN, Context, Decimal
from fractions import Fraction
from typing import Any
from zoneinfo import ZoneInfo

import pyarrow as pa

from starhaul import Formats

UNITS = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}
DIGITS = {"s": 0, "ms": 3, "us": 6, "ns": 9}
DAY = 86400
NUMERAL = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", re.ASCII)
DATE = r"(\d{4})-(\d\d)-(\d\d)"
CLOCK = r"(\d\d):(\d\d)(?::(\d\d)(?:\.(\d+))?)?"
ZONE = r"(Z|[+-]\d\d(?::?\d\d)?)"
NAMES = {"nan": math.nan, "inf": math.inf, "infinity": math.inf}


class Misfit(Exception):
    """The value does not fit."""


class Impossible(Exception):
    """No value of the source type can become one of the target type."""


def kind(of: pa.DataType) -> str:
    """The family of a type."""
    t = pa.types
    for name, test in {
        "null": t.is_null, "bool": t.is_boolean, "int": t.is_integer, "float": t.is_floating, "decimal": t.is_decimal,
        "date": t.is_date, "time": t.is_time, "timestamp": t.is_timestamp, "duration": t.is_duration,
        "nested": t.is_nested,
    }.items():  # fmt: skip
        if test(of):
            return name
    if of == pa.uuid():
        return "uuid"
    if isinstance(of, pa.JsonType):
        return "json"
    if t.is_string(of) or t.is_large_string(of) or t.is_string_view(of):
        return "text"
    return "binary"


def convert(value: Any, source: pa.DataType, target: pa.DataType, formats: Formats) -> Any:
    """The raw value in the target type. Raises `Misfit` or `Impossible`."""
    if source == target:
        return value
    way = WAYS.get((kind(source), kind(target)))
    if way is None:
        raise Impossible
    return way(value, source, target, formats)


# Numbers


def to_int(value: Any, source: Any, target: pa.DataType, formats: Formats) -> int:
    if isinstance(value, float) and not math.isfinite(value):
        raise Misfit
    exact = Fraction(value)
    signed = pa.types.is_signed_integer(target)
    low, high = (-(2 ** (target.bit_width - 1)), 2 ** (target.bit_width - 1)) if signed else (0, 2**target.bit_width)
    if exact.denominator != 1 or not low <= exact < high:
        raise Misfit
    return int(exact)


def to_bool(value: Any, source: Any, target: Any, formats: Formats) -> bool:
    if value not in (0, 1):
        raise Misfit
    return bool(value)


def nearest_float(exact: Fraction, width: int) -> float:
    """The IEEE 754 binary float nearest to a number, ties to even; infinity beyond the range."""
    bits, least = {16: (11, -24), 32: (24, -149), 64: (53, -1074)}[width]
    most = {16: 65504.0, 32: (2 - 2.0**-23) * 2.0**127, 64: 1.7976931348623157e308}[width]
    if exact == 0:
        return 0.0
    size = abs(exact)
    exponent = size.numerator.bit_length() - size.denominator.bit_length()
    exponent -= 1 if size < Fraction(2) ** exponent else 0
    step = Fraction(2) ** max(exponent - bits + 1, least)
    rounded = round(size / step) * step
    result = math.inf if rounded > Fraction(most) else float(rounded)
    return -result if exact < 0 else result


def shortest(value: float, width: int) -> Decimal:
    """The shortest decimal whose nearest float is the value."""
    if width == 64:
        return Decimal(repr(value))
    for digits in range(1, 20):
        text = f"{value:.{digits - 1}e}"
        if nearest_float(Fraction(text), width) == value:
            return Decimal(text)
    raise AssertionError(value)


def to_exact_float(value: Any, source: Any, target: pa.DataType, formats: Formats) -> float:
    if isinstance(value, float) and not math.isfinite(value):
        return value
    rounded = nearest_float(Fraction(value), target.bit_width)
    if not math.isfinite(rounded) or Fraction(rounded) != Fraction(value):
        raise Misfit
    return math.copysign(rounded, value)


def decimal_to_float(value: Decimal, source: Any, target: pa.DataType, formats: Formats) -> float:
    if target.bit_width == 16:
        return to_exact_float(decimal_to_float(value, source, pa.float32(), formats), None, target, formats)
    rounded = nearest_float(Fraction(value), target.bit_width)
    if not math.isfinite(rounded) or shortest(rounded, target.bit_width) != value:
        raise Misfit
    return rounded


def to_decimal(value: Any, source: pa.DataType, target: pa.DataType, formats: Formats) -> Decimal:
    if isinstance(value, float):
        if not math.isfinite(value):
            raise Misfit
        value = shortest(value, max(source.bit_width, 32))
    unscaled = Fraction(value) * Fraction(10) ** target.scale
    if unscaled.denominator != 1 or abs(unscaled) >= 10**target.precision:
        raise Misfit
    digits = tuple(int(digit) for digit in str(abs(unscaled.numerator)))
    return Decimal((int(unscaled < 0), digits, -target.scale))


# Text


def from_text_int(value: str, source: Any, target: pa.DataType, formats: Formats) -> int:
    signed = pa.types.is_signed_integer(target)
    if not re.fullmatch(r"-?[0-9]+" if signed else r"[0-9]+", value):
        raise Misfit
    return to_int(int(value), None, target, formats)


def from_text_bool(value: str, source: Any, target: Any, formats: Formats) -> bool:
    found = {"true": True, "false": False, "1": True, "0": False}.get(value.lower() if value.isascii() else "")
    if found is None:
        raise Misfit
    return found


def from_text_decimal(value: str, source: Any, target: pa.DataType, formats: Formats) -> Decimal:
    if not NUMERAL.fullmatch(value):
        raise Misfit
    return to_decimal(Decimal(value), None, target, formats)


def from_text_float(value: str, source: Any, target: pa.DataType, formats: Formats) -> float:
    if target.bit_width == 16:
        return to_exact_float(from_text_float(value, source, pa.float32(), formats), None, target, formats)
    bare = value[1:] if value[:1] in ("+", "-") else value
    if bare.isascii() and bare.lower() in NAMES:
        return math.copysign(NAMES[bare.lower()], -1 if value[0] == "-" else 1)
    if not NUMERAL.fullmatch(value):
        raise Misfit
    numeral = Decimal(value)
    rounded = nearest_float(Fraction(numeral), target.bit_width)
    digits = len(str(int("".join(map(str, numeral.as_tuple().digits)))).rstrip("0")) or 1
    shown = Context(prec=digits, rounding=ROUND_HALF_EVEN).plus(Decimal(rounded))
    if not math.isfinite(rounded) or numeral not in (shown, shortest(rounded, target.bit_width)):
        raise Misfit
    return math.copysign(rounded, -1 if value[0] == "-" else 1)


def plain_decimal(value: Decimal, scale: int) -> str:
    digits = str(abs(int(value.scaleb(scale, Context(prec=200)))))
    sign = "-" if value < 0 else ""
    if scale <= 0:
        return sign + (digits + "0" * -scale if digits != "0" else "0")
    digits = digits.rjust(scale + 1, "0")
    return f"{sign}{digits[:-scale]}.{digits[-scale:]}"


def civil(days: int) -> tuple[int, int, int]:
    """Year, month, day of the proleptic Gregorian calendar; any day, by whole 400-year cycles."""
    cycles, within = divmod(days + 719162, 146097)
    date = dt.date.fromordinal(within + 1)
    return date.year + 400 * cycles, date.month, date.day


def days_of(year: int, month: int, day: int) -> int:
    """Days since 1970; `ValueError` for 30 February."""
    return dt.date(year or 400, month, day).toordinal() - (0 if year else 146097) - 719163


def date_text(days: int) -> str:
    year, month, day = civil(days)
    if not 0 <= year <= 9999:
        raise Misfit
    return f"{year:04}-{month:02}-{day:02}"


def clock_text(ticks: int, unit: str) -> str:
    seconds, rest = divmod(ticks, UNITS[unit])
    fraction = f".{rest:0{DIGITS[unit]}}" if DIGITS[unit] else ""
    return f"{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}{fraction}"


def to_text(value: Any, source: pa.DataType, target: Any, formats: Formats) -> str:
    match kind(source):
        case "bool":
            return "true" if value else "false"
        case "int":
            return str(value)
        case "float":
            named = {math.inf: "Infinity", -math.inf: "-Infinity"}
            return "NaN" if math.isnan(value) else named.get(value) or spelled(value, max(source.bit_width, 32))
        case "decimal":
            return plain_decimal(value, source.scale)
        case "text" | "json":
            return str(value)
        case "binary":
            return decode(value, formats.encoding)
        case "uuid":
            text = value.hex()
            return "-".join([text[:8], text[8:12], text[12:16], text[16:20], text[20:]])
        case "date":
            return date_text(value if pa.types.is_date32(source) else value // (DAY * 1000))
        case "time":
            return clock_text(value, source.unit)
        case "duration":
            return ("-" if value < 0 else "") + clock_text(abs(value), source.unit)
        case "timestamp":
            days, ticks = divmod(value, DAY * UNITS[source.unit])
            return f"{date_text(days)} {clock_text(ticks, source.unit)}" + ("Z" if source.tz else "")
    raise Impossible


def spelled(value: float, width: int) -> str:
    """Any text of the shortest decimal: how the kernel spells it (1e22, 0.00001) is compared as a number."""
    number = shortest(value, width)
    return f"{'-' if math.copysign(1, value) < 0 else ''}{abs(number)}"


def decode(value: bytes, encoding: str) -> str:
    try:
        return value.decode(encoding)
    except UnicodeError as error:
        raise Misfit from error


def to_binary(value: Any, source: pa.DataType, target: pa.DataType, formats: Formats) -> bytes:
    if isinstance(value, str):
        try:
            value = value.encode(formats.encoding)
        except UnicodeError as error:
            raise Misfit from error
    wanted = target.byte_width if pa.types.is_fixed_size_binary(target) else 16 if target == pa.uuid() else None
    given = source.byte_width if pa.types.is_fixed_size_binary(source) else 16 if source == pa.uuid() else None
    if wanted is not None and given is not None and wanted != given:
        raise Impossible
    if wanted is not None and len(value) != wanted:
        raise Misfit
    return bytes(value)


def from_text_uuid(value: str, source: Any, target: Any, formats: Formats) -> bytes:
    if not re.fullmatch("[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}", value):
        raise Misfit
    return bytes.fromhex(value.replace("-", ""))


def from_text_json(value: Any, source: pa.DataType, target: Any, formats: Formats) -> str:
    text = decode(value, formats.encoding) if isinstance(value, bytes) else value

    def refuse(name: str) -> None:
        raise Misfit

    try:
        json.loads(text, parse_constant=refuse, parse_int=str)
    except ValueError as error:
        raise Misfit from error
    return str(text)


# Times


def ticks_of(exact: Fraction, unit: str, low: int = -(2**63), high: int = 2**63) -> int:
    ticks = exact * UNITS[unit]
    if ticks.denominator != 1 or not low <= ticks < high:
        raise Misfit
    return int(ticks)


def fraction_of(text: str | None) -> Fraction:
    return Fraction(int(text), 10 ** len(text)) if text else Fraction(0)


def clock_seconds(hour: str, minute: str, second: str | None, fraction: str | None) -> Fraction:
    if int(hour) > 23 or int(minute) > 59 or int(second or 0) > 59:
        raise Misfit
    return int(hour) * 3600 + int(minute) * 60 + int(second or 0) + fraction_of(fraction)


def midnight(year: str, month: str, day: str) -> int:
    try:
        return days_of(int(year), int(month), int(day)) * DAY
    except ValueError as error:
        raise Misfit from error


def from_text_date(value: str, source: Any, target: pa.DataType, formats: Formats) -> int:
    found = re.fullmatch(DATE, value, re.ASCII)
    if not found:
        raise Misfit
    days = midnight(found[1], found[2], found[3]) // DAY
    return days if pa.types.is_date32(target) else days * DAY * 1000


def from_text_time(value: str, source: Any, target: pa.DataType, formats: Formats) -> int:
    found = re.fullmatch(CLOCK, value, re.ASCII)
    if not found:
        raise Misfit
    return ticks_of(clock_seconds(found[1], found[2], found[3], found[4]), target.unit)


def from_text_duration(value: str, source: Any, target: pa.DataType, formats: Formats) -> int:
    found = re.fullmatch(r"(-?)(\d{2,16}):([0-5]\d):([0-5]\d)(?:\.(\d+))?", value, re.ASCII)
    if not found:
        raise Misfit
    size = int(found[2]) * 3600 + int(found[3]) * 60 + int(found[4]) + fraction_of(found[5])
    return ticks_of(-size if found[1] else size, target.unit)


def from_text_timestamp(value: str, source: Any, target: pa.DataType, formats: Formats) -> int:
    found = re.fullmatch(f"{DATE}(?:[ T]{CLOCK}{ZONE}?)?", value, re.ASCII)
    if not found:
        raise Misfit
    seconds = Fraction(midnight(found[1], found[2], found[3]))
    if found[4]:
        seconds += clock_seconds(found[4], found[5], found[6], found[7])
    zone = found[8]
    if (zone is not None) != (target.tz is not None) and formats.time_zone is None:
        raise Misfit
    if zone is not None:
        seconds -= zone_seconds(zone)
        if target.tz is None:
            crossing(seconds, target.unit)
            seconds = to_local(seconds, formats.time_zone or "")
    elif target.tz is not None:
        crossing(seconds, target.unit)
        seconds = to_instant(seconds, formats.time_zone or "")
    return ticks_of(seconds, target.unit)


def zone_seconds(text: str) -> int:
    if text == "Z":
        return 0
    digits = text[1:].replace(":", "").ljust(4, "0")
    if int(digits[:2]) > 23 or int(digits[2:]) > 59:
        raise Misfit
    size = int(digits[:2]) * 3600 + int(digits[2:]) * 60
    return -size if text[0] == "-" else size


EPOCH = dt.datetime(1970, 1, 1)


def to_local(seconds: Fraction, zone: str) -> Fraction:
    whole = seconds.numerator // seconds.denominator
    instant = wall(whole).replace(tzinfo=dt.UTC)
    local = instant.astimezone(ZoneInfo(zone)).replace(tzinfo=None)
    shown = Fraction(round((local - EPOCH).total_seconds())) + (seconds - whole)
    if to_instant(shown, zone) != seconds:
        raise AssertionError(seconds)
    return shown


def to_instant(seconds: Fraction, zone: str) -> Fraction:
    local = wall(seconds.numerator // seconds.denominator)
    first, second = (local.replace(tzinfo=ZoneInfo(zone), fold=fold).utcoffset() for fold in (0, 1))
    if first is None or first != second:
        raise Misfit
    return seconds - round(first.total_seconds())


def wall(seconds: int) -> dt.datetime:
    """Years 0001 to 9999 but for their first and last day, where zones could leave the range."""
    try:
        found = EPOCH + dt.timedelta(seconds=seconds)
    except OverflowError as error:
        raise Misfit from error
    if not dt.datetime(1, 1, 2) <= found < dt.datetime(9999, 12, 31):
        raise Misfit
    return found


def seconds_since(value: int, source: pa.DataType) -> Fraction:
    if pa.types.is_date32(source):
        return Fraction(value * DAY)
    return Fraction(value, 1000 if pa.types.is_date64(source) else UNITS[source.unit])


def to_timestamp(value: int, source: pa.DataType, target: pa.DataType, formats: Formats) -> int:
    zoned = getattr(source, "tz", None)
    seconds = seconds_since(value, source)
    if (zoned is None) != (target.tz is None):
        if formats.time_zone is None:
            raise Impossible
        crossing(seconds, getattr(source, "unit", target.unit))
        seconds = (to_instant if zoned is None else to_local)(seconds, formats.time_zone)
    return ticks_of(seconds, target.unit)


def crossing(seconds: Fraction, unit: str) -> None:
    """Where zones are crossed, nanoseconds keep a day's distance from the ends of their range."""
    ticks = ticks_of(seconds, unit)
    if unit == "ns" and not -(2**63) + DAY * 10**9 <= ticks < 2**63 - DAY * 10**9:
        raise Misfit


def to_date(value: int, source: pa.DataType, target: pa.DataType, formats: Formats) -> int:
    if pa.types.is_timestamp(source):
        value = to_timestamp(value, source, pa.timestamp(source.unit), formats)
    days = seconds_since(value, source) / DAY
    if days.denominator != 1 or (pa.types.is_date32(target) and not -(2**31) <= days < 2**31):
        raise Misfit
    return int(days) * (1 if pa.types.is_date32(target) else DAY * 1000)


def to_time(value: int, source: pa.DataType, target: pa.DataType, formats: Formats) -> int:
    if pa.types.is_timestamp(source):
        local = to_timestamp(value, source, pa.timestamp(source.unit), formats)
        return ticks_of(Fraction(local, UNITS[source.unit]) % DAY, target.unit)
    seconds = Fraction(value, UNITS[source.unit])
    if not 0 <= seconds < DAY:
        raise Misfit
    return ticks_of(seconds, target.unit)


def to_duration(value: int, source: pa.DataType, target: pa.DataType, formats: Formats) -> int:
    return ticks_of(Fraction(value, UNITS[source.unit]), target.unit)


# JSON


def to_json(value: Any, source: pa.DataType, target: Any, formats: Formats) -> str:
    if value is None:
        return "null"
    t = pa.types
    if t.is_list(source) or t.is_large_list(source) or t.is_fixed_size_list(source):
        return "[" + ",".join(to_json(one, source.value_type, None, formats) for one in value) + "]"
    if t.is_struct(source):
        pairs = [(source.field(i).name, source.field(i).type) for i in range(source.num_fields)]
        return "{" + ",".join(f"{string(name)}:{to_json(value[name], of, None, formats)}" for name, of in pairs) + "}"
    if t.is_map(source):
        names = [to_text(key, source.key_type, None, formats) for key, _ in value]
        if len(set(names)) < len(names):
            raise Misfit
        items = [to_json(item, source.item_type, None, formats) for _, item in value]
        return "{" + ",".join(f"{string(name)}:{item}" for name, item in zip(names, items, strict=True)) + "}"
    if kind(source) == "float" and not math.isfinite(value):
        raise Misfit
    text = to_text(value, source, None, formats)
    return text if kind(source) in ("bool", "int", "float", "decimal", "json") else string(text)


def string(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


WAYS: dict[tuple[str, str], Any] = {
    ("null", "null"): to_text,
    ("bool", "int"): to_int, ("bool", "float"): to_exact_float, ("bool", "decimal"): to_decimal,
    ("int", "bool"): to_bool, ("int", "int"): to_int, ("int", "float"): to_exact_float, ("int", "decimal"): to_decimal,
    ("float", "bool"): to_bool, ("float", "int"): to_int, ("float", "float"): to_exact_float,
    ("float", "decimal"): to_decimal,
    ("decimal", "bool"): to_bool, ("decimal", "int"): to_int, ("decimal", "float"): decimal_to_float,
    ("decimal", "decimal"): to_decimal,
    ("text", "bool"): from_text_bool, ("text", "int"): from_text_int, ("text", "float"): from_text_float,
    ("text", "decimal"): from_text_decimal, ("text", "binary"): to_binary, ("text", "uuid"): from_text_uuid,
    ("text", "json"): from_text_json, ("text", "date"): from_text_date, ("text", "time"): from_text_time,
    ("text", "timestamp"): from_text_timestamp, ("text", "duration"): from_text_duration,
    ("binary", "binary"): to_binary, ("binary", "uuid"): to_binary, ("binary", "json"): from_text_json,
    ("uuid", "binary"): to_binary, ("json", "binary"): to_binary, ("json", "json"): to_text,
    ("date", "date"): to_date, ("date", "timestamp"): to_timestamp,
    ("time", "time"): to_time, ("time", "duration"): to_duration,
    ("timestamp", "date"): to_date, ("timestamp", "time"): to_time, ("timestamp", "timestamp"): to_timestamp,
    ("duration", "time"): to_time, ("duration", "duration"): to_duration,
    ("nested", "text"): to_json,
    **{(one, "text"): to_text for one in ("bool", "int", "float", "decimal", "text", "binary", "uuid", "json", "date",
                                          "time", "timestamp", "duration")},
    **{(one, "json"): to_json for one in ("bool", "int", "float", "decimal", "uuid", "date", "time", "timestamp",
                                          "duration", "nested")},
}  # fmt: skip
