"""Parquet written with a job's `parquetSchema`: the types in the file are those."""

from __future__ import annotations

import json
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet
import pytest

import starhaul
from starhaul import ConfigError
from starhaul.testing import RecordingTask
from starhaul_writers.txtfile import TxtFileWriter, TxtFileWriterParams

LIST = "group {} (LIST) {{ repeated group list {{ {} element; }} }}"
GROUPS = (
    "message m { optional group m (MAP) { repeated group key_value { required binary key (UTF8); required int64 value;"
    " } } optional " + LIST.format("l", "required double") + " required group s { required int64 id; optional group d "
    "{ optional binary name (UTF8); optional fixed_len_byte_array(3) p (DECIMAL(5,2)); optional int32 day (DATE); "
    "optional boolean b; } } }"
)


def run(
    tmp_path: Path, lines: str, columns: list[dict[str, Any]], conversion: Any = None, **writer: Any
) -> starhaul.Report:
    """Copy a file of text into a Parquet file, `tmp_path / "out"`."""
    (tmp_path / "in.txt").write_text(lines, encoding="utf-8")
    reader = {
        "path": str(tmp_path / "in.txt"), "column": columns, "fieldDelimiter": "|", "nullFormat": "\\N",
        "fileFormat": "text",
    }  # fmt: skip
    target = {"path": str(tmp_path / "out"), "fileName": "p", "writeMode": "truncate", "fileFormat": "parquet"}
    job: dict[str, Any] = {
        "reader": {"name": "txtfilereader", "parameter": reader},
        "writer": {"name": "txtfilewriter", "parameter": {**target, **writer}},
        "setting": {"errorLimit": {"record": 10}},
    }
    if conversion is not None:
        job["setting"]["conversion"] = conversion
    (tmp_path / "job.json").write_text(json.dumps({"job": {"content": [job], "setting": job.pop("setting")}}))
    return starhaul.run(tmp_path / "job.json", state=tmp_path / "state")


def written(tmp_path: Path) -> pyarrow.parquet.ParquetFile:
    (path,) = (tmp_path / "out").iterdir()
    return pyarrow.parquet.ParquetFile(path)


def test_the_file_has_the_types_of_the_schema(tmp_path: Path) -> None:
    fields = {
        "required int64 id = 3": ("1", "INT64", "None"),
        "optional int32 n": ("-2", "INT32", "None"),
        "optional int32 t (INT_8)": ("-128", "INT32", "Int(bitWidth=8, isSigned=true)"),
        "optional binary s (UTF8)": ("ü", "BYTE_ARRAY", "String"),
        "optional binary raw": ("ü", "BYTE_ARRAY", "None"),
        "optional fixed_len_byte_array(2) f": ("ab", "FIXED_LEN_BYTE_ARRAY", "None"),
        "optional fixed_len_byte_array(5) d (DECIMAL(10,2))":
            ("-12345678.90", "FIXED_LEN_BYTE_ARRAY", "Decimal(precision=10, scale=2)"),
        "optional fixed_len_byte_array(16) e (DECIMAL(38,18))":
            ("0.1", "FIXED_LEN_BYTE_ARRAY", "Decimal(precision=38, scale=18)"),
        "optional double x": ("0.1", "DOUBLE", "None"),
        "optional float y": ("0.5", "FLOAT", "None"),
        "optional boolean b": ("true", "BOOLEAN", "None"),
        "optional int32 day (DATE)": ("2024-02-29", "INT32", "Date"),
        "optional int96 at": ("2024-02-29 01:02:03.000004", "INT96", "None"),
    }  # fmt: skip
    line = "|".join(value for value, _, _ in fields.values())
    columns = [{"index": place, "type": "string"} for place in range(len(fields))]
    text = "message m { " + " ".join(f"{each};" for each in fields) + " }"
    report = run(tmp_path, f"{line}\n2" + "|\\N" * 12 + "\n", columns, parquetSchema=text)
    assert (report.written, report.rejected) == (2, 0)
    file = written(tmp_path)
    found = [file.schema.column(place) for place in range(len(fields))]
    assert [(each.physical_type, str(each.logical_type)) for each in found] == [
        (physical, logical) for _, physical, logical in fields.values()
    ]
    assert [each.max_definition_level for each in found] == [0] + [1] * 12
    assert [each.length for each in found if "FIXED" in each.physical_type] == [2, 5, 16]
    assert file.schema_arrow.field("id").metadata == {b"PARQUET:field_id": b"3"}
    first, second = file.read().to_pylist()
    assert list(first.values())[:12] == [
        1, -2, -128, "ü", "ü".encode(), b"ab", Decimal("-12345678.90"), Decimal("0.1"), 0.1, 0.5, True,
        datetime(2024, 2, 29).date(),
    ]  # fmt: skip
    assert str(first["at"]) in ("2024-02-29 01:02:03.000004", "2024-02-29 01:02:03.000004000")
    assert list(second.values()) == [2] + [None] * 12


