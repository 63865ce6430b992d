from __future__ import annotations

import pyarrow as pa
import pytest

import starhaul
from starhaul import native_type, parse_type, with_native_type


def test_native_type_travels_beside_other_metadata() -> None:
    field = with_native_type(pa.field("a", pa.string(), metadata={"comment": "x"}), "VARCHAR(30)")
    assert native_type(field) == "VARCHAR(30)"
    assert field.metadata[b"comment"] == b"x"
    assert native_type(pa.field("a", pa.string())) is None


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("bool", pa.bool_()),
        ("Boolean", pa.bool_()),
        ("LONG", pa.int64()),
        (" uint64 ", pa.uint64()),
        ("float", pa.float32()),
        ("double", pa.float64()),
        ("string", pa.string()),
        ("bytes", pa.binary()),
        ("binary(16)", pa.binary(16)),
        ("decimal(15,2)", pa.decimal128(15, 2)),
        ("decimal(38)", pa.decimal128(38, 0)),
        ("Decimal( 39 , 10 )", pa.decimal256(39, 10)),
        ("date", pa.date32()),
        ("time", pa.time64("us")),
        ("time(ms)", pa.time32("ms")),
        ("time(NS)", pa.time64("ns")),
        ("timestamp", pa.timestamp("us")),
        ("timestamp(ns)", pa.timestamp("ns")),
        ("timestamp(us, UTC)", pa.timestamp("us", "UTC")),
        ("timestamp(s,Europe/Paris)", pa.timestamp("s", "Europe/Paris")),
        ("timestamp(ms, +05:30)", pa.timestamp("ms", "+05:30")),
        ("duration", pa.duration("us")),
        ("json", pa.json_()),
        ("uuid", pa.uuid()),
    ],
)
def test_names(text: str, expected: pa.DataType) -> None:
    assert parse_type(text) == expected


@pytest.mark.parametrize(
    "declared",
    [
        pa.null(), pa.bool_(), pa.int8(), pa.uint16(), pa.int64(), pa.float32(), pa.float64(), pa.decimal128(15, 2),
        pa.decimal256(76, 38), pa.string(), pa.large_string(), pa.binary(), pa.large_binary(), pa.binary(4),
        pa.date32(), pa.date64(), pa.time32("s"), pa.time64("ns"), pa.duration("ms"), pa.timestamp("ns"),
        pa.timestamp("us", "America/New_York"), pa.timestamp("s", "-03:00"), pa.decimal256(9, 2),
    ],
)  # fmt: skip
def test_arrows_own_spelling_is_understood(declared: pa.DataType) -> None:
    assert parse_type(str(declared)) == declared


@pytest.mark.parametrize(
    "text",
    [
        "", "int", "varchar(30)", "decimal", "decimal()", "decimal(x)", "decimal(77,0)", "decimal(5,2,1)", "decimal(0)",
        "int64(3)", "time(min)", "timestamp(us, Nowhere/Land)", "timestamp(us, ../etc/passwd)", "timestamp(us, +25:00)",
        "timestamp(us", "date(us)", "binary(-4)", "binary(0)", "timestamp(us, Europe)", "timestamp(us,)",
    ],
)  # fmt: skip
def test_what_is_no_type_is_refused_with_a_sentence(text: str) -> None:
    with pytest.raises(ValueError, match=r"is not a type; types are"):
        parse_type(text)


def test_it_is_public() -> None:
    assert starhaul.parse_type is parse_type
