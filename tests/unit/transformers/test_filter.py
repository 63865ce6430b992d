from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from starhaul import ConfigError, Formats
from starhaul_transformers.filter import Filter, FilterParams

Transform = Callable[..., Any]
OPERATORS = st.sampled_from([">", ">=", "<", "<=", "=", "==", "!="])
TEXT = st.text(max_size=3) | st.text("ab\ufffd\ue000😀\U0010ffff", max_size=3) | st.sampled_from(["null", "NULL"])


def on_values(code: str, value: str | float, **parameters: Any) -> Filter:
    return Filter(FilterParams(column="value", paras=[code, value], **parameters))


def drops(code: str, left: Any, value: str, right: Any) -> bool:
    """DataX's rule for one row: `left` is what the column holds, `value` the text in the job, `right` its meaning."""
    if left is None:
        is_null = value.lower() == "null"
        return {"=": is_null, "==": is_null, "!=": not is_null}.get(code, False)
    answers = {">": left > right, ">=": left >= right, "<": left < right, "<=": left <= right, "!=": left != right}
    return bool(answers.get(code, left == right))


def survivors(code: str, values: list[Any], value: str, right: Any) -> list[int]:
    return [row for row, left in enumerate(values) if not drops(code, left, value, right)]


@settings(deadline=None, max_examples=150)
@given(values=st.lists(st.none() | TEXT, max_size=10), code=OPERATORS, value=TEXT.filter(bool))
def test_texts_compare_in_the_order_of_utf_16(
    transform: Transform, values: list[str | None], code: str, value: str
) -> None:
    units = [None if text is None else text.encode("utf-16-be") for text in values]
    outcome = transform(on_values(code, value), values, pa.string())
    assert list(outcome.kept) == survivors(code, units, value, value.encode("utf-16-be"))
    assert outcome.kept == {row: values[row] for row in outcome.kept}
    assert not outcome.rejected


@settings(deadline=None, max_examples=150)
@given(
    kind=st.sampled_from([pa.int8(), pa.int32(), pa.int64(), pa.uint8(), pa.uint64()]),
    code=OPERATORS,
    value=st.integers(-3, 3) | st.integers(-130, 260) | st.integers(-(2**66), 2**66),
    data=st.data(),
)
def test_integers(transform: Transform, kind: pa.DataType, code: str, value: int, data: st.DataObject) -> None:
    signed = pa.types.is_signed_integer(kind)
    least, most = (
        (-(1 << kind.bit_width - 1), (1 << kind.bit_width - 1) - 1) if signed else (0, (1 << kind.bit_width) - 1)
    )
    near = st.integers(max(least, -3), 3) | st.integers(least, most)
    values = data.draw(st.lists(st.none() | near | st.sampled_from([least, most, min(max(value, least), most)])))
    kept = transform(on_values(code, str(value)), values, kind).kept
    assert list(kept) == survivors(code, values, str(value), value)


@settings(deadline=None, max_examples=150)
@given(
    kind=st.sampled_from([pa.decimal128(5, 2), pa.decimal128(38, 4), pa.decimal256(76, 10)]),
    values=st.lists(st.none() | st.decimals(-999, 999, places=2)),
    code=OPERATORS,
    value=st.decimals(-1001, 1001, places=4) | st.decimals(-5, 5, places=2) | st.just(Decimal("1e90")),
)
def test_decimals_compare_exactly(
    transform: Transform, kind: pa.DataType, values: list[Decimal | None], code: str, value: Decimal
) -> None:
    kept = transform(on_values(code, str(value)), values, kind).kept
    assert list(kept) == survivors(code, values, str(value), value)


@settings(deadline=None, max_examples=100)
@given(
    values=st.lists(st.none() | st.floats() | st.sampled_from([0.1, -0.0, 0.0])),
    code=OPERATORS,
    value=st.floats() | st.sampled_from([0.1, 0.0]),
)
def test_floats_compare_as_ieee_754_says(
    transform: Transform, values: list[float | None], code: str, value: float
) -> None:
    kept = transform(on_values(code, repr(value)), values, pa.float64()).kept
    assert list(kept) == survivors(code, values, repr(value), value)