@pytest.mark.parametrize(
    ("text", "value", "physical", "logical"),
    [
        ("int64 a (DECIMAL(18,2))", "7.25", "INT64", "Decimal(precision=18, scale=2)"),
        ("int32 a (DECIMAL(9,2))", "7.25", "INT32", "Decimal(precision=9, scale=2)"),
        (
            "int64 a (TIMESTAMP_MILLIS)",
            "2024-02-29T12:00:00Z",
            "INT64",
            "Timestamp(isAdjustedToUTC=true, timeUnit=milliseconds",
        ),
        (
            "int64 a (TIMESTAMP(MICROS,false))",
            "2024-02-29 12:00:00",
            "INT64",
            "Timestamp(isAdjustedToUTC=false, timeUnit=microseconds",
        ),
        ("int32 a (TIME_MILLIS)", "12:00:00", "INT32", "Time(isAdjustedToUTC=true, timeUnit=milliseconds)"),
        ("int64 a (TIME(MICROS,false))", "12:00:00", "INT64", "Time(isAdjustedToUTC=false, timeUnit=microseconds)"),
    ],
)
def test_types_of_which_a_file_has_one_kind(tmp_path: Path, text: str, value: str, physical: str, logical: str) -> None:
    run(tmp_path, f"{value}\n", [{"index": 0, "type": "string"}], parquetSchema=f"message m {{ required {text}; }}")
    column = written(tmp_path).schema.column(0)
    assert column.physical_type == physical
    assert str(column.logical_type).startswith(logical)
    older = text.partition("(")[2].partition("(")[0].rstrip(")")
    assert column.converted_type == ("NONE" if "false" in text else older)


def test_an_instant_says_nothing_of_times_of_day(tmp_path: Path) -> None:
    columns = [{"index": place, "type": "string"} for place in range(2)]
    text = "message m { optional int64 at (TIMESTAMP_MILLIS); optional int32 t (TIME(MILLIS,false)); }"
    assert run(tmp_path, "2024-02-29T12:00:00Z|12:00:00\n", columns, parquetSchema=text).written == 1
    schema = written(tmp_path).schema
    found = [str(schema.column(place).logical_type).partition(",")[0] for place in range(2)]
    assert found == ["Timestamp(isAdjustedToUTC=true", "Time(isAdjustedToUTC=false"]


