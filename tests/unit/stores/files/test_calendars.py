"""Days before 1582-10-15, in files of makers that count them by the Julian calendar and of makers that do not."""

from __future__ import annotations

from datetime import date, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import fastavro
import pyarrow as pa
import pyarrow.orc
import pyarrow.parquet
import pyorc
import pytest

from starhaul import PermanentError
from starhaul_stores.files.formats import orc_tail
from starhaul_stores.files.formats.calendars import TODAYS, Calendar, Rule, of_orc, of_parquet
from starhaul_stores.files.formats.orc_tail import ProlepticTail, is_proleptic
from tests import txtfile

DAYS = [
    date(1, 1, 1),
    date(1500, 2, 28),
    None,
    date(1500, 3, 1),
    date(1582, 10, 4),
    date(1582, 10, 15),
    date(2024, 1, 2),
]
TIMES = [None if day is None else datetime(day.year, day.month, day.day, 23, 59, 59, 999999) for day in DAYS]
MENDED, REFUSED = Rule.MENDED, Rule.REFUSED


def julian(day: date) -> int:
    """Days from 1970-01-01 to the day of the same name in the Julian calendar (before 1582-10-15)."""
    year, month = (day.year, day.month) if day.month > 2 else (day.year - 1, day.month + 12)
    return 365 * year + year // 4 + (153 * (month - 3) + 2) // 5 + day.day - 1 - 719_470


def table() -> pa.Table:
    """What stands in a file of the Julian calendar for `DAYS`, and the last microsecond of each. By today's calendar
    the first is in the year 0, which Python lacks."""
    days = [None if day is None else day.toordinal() - 719_163 for day in DAYS]
    days = [
        day if each is None or each >= date(1582, 10, 15) else julian(each)
        for day, each in zip(days, DAYS, strict=True)
    ]
    rest = 86_400_000_000 - 1
    times = [None if day is None else day * (rest + 1) + rest for day in days]
    return pa.table(
        {"d": pa.array(days, pa.int32()).view(pa.date32()), "at": pa.array(times, pa.int64()).view(pa.timestamp("us"))}
    )


AS_TODAYS = table().slice(1)["d"].to_pylist()
"""All but the first, by the calendar of today."""


def read(path: Path, form: str) -> pa.Table:
    rows, reasons = txtfile.read(txtfile.reader(path, fileFormat=form))
    assert reasons == []
    return rows


def test_every_month_of_the_julian_calendar() -> None:
    days = [date(year, month, number) for year in range(1, 1583) for month in range(1, 13) for number in (1, 28)]
    days = [day for day in days if day < date(1582, 10, 5)]
    values = pa.array([julian(day) for day in days], pa.int32()).view(pa.date32())
    assert Calendar(dates=MENDED).column(values, "d", "x").to_pylist() == days
    leap = pa.array([julian(date(1500, 3, 1)) - 1], pa.int32()).view(pa.date32())
    assert Calendar(dates=MENDED).column(leap, "d", "x").to_pylist() == [date(1500, 3, 1)]


def put_parquet(path: Path, rows: pa.Table, metadata: dict[str, str]) -> None:
    pa.parquet.write_table(rows.replace_schema_metadata(metadata), path)


def test_parquet_by_the_word_of_hive(tmp_path: Path) -> None:
    put_parquet(tmp_path / "x", table(), {"writer.date.proleptic": "false"})
    rows = read(tmp_path, "parquet")
    assert rows["d"].to_pylist() == DAYS
    assert rows["at"].equals(table()["at"]), "Hive's INT64 count by today's calendar"
    for metadata in ({"writer.date.proleptic": "true"}, {}, {"org.apache.spark.version": "3.5.1"}):
        put_parquet(tmp_path / "x", table(), metadata)
        assert read(tmp_path, "parquet").equals(table())


@pytest.mark.parametrize(
    "told",
    [
        {"org.apache.spark.version": "2.4.8"},
        {"org.apache.spark.version": "3.5.1", "org.apache.spark.legacyDateTime": ""},
    ],
)
def test_parquet_of_old_spark(tmp_path: Path, told: dict[str, str]) -> None:
    put_parquet(tmp_path / "x", table().select(["d"]), told)
    assert read(tmp_path, "parquet")["d"].to_pylist() == DAYS
    put_parquet(tmp_path / "x", table().slice(5), told)
    assert read(tmp_path, "parquet").equals(table().slice(5))
    put_parquet(tmp_path / "x", table(), told)
    with pytest.raises(
        PermanentError, match="'at' holds days before 1582-10-15 by the Julian calendar, in a time zone"
    ):
        read(tmp_path, "parquet")
    put_parquet(tmp_path / "x", pa.table({"n": pa.array([[each] for each in AS_TODAYS])}), told)
    with pytest.raises(PermanentError, match="'n' holds days before 1582-10-15 by the Julian calendar, in values that"):
        read(tmp_path, "parquet")


OLD_SPARK = Calendar(MENDED, REFUSED, REFUSED)


