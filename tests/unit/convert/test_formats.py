"""Patterns, time zones and encodings."""

from __future__ import annotations

import datetime as dt
from zoneinfo import ZoneInfo

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from starhaul import ConfigError, Formats, cast
from starhaul.convert.classify import Fit, classify


def fitting(values: list[object], source: pa.DataType, target: pa.DataType, formats: Formats) -> list[object]:
    return list(cast(pa.array(values, source), target, formats).values.to_pylist())


@pytest.mark.parametrize(
    ("pattern", "text"),
    [
        ("yyyy-MM-dd HH:mm:ss", "2024-02-29 13:05:09"),
        ("yyyyMMddHHmmss", "20240229130509"),
        ("yyyy/M/d H:m:s", "2024/2/29 13:5:9"),
        ("dd.MM.yyyy'T'HH:mm:ss.SSS", "29.02.2024T13:05:09.000"),
        ("yyyy年MM月dd日 HH时mm分ss秒", "2024年02月29日 13时05分09秒"),
        ("yyyy-MM-dd'o''clock'HH:mm:ss", "2024-02-29o'clock13:05:09"),
        ("yyyyMMddHHmmssSSSSSS", "20240229130509000000"),
        ("uuuu-MM-dd HH:mm:ss.S", "2024-02-29 13:05:09.0"),
    ],
)
@pytest.mark.parametrize("source", [pa.string(), pa.large_string(), pa.string_view()])
def test_patterns_both_ways(pattern: str, text: str, source: pa.DataType) -> None:
    formats = Formats(datetime=pattern)
    moment = dt.datetime(2024, 2, 29, 13, 5, 9)
    wrong = [text + " ", " " + text, text[:-1] + "x", "2024-02-29T13:05:09", "", text.replace("29", "30", 1)]
    assert fitting([text, None, *wrong], source, pa.timestamp("us"), formats) == [moment, None] + [None] * len(wrong)
    assert fitting([moment, None], pa.timestamp("us"), source, formats) == [text, None]


@settings(max_examples=150, deadline=None)
@given(st.datetimes(), st.sampled_from(["yyyyMMddHHmmssSSSSSS", "yyyy-M-d H:m:s.SSSSSS", "SSSSSS ss mm HH dd MM yyyy"]))
def test_patterns_return_what_they_were_given(moment: dt.datetime, pattern: str) -> None:
    formats = Formats(datetime=pattern)
    text = fitting([moment], pa.timestamp("us"), pa.string(), formats)
    assert fitting(text, pa.string(), pa.timestamp("us"), formats) == [moment]


def test_what_a_pattern_would_not_show_does_not_fit() -> None:
    moments: list[object] = [
        dt.datetime(2024, 1, 1),
        dt.datetime(2024, 1, 1, 0, 0, 1),
        dt.datetime(2024, 1, 1, 0, 0, 0, 5),
    ]
    assert fitting(moments, pa.timestamp("us"), pa.string(), Formats(datetime="yyyy-MM-dd")) == [
        "2024-01-01",
        None,
        None,
    ]
    seconds = Formats(datetime="yyyy-MM-dd HH:mm:ss")
    assert fitting(moments, pa.timestamp("us"), pa.string(), seconds)[2] is None


def test_patterns_of_dates_and_times() -> None:
    day, noon = dt.date(2024, 2, 29), dt.time(12, 30, 5)
    assert fitting(["29.02.2024", "30.02.2024"], pa.string(), pa.date32(), Formats(date="dd.MM.yyyy")) == [day, None]
    assert fitting([day], pa.date64(), pa.string(), Formats(date="yyyy/M/d")) == ["2024/2/29"]
    full = Formats(date="yyyy-MM-dd HH:mm:ss")
    texts: list[object] = ["2024-02-29 00:00:00", "2024-02-29 00:00:01"]
    assert fitting(texts, pa.string(), pa.date32(), full) == [day, None]
    assert fitting([day], pa.date32(), pa.string(), full) == ["2024-02-29 00:00:00"]
    assert fitting(["123005", "243005"], pa.string(), pa.time32("s"), Formats(time="HHmmss")) == [noon, None]
    assert fitting([noon], pa.time64("us"), pa.string(), Formats(time="HH.mm.ss")) == ["12.30.05"]


@pytest.mark.parametrize(
    ("zone", "texts"),
    [
        ("Z", ["2024-07-01 12:00:00 +0530", "2024-07-01 12:00:00 -0000"]),
        ("XXX", ["2024-07-01 12:00:00 +05:30", "2024-07-01 12:00:00 Z"]),
        ("XX", ["2024-07-01 12:00:00 +0530", "2024-07-01 12:00:00 Z"]),
        ("X", ["2024-07-01 12:00:00 +05", "2024-07-01 12:00:00 Z"]),
    ],
)
def test_zones_in_patterns(zone: str, texts: list[object]) -> None:
    formats = Formats(datetime=f"yyyy-MM-dd HH:mm:ss {zone}")
    first = (
        dt.datetime(2024, 7, 1, 7, 0, tzinfo=dt.UTC) if zone == "X" else dt.datetime(2024, 7, 1, 6, 30, tzinfo=dt.UTC)
    )
    moments = [first, dt.datetime(2024, 7, 1, 12, tzinfo=dt.UTC)]
    assert fitting(texts, pa.string(), pa.timestamp("us", "UTC"), formats) == moments


