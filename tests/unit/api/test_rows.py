"""`RowReader` and `RowWriter`: a row arrives exactly as it was, or is rejected with a reason."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any, ClassVar
from uuid import UUID

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from starhaul import Params, PluginError, Receipt, Row, RowReader, RowWriter, Split, Task, reject_row, reject_rows
from starhaul.api.rows import BYTES_PER_BATCH, ROWS_PER_BATCH
from starhaul.testing import ReaderConformance, RecordingTask, WriterConformance


class NoParams(Params):
    """None."""


class Rows(RowReader[NoParams]):
    """Reads rows that a test gives it."""

    name = "rows"
    params_type = NoParams
    source: ClassVar[Callable[[], Iterable[Row]]]
    columns: ClassVar[pa.Schema]

    def schema(self) -> pa.Schema:
        return self.columns

    def rows(self, split: Split, task: Task) -> Iterator[Row]:
        yield from type(self).source()


def _reader(schema: pa.Schema, rows: Iterable[Row]) -> Rows:
    return type("Given", (Rows,), {"columns": schema, "source": staticmethod(lambda: rows)})(NoParams())


def _read(schema: pa.Schema, rows: Iterable[Row]) -> tuple[list[Row], list[str], list[pa.RecordBatch]]:
    reader = _reader(schema, rows)
    task = RecordingTask(schema)
    batches = list(reader.read(Split("all"), task))
    for batch in batches:
        batch.validate(full=True)
        assert batch.schema == schema
    return [row for batch in batches for row in batch.to_pylist()], [reason for _, reason, _ in task.rejected], batches


def _one(kind: pa.DataType, value: Any, *, nullable: bool = True) -> list[str]:
    """The reasons for which a row of one value is rejected. Between two good rows, which always arrive."""
    schema = pa.schema([pa.field("n", pa.int64()), pa.field("v", kind, nullable=nullable)])
    filler: Any = None if nullable else 0
    rows, reasons, _ = _read(schema, [{"n": 1, "v": filler}, {"n": 2, "v": value}, {"n": 3, "v": filler}])
    assert [row["n"] for row in rows] == ([1, 3] if reasons else [1, 2, 3])
    return reasons


ZONED = datetime(2020, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        (pa.int64(), 1.5),
        (pa.int64(), Decimal("1.5")),
        (pa.int64(), float("nan")),
        (pa.int64(), "1"),
        (pa.int64(), 2**63),
        (pa.uint8(), -1),
        (pa.bool_(), 1),
        (pa.float64(), 2**53 + 1),
        (pa.float32(), 1e300),
        (pa.decimal128(5, 2), Decimal("1.234")),
        (pa.decimal128(5, 2), Decimal("12345.00")),
        (pa.decimal128(5, 2), Decimal("NaN")),
        (pa.timestamp("s"), datetime(2020, 1, 1, 0, 0, 0, 5)),
        (pa.timestamp("us"), ZONED),
        (pa.timestamp("us", "UTC"), datetime(2020, 1, 1)),
        (pa.timestamp("us"), 5),
        (pa.timestamp("ns"), datetime(1, 1, 1)),
        (pa.date32(), datetime(2020, 1, 1, 5)),
        (pa.time32("s"), time(1, 2, 3, 5)),
        (pa.time64("us"), time(1, 2, 3, tzinfo=UTC)),
        (pa.duration("s"), timedelta(microseconds=5)),
        (pa.string(), 1),
        (pa.string(), b"\xff"),
        (pa.string(), "\ud800"),
        (pa.binary(), "text"),
        (pa.json_(), {"a": 1}),
        (pa.list_(pa.int64()), [1, 2.5]),
        (pa.struct([("a", pa.int64())]), {"a": 2.5}),
        (pa.struct([("a", pa.int64())]), {"b": 1}),
    ],
)
def test_value_that_arrow_would_alter_is_rejected(kind: pa.DataType, value: Any) -> None:
    reasons = _one(kind, value)
    assert len(reasons) == 1
    assert reasons[0].startswith("does not fit the schema: 'v'")


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        (pa.int64(), Decimal(7)),
        (pa.int64(), 7.0),
        (pa.float64(), float("nan")),
        (pa.float64(), float("-inf")),
        (pa.float32(), 0.1),
        (pa.float32(), float("inf")),
        (pa.decimal256(76, 38), Decimal("9" * 38 + "." + "9" * 38)),
        (pa.timestamp("us"), datetime(1, 1, 1)),
        (pa.timestamp("us", "Asia/Shanghai"), ZONED),
        (pa.date32(), date(9999, 12, 31)),
        (pa.binary(), bytearray(b"\x00")),
        (pa.uuid(), UUID(int=7)),
        (pa.json_(), '{"a": 1}'),
        (pa.list_(pa.float64()), [1.0, None, float("nan")]),
        (pa.struct([("a", pa.int64()), ("b", pa.string())]), {"a": 1}),
        (pa.map_(pa.string(), pa.int64()), {"a": 1}),
    ],
)
def test_value_that_fits_arrives(kind: pa.DataType, value: Any) -> None:
    assert _one(kind, value) == []


def test_null_where_the_column_takes_none() -> None:
    assert _one(pa.int64(), None, nullable=False) == ["does not fit the schema: 'v' is null, but the column takes none"]


def test_key_without_a_column_is_rejected_not_dropped() -> None:
    schema = pa.schema([("a", pa.int64())])
    rows, reasons, _ = _read(schema, [{"a": 1, "b": 2}, {}, {"a": 3}])
    assert rows == [{"a": None}, {"a": 3}]
    assert reasons == ["does not fit the schema: there is no column 'b'"]


def test_rejected_row_shows_its_values_as_text() -> None:
    schema = pa.schema([("a", pa.int64()), ("b", pa.date32())])
    task = RecordingTask(schema)
    list(_reader(schema, [{"a": "x", "b": date(2020, 1, 2)}]).read(Split("all"), task))
    assert task.rejected[0][0] == {"a": "x", "b": "2020-01-02"}


def test_columns_of_equal_names_cannot_be_rows() -> None:
    schema = pa.schema([("a", pa.int64()), ("a", pa.int64())])
    with pytest.raises(PluginError, match="several columns are named a"):
        list(_reader(schema, []).read(Split("all"), RecordingTask(schema)))
    with pytest.raises(PluginError, match="several columns are named a"):
        Collector(NoParams()).write(RecordingTask(schema), [])


def test_batches_are_bounded_by_rows_and_by_bytes() -> None:
    schema = pa.schema([("v", pa.string())])
    _, _, small = _read(schema, ({"v": "x"} for _ in range(20_000)))
    assert max(batch.num_rows for batch in small) == ROWS_PER_BATCH
    _, _, large = _read(schema, ({"v": "x" * 200_000} for _ in range(120)))
    assert max(batch.nbytes for batch in large[1:]) <= 2 * BYTES_PER_BATCH


def test_a_list_of_rows_is_read_once() -> None:
    """`rows` must be a generator; a list would otherwise be read for ever."""
    reader = _reader(pa.schema([("a", pa.int64())]), ())
    listed = type("Listed", (type(reader),), {"rows": lambda self, split, task: [{"a": 1}] * 3})(NoParams())
    assert sum(batch.num_rows for batch in listed.read(Split("all"), RecordingTask())) == 3


def test_closing_the_batches_closes_the_rows() -> None:
    closed = []

    def source() -> Iterator[Row]:
        try:
            for number in range(100_000):
                yield {"a": number}
        finally:
            closed.append(True)

    generator = source()
    reader = _reader(pa.schema([("a", pa.int64())]), ())
    given_rows = type("Given", (type(reader),), {"rows": lambda self, split, task: generator})(NoParams())
    batches = given_rows.read(Split("all"), RecordingTask())
    next(batches)
    batches.close()
    assert closed == [True]


VALUES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(),
    st.binary(),
    st.datetimes(),
    st.dates(),
    st.decimals(allow_nan=False),
)


@settings(max_examples=150, deadline=None)
@given(
    kind=st.sampled_from([pa.int8(), pa.int64(), pa.float64(), pa.string(), pa.timestamp("ms"), pa.decimal128(20, 3)]),
    values=st.lists(VALUES, max_size=20),
)
def test_nothing_is_altered_in_silence(kind: pa.DataType, values: list[Any]) -> None:
    schema = pa.schema([("v", kind)])
    rows, reasons, _ = _read(schema, [{"v": value} for value in values])
    assert len(rows) + len(reasons) == len(values)
    there = iter(values)
    for row in rows:  # in order, the values are among those given, and equal
        assert any(row["v"] == value or (row["v"] != row["v"] and value != value) for value in there)


class Collector(RowWriter[NoParams]):
    """Collects rows; refuses those whose `id` is 13."""

    name = "collector"
    params_type = NoParams

    def __init__(self, params: NoParams) -> None:
        super().__init__(params)
        self.got: list[Row] = []

    def accept(self, source: pa.Schema) -> pa.Schema:
        return source

    def write_rows(self, task: Task, rows: Iterable[Row]) -> Receipt:
        count = 0
        for row in rows:
            if row.get("id") == 13:
                reject_row(task, {**row, "more": 1} if row.get("name") == "altered" else row, "unlucky", at="row 13")
                continue
            self.got.append(row)
            count += 1
        return Receipt(task.id, count)


def test_rows_arrive_in_order() -> None:
    table = pa.table({"id": [1, 2, 3], "name": ["a", None, "c"]})
    writer = Collector(NoParams())
    receipt = writer.write(RecordingTask(table.schema), table.to_batches(max_chunksize=2))
    assert (receipt.rows, writer.got) == (3, table.to_pylist())


@pytest.mark.parametrize("name", ["as it was", "altered"])
def test_refused_row_is_rejected_with_its_values(name: str) -> None:
    table = pa.table({"id": [1, 13], "name": ["a", name]})
    task = RecordingTask(table.schema)
    assert Collector(NoParams()).write(task, table.to_batches()).rows == 1
    assert task.rejected == [({"id": 13, "name": name}, "unlucky", "row 13")]


def test_altered_row_that_fits_no_more_is_shown_as_text() -> None:
    task = RecordingTask(pa.schema([("id", pa.int64())]))
    reject_row(task, {"id": "thirteen"}, "unlucky")
    assert task.rejected[0][0] == {"id": "thirteen"}


def test_some_rows_of_a_batch_are_rejected_in_order() -> None:
    batch = pa.record_batch({"id": [1, 2, 3]})
    task = RecordingTask(batch.schema)
    assert reject_rows(task, batch, {}) is None
    assert batch.filter(reject_rows(task, batch, {2: "late", 0: "early"})).to_pydict() == {"id": [2]}
    assert [(row["id"], reason) for row, reason, _ in task.rejected] == [(1, "early"), (3, "late")]


def test_values_that_python_has_no_object_for_are_rejected() -> None:
    ticks = pa.array([0, 1, 2**62, 1000], pa.timestamp("ns"))
    table = pa.table({"id": [1, 2, 3, 4], "at": ticks})
    task, writer = RecordingTask(table.schema), Collector(NoParams())
    assert writer.write(task, table.to_batches()).rows + len(task.rejected) == 4
    assert {1, 4} <= {row["id"] for row in writer.got}
    assert 2 in {row["id"] for row, _, _ in task.rejected}


def test_upstream_failure_passes_through() -> None:
    failure = RuntimeError("upstream")

    def failing() -> Iterator[pa.RecordBatch]:
        yield pa.record_batch({"id": [1]})
        raise failure

    with pytest.raises(RuntimeError) as caught:
        Collector(NoParams()).write(RecordingTask(pa.schema([("id", pa.int64())])), failing())
    assert caught.value is failure


class TestRowReader(ReaderConformance):
    """A reader in ten lines passes the kit."""

    @pytest.fixture
    def expected(self) -> pa.Table:
        return pa.table({"id": pa.array([1, 2, 3], pa.int64()), "name": ["a", None, "ü"]})

    @pytest.fixture
    def reader(self, expected: pa.Table) -> Rows:
        return _reader(expected.schema, expected.to_pylist())

    @pytest.fixture
    def empty_reader(self, expected: pa.Table) -> Rows:
        return _reader(expected.schema, [])


class TestRowWriter(WriterConformance):
    """A writer that promises nothing, into a dictionary of its class; what rows cannot carry is declared."""

    rejects_values: ClassVar[Mapping[str, str]] = dict.fromkeys(
        [
            "time64[ns]",
            "duration[ns]",
            "timestamp[ns]",
            "timestamp[ns, tz=UTC]",
            "timestamp[ns, tz=Asia/Shanghai]",
        ],
        "Python has no nanoseconds",
    )
    holds_whole_tasks = "that is what memory is"

    @pytest.fixture
    def kept(self) -> list[Row]:
        return []

    @pytest.fixture
    def writer(self, kept: list[Row]) -> Collector:
        def write_rows(self: Collector, task: Task, rows: Iterable[Row]) -> Receipt:
            before = len(mine := list(rows))
            kept.extend(mine)
            return Receipt(task.id, before, attempt=task.attempt)

        return type("Keeper", (Collector,), {"write_rows": write_rows})(NoParams())

    @pytest.fixture
    def readback(self, kept: list[Row]) -> Callable[[pa.Schema], pa.Table]:
        return lambda schema: pa.Table.from_pylist([dict(row) for row in kept], schema=schema)
