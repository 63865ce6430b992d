"""Planning the conversion of whole schemas, and applying it to batches."""

from __future__ import annotations

import datetime as dt
import pickle
from concurrent.futures import ThreadPoolExecutor

import pyarrow as pa
import pytest

from starhaul import ConfigError, EmptyAsNull, Formats, PluginError, with_empty_as_null, with_text_pattern
from starhaul.convert.classify import Fit
from starhaul.convert.conversion import plan_conversion

SOURCE = pa.schema([pa.field("id", pa.string()), pa.field("amount", pa.float64()), pa.field("note", pa.string())])
TARGET = pa.schema(
    [
        pa.field("key", pa.int64(), nullable=False),
        pa.field("amount", pa.decimal128(6, 2), metadata={"native_type": "NUMERIC(6,2)"}),
        pa.field("note", pa.string()),
    ],
    metadata={"table": "t"},
)


def batch(**columns: list[object]) -> pa.RecordBatch:
    return pa.RecordBatch.from_pydict(columns, schema=SOURCE)


def test_plan_lists_what_happens_to_each_column() -> None:
    columns = plan_conversion(SOURCE, TARGET).columns
    assert [(one.source_name, one.target_name, one.fit) for one in columns] == [
        ("id", "key", Fit.CHECKED),
        ("amount", "amount", Fit.CHECKED),
        ("note", "note", Fit.SAME),
    ]
    assert "4 digits before the point" in columns[1].note
    assert columns[2].note == ""


def test_rows_that_fit_arrive_with_the_exact_schema_and_the_others_are_named() -> None:
    conversion = plan_conversion(SOURCE, TARGET)
    result = conversion.apply(
        batch(id=["1", "x", None, "4"], amount=[1.5, 0.125, 2.0, None], note=["a", "b", "c", None])
    )
    assert result.batch.schema.equals(TARGET, check_metadata=True)
    assert result.batch.column("key").to_pylist() == [1, 4]
    assert [str(one) for one in result.batch.column("amount").to_pylist()] == ["1.50", "None"]
    assert [one.row for one in result.bad] == [1, 2]
    assert "column 'id': 'x' does not fit int64" in result.bad[0].reason
    assert "; column 'amount': 0.125 does not fit decimal128(6, 2)" in result.bad[0].reason
    assert result.bad[1].reason == "column 'id': null does not fit 'key', which is not nullable"


def test_a_slice_counts_its_rows_from_its_own_start() -> None:
    whole = batch(id=["x", "1", "y"], amount=[1, 2, 3], note=["", "", ""])
    result = plan_conversion(SOURCE, TARGET).apply(whole.slice(1))
    assert [one.row for one in result.bad] == [1]
    assert result.batch.column("key").to_pylist() == [1]


def test_long_values_are_shortened_in_reasons() -> None:
    result = plan_conversion(SOURCE, TARGET).apply(batch(id=["x" * 1_000_000], amount=[1], note=[""]))
    assert len(result.bad[0].reason) < 300
    assert result.batch.num_rows == 0


@pytest.mark.parametrize("rows", [0, 3])
def test_no_rows_and_only_bad_rows(rows: int) -> None:
    result = plan_conversion(SOURCE, TARGET).apply(batch(id=["x"] * rows, amount=[None] * rows, note=[None] * rows))
    assert result.batch.num_rows == 0
    assert result.batch.schema.equals(TARGET, check_metadata=True)
    assert len(result.bad) == rows


def test_identity_renames_without_a_copy() -> None:
    source = pa.schema([("a", pa.int64()), ("b", pa.string())])
    target = pa.schema([("x", pa.int64()), ("y", pa.string())], metadata={"k": "v"})
    conversion = plan_conversion(source, target)
    given = pa.RecordBatch.from_pydict({"a": [1, 2], "b": ["p", None]}, schema=source)
    result = conversion.apply(given)
    assert conversion.identity
    assert result.batch.schema.equals(target, check_metadata=True)
    assert result.batch.column(0).buffers()[1].address == given.column(0).buffers()[1].address
    assert not result.bad