@settings(deadline=None, max_examples=150)
@given(
    kind=st.sampled_from(
        [*(pa.timestamp(unit) for unit in ("s", "ms", "us", "ns")), pa.timestamp("us", "Asia/Shanghai")]
    ),
    ticks=st.lists(st.none() | st.integers(-(10**10), 10**10) | st.integers(-3000, 3000)),
    code=OPERATORS,
    value=st.integers(-3, 3) | st.integers(-(10**7), 10**7) | st.just(2**64),
)
def test_times_compare_as_milliseconds(
    transform: Transform, kind: pa.DataType, ticks: list[int | None], code: str, value: int
) -> None:
    per_second = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}[kind.unit]
    stamps = [None if tick is None else tick * 1000 // per_second for tick in ticks]
    kept = transform(on_values(code, value, time_zone="UTC"), ticks, kind).kept
    assert list(kept) == survivors(code, stamps, str(value), value)
    ahead = transform(on_values(code, value - 8 * 3600_000, time_zone="+08:00"), ticks, kind).kept
    assert list(ahead) == (list(kept) if kind.tz is None else survivors(code, stamps, "", value - 8 * 3600_000))


@pytest.mark.parametrize("kind", [pa.date32(), pa.date64()])
def test_dates_are_their_midnight(transform: Transform, kind: pa.DataType) -> None:
    days = [date(1969, 12, 31), date(1970, 1, 1), None]
    assert list(transform(on_values("<", 0, time_zone="UTC"), days, kind).kept) == [1, 2]
    assert list(transform(on_values("=", -8 * 3600_000, time_zone="Asia/Shanghai"), days, kind).kept) == [0, 2]


def test_times_without_a_zone_are_in_the_zone_that_is_named(transform: Transform) -> None:
    values = [datetime(2024, 1, 1, 8), datetime(2024, 1, 1, 8, 0, 0, 1000)]
    stamp = int(datetime(2024, 1, 1, tzinfo=UTC).timestamp() * 1000)
    assert list(transform(on_values("=", stamp, time_zone="UTC"), values, pa.timestamp("us")).kept) == [0, 1]
    shanghai = on_values("=", stamp, time_zone="Asia/Shanghai")
    assert list(transform(shanghai, values, pa.timestamp("us")).kept) == [1]
    assert list(transform(on_values("=", 8 * 3600_000), [time(8), time(9), None], pa.time64("us")).kept) == [1, 2]


def test_times_without_a_zone_are_in_that_of_the_job(transform: Transform) -> None:
    values = [datetime(2024, 1, 1, 8), datetime(2024, 1, 1)]
    midnight = on_values("=", int(datetime(2024, 1, 1, tzinfo=UTC).timestamp() * 1000))
    with pytest.raises(ConfigError, match="which have no zone"):
        transform(midnight, values, pa.timestamp("us"))
    for formats in (Formats(datax=True), Formats(time_zone="+08:00"), Formats(time_zone="Asia/Shanghai")):
        midnight.formats = formats
        assert list(transform(midnight, values, pa.timestamp("us")).kept) == [1]
    midnight.formats = Formats(time_zone="Mars/Base")
    with pytest.raises(ConfigError, match="there is none of that name"):
        transform(midnight, values, pa.timestamp("us"))
    midnight.formats = Formats(datax=True, time_zone="UTC")
    assert list(transform(midnight, values, pa.timestamp("us")).kept) == [0]


def test_times_compare_with_times_of_iso_8601(transform: Transform) -> None:
    values = [datetime(2024, 1, 1) + timedelta(hours=hours) for hours in range(4)]
    kept = transform(on_values(">=", "2024-01-01 02:00:00"), values, pa.timestamp("us")).kept
    assert list(kept) == [0, 1]
    assert list(transform(on_values("<", "2024-01-02"), [date(2024, 1, 1), date(2024, 1, 2)], pa.date32()).kept) == [1]


@settings(deadline=None, max_examples=100)
@given(
    values=st.lists(st.none() | st.text("ab\n\ré😀", max_size=4)),
    pattern=st.sampled_from(["a.*", ".*b", "[^a]*", "(?s)a.*", "a|b", "(?!a).*", r"(.)\1.*", "null"]),
    negated=st.booleans(),
)
def test_like(transform: Transform, values: list[str | None], pattern: str, negated: bool) -> None:
    dot = pattern if pattern.startswith("(?s)") else pattern.replace(".", "[^\n\r\x85\u2028\u2029]")
    met = [False if text is None else re.fullmatch(dot, text) is not None for text in values]
    kept = transform(on_values("Not Like" if negated else "LIKE", pattern), values, pa.string()).kept
    assert list(kept) == [row for row, each in enumerate(met) if each == negated]


def test_like_reads_other_types_as_text(transform: Transform) -> None:
    assert list(transform(on_values("like", "1.*"), [12, 21, None], pa.int64()).kept) == [1, 2]
    assert list(transform(on_values("=", "true"), [True, False, None], pa.bool_()).kept) == [1, 2]


@pytest.mark.parametrize("kind", [pa.int64(), pa.float64(), pa.decimal128(9, 2), pa.timestamp("us"), pa.string()])
def test_null_is_found_in_every_column(transform: Transform, kind: pa.DataType) -> None:
    values = [pa.scalar("2024", pa.string()).as_py() if pa.types.is_string(kind) else 5, None]
    values = pa.array(values, kind).to_pylist()
    assert list(transform(on_values("=", "Null"), values, kind).kept) == [0]
    assert list(transform(on_values("!=", "null"), values, kind).kept) == [1]


@pytest.mark.parametrize(
    ("kind", "code", "value", "told"),
    [
        (pa.string(), "~", "a", "'~' is no operator"),
        (pa.string(), "=", "", "the value is empty"),
        (pa.string(), "like", "(", "is no regular expression"),
        (pa.int64(), ">", "1.5", "'1.5' is not a whole number"),
        (pa.int64(), ">", "null", "'null' is not a whole number"),
        (pa.int64(), "=", "٣", "is not a whole number"),
        (pa.float64(), "=", "x", "'x' is not a number"),
        (pa.float64(), "=", "1_0", "'1_0' is not a number"),
        (pa.decimal128(9, 2), "=", "x", "'x' is not a number"),
        (pa.decimal128(9, 2), "=", "NaN", "'NaN' is out of range"),
        (pa.decimal128(9, 2), "=", "1e999999999", "is out of range"),
        (pa.timestamp("us"), "=", "yesterday", "yesterday"),
        (pa.duration("us"), "=", "1", "are not compared"),
    ],
)
def test_wrong_paras_are_found_before_the_run(kind: pa.DataType, code: str, value: str, told: str) -> None:
    with pytest.raises(ConfigError, match=told) as caught:
        on_values(code, value).accept(pa.schema([("value", kind)]))
    assert caught.value.where == "paras"


def test_there_is_no_such_zone() -> None:
    with pytest.raises(ValueError, match="there is no time zone 'Mars/Base'"):
        on_values("=", "1", time_zone="Mars/Base")
