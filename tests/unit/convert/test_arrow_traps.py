"""What Arrow's own cast takes or returns without a word, and `cast` must not."""

from __future__ import annotations

import subprocess
import sys
import time
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pytest

from starhaul import cast
from starhaul.convert import attempt

TEXT = pa.string()


@pytest.mark.parametrize(
    ("value", "source", "target"),
    [
        pytest.param("0x10", TEXT, pa.int64(), id="hexadecimal"),
        pytest.param("0xFF", TEXT, pa.int8(), id="hexadecimal wraps around"),
        pytest.param("1e999", TEXT, pa.float64(), id="text overflows to infinity"),
        pytest.param("1e-999", TEXT, pa.float64(), id="text underflows to zero"),
        pytest.param("nan(1)", TEXT, pa.float64(), id="C's spelling of a NaN"),
        pytest.param("9007199254740993", TEXT, pa.float64(), id="integer that a float rounds"),
        pytest.param("17e-41", TEXT, pa.decimal128(38, 2), id="decimal exponent lost"),
        pytest.param(
            "99.6316933231633938492079e37", TEXT, pa.decimal128(38, 2), id="decimal multiplied beyond 128 bits"
        ),
        pytest.param("52544960.", TEXT, pa.decimal32(9, 2), id="decimal multiplied beyond 32 bits"),
        pytest.param("174013242217887550854", TEXT, pa.decimal128(38, 20), id="decimal multiplied at its target scale"),
        pytest.param("2020-01-01 10", TEXT, pa.timestamp("us"), id="timestamp of date and hour"),
        pytest.param("10", TEXT, pa.time64("us"), id="time of an hour"),
        pytest.param(2, pa.int64(), pa.bool_(), id="2 as true"),
        pytest.param(0.5, pa.float64(), pa.bool_(), id="a half as true"),
        pytest.param(0.1, pa.float64(), pa.float32(), id="float64 rounded"),
        pytest.param(1e300, pa.float64(), pa.float32(), id="float64 overflows to infinity"),
        pytest.param(4097, pa.int64(), pa.float16(), id="integer rounded to float16"),
        pytest.param(0.125, pa.float64(), pa.decimal128(5, 2), id="float rounded to a scale"),
        pytest.param(Decimal("12345678901234567.89"), pa.decimal128(19, 2), pa.float64(), id="decimal rounded"),
        pytest.param(
            Decimal("-879655169001240345"), pa.decimal64(18, 0), pa.decimal32(9, 2), id="decimal64 cut to 32 bits"
        ),
        pytest.param(1, pa.timestamp("us"), pa.date32(), id="time of day dropped"),
        pytest.param(2**62, pa.timestamp("s"), pa.date32(), id="days wrap around"),
        pytest.param(2**62, pa.timestamp("s"), TEXT, id="timestamp beyond text"),
        pytest.param(2932897, pa.date32(), TEXT, id="year 10000"),
        pytest.param(-719529, pa.date32(), TEXT, id="year before 0000"),
        pytest.param(b"\xff", pa.binary(), TEXT, id="bytes that are no utf-8"),
    ],
)
def test_values_that_arrow_would_alter_are_bad_rows(value: Any, source: pa.DataType, target: pa.DataType) -> None:
    result = cast(pa.array([None, value, None], source), target)
    assert result.values.null_count == 3
    assert result.values.type == target
    assert result.bad is not None
    assert result.bad.to_pylist() == [False, True, False]


@pytest.mark.parametrize(
    ("value", "target", "wanted"),
    [
        ("1.5" + "0" * 60, pa.decimal128(6, 2), Decimal("1.50")),
        ("0" * 90 + "1", pa.decimal128(6, 2), Decimal("1.00")),
        ("0e400", pa.decimal128(6, 2), Decimal("0.00")),
    ],
)
def test_long_numerals_keep_their_value(value: str, target: pa.DataType, wanted: Decimal) -> None:
    assert cast(pa.array([value]), target).values.to_pylist() == [wanted]


def test_decimals_as_text_have_no_exponent() -> None:
    small = pa.array([Decimal("1E-10"), Decimal("-1E-10"), Decimal(0), None], pa.decimal128(20, 10))
    wanted = ["0.0000000001", "-0.0000000001", "0.0000000000", None]
    assert cast(small, TEXT).values.to_pylist() == wanted


def test_floats_as_text_spell_what_is_not_finite() -> None:
    values = pa.array([float("nan"), float("inf"), float("-inf"), -0.0, 0.1, None])
    assert cast(values, TEXT).values.to_pylist() == ["NaN", "Infinity", "-Infinity", "-0", "0.1", None]


def test_instants_as_text_are_in_utc() -> None:
    # The clocks of 1890 were 8:05:43 ahead, of which Arrow's own text drops the seconds.
    values = pa.array([-2_524_521_600], pa.int64()).view(pa.timestamp("s", "Asia/Shanghai"))
    assert cast(values, TEXT).values.to_pylist() == ["1890-01-01 00:00:00Z"]


def test_a_time_beyond_the_day_is_refused_though_times_always_fit_text() -> None:
    result = cast(pa.array([86_399, 86_400], pa.int32()).view(pa.time32("s")), TEXT)
    assert result.values.to_pylist() == ["23:59:59", None]
    assert list(result.misfits()) == [1]
    assert "86400" in result.misfits()[1]


def test_equal_types_share_memory() -> None:
    values = pa.array(["a"])
    assert cast(values, TEXT).values is values


def test_clean_columns_cost_one_run_of_the_kernel(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise AssertionError("searched for bad rows in a clean column")

    monkeypatch.setattr(attempt, "refused_rows", fail)
    assert cast(pa.array(["1", "2"]), pa.int64()).bad is None


def test_many_bad_rows_are_found_in_reasonable_time() -> None:
    texts = [str(number) if number % 2 else f"bad {number}" for number in range(200_000)]
    started = time.monotonic()
    result = cast(pa.array(texts), pa.int64())
    assert result.values.null_count == 100_000
    assert time.monotonic() - started < 10


def test_importing_cast_does_not_import_the_kernels() -> None:

    code = "import starhaul.convert.conversion, sys; assert 'pyarrow.compute' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)
