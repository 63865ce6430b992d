"""Parquet's schemas as text, and the Arrow types of their fields."""

from __future__ import annotations

import pyarrow as pa
import pytest

from starhaul_stores.files.parquet_schema import Node, message
from starhaul_stores.files.parquet_types import arrow_field, expect_together


def field(text: str) -> pa.Field:
    (node,) = message(f"message m {{ {text} }}")
    return arrow_field(node)


def test_a_message() -> None:
    text = """message hive_schema {
        required INT64 id = 1;
        optional binary 名 (UTF8);
        optional fixed_len_byte_array(5) price (DECIMAL(10, 2)) = 7;
        optional group tags (LIST) { repeated group list { optional binary element (STRING); } }
    }"""
    assert message(text) == (
        Node("id", "required", "int64", field_id=1),
        Node("名", "optional", "binary", "UTF8"),
        Node("price", "optional", "fixed_len_byte_array", "DECIMAL", ("10", "2"), 5, 7),
        Node("tags", "optional", "group", "LIST", members=(
            Node("list", "repeated", "group", members=(Node("element", "optional", "binary", "STRING"),)),
        )),
    )  # fmt: skip
    assert [str(node) for node in message(text)] == [
        "int64", "binary (UTF8)", "fixed_len_byte_array(5) (DECIMAL(10,2))", "group (LIST)",
    ]  # fmt: skip
    assert message("message{required int32 a;}") == message("MESSAGE m\n{\n\tRequired Int32 a ;\n}\n")


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "line 1: `message` is expected, and the text ends"),
        ("schema {}", "line 1: `message` is expected, and 'schema' stands there"),
        ("message m {\n  required int32 a\n}", "line 3: `;` is expected, and '}' stands there"),
        ("message m {\n  int32 a;\n}", "line 2: `required`, `optional` or `repeated` is expected, and 'int32'"),
        ("message m {\n\n  required string a;\n}", r"line 3: a type \(boolean, .*\) or `group` is expected, and 'stri"),
        ("message m { required int32; }", "line 1: a name is expected, and ';' stands there"),
        ("message m { required int32 a;", "`required`, `optional` or `repeated` is expected, and the text ends"),
        ("message m { required int32 a; } x", "line 1: the end is expected, and 'x' stands there"),
        ("message m { required fixed_len_byte_array a; }", r"line 1: `\(` is expected, and 'a' stands there"),
        ("message m { required fixed_len_byte_array(x) a; }", "the number of bytes is expected, and 'x' stands there"),
        ("message m { required binary a (TEXT); }", r"what the values mean \(`UTF8`, .* and 'TEXT' stands there"),
        ("message m { required int32 a (DECIMAL(9,2); }", r"line 1: `\)` is expected, and ';' stands there"),
        ("message m { required int32 a = one; }", "a number is expected, and 'one' stands there"),
        ("message m { }", "there is no field between"),
        ("message m { required int32 a; optional int64 a; }", "two fields have the name 'a'"),
    ],
)
def test_what_is_no_message(text: str, problem: str) -> None:
    with pytest.raises(ValueError, match=problem):
        message(text)


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("boolean a", pa.bool_()), ("int32 a", pa.int32()), ("int64 a", pa.int64()), ("float a", pa.float32()),
        ("double a", pa.float64()), ("binary a", pa.binary()), ("binary a (UTF8)", pa.string()),
        ("binary a (STRING)", pa.string()), ("int96 a", pa.timestamp("us")), ("int32 a (DATE)", pa.date32()),
        ("fixed_len_byte_array(3) a", pa.binary(3)), ("int32 a (INT_8)", pa.int8()), ("int64 a (INT_64)", pa.int64()),
        ("int32 a (INTEGER(16,true))", pa.int16()), ("int64 a (INTEGER(64, false))", pa.uint64()),
        ("int32 a (TIME_MILLIS)", pa.time32("ms")), ("int64 a (TIME(NANOS,false))", pa.time64("ns")),
        ("int64 a (TIMESTAMP_MILLIS)", pa.timestamp("ms", "UTC")),
        ("int64 a (TIMESTAMP(MICROS,true))", pa.timestamp("us", "UTC")),
        ("int64 a (TIMESTAMP(NANOS,false))", pa.timestamp("ns")),
        ("int32 a (DECIMAL(9,2))", pa.decimal128(9, 2)), ("int64 a (DECIMAL(18))", pa.decimal128(18, 0)),
        ("fixed_len_byte_array(16) a (DECIMAL(38,10))", pa.decimal128(38, 10)),
        ("fixed_len_byte_array(1) a (DECIMAL(2,2))", pa.decimal128(2, 2)),
        ("fixed_len_byte_array(32) a (DECIMAL(76,0))", pa.decimal256(76, 0)),
    ],
)  # fmt: skip
def test_types_of_fields(text: str, kind: pa.DataType) -> None:
    assert field(f"required {text};") == pa.field("a", kind, nullable=False)
    assert field(f"optional {text};") == pa.field("a", kind)


