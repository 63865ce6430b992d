"""Which way leads from one type to another: the table of all pairs. The ways themselves are in the files beside it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from types import MappingProxyType
from typing import Any, Literal, TypeAlias

import pyarrow as pa
import pyarrow.compute as pc

from starhaul.api.formats import Formats
from starhaul.convert import binary, decimals, iso, numbers, patterns, text, times, zones
from starhaul.convert.classify import Fit
from starhaul.convert.nested import to_json_text
from starhaul.convert.route import Route, impossible, widening

Family: TypeAlias = Literal[
    "bool",
    "int",
    "float",
    "decimal",
    "text",
    "binary",
    "uuid",
    "json",
    "date",
    "time",
    "timestamp",
    "duration",
    "nested",
]
Finder: TypeAlias = Callable[[Any, Any, Formats], Route]

_SET_ZONE = "one of the two has a time zone: set timeZone to the zone that the other is in"


def find_route(source: pa.DataType, target: pa.DataType, formats: Formats) -> Route:
    """The way from `source` to `target`; `Fit.IMPOSSIBLE` if there is none. Raises `ConfigError` if a pattern, a zone
    or an encoding that it needs is not understood."""
    if formats.empty_as_null and family(source) == "text":
        following = find_route(source, target, replace(formats, empty_as_null=False))
        return Route(Fit.CHECKED, text.empty_to_null, "empty is null").then(following)
    if formats.datax:
        from starhaul.convert.datax import find_datax_route

        return find_datax_route(source, target, formats)
    return find_exact_route(source, target, formats)


def find_exact_route(source: pa.DataType, target: pa.DataType, formats: Formats) -> Route:
    """The same by our own rules: exactly or not at all."""
    if source == target:
        return Route(Fit.SAME)
    if pa.types.is_null(source):
        return Route(Fit.WIDENS, lambda values: pa.nulls(len(values), target))
    plain = plain_route(source)
    if plain is not None:
        unwrap, inner = plain
        following = find_exact_route(inner, target, formats)
        return following if following.fit is Fit.IMPOSSIBLE else unwrap.then(following)
    families = family(source), family(target)
    finder = _TABLE.get(families)  # type: ignore[arg-type]
    if finder is None:
        return impossible(_advice(families[0], families[1]))
    return finder(source, target, formats)


def unwrapped(values: pa.Array) -> pa.Array:
    """The column in a type that stores its values plainly, as Arrow has few kernels for dictionaries, runs, views,
    small decimals and float16. Routes start from such types."""
    plain = plain_route(values.type)
    return values if plain is None else unwrapped(plain[0].kernel(values))


def plain_route(source: pa.DataType) -> tuple[Route, pa.DataType] | None:
    """How to unwrap a type that only stores another one differently: dictionaries, runs, views, small numbers."""
    if pa.types.is_dictionary(source):
        return Route(Fit.WIDENS, lambda values: values.dictionary_decode()), source.value_type
    if pa.types.is_run_end_encoded(source):
        return Route(Fit.WIDENS, pc.run_end_decode), source.value_type
    if pa.types.is_string_view(source):
        return widening(pa.large_string()), pa.large_string()
    if pa.types.is_binary_view(source):
        return widening(pa.large_binary()), pa.large_binary()
    if pa.types.is_float16(source):
        return widening(pa.float32()), pa.float32()
    if pa.types.is_decimal32(source) or pa.types.is_decimal64(source):
        wide = pa.decimal128(source.precision, source.scale)
        return widening(wide), wide
    return None


def family(kind: pa.DataType) -> Family | None:
    """Which of the kinds of types this one is of; None if it is of none."""
    types = pa.types
    tests: list[tuple[Callable[[Any], bool], Family]] = [
        (lambda one: isinstance(one, pa.JsonType), "json"),
        (lambda one: isinstance(one, pa.UuidType), "uuid"),
        (types.is_boolean, "bool"),
        (types.is_integer, "int"),
        (types.is_floating, "float"),
        (types.is_decimal, "decimal"),
        (lambda one: types.is_string(one) or types.is_large_string(one) or types.is_string_view(one), "text"),
        (lambda one: types.is_binary(one) or types.is_large_binary(one) or types.is_binary_view(one), "binary"),
        (types.is_fixed_size_binary, "binary"),
        (types.is_date, "date"),
        (types.is_time, "time"),
        (types.is_timestamp, "timestamp"),
        (types.is_duration, "duration"),
        (types.is_nested, "nested"),
    ]
    return next((each for test, each in tests if test(kind)), None)


def _advice(source: Family | None, target: Family | None) -> str:
    if "nested" in (source, target):
        return "lists, structs and maps become text or JSON, or stay what they are"
    if target in ("text", "json", "nested"):
        return ""
    return "let one side be text, or convert in the source's query"


def _text_to_date(target: pa.DataType, formats: Formats) -> Route:
    if formats.date is None:
        return iso.text_to_date(target)
    pattern = patterns.read_pattern(formats.date, "date")
    unit = "ns" if pattern.count("S") > 6 else "us"
    return patterns.text_to_timestamp(pattern, unit).then(times.timestamp_to_date(pa.timestamp(unit), target))


def _date_to_text(source: pa.DataType, target: pa.DataType, formats: Formats) -> Route:
    if formats.date is None:
        return iso.date_to_text(source, target)
    pattern = patterns.read_pattern(formats.date, "date")
    midnight = pa.timestamp("s")
    return times.date_to_timestamp(source, midnight).then(patterns.timestamp_to_pattern(pattern, midnight, target))


def _text_to_time(target: pa.DataType, formats: Formats) -> Route:
    if formats.time is None:
        return iso.text_to_time(target)
    return patterns.text_to_time(patterns.read_pattern(formats.time, "time"), target)


def _time_to_text(source: pa.DataType, target: pa.DataType, formats: Formats) -> Route:
    if formats.time is None:
        return iso.time_to_text(source, target)
    return patterns.time_to_pattern(patterns.read_pattern(formats.time, "time"), source, target)


def _text_to_timestamp(target: pa.DataType, formats: Formats) -> Route:
    if formats.datetime is None:
        return (iso.text_to_instant if target.tz else iso.text_to_local)(target, formats.time_zone)
    pattern = patterns.read_pattern(formats.datetime, "datetime")
    read = pa.timestamp(target.unit, "UTC" if pattern.zone else None)
    following = _timestamp_to_timestamp(read, target, formats)
    return patterns.text_to_timestamp(pattern, target.unit).then(following)


def _timestamp_to_text(source: pa.DataType, target: pa.DataType, formats: Formats) -> Route:
    if formats.datetime is None:
        return iso.timestamp_to_text(source, target)
    pattern = patterns.read_pattern(formats.datetime, "datetime")
    zone = formats.time_zone or source.tz
    if not pattern.zone or zone is None:
        local = pa.timestamp(source.unit)
        if pattern.zone:
            return impossible(_SET_ZONE)
        to_local = _timestamp_to_timestamp(source, local, formats)
        return to_local.then(patterns.timestamp_to_pattern(pattern, local, target))
    utc = pa.timestamp(source.unit, "UTC")
    shown = patterns.timestamp_to_pattern(pattern, utc, target, zone)
    return _timestamp_to_timestamp(source, utc, formats).then(shown)


def _timestamp_to_timestamp(source: pa.DataType, target: pa.DataType, formats: Formats) -> Route:
    if source == target:
        return Route(Fit.SAME)
    if (source.tz is None) == (target.tz is None):
        return times.timestamp_to_timestamp(source, target)
    if formats.time_zone is None:
        return impossible(_SET_ZONE)
    between = pa.timestamp(source.unit, target.tz)
    cross = zones.local_to_instant if source.tz is None else zones.instant_to_local
    following = Route(Fit.SAME) if between == target else times.timestamp_to_timestamp(between, target)
    return cross(source, formats.time_zone, between).then(following)


def _date_to_timestamp(source: pa.DataType, target: pa.DataType, formats: Formats) -> Route:
    midnight = pa.timestamp(target.unit)
    return times.date_to_timestamp(source, midnight).then(_timestamp_to_timestamp(midnight, target, formats))


def _from_local(
    way: Callable[[pa.DataType, pa.DataType], Route], source: pa.DataType, target: pa.DataType, formats: Formats
) -> Route:
    local = pa.timestamp(source.unit)
    return _timestamp_to_timestamp(source, local, formats).then(way(local, target))


def _uuid_to_bytes(following: Route) -> Route:
    return Route(Fit.WIDENS, lambda values: values.storage).then(following)


def _wrapped(route: Route, target: pa.DataType) -> Route:
    """A route to the storage of an extension type, and on to the type."""
    return route.then(Route(Fit.WIDENS, lambda values: pa.ExtensionArray.from_storage(target, values)))


def _binary_to_uuid(source: pa.DataType, target: pa.DataType) -> Route:
    storage = pa.binary(16)
    return _wrapped(Route(Fit.SAME) if source == storage else binary.binary_to_binary(source, storage), target)


def _to_json(source: pa.DataType, target: pa.DataType, formats: Formats) -> Route:
    return _wrapped(_to_json_text(source, target.storage_type, formats), target)


def _to_json_text(source: pa.DataType, target: pa.DataType, formats: Formats) -> Route:
    plain = Formats(encoding=formats.encoding)
    return to_json_text(source, lambda leaf: find_route(leaf, pa.string(), plain)).then(widening(target))


def _text_to_json(source: pa.DataType, target: pa.DataType, formats: Formats) -> Route:
    return _wrapped(text.text_to_json().then(widening(target.storage_type)), target)


def _binary_to_json(source: pa.DataType, target: pa.DataType, formats: Formats) -> Route:
    read = binary.binary_to_text(pa.large_string(), formats.encoding)
    return read.then(_text_to_json(pa.large_string(), target, formats))


def _from_json(source: pa.DataType, target: pa.DataType, formats: Formats) -> Route:
    stored = Route(Fit.WIDENS, lambda values: values.storage)
    if isinstance(target, pa.JsonType):
        return _wrapped(stored.then(widening(target.storage_type)), target)
    return stored.then(find_route(source.storage_type, target, formats))


_TABLE = MappingProxyType[tuple[Family, Family], Finder](
    {
        ("bool", "int"): lambda s, t, f: numbers.bool_to_number(s, t),
        ("bool", "float"): lambda s, t, f: numbers.bool_to_number(s, t),
        ("bool", "decimal"): lambda s, t, f: decimals.bool_to_decimal(s, t),
        ("bool", "text"): lambda s, t, f: numbers.bool_to_text(s, t),
        ("int", "bool"): lambda s, t, f: numbers.int_to_bool(s, t),
        ("int", "int"): lambda s, t, f: numbers.int_to_int(s, t),
        ("int", "float"): lambda s, t, f: numbers.int_to_float(s, t),
        ("int", "decimal"): lambda s, t, f: decimals.int_to_decimal(s, t),
        ("int", "text"): lambda s, t, f: numbers.int_to_text(s, t),
        ("float", "bool"): lambda s, t, f: numbers.float_to_bool(s, t),
        ("float", "int"): lambda s, t, f: numbers.float_to_int(s, t),
        ("float", "float"): lambda s, t, f: numbers.float_to_float(s, t),
        ("float", "decimal"): lambda s, t, f: decimals.float_to_decimal(s, t),
        ("float", "text"): lambda s, t, f: numbers.float_to_text(s, t),
        ("decimal", "bool"): lambda s, t, f: decimals.decimal_to_bool(s, t),
        ("decimal", "int"): lambda s, t, f: decimals.decimal_to_int(s, t),
        ("decimal", "float"): lambda s, t, f: decimals.decimal_to_float(s, t),
        ("decimal", "decimal"): lambda s, t, f: decimals.decimal_to_decimal(s, t),
        ("decimal", "text"): lambda s, t, f: decimals.decimal_to_text(s, t),
        ("text", "bool"): lambda s, t, f: text.text_to_bool(t),
        ("text", "int"): lambda s, t, f: text.text_to_int(t),
        ("text", "float"): lambda s, t, f: text.text_to_float(t),
        ("text", "decimal"): lambda s, t, f: decimals.text_to_decimal(t),
        ("text", "text"): lambda s, t, f: widening(t),
        ("text", "binary"): lambda s, t, f: binary.text_to_binary(s, t, f.encoding),
        ("text", "uuid"): lambda s, t, f: _wrapped(binary.text_to_uuid(), t),
        ("text", "json"): _text_to_json,
        ("text", "date"): lambda s, t, f: _text_to_date(t, f),
        ("text", "time"): lambda s, t, f: _text_to_time(t, f),
        ("text", "timestamp"): lambda s, t, f: _text_to_timestamp(t, f),
        ("text", "duration"): lambda s, t, f: iso.text_to_duration(t),
        ("binary", "text"): lambda s, t, f: binary.binary_to_text(t, f.encoding),
        ("binary", "binary"): lambda s, t, f: binary.binary_to_binary(s, t),
        ("binary", "uuid"): lambda s, t, f: _binary_to_uuid(s, t),
        ("binary", "json"): _binary_to_json,
        ("uuid", "text"): lambda s, t, f: _uuid_to_bytes(binary.uuid_to_text(t)),
        ("uuid", "binary"): lambda s, t, f: _uuid_to_bytes(find_route(pa.binary(16), t, f)),
        ("json", "text"): _from_json,
        ("json", "binary"): _from_json,
        ("json", "json"): _from_json,
        ("date", "text"): _date_to_text,
        ("date", "date"): lambda s, t, f: times.date_to_date(s, t),
        ("date", "timestamp"): _date_to_timestamp,
        ("time", "text"): _time_to_text,
        ("time", "time"): lambda s, t, f: times.time_to_time(s, t),
        ("time", "duration"): lambda s, t, f: times.time_to_duration(s, t),
        ("timestamp", "text"): _timestamp_to_text,
        ("timestamp", "date"): lambda s, t, f: _from_local(times.timestamp_to_date, s, t, f),
        ("timestamp", "time"): lambda s, t, f: _from_local(times.timestamp_to_time, s, t, f),
        ("timestamp", "timestamp"): _timestamp_to_timestamp,
        ("duration", "text"): lambda s, t, f: iso.duration_to_text(s, t),
        ("duration", "time"): lambda s, t, f: times.duration_to_time(s, t),
        ("duration", "duration"): lambda s, t, f: times.duration_to_duration(s, t),
        ("nested", "text"): _to_json_text,
        **dict.fromkeys(
            [
                ("bool", "json"),
                ("int", "json"),
                ("float", "json"),
                ("decimal", "json"),
                ("uuid", "json"),
                ("date", "json"),
                ("time", "json"),
                ("timestamp", "json"),
                ("duration", "json"),
                ("nested", "json"),
            ],
            _to_json,
        ),
    }
)