def test_an_older_pyarrow_is_asked_only_for_what_it_has(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Older(pyarrow.parquet.ParquetWriter):
        def __init__(self, where: Any, schema: pa.Schema, **options: Any) -> None:
            assert "write_time_adjusted_to_utc" not in options
            super().__init__(where, schema, **options)

    monkeypatch.setattr(pyarrow.parquet, "ParquetWriter", Older)
    columns = [{"index": 0, "type": "string"}]
    text = "message m {{ optional int64 t ({}); }}"
    assert run(tmp_path, "12:00:00\n", columns).written == 1
    assert run(tmp_path, "12:00:00\n", columns, parquetSchema=text.format("TIME_MICROS")).written == 1
    with pytest.raises(ConfigError, match=r"parquetSchema: pyarrow .* writes times of day as UTC only"):
        run(tmp_path, "12:00:00\n", columns, parquetSchema=text.format("TIME(MICROS,false)"))


def test_groups_take_json(tmp_path: Path) -> None:
    """As DataX's `fields` mode does; what is none of the group's type is rejected."""
    good = '{"a":1,"b":-2}|[0.5,1]|{"id":7,"d":{"name":"é","p":1.5,"day":"2024-02-29","b":true}}\n'
    bad = [
        '{"a":1.5}|[]|{"id":1}', '{"a":null}|[]|{"id":1}', "[]|[]|{}", "{}|[null]|{\"id\":1}", "{}|[]|\\N",
        '{}|[]|{"id":1,"x":2}', '{}|[]|{"id":1,"id":2}', '{}|[true]|{"id":1}', '{}|[]|{"id":1,"d":{"name":5}}',
        '{}|[NaN]|{"id":1}',
    ]  # fmt: skip
    lines = good + "\n".join(bad) + '\n\\N|\\N|{"id":0,"d":null}\n'
    columns = [{"index": place, "type": "string"} for place in range(3)]
    report = run(tmp_path, lines, columns, parquetSchema=GROUPS)
    assert (report.written, report.rejected) == (2, 10)
    assert written(tmp_path).read().to_pylist() == [
        {"m": [("a", 1), ("b", -2)], "l": [0.5, 1.0], "s": {"id": 7, "d": {
            "name": "é", "p": Decimal("1.50"), "day": datetime(2024, 2, 29).date(), "b": True}}},
        {"m": None, "l": None, "s": {"id": 0, "d": None}},
    ]  # fmt: skip
    levels = [written(tmp_path).schema.column(place) for place in range(7)]
    assert [(each.path, each.max_definition_level, each.max_repetition_level) for each in levels] == [
        ("m.key_value.key", 2, 1), ("m.key_value.value", 2, 1), ("l.list.element", 2, 1), ("s.id", 0, 0),
        ("s.d.name", 2, 0), ("s.d.p", 2, 0), ("s.d.day", 2, 0),
    ]  # fmt: skip


def test_reasons_of_what_does_not_fit(tmp_path: Path) -> None:
    table = pa.table({
        "m": pa.array([[("a", None)], [("b", 1)], [("c", 2)], None], pa.map_(pa.string(), pa.int64())),
        "l": pa.array([[1.0], [None, 2.0], [], None], pa.list_(pa.float64())),
        "s": ['{"id":1}', '{"id":2}', '{"id":"x"}', '{"id":4,"d":{"p":1000}}'],
    })  # fmt: skip
    given = {"path": str(tmp_path), "fileName": "t", "writeMode": "truncate", "fileFormat": "parquet"}
    params = TxtFileWriterParams.parse({**given, "parquetSchema": GROUPS})
    writer = TxtFileWriter(params)
    task = RecordingTask(writer.accept(table.schema), "t0", "run_1")
    assert task.schema.field("s").type == pa.string()
    writer.prepare(task.schema, "run_1")
    receipt = writer.write(task, table.cast(task.schema).slice(0).to_batches())
    assert receipt.rows == 0
    assert [reason for _, reason, _ in task.rejected] == [
        "column 'm': is null where `parquetSchema` has `required`",
        "column 'l': is null where `parquetSchema` has `required`",
        "column 's': '{\"id\":\"x\"}' is not of the type: .id: 'x' does not fit int64 (expected "
        "digits, from -9223372036854775808 to 9223372036854775807)",
        "column 's': '{\"id\":4,\"d\":{\"p\":1000}}' is not of the type: .d.p: '1000' does not fit decimal128(5, 2) "
        "(expected a number with at most 3 digits before the point and 2 after it)",
    ]


def test_slices_of_nested_columns_keep_their_rows(tmp_path: Path) -> None:
    """What is required is looked for in the rows that are written, and in no others of the same memory."""
    kind = pa.map_(pa.string(), pa.int64())
    values = pa.array([[("a", None)], [("b", 1)], None, [("c", 2), ("d", 3)], [("e", None)]], kind)
    table = pa.table({"m": values, "l": pa.array([[None], [1.0], None, [2.0], [3.0]], pa.list_(pa.float64())),
                      "s": pa.array([{"id": None}, {"id": 1}, {"id": 2}, {"id": 3}, {"id": 4}],
                                    pa.struct([("id", pa.int64())]))})  # fmt: skip
    text = GROUPS.partition(" optional group d")[0] + " } }"
    given = {"path": str(tmp_path), "fileName": "t", "writeMode": "truncate", "fileFormat": "parquet"}
    params = TxtFileWriterParams.parse({**given, "parquetSchema": text})
    writer = TxtFileWriter(params)
    task = RecordingTask(writer.accept(table.schema), "t0", "run_1")
    writer.prepare(task.schema, "run_1")
    (batch,) = table.to_batches()
    receipt = writer.write(task, [batch.slice(1, 3), batch.slice(3, 2), batch.slice(0, 2)])
    writer.commit("run_1", [receipt])
    (path,) = tmp_path.iterdir()
    assert pyarrow.parquet.read_table(path)["s"].to_pylist() == [{"id": n} for n in (1, 2, 3, 3, 1)]
    assert len(task.rejected) == 2


def test_int96_as_instants(tmp_path: Path) -> None:
    columns = [{"index": 0, "type": "date"}]
    text = "message m { optional int96 at; }"
    for told, zone, hour in ((None, "Asia/Shanghai", 20), (True, "Asia/Shanghai", 20), (False, "Asia/Shanghai", 12)):
        given = {} if told is None else {"parquetUtcTimestamp": told}
        for more in ({"parquetSchema": text}, {"parquetTimestamps": "int96"}):
            run(tmp_path, "2024-07-01 20:00:00\n", columns, {"timeZone": zone}, **more, **given)
            (row,) = written(tmp_path).read().to_pylist()
            assert written(tmp_path).schema.column(0).physical_type == "INT96"
            assert next(iter(row.values())).hour == hour
    with pytest.raises(ConfigError, match="set timeZone"):
        run(tmp_path, "2024-07-01 20:00:00\n", columns, parquetSchema=text, parquetUtcTimestamp=False)


def test_times_as_text_by_their_pattern(tmp_path: Path) -> None:
    columns = [{"index": 0, "type": "date"}]
    for more in (
        {"parquetSchema": "message m { optional binary at (UTF8); }"},
        {"column": [{"name": "at", "type": "STRING"}]},
    ):
        run(tmp_path, "2024-02-29 01:02:03\n\\N\n", columns, dateFormat="yyyy/MM/dd HH-mm-ss", **more)
        assert written(tmp_path).read().to_pylist() == [{"at": "2024/02/29 01-02-03"}, {"at": None}]


def test_partitions_stand_beside_the_schema(tmp_path: Path) -> None:
    columns = [{"index": 0, "type": "string", "name": "dt"}, {"index": 1, "type": "long", "name": "x"}]
    text = "message m { required int32 id; }"
    run(tmp_path, "a|1\nb|2\na|3\n", columns, parquetSchema=text, partitionColumns=["dt"])
    found = {path.parent.name: pyarrow.parquet.ParquetFile(path).read() for path in (tmp_path / "out").glob("*/*")}
    assert {folder: table.to_pydict() for folder, table in found.items()} == {
        "dt=a": {"id": [1, 3]}, "dt=b": {"id": [2]},
    }  # fmt: skip
    with pytest.raises(ConfigError, match="parquetSchema: has 1 fields, and there are 2 columns to write"):
        run(tmp_path, "a|1\n", columns, parquetSchema=text)


def test_a_schema_that_is_none(tmp_path: Path) -> None:
    columns = [{"index": 0, "type": "string"}]
    with pytest.raises(ConfigError, match=r"parquetSchema.*line 1: .*'text' stands there"):
        run(tmp_path, "a\n", columns, parquetSchema="message m { required text a; }")
    with pytest.raises(ConfigError, match=r"parquetSchema.*'a' is binary \(ENUM\), which cannot be written"):
        run(tmp_path, "a\n", columns, parquetSchema="message m { required binary a (ENUM); }")
