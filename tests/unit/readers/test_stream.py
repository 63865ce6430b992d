from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from starhaul import ConfigError
from starhaul.testing import RecordingTask
from starhaul_readers.stream import StreamColumn, StreamReader, StreamReaderParams


def reader(*columns: dict[str, Any], **parameters: Any) -> StreamReader:
    count = {} if parameters.keys() & {"sliceRecordCount", "recordCount"} else {"recordCount": 1000}
    return StreamReader(StreamReaderParams.model_validate({"column": list(columns), **count, **parameters}))


def rows(source: StreamReader, target: int = 1) -> pa.Table:
    source.check()
    batches = [batch for split in source.split(target) for batch in source.read(split, RecordingTask())]
    return pa.Table.from_batches(batches, schema=source.schema())


def values(*columns: dict[str, Any], **parameters: Any) -> list[Any]:
    """The values of the first column."""
    return rows(reader(*columns, **parameters)).column(0).to_pylist()


@pytest.mark.parametrize(
    ("column", "kind", "value"),
    [
        ({"value": "DataX"}, pa.string(), "DataX"),
        ({"value": 12}, pa.string(), "12"),
        ({"value": True, "type": "string"}, pa.string(), "true"),
        ({"value": "", "type": ""}, pa.string(), ""),
        ({"value": "12", "type": "long"}, pa.int64(), 12),
        ({"value": 2**63 - 1, "type": "LONG"}, pa.int64(), 2**63 - 1),
        ({"value": 1.5, "type": "Double"}, pa.float64(), 1.5),
        ({"value": 2, "type": "double"}, pa.float64(), 2.0),
        ({"value": "true", "type": "bool"}, pa.bool_(), True),
        ({"value": False, "type": "bool"}, pa.bool_(), False),
        ({"value": "é", "type": "bytes"}, pa.binary(), "é".encode()),
        ({"value": "1988-08-08 08:08:08", "type": "date"}, pa.timestamp("ms"), datetime(1988, 8, 8, 8, 8, 8)),
        ({"value": "08/08/1988", "type": "DATE", "dateFormat": "dd/MM/yyyy"}, pa.timestamp("ms"), datetime(1988, 8, 8)),
        ({"value": "1988-08-08", "type": "date32"}, pa.date32(), date(1988, 8, 8)),
        ({"value": "-1.50", "type": "decimal(15,2)"}, pa.decimal128(15, 2), Decimal("-1.50")),
        ({"value": 7, "type": "uint8"}, pa.uint8(), 7),
        ({"value": None, "type": "date"}, pa.timestamp("ms"), None),
        ({"value": '{"a": 1}', "type": "json"}, pa.json_(), '{"a": 1}'),
        ({"value": None, "type": "uuid"}, pa.uuid(), None),
        (
            {"value": "00112233-4455-6677-8899-aabbccddeeff", "type": "uuid"},
            pa.uuid(),
            UUID(int=0x112233445566778899AABBCCDDEEFF),
        ),
        ({"value": "x", "random": "1,2"}, pa.string(), "x"),
    ],
)
def test_constants(column: dict[str, Any], kind: pa.DataType, value: Any) -> None:
    table = rows(reader(column, recordCount=3))
    assert table.schema.field(0).type == kind
    assert table.column(0).to_pylist() == [value] * 3


@pytest.mark.parametrize(
    ("column", "where"),
    [
        ({"value": "x", "type": "long"}, "value"),
        ({"value": 2**63, "type": "long"}, "value"),
        ({"value": 12.9, "type": "long"}, "value"),
        ({"value": 300, "type": "uint8"}, "value"),
        ({"value": "yes", "type": "bool"}, "value"),
        ({"value": "2024-13-40", "type": "date"}, "value"),
        ({"value": 2**53 + 1, "type": "double"}, "value"),
        ({"random": "1", "type": "long"}, "random"),
        ({"random": "1,2,3", "type": "long"}, "random"),
        ({"random": "2,1", "type": "long"}, "random"),
        ({"random": "a,b", "type": "long"}, "random"),
        ({"random": "0,1.5", "type": "long"}, "random"),
        ({"random": "-1,5"}, "random"),
        ({"random": "-1,5", "type": "bool"}, "random"),
        ({"random": "0,inf", "type": "double"}, "random"),
        ({"random": "nan,1", "type": "double"}, "random"),
        ({"random": "-1e308,1e308", "type": "double"}, "random"),
        ({"random": "2024-01-01,2023-01-01", "type": "date"}, "random"),
        ({"random": "0,1", "type": "json"}, "random"),
        ({"random": "0,1", "type": "decimal(19,0)"}, "random"),
    ],
)
def test_what_does_not_fit_the_type_is_found_by_check(column: dict[str, Any], where: str) -> None:
    with pytest.raises(ConfigError) as caught:
        reader({"value": "first"}, column).check()
    assert caught.value.where == f"column[1].{where}"


