"""The in-memory plugins pass the kit in every mode; they are the good plugins that the sabotages spoil."""

from __future__ import annotations

from collections.abc import Callable, Collection

import pyarrow as pa
import pytest

from starhaul.testing import ReaderConformance, WriterConformance
from starhaul.testing.memory import MemoryReader, MemoryReaderParams, MemoryStore, MemoryWriter, MemoryWriterParams


class TestMemoryReader(ReaderConformance):
    @pytest.fixture
    def expected(self) -> pa.Table:
        return pa.table({"id": pa.array(range(5), pa.int64()), "name": ["a", None, "", "ü", "e"]})

    @pytest.fixture
    def store(self, expected: pa.Table) -> MemoryStore:
        return MemoryStore("source", expected)

    @pytest.fixture
    def reader(self, store: MemoryStore) -> MemoryReader:
        return MemoryReader(MemoryReaderParams(store=store.name, encoded=True))

    @pytest.fixture
    def change(self, store: MemoryStore, expected: pa.Table) -> Callable[[], object]:
        return lambda: store.visible.__setitem__(("more", "", 0), expected.slice(0, 2).to_batches())

    @pytest.fixture
    def empty_store(self, expected: pa.Table) -> MemoryStore:
        return MemoryStore("empty", expected.slice(0, 0))

    @pytest.fixture
    def empty_reader(self, empty_store: MemoryStore) -> MemoryReader:
        return MemoryReader(MemoryReaderParams(store=empty_store.name))


class TestMemoryWriter(WriterConformance):
    holds_whole_tasks = "that is what memory is"

    @pytest.fixture(params=["atomic", "exactly_once", "idempotent", "none"])
    def mode(self, request: pytest.FixtureRequest) -> str:
        return str(request.param)

    @pytest.fixture
    def store(self) -> MemoryStore:
        return MemoryStore("target")

    @pytest.fixture
    def writer(self, store: MemoryStore, mode: str) -> MemoryWriter:
        parameters = {"store": store.name, "mode": mode, "refuse": 4711, "encoded": True}
        return MemoryWriter(MemoryWriterParams.model_validate(parameters))

    @pytest.fixture
    def readback(self, store: MemoryStore) -> Callable[[pa.Schema], pa.Table]:
        return store.table

    @pytest.fixture
    def leftovers(self, store: MemoryStore) -> Callable[[], Collection[str]]:
        return store.leftovers

    @pytest.fixture
    def bad_batch(self) -> pa.RecordBatch:
        return pa.record_batch({"id": pa.array([1, 4711, 3], pa.int64()), "name": ["a", "b", "c"]})

    @pytest.fixture
    def unwritable(self) -> pa.Schema:
        return pa.schema([])

    @pytest.fixture
    def good_rows(self, bad_batch: pa.RecordBatch) -> MemoryStore:
        return MemoryStore("good rows", pa.table({"id": pa.array([1, 2, 3], pa.int64()), "name": ["a", None, "c"]}))

    @pytest.fixture
    def encoded(self, good_rows: MemoryStore) -> MemoryReader:
        return MemoryReader(MemoryReaderParams(store=good_rows.name, encoded=True))

    @pytest.fixture
    def bad_rows(self, bad_batch: pa.RecordBatch) -> MemoryStore:
        return MemoryStore("bad rows", pa.Table.from_batches([bad_batch]))

    @pytest.fixture
    def encoded_bad(self, bad_rows: MemoryStore) -> MemoryReader:
        return MemoryReader(MemoryReaderParams(store=bad_rows.name, encoded=True))


class TextWriter(MemoryWriter):
    """Takes every column as text, as a writer of files does."""

    def accept(self, source: pa.Schema) -> pa.Schema:
        return pa.schema([pa.field(field.name, pa.string(), nullable=field.nullable) for field in source])


class TestTextWriter(TestMemoryWriter):
    """The hub converts what it is given; the kit compares with what the hub made."""

    @pytest.fixture(params=["atomic"])
    def mode(self, request: pytest.FixtureRequest) -> str:
        return str(request.param)

    @pytest.fixture
    def writer(self, store: MemoryStore) -> TextWriter:
        return TextWriter(MemoryWriterParams(store=store.name))

    @pytest.fixture
    def bad_batch(self) -> None:
        """As text, no row holds the number that the store refuses."""

    @pytest.fixture
    def encoded(self) -> None:
        """It takes no encoding."""

    @pytest.fixture
    def encoded_bad(self) -> None:
        """It takes no encoding."""


class LateWriter(MemoryWriter):
    """Cannot tell what it accepts before `prepare` has made the target."""

    def accept(self, source: pa.Schema) -> pa.Schema | None:
        made = MemoryStore.named(self.params.store).schema
        return None if made is None else super().accept(source)


class TestLateWriter(TestTextWriter):
    """`accept` answers None at first."""

    @pytest.fixture
    def writer(self, store: MemoryStore) -> LateWriter:
        return LateWriter(MemoryWriterParams(store=store.name))
