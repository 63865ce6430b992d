"""`dx_filter`: rows that meet a condition are dropped."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Mapping
from decimal import Decimal, InvalidOperation
from fractions import Fraction
from math import floor
from types import MappingProxyType
from typing import Any, NamedTuple, TypeAlias
from zoneinfo import ZoneInfo

import pyarrow as pa
from pydantic import field_validator

from starhaul import ConfigError, Task, Transformer, cast
from starhaul_transformers.java_regex import compile_java
from starhaul_transformers.target import ColumnParams, as_text, check_text, position, texts

Holds: TypeAlias = Callable[[pa.Array], pa.BooleanArray]
"""For which values a condition holds; null for null."""


class _Comparison(NamedTuple):
    kernel: str
    """Name of the function in `pyarrow.compute`."""
    of: Callable[[Any, Any], bool]
    """The same for two Python values."""


_COMPARISONS: Mapping[str, _Comparison] = MappingProxyType(
    {
        ">": _Comparison("greater", operator.gt),
        ">=": _Comparison("greater_equal", operator.ge),
        "<": _Comparison("less", operator.lt),
        "<=": _Comparison("less_equal", operator.le),
        "=": _Comparison("equal", operator.eq),
        "==": _Comparison("equal", operator.eq),
        "!=": _Comparison("not_equal", operator.ne),
    }
)
_PATTERNS = ("like", "not like")
_WHOLE = re.compile(r"[+-]?[0-9]+")
_LARGEST_EXPONENT = 100
_OFFSET = re.compile(r"([+-])([01][0-9]|2[0-3]):([0-5][0-9])")
_DATAX_ZONE = "+08:00"


class FilterParams(ColumnParams):
    """Parameters of `dx_filter`."""

    time_zone: str | None = None
    """Zone that dates, and times without a zone, are in, where `paras` compares with milliseconds, such as
    `Asia/Shanghai` or `+08:00`. By default the job's (`conversion.timeZone`; GMT+8 with `conversion` `datax`); a job
    that has none must name one here."""

    @field_validator("time_zone")
    @classmethod
    def _known_zone(cls, name: str | None) -> str | None:
        if name is not None and not _is_zone(name):
            raise ValueError(f"there is no time zone {name!r}")
        return name


class Filter(Transformer[FilterParams]):
    """Drops the rows for which a condition holds: `paras` are an operator and a value.

    - `>`, `>=`, `<`, `<=`, `=` (or `==`), `!=` compare numbers as numbers (decimals exactly), dates and times as
      milliseconds since 1970 (`timeZone`) if the value is a whole number, else as times of ISO 8601; all else as text,
      in the order of UTF-16 units.
    - `like`, `not like` match the whole text (as the job's `conversion` says) against a Java regular expression.
    - Null: `>`, `>=`, `<`, `<=` and `like` keep the row, `not like` drops it. `=` drops it if the value is the text
      `null` (in any case) and keeps it otherwise, `!=` the other way round. In a column of numbers or times
      `= null` drops the nulls alone, and `!= null` keeps them alone.
    """

    name = "dx_filter"
    params_type = FilterParams

    def accept(self, source: pa.Schema) -> pa.Schema:
        field = source.field(position(self.params, source))
        on_text, _ = self._condition(field.type)
        if on_text:
            check_text(field, self.formats)
        return source

    def apply(self, batch: pa.RecordBatch, task: Task) -> pa.RecordBatch:
        import pyarrow.compute as pc

        index = position(self.params, batch.schema)
        on_text, holds = self._condition(batch.schema.field(index).type)
        rows, values = as_text(batch, index, task, self.formats) if on_text else (batch, batch.column(index))
        return rows.filter(pc.invert(pc.fill_null(holds(values), self._drops_null())))

    def _paras(self) -> tuple[str, str]:
        code, value = texts(self.params, "operator", "value")
        code = code.strip().lower()
        if code not in _COMPARISONS and code not in _PATTERNS:
            raise ConfigError("paras", f"{code!r} is no operator", f"use {', '.join([*_COMPARISONS, *_PATTERNS])}")
        if not value:
            raise ConfigError("paras", "the value is empty", "write what to compare with")
        return code, value

    def _drops_null(self) -> bool:
        code, value = self._paras()
        is_null = value.lower() == "null"
        return code == "not like" or (code in ("=", "==") and is_null) or (code == "!=" and not is_null)

    def _condition(self, source: pa.DataType) -> tuple[bool, Holds]:
        """Whether the condition is one on text, and the condition. `ConfigError` if it does not go with the type."""
        code, value = self._paras()
        if code in _PATTERNS:
            return True, _pattern(value, negated=code == "not like")
        comparison = _COMPARISONS[code]
        types = pa.types
        whole, number = types.is_integer(source), types.is_floating(source) or types.is_decimal(source)
        if types.is_duration(source) or types.is_interval(source):
            raise ConfigError("paras", f"values of type {source} are not compared", "cast the column to a number first")
        if not (whole or number or types.is_temporal(source)):
            return True, _text(comparison, value)
        if value.lower() == "null" and code in ("=", "==", "!="):
            return False, lambda values: _same_for_all(values, code == "!=")
        if types.is_temporal(source):
            return False, self._time(comparison, value, source)
        if types.is_floating(source):
            return False, _float(comparison, value)
        return False, _exact(comparison, _whole(value, source) if whole else _decimal(value, source), source)

    def _time(self, comparison: _Comparison, value: str, source: pa.DataType) -> Holds:
        import pyarrow.compute as pc

        if _WHOLE.fullmatch(value.strip()):
            holds = _exact(comparison, _decimal(value, source), pa.int64())
            zone = self._zone(source)
            return lambda values: holds(_milliseconds(values, zone))
        converted = cast(pa.array([value.strip()]), source)
        if converted.values[0].as_py() is None:
            raise ConfigError("paras", converted.explain(0), "write milliseconds since 1970, or a time of ISO 8601")
        return lambda values: pc.call_function(comparison.kernel, [values, converted.values[0]])

    def _zone(self, source: pa.DataType) -> str:
        """The zone in which values of this type become milliseconds. `ConfigError` if none is known and one matters."""
        zone = self.params.time_zone or self.formats.time_zone or (_DATAX_ZONE if self.formats.datax else None)
        if zone is None and not (pa.types.is_time(source) or getattr(source, "tz", None)):
            raise ConfigError(
                "timeZone",
                f"milliseconds since 1970 are compared with values of type {source}, which have no zone",
                "write the zone they are in (DataX takes them for GMT+8), or compare with a time of ISO 8601",
            )
        if zone is not None and not _is_zone(zone):
            raise ConfigError(
                "timeZone", f"the job's is {zone!r}, and there is none of that name", "Asia/Shanghai is one"
            )
        return zone or "UTC"


def _is_zone(name: str) -> bool:
    try:
        return bool(_OFFSET.fullmatch(name) or ZoneInfo(name))
    except (ValueError, KeyError, OSError):
        return False


def _pattern(pattern: str, *, negated: bool) -> Holds:
    import pyarrow.compute as pc

    try:
        regex = compile_java(pattern)
    except ValueError as error:
        raise ConfigError("paras", str(error), "write a Java regular expression") from error
    return (lambda values: pc.invert(regex.matches(values))) if negated else regex.matches


def _text(comparison: _Comparison, value: str) -> Holds:
    import pyarrow.compute as pc

    if comparison.of in (operator.eq, operator.ne) or all(char < "\ue000" for char in value):
        return lambda values: pc.call_function(comparison.kernel, [values, pa.scalar(value, values.type)])
    # From U+E000 on, the order of UTF-16 units is not that of code points, nor of the bytes of UTF-8.
    units = value.encode("utf-16-be")
    return lambda values: pa.array(
        [None if text is None else comparison.of(text.encode("utf-16-be"), units) for text in values.to_pylist()],
        pa.bool_(),
    )


def _float(comparison: _Comparison, value: str) -> Holds:
    import pyarrow.compute as pc

    try:
        number = float(value.replace("_", "?"))  # Python's own extension of the syntax
    except ValueError as error:
        raise ConfigError("paras", f"{value!r} is not a number") from error
    return lambda values: pc.call_function(comparison.kernel, [values.cast(pa.float64()), pa.scalar(number)])


def _whole(value: str, source: pa.DataType) -> Decimal:
    if not _WHOLE.fullmatch(value.strip()):
        raise ConfigError("paras", f"{value!r} is not a whole number", f"the column is of type {source}")
    return _decimal(value, source)


def _decimal(value: str, source: pa.DataType) -> Decimal:
    try:
        number = Decimal(value.strip().replace("_", "?"))
    except InvalidOperation as error:
        raise ConfigError("paras", f"{value!r} is not a number", f"the column is of type {source}") from error
    if not number.is_finite() or (number and abs(number.adjusted()) > _LARGEST_EXPONENT):
        raise ConfigError("paras", f"{value!r} is out of range", f"the column is of type {source}")
    return number


def _exact(comparison: _Comparison, value: Decimal, source: pa.DataType) -> Holds:
    """Compare integers or decimals with a number that may have more digits than the type has."""
    import pyarrow.compute as pc

    scale = source.scale if pa.types.is_decimal(source) else 0
    units = Fraction(value) * Fraction(10) ** scale
    below = floor(units)
    kernel = comparison.kernel
    if units != below:  # it stands between two values of the type, `below` and the next
        if comparison.of in (operator.eq, operator.ne):
            return lambda values: _same_for_all(values, comparison.of is operator.ne)
        kernel = "greater" if comparison.of(1, 0) else "less_equal"
    least, most = _range(source)
    if not least <= below <= most:
        return lambda values: _same_for_all(values, comparison.of(0, 1 if below > most else -1))
    digits = Decimal((int(below < 0), tuple(map(int, str(abs(below)))), -scale))
    bound = pa.scalar(digits if scale or pa.types.is_decimal(source) else below, source)
    return lambda values: pc.call_function(kernel, [values, bound])


def _range(source: pa.DataType) -> tuple[int, int]:
    """The least and the greatest value, in units of the last digit."""
    if pa.types.is_decimal(source):
        return 1 - 10**source.precision, 10**source.precision - 1
    if pa.types.is_unsigned_integer(source):
        return 0, (1 << source.bit_width) - 1
    return -(1 << (source.bit_width - 1)), (1 << (source.bit_width - 1)) - 1


def _same_for_all(values: pa.Array, answer: bool) -> pa.BooleanArray:
    import pyarrow.compute as pc

    return pc.if_else(pc.is_valid(values), answer, pa.scalar(None, pa.bool_()))


def _milliseconds(values: pa.Array, time_zone: str) -> pa.Array:
    """Whole milliseconds since 1970, or since midnight for times of day, rounded down as DataX's dates are."""
    import pyarrow.compute as pc

    if pa.types.is_time(values.type):
        return values.cast(pa.time32("ms"), safe=False).view(pa.int32()).cast(pa.int64())
    if pa.types.is_date(values.type):
        values = values.cast(pa.timestamp("ms"))
    offset = _OFFSET.fullmatch(time_zone) if values.type.tz is None else None
    if values.type.tz is None and offset is None and time_zone != "UTC":
        values = pc.assume_timezone(values, time_zone, ambiguous="earliest", nonexistent="earliest")
    ticks = _in_milliseconds(values)
    if offset is None:
        return ticks
    ahead = (int(offset[2]) * 60 + int(offset[3])) * (-60_000 if offset[1] == "-" else 60_000)
    return pc.subtract_checked(ticks, ahead)


def _in_milliseconds(values: pa.Array) -> pa.Array:
    import pyarrow.compute as pc

    ticks = values.view(pa.int64())
    if values.type.unit == "s":
        return pc.multiply_checked(ticks, 1000)
    if values.type.unit == "ms":
        return ticks
    per_millisecond = 1000 if values.type.unit == "us" else 1_000_000
    toward_zero = pc.divide(ticks, per_millisecond)
    too_high = pc.less(ticks, pc.multiply(toward_zero, per_millisecond))
    return pc.subtract(toward_zero, too_high.cast(pa.int64()))
