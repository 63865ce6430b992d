"""Every pair of types against the reference: the same values, the same bad rows, and an honest classification."""

from __future__ import annotations

import math
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from starhaul import ConfigError, Formats, cast
from starhaul.convert.classify import Fit, classify
from tests.unit.convert.columns import TYPES, build, hide, hostile, random_value, raw_values
from tests.unit.convert.reference import Impossible, Misfit, convert, kind

PLAIN = Formats()
ZONED = Formats(time_zone="America/New_York", encoding="utf-8")


def expected(
    raw: list[Any], source: pa.DataType, target: pa.DataType, formats: Formats
) -> tuple[list[Any], list[bool]]:
    values: list[Any] = []
    bad: list[bool] = []
    for value in raw:
        try:
            values.append(None if value is None else convert(value, source, target, formats))
            bad.append(False)
        except Misfit:
            values.append(None)
            bad.append(True)
    return values, bad


def same(got: Any, wanted: Any, source: pa.DataType, target: pa.DataType) -> bool:
    if isinstance(wanted, float) and isinstance(got, float):
        return (math.isnan(got) and math.isnan(wanted)) or (
            got == wanted and math.copysign(1, got) == math.copysign(1, wanted)
        )
    if kind(source) == "float" and kind(target) in ("text", "json") and isinstance(wanted, str):
        # Which of several spellings a float gets (1e22 or 1e+22) is the kernel's business.
        if wanted.lstrip("-")[0].isalpha() or not isinstance(got, str):
            return bool(got == wanted)
        return Decimal(got) == Decimal(wanted) and got.startswith("-") == wanted.startswith("-")
    return bool(got == wanted)


def check(column: pa.Array, raw: list[Any], target: pa.DataType, formats: Formats) -> None:
    source = column.type
    fit = classify(source, target, formats)
    if fit is Fit.IMPOSSIBLE:
        with pytest.raises(Impossible):
            expected(hostile(source), source, target, formats)
        with pytest.raises(ConfigError):
            cast(column, target, formats)
        return
    values, bad = expected(raw, source, target, formats)
    result = cast(column, target, formats)
    result.values.validate(full=True)
    assert result.values.type == target
    marked = [False] * len(raw) if result.bad is None else result.bad.to_pylist()
    got = raw_values(result.values)
    wrong = [
        (row, raw[row], got[row], values[row], marked[row], bad[row])
        for row in range(len(raw))
        if marked[row] != bad[row] or not same(got[row], values[row], source, target)
    ]
    assert not wrong, f"{source} -> {target}: {wrong[:5]} (row, value, got, wanted, marked, should be marked)"
    assert result.bad is None or any(marked)
    if fit in (Fit.SAME, Fit.WIDENS):
        assert not any(bad), f"{source} -> {target} is {fit}, yet {raw[bad.index(True)]!r} does not fit"
    for row in range(len(raw)):
        if marked[row]:
            assert str(target) in result.explain(row)


@pytest.mark.parametrize("source", TYPES, ids=str)
def test_hostile_values_of_every_type_to_every_type(source: pa.DataType) -> None:
    # The other kinds of text go the same ways as string does.
    raw = [*hostile(source)[:: 5 if source in (pa.large_string(), pa.string_view()) else 1], None]
    column = build(raw, source)
    for target in TYPES:
        check(column, raw, target, PLAIN)
        if "timestamp" in (kind(source), kind(target)):
            check(column, raw, target, ZONED)


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data(), source=st.sampled_from(TYPES), target=st.sampled_from(TYPES), zoned=st.booleans())
def test_random_columns_sliced_and_with_nulls(
    data: st.DataObject, source: pa.DataType, target: pa.DataType, zoned: bool
) -> None:
    value = st.one_of(st.sampled_from(hostile(source)), random_value(source), st.none())
    raw = data.draw(st.lists(value, max_size=12))
    start = data.draw(st.integers(0, len(raw)))
    length = data.draw(st.integers(0, len(raw) - start))
    check(build(raw, source).slice(start, length), raw[start : start + length], target, ZONED if zoned else PLAIN)


@pytest.mark.parametrize("source", [one for one in TYPES if one not in (pa.string_view(), pa.binary_view())], ids=str)
def test_what_lies_beneath_a_null_does_not_matter(source: pa.DataType) -> None:
    raw = hostile(source)
    nulls = [row % 2 == 0 for row in range(len(raw))]
    column = hide(build(raw, source), nulls)
    shown = [None if null else value for null, value in zip(nulls, raw, strict=True)]
    for target in TYPES:
        check(column, shown, target, PLAIN)


@settings(max_examples=300, deadline=None)
@given(data=st.data(), source=st.sampled_from(TYPES), target=st.sampled_from(TYPES))
def test_what_fits_converts_back(data: st.DataObject, source: pa.DataType, target: pa.DataType) -> None:
    """Whatever goes to a type and back is what it was, if both ways are open."""
    if classify(source, target, PLAIN) not in (Fit.WIDENS, Fit.CHECKED) or kind(source) == "text":
        return
    if classify(target, source, PLAIN) not in (Fit.WIDENS, Fit.CHECKED):
        return
    raw = data.draw(st.lists(st.one_of(st.sampled_from(hostile(source)), random_value(source)), max_size=8))
    there = cast(build(raw, source), target)
    back = cast(there.values, source)
    kept = [value is not None for value in raw_values(there.values)]
    for value, returned, fitted in zip(raw, raw_values(back.values), kept, strict=True):
        if fitted:
            equal = value == returned or (isinstance(value, float) and math.isnan(value) and math.isnan(returned))
            assert equal, f"{value!r} as {target} came back as {returned!r}"


@pytest.mark.parametrize("source", TYPES, ids=str)
def test_columns_without_rows_and_without_values(source: pa.DataType) -> None:
    for target in TYPES:
        check(build([], source), [], target, ZONED)
        check(build([None, None], source), [None, None], target, ZONED)
        check(build([None, hostile(source)[0], None], source).slice(0, 1), [None], target, ZONED)
