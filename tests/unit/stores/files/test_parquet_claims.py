"""Parquet files that are held to a job's `parquetSchema` when they are read."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet
import pytest

from starhaul import PermanentError
from starhaul.testing import RecordingTask
from starhaul_readers.txtfile import TxtFileReader
from tests import txtfile


def reader(path: Path, text: str, **more: Any) -> TxtFileReader:
    return txtfile.reader(path, fileFormat="parquet", parquetSchema=text, **more)


def read(source: TxtFileReader) -> tuple[list[dict[str, Any]], list[str]]:
    source.check()
    task = RecordingTask(source.schema())
    batches = [batch for split in source.split(1) for batch in source.read(split, task)]
    return pa.Table.from_batches(batches, schema=task.schema).to_pylist(), [reason for _, reason, _ in task.rejected]


def test_the_fields_of_a_schema_are_what_is_read(tmp_path: Path) -> None:
    table = pa.table({
        "id": pa.array([1, 2], pa.int64()), "raw": [b"\xc3\xbc", b"\xff"], "price": pa.array([None, Decimal("1.5")],
        pa.decimal128(10, 2)), "l": [[1], [2]],
    })  # fmt: skip
    pyarrow.parquet.write_table(table, tmp_path / "x")
    text = (
        "message m { optional binary raw (UTF8); optional int64 id; "
        "optional group l (LIST) { repeated group list { optional int64 element; } } }"
    )
    assert read(reader(tmp_path, text)) == (
        [{"raw": "ü", "id": 1, "l": [1]}],
        ["raw: b'\\xff' does not fit string (expected bytes that are valid utf-8)"],
    )
    plain = "message m { optional binary raw; optional fixed_len_byte_array(5) price (DECIMAL(10,2)); }"
    columns = [{"index": 1, "type": "double"}, {"index": 0, "type": "bytes"}]
    assert read(reader(tmp_path, plain, column=columns)) == (
        [{"price": None, "raw": b"\xc3\xbc"}, {"price": 1.5, "raw": b"\xff"}], [],
    )  # fmt: skip


@pytest.mark.parametrize(
    ("field", "problem"),
    [
        ("optional int32 id", "has the field 'id' as INT64; `parquetSchema` says int32"),
        ("optional int64 other", "has no field 'other', which `parquetSchema` names"),
        (
            "optional fixed_len_byte_array(5) d (DECIMAL(9,2))",
            r"'d' as FIXED_LEN_BYTE_ARRAY\(5\) Decimal\(precision=10, sc",
        ),
        ("optional fixed_len_byte_array(4) d (DECIMAL(10,2))", "the field 'd' as"),
        ("optional fixed_len_byte_array(5) d (DECIMAL(10,3))", "the field 'd' as"),
        ("optional int64 id (TIMESTAMP_MILLIS)", "the field 'id' as INT64; "),
        ("optional int64 at (TIMESTAMP_MILLIS)", "the field 'at' as INT64 Timestamp.*microseconds; .*TIMESTAMP_MILLIS"),
        ("optional int32 day (TIME_MILLIS)", "the field 'day' as INT32 Date; "),
        ("optional int64 l", "the field 'l' as INT64, INT64; `parquetSchema` says int64"),
    ],
)
def test_files_that_contradict_a_schema(tmp_path: Path, field: str, problem: str) -> None:
    good = pa.table({
        "id": [1], "d": pa.array([Decimal(1)], pa.decimal128(10, 2)),
        "at": pa.array([datetime(2024, 1, 1)], pa.timestamp("us")),
        "day": pa.array([datetime(2024, 1, 1).date()]), "l": [{"a": 1, "b": 2}],
    })  # fmt: skip
    pyarrow.parquet.write_table(good, tmp_path / "1")
    with pytest.raises(PermanentError, match=f"/1: has .*{problem.removeprefix('has ')}"):
        reader(tmp_path, f"message m {{ {field}; }}").check()


def test_every_file_is_held_to_the_schema(tmp_path: Path) -> None:
    pyarrow.parquet.write_table(pa.table({"id": [1]}), tmp_path / "1")
    pyarrow.parquet.write_table(pa.table({"id": pa.array([2], pa.int32())}), tmp_path / "2")
    with pytest.raises(PermanentError, match="/2: has the field 'id' as INT32; `parquetSchema` says int64"):
        read(reader(tmp_path, "message m { optional int64 id; }"))
    pyarrow.parquet.write_table(pa.table({"x": [2]}), tmp_path / "2")
    assert read(reader(tmp_path, "message m { optional int64 id; }", missingAsNull=True))[0] == [
        {"id": 1},
        {"id": None},
    ]


@pytest.mark.parametrize(
    ("field", "kind", "value"),
    [
        ("int64 b", pa.int64(), 7),
        ("binary b (UTF8)", pa.string(), "x"),
        ("int96 b", pa.timestamp("us"), datetime(2024, 2, 29)),
        ("fixed_len_byte_array(5) b (DECIMAL(10,2))", pa.decimal128(10, 2), Decimal("1.50")),
        ("group b (LIST) { repeated group list { optional int32 element; } }", pa.list_(pa.int32()), [1, 2]),
        ("group b { required int32 n; }", pa.struct([pa.field("n", pa.int32(), nullable=False)]), {"n": 1}),
    ],
)
def test_a_field_that_the_first_file_lacks_has_the_schemas_type(
    tmp_path: Path, field: str, kind: pa.DataType, value: Any
) -> None:
    pyarrow.parquet.write_table(pa.table({"a": [1]}), tmp_path / "1")
    second = pa.table({"a": [2], "b": pa.array([value], kind)})
    pyarrow.parquet.write_table(second, tmp_path / "2", use_deprecated_int96_timestamps="int96" in field)
    rows, _ = read(reader(tmp_path, f"message m {{ optional int64 a; optional {field}{';' * (field[-1] != '}')} }}",
                          missingAsNull=True))  # fmt: skip
    assert rows == [{"a": 1, "b": None}, {"a": 2, "b": value}]
