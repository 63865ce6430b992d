"""DataX's matrix of conversions, cell by cell."""

from __future__ import annotations

import datetime as dt
import math
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from starhaul.api.formats import Formats
from starhaul.convert.cast import cast
from starhaul.convert.classify import Fit, classify

DATAX = Formats(datax=True)
SHANGHAI = dt.timezone(dt.timedelta(hours=8))
BAD = object()
"""Stands for a value that makes a bad row."""

LONG, DOUBLE, STRING = pa.int64(), pa.float64(), pa.string()
DATETIME, DATE, TIME, INSTANT = pa.timestamp("us"), pa.date32(), pa.time64("us"), pa.timestamp("us", "UTC")
BOOL, BYTES = pa.bool_(), pa.binary()


def converted(values: list[Any], source: pa.DataType, target: pa.DataType, formats: Formats = DATAX) -> list[Any]:
    found = cast(pa.array(values, source), target, formats)
    assert found.values.type == target
    bad = [False] * len(values) if found.bad is None else found.bad.to_pylist()
    return [BAD if wrong else value for value, wrong in zip(found.values.to_pylist(), bad, strict=True)]


LATE = dt.datetime(1969, 12, 31, 23, 59, 59)


def noon(microsecond: int = 0) -> dt.datetime:
    return dt.datetime(2024, 2, 29, 12, 30, 15, microsecond)


MS = int(noon().replace(tzinfo=SHANGHAI).timestamp() * 1000)