def test_instants_are_written_by_the_clocks_of_the_zone_that_is_set() -> None:
    instant = pa.timestamp("ms", "UTC")
    moments: list[object] = [dt.datetime(2024, 7, 1, 4, tzinfo=dt.UTC), dt.datetime(1890, 1, 1, tzinfo=dt.UTC)]
    formats = Formats(datetime="yyyy-MM-dd HH:mm:ssXXX", time_zone="Asia/Shanghai")
    # In 1890 the clocks of Shanghai were 8:05:43 ahead, which the pattern cannot tell.
    assert fitting(moments, instant, pa.string(), formats) == ["2024-07-01 12:00:00+08:00", None]
    plain = Formats(datetime="yyyy-MM-dd HH:mm:ss", time_zone="Asia/Shanghai")
    assert fitting(moments[:1], instant, pa.string(), plain) == ["2024-07-01 12:00:00"]
    assert classify(instant, pa.string(), Formats(datetime="yyyy-MM-dd HH:mm:ss")) is Fit.IMPOSSIBLE
    assert classify(pa.timestamp("ms"), pa.string(), Formats(datetime="yyyy-MM-dd HH:mm:ssZ")) is Fit.IMPOSSIBLE


@pytest.mark.parametrize(
    ("formats", "problem"),
    [
        (Formats(datetime="yyyy-MM-dd hh:mm:ss"), "'hh', which is not supported"),
        (Formats(datetime="yy-MM-dd"), "'yy', which is not supported"),
        (Formats(datetime="yyyy-MMM-dd"), "'MMM', which is not supported"),
        (Formats(datetime="yyyy-MM"), "lacks d"),
        (Formats(datetime="yyyy-MM-dd ss"), "lacks m"),
        (Formats(datetime="yyyy-MM-dd yyyy"), "a field twice"),
        (Formats(datetime="yyyy-MM-dd 'T"), "a quote that is not closed"),
        (Formats(datetime="yyyyMdd"), "M right before other digits"),
    ],
)
def test_patterns_that_are_not_understood(formats: Formats, problem: str) -> None:
    with pytest.raises(ConfigError, match=problem):
        cast(pa.array(["x"]), pa.timestamp("us"), formats)


def test_unknown_zones_and_encodings() -> None:
    with pytest.raises(ConfigError, match="unknown time zone 'Nowhere/City'"):
        classify(pa.timestamp("us"), pa.timestamp("us", "UTC"), Formats(time_zone="Nowhere/City"))
    with pytest.raises(ConfigError, match="unknown encoding 'utf-9'"):
        classify(pa.binary(), pa.string(), Formats(encoding="utf-9"))


@settings(max_examples=200, deadline=None)
@given(
    st.datetimes(dt.datetime(1900, 1, 1), dt.datetime(2200, 1, 1)),
    st.sampled_from(
        ["America/New_York", "Europe/Berlin", "Asia/Shanghai", "Australia/Lord_Howe", "Asia/Kathmandu", "UTC"]
    ),
)
def test_zones_agree_with_zoneinfo_also_after_2037(moment: dt.datetime, zone: str) -> None:
    moment = moment.replace(microsecond=0)
    formats, clock = Formats(time_zone=zone), ZoneInfo(zone)
    first, second = (moment.replace(tzinfo=clock, fold=fold).astimezone(dt.UTC) for fold in (0, 1))
    wanted = first if first == second else None
    assert fitting([moment], pa.timestamp("s"), pa.timestamp("s", "UTC"), formats) == [wanted]
    shown = moment.replace(tzinfo=dt.UTC).astimezone(clock)
    unique = shown.replace(fold=0).utcoffset() == shown.replace(fold=1).utcoffset()
    local = shown.replace(tzinfo=None) if unique else None
    assert fitting([moment], pa.timestamp("s", "UTC"), pa.timestamp("s"), formats) == [local]


def test_fixed_offsets_are_zones() -> None:
    formats = Formats(time_zone="+05:30")
    noon = dt.datetime(2050, 7, 1, 12)
    wanted = dt.datetime(2050, 7, 1, 6, 30, tzinfo=dt.UTC)
    assert fitting([noon], pa.timestamp("us"), pa.timestamp("us", "UTC"), formats) == [wanted]


def test_encodings_reject_what_they_cannot_hold() -> None:
    gbk = Formats(encoding="gbk")
    assert fitting(["中文", "é😀", None], pa.string(), pa.binary(), gbk) == ["中文".encode("gbk"), None, None]
    assert fitting(["中文".encode("gbk"), b"\xff\xff", None], pa.binary(), pa.string(), gbk) == ["中文", None, None]
    # What would not come back as the same bytes does not fit: utf-8-sig writes a byte order mark.
    assert fitting([b"\xef\xbb\xbfa", b"a"], pa.binary(), pa.string(), Formats(encoding="utf-8-sig")) == ["a", None]