@pytest.mark.parametrize(
    ("parameters", "told"),
    [
        ({"column": [], "recordCount": 1}, "column"),
        ({"column": [{"value": "a"}]}, "give either `sliceRecordCount`"),
        ({"column": [{"value": "a"}], "recordCount": 1, "sliceRecordCount": 1}, "give either `sliceRecordCount`"),
        ({"column": [{"type": "long"}], "recordCount": 1}, "a column needs `value` or `random`"),
        ({"column": [{"value": 1, "type": "int"}], "recordCount": 1}, "'int' is not a type"),
        ({"column": [{"value": 1}, {"value": 1, "name": "c0"}], "recordCount": 1}, "two columns have the same name"),
        ({"column": [{"value": 1}], "recordCount": -1}, "recordCount"),
        ({"column": [{"value": 1}], "sliceRecordCount": 0}, "sliceRecordCount"),
    ],
)
def test_wrong_parameters(parameters: dict[str, Any], told: str) -> None:
    with pytest.raises(ValueError, match=told):
        StreamReaderParams.parse(parameters)


BOUNDS = st.tuples(st.integers(-(2**63), 2**63 - 1) | st.integers(-5, 5), st.integers(-(2**63), 2**63 - 1)).map(sorted)


@settings(deadline=None, max_examples=40)
@given(BOUNDS)
def test_random_integers_stay_in_their_bounds(bounds: Sequence[int]) -> None:
    drawn = values({"random": f"{bounds[0]}, {bounds[1]}", "type": "long"}, recordCount=50)
    assert all(bounds[0] <= value <= bounds[1] for value in drawn)


@settings(deadline=None, max_examples=40)
@given(st.tuples(st.floats(-1e300, 1e300), st.floats(-1e300, 1e300)).map(sorted))
def test_random_floats_stay_in_their_bounds(bounds: Sequence[float]) -> None:
    drawn = values({"random": f"{bounds[0]!r},{bounds[1]!r}", "type": "double"}, recordCount=50)
    assert all(bounds[0] <= value <= bounds[1] for value in drawn)


@pytest.mark.parametrize("kind", ["long", "int8", "uint64", "decimal(5,0)"])
def test_both_bounds_are_drawn_and_all_between(kind: str) -> None:
    drawn = values({"random": "3,6", "type": kind})
    counts = [drawn.count(value) for value in (3, 4, 5, 6)]
    assert sum(counts) == 1000
    assert min(counts) > 180


def test_the_whole_range_of_64_bits() -> None:
    drawn = values({"random": f"0,{2**64 - 1}", "type": "uint64"})
    assert max(drawn) > 2**63 > min(drawn)
    drawn = values({"random": f"{-(2**63)},{2**63 - 1}", "type": "long"})
    assert max(drawn) > 0 > min(drawn)


def test_random_texts_are_letters_and_digits_of_every_length() -> None:
    drawn = values({"random": "0,3"})
    assert {len(text) for text in drawn} == {0, 1, 2, 3}
    letters = "".join(drawn)
    assert letters.isascii()
    assert letters.isalnum()
    assert len(set(letters)) == 62
    assert {len(value) for value in values({"random": "4,4", "type": "bytes"})} == {4}
    assert values({"random": "0,0"}, recordCount=2) == ["", ""]