CELLS: dict[tuple[str, str], list[tuple[pa.DataType, pa.DataType, dict[Any, Any]]]] = {
    ("Long", "Long"): [
        (LONG, pa.int8(), {1: 1, -128: -128, 128: BAD}),
        (pa.uint64(), LONG, {2**63 - 1: 2**63 - 1, 2**63: BAD}),
    ],
    ("Long", "Double"): [
        (LONG, DOUBLE, {3: 3.0, 2**53 + 1: 2.0**53}),
        (LONG, pa.decimal128(5, 2), {3: Decimal("3.00"), 1000: BAD, -999: Decimal("-999.00")}),
        (LONG, pa.float32(), {16777217: 16777216.0}),
    ],
    ("Long", "String"): [(LONG, STRING, {-7: "-7", 2**62: str(2**62)})],
    ("Long", "Date"): [
        (LONG, DATETIME, {MS: noon(), 0: dt.datetime(1970, 1, 1, 8), -1: dt.datetime(1970, 1, 1, 7, 59, 59, 999000)}),
        (LONG, INSTANT, {MS: noon().replace(tzinfo=SHANGHAI), 2**62: BAD}),
        (LONG, DATE, {MS: dt.date(2024, 2, 29), -(8 * 3600_000) - 1: dt.date(1969, 12, 31)}),
        (LONG, TIME, {MS + 5: dt.time(12, 30, 15, 5000)}),
        (pa.int32(), pa.timestamp("s"), {1999: dt.datetime(1970, 1, 1, 8, 0, 1)}),
    ],
    ("Long", "Bool"): [(LONG, BOOL, {0: False, 1: True, -5: True})],
    ("Long", "Bytes"): [(LONG, BYTES, {1: BAD})],
    ("Double", "Long"): [
        (DOUBLE, LONG, {12.9: 12, -12.9: -12, 0.5: 0, 1e300: BAD, math.inf: BAD, math.nan: BAD}),
        (DOUBLE, pa.int8(), {127.9: 127, 128.0: BAD}),
        (pa.decimal128(10, 2), LONG, {Decimal("12.99"): 12, Decimal("-0.99"): 0}),
        (pa.float32(), pa.int32(), {1.5: 1}),
    ],
    ("Double", "Double"): [
        (DOUBLE, pa.float32(), {0.1: 0.10000000149011612, 1e300: BAD, math.inf: math.inf}),
        (DOUBLE, pa.decimal128(6, 2), {1.005: Decimal("1.01"), 2.5: Decimal("2.50"), 12345.6: BAD, math.inf: BAD}),
        (pa.decimal128(10, 3), pa.decimal128(4, 1), {Decimal("2.250"): Decimal("2.3"),
                                                    Decimal("-2.250"): Decimal("-2.3"), Decimal("999.960"): BAD}),
        (pa.decimal128(38, 20), DOUBLE, {Decimal("0.10000000000000000001"): 0.1}),
        (DOUBLE, DOUBLE, {0.1: 0.1}),
    ],
    ("Double", "String"): [
        (DOUBLE, STRING, {1.0: "1.0", 0.1: "0.1", 1e10: "10000000000", 1e7: "10000000", 12345678.9: "12345678.9",
                          9999999.0: "9999999.0", 0.001: "0.001", 1e-4: "0.00010", 1.5e-7: "0.00000015", 0.0: "0.0",
                          -2.5: "-2.5", 1e22: "1" + "0" * 22, math.nan: "NaN", math.inf: "Infinity",
                          -math.inf: "-Infinity", 1.2345678e7: "12345678"}),
        (pa.decimal128(10, 2), STRING, {Decimal("1.50"): "1.50"}),
        (pa.float32(), STRING, {1.5: "1.5"}),
    ],
    ("Double", "Date"): [(DOUBLE, DATETIME, {1.0: BAD}), (pa.decimal128(5, 2), DATE, {Decimal("1.00"): BAD})],
    ("Double", "Bool"): [(DOUBLE, BOOL, {1.0: BAD, 0.0: BAD})],
    ("Double", "Bytes"): [(DOUBLE, BYTES, {1.0: BAD})],
    ("String", "Long"): [
        (STRING, LONG, {"12.9": 12, "-12.9": -12, "+5": 5, "007": 7, "1e3": 1000, "1.5E1": 15, ".5": 0, "5.": 5,
                        "": BAD, " 5": BAD, "NaN": BAD, "Infinity": BAD, "abc": BAD, "0x10": BAD, "1_000": BAD,
                        "9223372036854775807": 2**63 - 1, "9223372036854775808": BAD, "1e400": BAD, "-0": 0,
                        "1e999999999999": BAD}),
        (pa.large_string(), pa.uint8(), {"255.9": 255, "-0.5": 0, "256": BAD}),
    ],
    ("String", "Double"): [
        (STRING, DOUBLE, {"0.1": 0.1, "+1e3": 1000.0, "9007199254740993": 9007199254740992.0, "Infinity": math.inf,
                          "-Infinity": -math.inf, "1e999": BAD, "inf": BAD, "": BAD, "1,5": BAD, "0x1p3": BAD}),
        (STRING, pa.decimal128(5, 2), {"1.005": Decimal("1.01"), "-1.005": Decimal("-1.01"), "1e2": Decimal("100.00"),
                                       "999.995": BAD, "NaN": BAD, "Infinity": BAD}),
    ],
    ("String", "String"): [(STRING, pa.large_string(), {"x": "x"})],
    ("String", "Date"): [
        (STRING, DATETIME, {
            "2024-02-29 12:30:15": noon(), "2024-02-29 12:30:15.123456": noon(), "2024-02-29": dt.datetime(2024, 2, 29),
            "2024-02-29T12:30:15": dt.datetime(2024, 2, 29), "12:30:15": dt.datetime(1970, 1, 1, 12, 30, 15),
            "20240229": dt.datetime(2024, 2, 29), "2024-13-40": dt.datetime(2025, 2, 9),
            "2024-2-9 1:2:3": dt.datetime(2024, 2, 9, 1, 2, 3), "2023-02-29 00:00:00": dt.datetime(2023, 3, 1),
            "2024-01-01 25:00:00": dt.datetime(2024, 1, 2, 1),
            "2024-01-01 10:00:001": dt.datetime(2024, 1, 1, 10, 0, 1),
            "2024-01-01 10:00:00 and more": dt.datetime(2024, 1, 1, 10), "": BAD, "yesterday": BAD, "2024/01/01": BAD,
            "2024": BAD, "99999-01-01": BAD,
        }),
        (STRING, DATE, {"2024-02-29 23:59:59": dt.date(2024, 2, 29)}),
        (STRING, TIME, {"12:30:15": dt.time(12, 30, 15)}),
        (STRING, INSTANT, {"2024-02-29 12:30:15": noon().replace(tzinfo=SHANGHAI)}),
    ],
    ("String", "Bool"): [(STRING, BOOL, {"true": True, "TRUE": True, "False": False, "1": BAD, "yes": BAD, "": BAD})],
    ("String", "Bytes"): [(STRING, BYTES, {"é": b"\xc3\xa9", "": b""})],
    ("Date", "Long"): [
        (DATETIME, LONG, {noon(microsecond=999): MS, dt.datetime(1970, 1, 1, 7, 59, 59, 999999): -1}),
        (INSTANT, LONG, {dt.datetime(1970, 1, 1, 0, 0, 1, tzinfo=dt.UTC): 1000}),
        (DATE, LONG, {dt.date(1970, 1, 1): -8 * 3600_000}),
        (TIME, LONG, {dt.time(8, 0, 0, 1500): 1}),
        (DATETIME, pa.int32(), {noon(): BAD}),
    ],
    ("Date", "Double"): [(DATETIME, DOUBLE, {noon(): BAD})],
    ("Date", "String"): [
        (DATETIME, STRING, {noon(microsecond=123456): "2024-02-29 12:30:15",
                            dt.datetime(1, 1, 1): "0001-01-01 00:00:00"}),
        (INSTANT, STRING, {noon().replace(tzinfo=dt.UTC): "2024-02-29 20:30:15"}),
        (DATE, STRING, {dt.date(2024, 2, 29): "2024-02-29"}),
        (TIME, STRING, {dt.time(12, 30, 15, 999999): "12:30:15"}),
        (pa.timestamp("ns"), pa.large_string(), {noon(): "2024-02-29 12:30:15"}),
        (pa.timestamp("s"), STRING, {noon(): "2024-02-29 12:30:15"}),
        (pa.time32("s"), STRING, {dt.time(12, 30, 15): "12:30:15"}),
        (pa.date64(), STRING, {dt.date(2024, 2, 29): "2024-02-29"}),
    ],
    ("Date", "Date"): [
        (DATETIME, DATETIME, {noon(microsecond=123456): noon(microsecond=123000),
                              LATE.replace(microsecond=999999): LATE.replace(microsecond=999000)}),
        (DATETIME, DATE, {noon(): dt.date(2024, 2, 29), dt.datetime(1969, 12, 31, 23): dt.date(1969, 12, 31)}),
        (DATETIME, TIME, {noon(microsecond=123456): dt.time(12, 30, 15, 123000),
                          dt.datetime(1969, 12, 31, 23): dt.time(23)}),
        (DATE, DATETIME, {dt.date(2024, 2, 29): dt.datetime(2024, 2, 29)}),
        (DATE, DATE, {dt.date(2024, 2, 29): dt.date(2024, 2, 29)}),
        (TIME, DATETIME, {dt.time(1, 2, 3): dt.datetime(1970, 1, 1, 1, 2, 3)}),
        (TIME, pa.time32("s"), {dt.time(1, 2, 3, 900000): dt.time(1, 2, 3)}),
        (INSTANT, DATETIME, {noon().replace(tzinfo=dt.UTC): dt.datetime(2024, 2, 29, 20, 30, 15)}),
        (INSTANT, DATE, {dt.datetime(2024, 2, 29, 16, tzinfo=dt.UTC): dt.date(2024, 3, 1)}),
        (DATETIME, INSTANT, {noon(): noon().replace(tzinfo=SHANGHAI)}),
        (INSTANT, pa.timestamp("us", "Europe/Paris"), {
            LATE.replace(microsecond=5, tzinfo=dt.UTC): LATE.replace(tzinfo=dt.UTC),
        }),
        (DATETIME, pa.timestamp("s"), {noon(microsecond=5): noon()}),
        (DATETIME, pa.timestamp("ns"), {dt.datetime(3000, 1, 1): BAD}),
    ],
    ("Date", "Bool"): [(DATETIME, BOOL, {noon(): BAD})],
    ("Date", "Bytes"): [(DATE, BYTES, {dt.date(2024, 2, 29): BAD})],
    ("Bool", "Long"): [(BOOL, LONG, {True: 1, False: 0})],
    ("Bool", "Double"): [(BOOL, DOUBLE, {True: 1.0}), (BOOL, pa.decimal128(3, 1), {True: Decimal("1.0")})],
    ("Bool", "String"): [(BOOL, STRING, {True: "true", False: "false"})],
    ("Bool", "Date"): [(BOOL, DATETIME, {True: BAD})],
    ("Bool", "Bool"): [(BOOL, BOOL, {True: True})],
    ("Bool", "Bytes"): [(BOOL, BYTES, {True: BAD})],
    ("Bytes", "Long"): [(BYTES, LONG, {b"1": BAD})],
    ("Bytes", "Double"): [(BYTES, DOUBLE, {b"1": BAD})],
    ("Bytes", "String"): [(BYTES, STRING, {b"\xc3\xa9": "é", b"a\xffb": "a\ufffdb"})],
    ("Bytes", "Date"): [(BYTES, DATETIME, {b"1": BAD})],
    ("Bytes", "Bool"): [(BYTES, BOOL, {b"true": BAD})],
    ("Bytes", "Bytes"): [(BYTES, pa.large_binary(), {b"x": b"x"}), (BYTES, pa.binary(2), {b"xy": b"xy", b"x": BAD})],
}  # fmt: skip