@pytest.mark.parametrize(
    ("made_by", "schema", "metadata", "of_int96", "of_others"),
    [
        ("parquet-mr version 1.8.1 (build 1)", "hive_schema", {}, Calendar(times=MENDED), Calendar(dates=MENDED)),
        ("parquet-mr version 1.13", "hive_schema", {b"writer.date.proleptic": b"true"}, Calendar(times=MENDED), TODAYS),
        ("parquet-mr version 1.10.1", "spark_schema", {}, OLD_SPARK, OLD_SPARK),
        ("parquet-mr version 1.10.1", "spark_schema", {b"org.apache.spark.version": b"3.0.1"}, OLD_SPARK, TODAYS),
        ("parquet-mr version 1.13.1", "spark_schema", {b"org.apache.spark.version": b"3.10.0"}, TODAYS, TODAYS),
        ("parquet-mr version 1.13.1", "table", {}, TODAYS, TODAYS),
        ("parquet-cpp-arrow version 26.0.1", "hive_schema", {}, TODAYS, TODAYS),
        (None, "hive_schema", None, TODAYS, TODAYS),
    ],
)  # fmt: skip
def test_who_made_parquet(made_by: Any, schema: str, metadata: Any, of_int96: Calendar, of_others: Calendar) -> None:
    shown = f"<pyarrow._parquet.ParquetSchema object at 0x7f1a>\nrequired group field_id=-1 {schema} {{\n}}"
    file = SimpleNamespace(metadata=SimpleNamespace(metadata=metadata, created_by=made_by), schema=shown)
    assert of_parquet(file, None) == (of_int96, of_others)


def test_makers_that_counted_by_either() -> None:
    shown = "required group field_id=-1 hive_schema {"
    file = SimpleNamespace(metadata=SimpleNamespace(metadata={}, created_by="parquet-mr version 1.10.1"), schema=shown)
    tail = b"\x0a\x02\x30\x07\x12\x02\x40\x01"
    orc = SimpleNamespace(reader=SimpleNamespace(serialized_file_tail=lambda: tail))
    for word, rule in ((None, Rule.UNTOLD), ("julian", MENDED), ("gregorian", Rule.KEPT)):
        assert of_parquet(file, word) == (Calendar(times=rule), Calendar(dates=rule))
        assert of_orc(orc, word).dates is of_orc(orc, word).times is rule
    assert of_orc(orc, "julian").instants is REFUSED
    old, late = table()["d"].chunk(0), table()["d"].chunk(0).slice(5)
    calendar = of_orc(orc, None)
    assert calendar.column(late, "d", "x") is late
    for values in (old, pa.array([[AS_TODAYS[0]]])):
        with pytest.raises(PermanentError, match="'d' holds days before 1582-10-15, and the file does not tell by"):
            calendar.column(values, "d", "x")


def test_orc(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pa.orc.write_table(table(), str(tmp_path / "x"))
    assert read(tmp_path, "orc").equals(table()), "ORC for C++ says nothing, and knows but one calendar"
    with (tmp_path / "x").open("wb") as file, pyorc.Writer(file, "struct<d:date>") as writer:
        writer.write((date(1, 1, 1),))
    assert read(tmp_path, "orc")["d"].to_pylist() == [date(1, 1, 1)]
    for word, expected in ((b"\x58\x02", AS_TODAYS), (b"\x58\x01", DAYS[1:])):
        monkeypatch.setattr(orc_tail, "_CALENDAR", word)
        with (tmp_path / "x").open("wb", buffering=0) as raw:
            tail = ProlepticTail(raw)
            pa.orc.write_table(table().slice(1), pa.PythonFile(tail, mode="w"))
            tail.finish()
        rows = read(tmp_path, "orc")
        assert rows["d"].to_pylist() == expected
        assert rows["at"].to_pylist()[:1] == [datetime.combine(expected[0], TIMES[1].time())]  # type: ignore[union-attr,arg-type]


def test_footers_of_orc() -> None:
    def tail(footer: bytes, version: int = 6) -> bytes:
        return b"\x0a\x02\x30" + bytes([version]) + b"\x12" + bytes([len(footer)]) + footer + b"\x18\xcd\x01"

    java, cpp, trino = b"", b"\x48\x01", b"\x48\x04"
    assert [is_proleptic(tail(each)) for each in (java, b"\x48\x00", cpp, trino)] == [False, False, True, True]
    assert [is_proleptic(tail(java, 7)), is_proleptic(tail(b"\x58\x01", 9))] == [None, False]
    assert [is_proleptic(tail(cpp + b"\x58" + each)) for each in (b"\x00", b"\x01", b"\x02")] == [True, False, True]
    assert is_proleptic(tail(b"\x1a\x02\x08\x03\x58\x02"))


SCHEMA = {"type": "record", "name": "r", "fields": [
    {"name": "d", "type": ["null", {"type": "int", "logicalType": "date"}]},
    {"name": "at", "type": ["null", {"type": "long", "logicalType": "timestamp-millis"}]},
]}  # fmt: skip


def test_avro(tmp_path: Path) -> None:
    days = table()["d"].cast(pa.int32()).to_pylist()
    rows = [{"d": day, "at": None if day is None else day * 86_400_000 + 86_399_999} for day in days]

    def put(rows: list[dict[str, Any]], **metadata: str) -> pa.Table:
        with (tmp_path / "x").open("wb") as file:
            fastavro.writer(
                file, SCHEMA, rows, metadata={key.replace("_", "."): value for key, value in metadata.items()}
            )
        return read(tmp_path, "avro")

    found = put(rows, writer_proleptic="false", writer_time_zone="UTC")
    assert found["d"].to_pylist() == DAYS
    assert [each and each.date() for each in found["at"].to_pylist()] == DAYS
    assert put(rows, writer_proleptic="true")["d"].equals(table()["d"])
    assert put(rows)["d"].equals(table()["d"])
    assert put([{**row, "at": None} for row in rows], org_apache_spark_version="2.4.8")["d"].to_pylist() == DAYS
    for metadata in ({"writer_proleptic": "false"}, {"org_apache_spark_version": "2.4.8"}):
        with pytest.raises(PermanentError, match="'at' holds"):
            put(rows, **metadata)