def test_groups() -> None:
    inner = "required binary key (UTF8); optional int64 value;"
    assert field(f"required group m (MAP) {{ repeated group key_value {{ {inner} }} }}") == pa.field(
        "m", pa.map_(pa.string(), pa.int64()), nullable=False
    )
    (items,) = message("message m { optional group l (LIST) { repeated group list { required int32 element; } } }")
    assert arrow_field(items).type.value_field == pa.field("element", pa.int32(), nullable=False)
    assert field("optional group s { required int64 id; }").type == pa.struct([pa.field("id", pa.int64(), False)])
    assert field("optional int32 a = 5;").metadata == {b"PARQUET:field_id": b"5"}


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("repeated int32 a;", "'a' is `repeated` outside of a LIST or MAP"),
        ("required binary a (ENUM);", r"'a' is binary \(ENUM\), which cannot be written; `binary \(UTF8\)` is text"),
        ("required int32 a (UTF8);", r"'a' is int32 \(UTF8\), which cannot be written"),
        ("required int32 a (TIMESTAMP_MILLIS);", "cannot be written"),
        ("required int64 a (TIME_MILLIS);", "cannot be written"),
        ("required int64 a (TIMESTAMP(SECONDS,true));", "cannot be written"),
        ("required int64 a (TIMESTAMP(MILLIS));", "cannot be written"),
        ("required int96 a (UTF8);", "cannot be written"),
        ("required fixed_len_byte_array(0) a;", "cannot be written"),
        ("required binary a (DECIMAL(10,2));", r"cannot be written; write fixed_len_byte_array\(5\) before the name"),
        ("required int32 a (DECIMAL(10,2));", "'a' has 10 digits, and int32 holds 9"),
        ("required int64 a (DECIMAL(9,2));", "9 digits, which are written as int32"),
        ("required int64 a (DECIMAL);", "'a': DECIMAL has a precision and a scale"),
        ("required int64 a (DECIMAL(2,3));", "'a': DECIMAL has a precision and a scale"),
        ("required fixed_len_byte_array(16) a (DECIMAL(10,2));", r"10 digits are written as fixed_len_byte_array\(5\)"),
        ("optional group l (LIST) { repeated int32 item; }", "'l': LIST is written as `repeated group list "),
        ("optional group l (LIST) { repeated group bag { optional int32 array_element; } }", "'l': LIST is written as"),
        ("optional group m (MAP) { repeated group key_value { required int32 key; } }", "'m': MAP is written as"),
        (
            "optional group m (MAP) { repeated group key_value { optional int32 key; optional int32 value; } }",
            "the key of 'm' must be `required`",
        ),
        ("optional group g (UTF8) { required int32 a; }", r"'g' is group \(UTF8\), which cannot be written"),
    ],
)
def test_fields_that_cannot_be_written(text: str, problem: str) -> None:
    with pytest.raises(ValueError, match=problem):
        field(text)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("optional int96 a; optional int64 b (TIMESTAMP_MILLIS);", "'a' is int96 and 'b' is not"),
        ("optional group g { optional int96 a; }", "'a' is int96 inside a group"),
        ("optional int32 a (TIME_MILLIS); optional int64 b (TIME(MICROS,false));", "some times of day are UTC"),
        (
            "optional int32 a (DECIMAL(9,2)); optional fixed_len_byte_array(4) b (DECIMAL(9,2));",
            "'b' is a decimal in bytes, and others are integers",
        ),
    ],
)
def test_fields_that_cannot_stand_together(text: str, problem: str) -> None:
    with pytest.raises(ValueError, match=problem):
        expect_together(message(f"message m {{ {text} }}"))
    large = "optional int32 a (DECIMAL(9,2)); optional fixed_len_byte_array(16) b (DECIMAL(38,2)); optional int96 c;"
    expect_together(message(f"message m {{ {large} }}"))