EACH = [
    pytest.param(source, target, cases, id=f"{one}-{other}-{source}-{target}")
    for (one, other), tried in CELLS.items()
    for source, target, cases in tried
]


def test_every_cell_is_tried() -> None:
    columns = ["Long", "Double", "String", "Date", "Bool", "Bytes"]
    assert set(CELLS) == {(one, other) for one in columns for other in columns}


@pytest.mark.parametrize(("source", "target", "cases"), EACH)
def test_cells(source: pa.DataType, target: pa.DataType, cases: dict[Any, Any]) -> None:
    values = [*cases, None]
    assert converted(values, source, target) == [*cases.values(), None]
    for value, expected in cases.items():  # the others have no say in it
        assert converted([value], source, target) == [expected]
    assert converted([], source, target) == []
    assert converted([None], source, target) == [None]


@pytest.mark.parametrize(("source", "target", "cases"), EACH)
def test_nothing_is_refused_before_it_is_seen(source: pa.DataType, target: pa.DataType, cases: dict[Any, Any]) -> None:
    assert classify(source, target, DATAX) is not Fit.IMPOSSIBLE


def test_nan() -> None:
    (found,) = converted(["NaN"], STRING, DOUBLE)
    assert math.isnan(found)
    (found,) = converted([math.nan], DOUBLE, pa.float32())
    assert math.isnan(found)