def test_identity_does_not_hold_where_types_order_or_nulls_differ() -> None:
    source = pa.schema([("a", pa.int64()), ("b", pa.int64())])
    assert not plan_conversion(source, pa.schema([("a", pa.int64()), ("b", pa.int32())])).identity
    assert not plan_conversion(source, pa.schema([("b", pa.int64()), ("a", pa.int64())]), by="name").identity
    strict = pa.schema([pa.field("a", pa.int64(), nullable=False), ("b", pa.int64())])
    assert not plan_conversion(source, strict).identity


def test_columns_map_by_name_exactly_then_ignoring_case() -> None:
    source = pa.schema([("B", pa.int64()), ("a", pa.string()), ("A", pa.int8())])
    target = pa.schema([("a", pa.string()), ("A", pa.int8()), ("b", pa.int32())])
    conversion = plan_conversion(source, target, by="name")
    given = pa.RecordBatch.from_pydict({"B": [1], "a": ["x"], "A": [2]}, schema=source)
    assert conversion.apply(given).batch.to_pylist() == [{"a": "x", "A": 2, "b": 1}]


def test_problems_with_names_come_all_at_once() -> None:
    source = pa.schema([("id", pa.int64()), ("ID", pa.int64()), ("extra", pa.int8())])
    target = pa.schema([("Id", pa.int64()), ("missing", pa.int8())])
    with pytest.raises(ConfigError) as caught:
        plan_conversion(source, target, by="name")
    found = {(one.path, one.problem) for one in caught.value.problems}
    assert found == {
        ("Id", "several source columns match: id, ID"),
        ("missing", "the source has no column for this target column"),
        ("extra", "the target has no column for this source column"),
    }


def test_two_target_columns_cannot_share_a_source_column() -> None:
    source = pa.schema([("a", pa.int64())])
    with pytest.raises(ConfigError, match="several target columns match"):
        plan_conversion(source, pa.schema([("a", pa.int64()), ("A", pa.int64())]), by="name")


def test_a_different_number_of_columns_shows_both_lists() -> None:
    with pytest.raises(ConfigError, match="source id, amount, note; target id, amount"):
        plan_conversion(SOURCE, pa.schema([("id", pa.string()), ("amount", pa.float64())]))


def test_all_impossible_and_lossy_columns_are_reported_at_once() -> None:
    source = pa.schema([("a", pa.int64()), ("b", pa.timestamp("us")), ("c", pa.timestamp("us")), ("d", pa.int8())])
    target = pa.schema([("a", pa.date32()), ("b", pa.timestamp("us", "UTC")), ("c", pa.time64("us")), ("d", pa.int8())])
    with pytest.raises(ConfigError) as caught:
        plan_conversion(source, target)
    problems = caught.value.problems
    assert [one.path for one in problems] == ["a", "b", "c"]
    assert "timeZone" in problems[1].hint
    assert "the date is dropped" in problems[2].problem
    assert all(one.hint for one in problems)


def test_lossy_conversions_run_where_they_are_allowed() -> None:
    source, target = pa.schema([("c", pa.timestamp("us"))]), pa.schema([("c", pa.time64("us"))])
    conversion = plan_conversion(source, target, lossy=True)
    assert conversion.columns[0].fit is Fit.LOSSY
    given = pa.RecordBatch.from_arrays(
        [pa.array([-1, 86_400_000_001], pa.int64()).view(pa.timestamp("us"))], schema=source
    )
    assert conversion.apply(given).batch.column(0).cast(pa.int64()).to_pylist() == [86_399_999_999, 1]


def test_a_bad_pattern_is_a_problem_of_its_column() -> None:
    with pytest.raises(ConfigError, match=r"note: date: .*'EEE', which is not supported"):
        plan_conversion(
            pa.schema([("note", pa.string())]), pa.schema([("d", pa.date32())]), formats=Formats(date="EEE")
        )


def test_a_batch_of_other_types_breaks_the_contract() -> None:
    with pytest.raises(PluginError, match="announced were id string"):
        plan_conversion(SOURCE, TARGET).apply(pa.RecordBatch.from_pydict({"id": [1]}))