def test_random_times() -> None:
    first, last = datetime(2014, 7, 7), datetime(2016, 7, 7)
    drawn = values({"random": "2014-07-07 00:00:00, 2016-07-07 00:00:00", "type": "date"})
    assert first <= min(drawn) < datetime(2014, 9, 1)
    assert datetime(2016, 5, 1) < max(drawn) <= last
    days = values({"random": "31.12.1969,01.01.1970", "type": "date32", "dateFormat": "dd.MM.yyyy"})
    assert set(days) == {date(1969, 12, 31), date(1970, 1, 1)}


@pytest.mark.parametrize(
    ("ratio", "least", "most"),
    [("0,10", 1000, 1000), ("10,0", 0, 0), ("3,1", 180, 320), ("0,0", 430, 570), ("7,7", 430, 570)],
)
def test_booleans_have_the_ratio_of_false_to_true(ratio: str, least: int, most: int) -> None:
    assert least <= sum(values({"random": ratio, "type": "bool"})) <= most


def test_an_empty_value_leaves_it_to_random() -> None:
    assert {len(text) for text in values({"value": "", "random": "2,2"})} == {2}


def test_random_decimals_have_every_digit() -> None:
    drawn = values({"random": "-0.05,0.05", "type": "decimal(4,2)"})
    assert {str(value) for value in drawn} == {f"{cents / 100:.2f}".replace("-0.00", "0.00") for cents in range(-5, 6)}


def test_columns_differ_and_seeds_differ() -> None:
    table = rows(reader({"random": "0,1000000", "type": "long"}, {"random": "0,1000000", "type": "long"}))
    assert table.column(0) != table.column(1)
    assert values({"random": "0,9", "type": "long"}) == values({"random": "0,9", "type": "long"})
    assert values({"random": "0,9", "type": "long"}) != values({"random": "0,9", "type": "long"}, seed=1)


@settings(deadline=None, max_examples=30)
@given(count=st.integers(0, 70), target=st.integers(1, 9), batch_rows=st.integers(1, 20))
def test_rows_do_not_depend_on_how_they_are_cut(count: int, target: int, batch_rows: int) -> None:
    source = reader({"random": "0,1000", "type": "long"}, {"value": "x"}, recordCount=count, batchRows=batch_rows)
    splits = source.split(target)
    assert len(splits) == max(min(count, target), 1)
    assert max(split.rows or 0 for split in splits) - min(split.rows or 0 for split in splits) <= 1
    assert rows(source, target) == rows(source, 1)


def test_slice_record_count_is_per_task_as_in_datax() -> None:
    source = reader({"random": "0,1000000", "type": "long"}, sliceRecordCount=7)
    assert [split.rows for split in source.split(5)] == [7] * 5
    assert rows(source, 5).num_rows == 35
    assert len(set(rows(source, 5).column(0).to_pylist())) > 30, "each task has rows of its own"


def test_batches() -> None:
    sizes = [len(batch) for batch in _batches(reader({"value": "x"}, recordCount=10, batchRows=4))]
    assert sizes == [4, 4, 2]
    (narrow, *_), (wide, *_) = (_batches(reader({"value": "x" * width}, recordCount=100_000)) for width in (1, 100_000))
    assert len(narrow) == 1 << 16
    assert 1 << 20 < wide.nbytes <= 2 << 20


def _batches(source: StreamReader) -> list[pa.RecordBatch]:
    (split,) = source.split(1)
    return list(source.read(split, RecordingTask()))


def test_constants_load_no_kernels() -> None:
    """The process of a job of one record is over in a moment; `pyarrow.compute` takes as long as pyarrow itself."""
    code = (
        "import sys\n"
        "from starhaul_readers.stream import StreamReader, StreamReaderParams as Params\n"
        "columns = [{'value': 'a'}, {'value': 1, 'type': 'long'}, {'value': True, 'type': 'bool'},\n"
        "    {'value': '2024-01-01 00:00:00', 'type': 'date'}]\n"
        "reader = StreamReader(Params.parse({'column': columns, 'sliceRecordCount': 1}))\n"
        "reader.check()\n"
        "assert [len(batch) for split in reader.split(1) for batch in reader.read(split, None)] == [1]\n"
        "print('pyarrow.compute' in sys.modules)\n"
    )
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert answer.stdout == "False\n"


def test_a_column_is_documented_too() -> None:
    properties = StreamColumn.json_schema()["properties"]
    assert all(field["description"] for field in properties.values())