def test_the_formats_of_the_job() -> None:
    formats = Formats(
        datax=True, datetime="dd.MM.yyyy HH:mm", date="dd.MM.yyyy", time="HH:mm", extra=("yyyy/M/d", "HH-mm"),
        time_zone="UTC",
    )  # fmt: skip
    texts = ["29.02.2024 12:30", "29.02.2024", "12:30", "2024/2/9", "12-30", "noon"]
    assert converted(texts, STRING, DATETIME, formats) == [
        dt.datetime(2024, 2, 29, 12, 30), dt.datetime(2024, 2, 29), dt.datetime(1970, 1, 1, 12, 30),
        dt.datetime(2024, 2, 9), dt.datetime(1970, 1, 1, 12, 30), BAD,
    ]  # fmt: skip
    assert converted([noon()], DATETIME, STRING, formats) == ["29.02.2024 12:30"]
    assert converted([dt.time(12, 30, 15)], TIME, STRING, formats) == ["12:30"]
    assert converted([0], LONG, DATETIME, formats) == [dt.datetime(1970, 1, 1)]


def test_patterns_with_fractions_and_zones() -> None:
    millis = Formats(datax=True, datetime="yyyy-MM-dd HH:mm:ss.SSS")
    assert converted([noon(microsecond=123456)], DATETIME, STRING, millis) == ["2024-02-29 12:30:15.123"]
    assert converted(["2024-02-29 12:30:15.123", "2024-02-29 12:30:15.5"], STRING, DATETIME, millis) == [
        noon(microsecond=123000), noon(microsecond=5000),
    ]  # fmt: skip
    zoned = Formats(datax=True, datetime="yyyy-MM-dd'T'HH:mm:ssXXX")
    assert converted([noon()], DATETIME, STRING, zoned) == ["2024-02-29T12:30:15+08:00"]
    assert converted(["2024-02-29T12:30:15Z", "2024-2-29T12:30:15+01:00"], STRING, DATETIME, zoned) == [
        dt.datetime(2024, 2, 29, 20, 30, 15), dt.datetime(2024, 2, 29, 19, 30, 15),
    ]  # fmt: skip