def test_types_that_arrow_cannot_filter_are_kept_row_by_row() -> None:
    source = pa.schema([("v", pa.string_view()), ("b", pa.binary_view()), ("u", pa.uuid()), ("n", pa.string())])
    target = pa.schema([*list(source)[:3], pa.field("n", pa.int8())])
    given = pa.RecordBatch.from_arrays(
        [
            pa.array(["p", "q", None], pa.string_view()),
            pa.array([b"p", b"q", b"r"], pa.binary_view()),
            pa.array([b"0" * 16, b"1" * 16, None], pa.uuid()),
            pa.array(["1", "x", "3"]),
        ],
        schema=source,
    )
    result = plan_conversion(source, target).apply(given)
    assert result.batch.schema == target
    assert result.batch.column(0).to_pylist() == ["p", None]
    assert result.batch.column(1).to_pylist() == [b"p", b"r"]
    assert [one.row for one in result.bad] == [1]


def test_batches_without_columns_keep_their_rows() -> None:
    empty = pa.schema([])
    given = pa.RecordBatch.from_struct_array(pa.array([{}] * 3, pa.struct([])))
    assert plan_conversion(empty, empty).apply(given).batch.num_rows == 3


def test_conversions_are_picklable_and_shared_by_threads() -> None:
    conversion = pickle.loads(pickle.dumps(plan_conversion(SOURCE, TARGET)))
    given = batch(id=["1", "x"] * 500, amount=[1.0] * 1000, note=["n"] * 1000)
    with ThreadPoolExecutor(4) as pool:
        results = list(pool.map(conversion.apply, [given] * 20))
    assert all(one.batch.num_rows == 500 and len(one.bad) == 500 for one in results)


@pytest.mark.parametrize(
    ("when", "datax", "becomes"),
    [("always", False, None), ("always", True, None), ("datax", True, None), ("datax", False, "bad"),
     ("never", True, "bad"), ("never", False, "bad")],
)  # fmt: skip
@pytest.mark.parametrize("target", [pa.int32(), pa.float64(), pa.decimal128(5, 2)])
def test_a_writer_tells_what_becomes_of_empty_texts(
    when: EmptyAsNull, datax: bool, becomes: object, target: pa.DataType
) -> None:
    source = pa.schema([("n", pa.string()), ("t", pa.string())])
    accepted = pa.schema([with_empty_as_null(pa.field("n", target), when), pa.field("t", pa.string())])
    conversion = plan_conversion(source, accepted, formats=Formats(datax=datax), lossy=True)
    rows = pa.record_batch({"n": ["", "1", None, "x"], "t": ["", "a", "b", "c"]}, schema=source)
    result = conversion.apply(rows)
    assert result.batch["t"].to_pylist() == (["", "a", "b"] if becomes is None else ["a", "b"])
    assert result.batch["n"].to_pylist()[-2:] == [1, None]
    assert [one.row for one in result.bad] == ([3] if becomes is None else [0, 3])


def test_numbers_that_travel_as_texts_may_be_empty_too() -> None:
    source = pa.schema([("n", pa.string())])
    accepted = pa.schema([with_empty_as_null(pa.field("n", pa.string()), "always")])
    conversion = plan_conversion(source, accepted)
    assert not conversion.identity
    assert conversion.apply(pa.record_batch({"n": ["", "1"]})).batch["n"].to_pylist() == [None, "1"]


def test_a_writer_tells_how_it_wants_times() -> None:
    moment = dt.datetime(2024, 2, 29, 23, 30, 15, 123456, tzinfo=dt.UTC)
    rows = pa.record_batch(
        {"a": pa.array([moment], pa.timestamp("us", "UTC")), "b": pa.array([moment.replace(tzinfo=None)])}
    )
    accepted = pa.schema([with_text_pattern(pa.field(name, pa.string()), "yyyy/MM/dd HH:mm") for name in "ab"])
    told = plan_conversion(rows.schema, accepted, lossy=True, formats=Formats(datax=True)).apply(rows).batch.to_pylist()
    assert told == [{"a": "2024/03/01 07:30", "b": "2024/02/29 23:30"}]
    exact = Formats(datetime="HH", time_zone="Asia/Shanghai")
    assert len(plan_conversion(rows.schema, accepted, formats=exact).apply(rows).bad) == 1, "the seconds would be lost"
    plain = pa.schema([("a", pa.string()), ("b", pa.string())])
    told = plan_conversion(rows.schema, plain, lossy=True, formats=Formats(datax=True)).apply(rows).batch.to_pylist()
    assert told == [{"a": "2024-03-01 07:30:15", "b": "2024-02-29 23:30:15"}]