def test_a_zone_whose_clocks_change() -> None:
    paris = Formats(datax=True, time_zone="Europe/Paris")
    summer = dt.datetime(2024, 7, 1, 12)
    assert converted([summer], DATETIME, LONG, paris) == [
        int(summer.replace(tzinfo=dt.UTC).timestamp() * 1000) - 7200_000
    ]
    assert converted([1719828000000], LONG, DATETIME, paris) == [summer]
    assert converted([dt.datetime(2024, 10, 27, 2, 30)], DATETIME, LONG, paris) == [BAD]


def test_encodings() -> None:
    gbk = Formats(datax=True, encoding="gbk")
    assert converted(["中", "🙂"], STRING, BYTES, gbk) == ["中".encode("gbk"), b"?"]
    assert converted(["中".encode("gbk")], BYTES, STRING, gbk) == ["中"]


def test_types_that_datax_does_not_know() -> None:
    nested = pa.struct([("a", pa.int64())])
    assert converted([{"a": 1}], nested, STRING) == ['{"a":1}']
    assert converted(['{"a": 1}'], STRING, pa.json_()) == ['{"a": 1}']
    assert converted(["12.9"], pa.dictionary(pa.int32(), pa.string()), LONG) == [12]
    assert converted([dt.timedelta(seconds=5)], pa.duration("s"), STRING) == ["00:00:05"]
    assert converted([None], pa.null(), LONG) == [None]


@given(st.lists(st.decimals(allow_nan=False, allow_infinity=False, min_value=-(10**20), max_value=10**20), max_size=4))
@settings(max_examples=150, deadline=None)
def test_any_numeral_as_an_integer(numbers: list[Decimal]) -> None:
    expected = [int(each) if -(2**63) <= int(each) < 2**63 else BAD for each in numbers]
    assert converted([str(each) for each in numbers], STRING, LONG) == expected


@given(st.lists(st.floats(allow_nan=False, allow_infinity=False), max_size=4))
@settings(max_examples=200, deadline=None)
def test_any_number_as_text_is_the_same_number(numbers: list[float]) -> None:
    texts = converted([each + 0.0 for each in numbers], DOUBLE, STRING)
    assert all("e" not in text.lower() for text in texts)
    assert [float(text) for text in texts] == numbers


@given(st.lists(st.datetimes(dt.datetime(1, 1, 2), dt.datetime(9999, 12, 30)), max_size=4))
@settings(max_examples=150, deadline=None)
def test_any_time_is_cut_and_never_rounded(moments: list[dt.datetime]) -> None:
    cut = [each.replace(microsecond=each.microsecond // 1000 * 1000) for each in moments]
    assert converted(moments, DATETIME, DATETIME) == cut
    numbers = converted(moments, DATETIME, LONG)
    assert converted(numbers, LONG, DATETIME) == cut
    texts = converted(moments, DATETIME, STRING)
    assert texts == [f"{each.year:04d}-{each:%m-%d %H:%M:%S}" for each in moments]
    assert converted(texts, STRING, DATETIME) == [each.replace(microsecond=0) for each in moments]
