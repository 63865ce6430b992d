"""The kit over writers that are good but for one thing. `test_sabotage.py` collects those of `writer_*.py`, and expects
each to fail."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from typing import Any, ClassVar

import pyarrow as pa
import pytest

from starhaul import Writer
from starhaul.testing import WriterConformance
from starhaul.testing.memory import MemoryReader, MemoryReaderParams, MemoryStore, MemoryWriter

TABLES = ("bool", "double", "decimal128(38, 18)", "string", "timestamp[us]", "zero rows", "small batches")


class Spoiled(WriterConformance):
    """The kit over one spoiled writer, with the tables cut down to those that can tell."""

    spoiled: ClassVar[type[MemoryWriter]]
    mode: ClassVar[str] = "atomic"
    holds_whole_tasks = "that is what memory is"

    @pytest.fixture
    def store(self) -> MemoryStore:
        return MemoryStore("target")

    @pytest.fixture
    def writer(self, store: MemoryStore) -> MemoryWriter:
        parameters = {"store": store.name, "mode": self.mode, "refuse": 4711, "encoded": True}
        return self.spoiled(self.spoiled.params_type.model_validate(parameters))

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
    def rows(self, bad_batch: pa.RecordBatch) -> MemoryStore:
        return MemoryStore("rows", pa.Table.from_batches([bad_batch]))

    @pytest.fixture
    def encoded_bad(self, rows: MemoryStore) -> MemoryReader:
        return MemoryReader(MemoryReaderParams(store=rows.name, encoded=True))

    @pytest.fixture
    def good_rows(self, bad_batch: pa.RecordBatch) -> MemoryStore:
        return MemoryStore("good rows", pa.Table.from_batches([bad_batch.slice(0, 1)] * 3).combine_chunks())

    @pytest.fixture
    def encoded(self, good_rows: MemoryStore) -> MemoryReader:
        return MemoryReader(MemoryReaderParams(store=good_rows.name, encoded=True))

    @pytest.fixture
    def breakdown(self, store: MemoryStore) -> Callable[[], AbstractContextManager[object]]:
        @contextmanager
        def broken() -> Iterator[None]:
            schema, store.schema = store.schema, None
            yield
            store.schema = schema

        return broken

    @pytest.mark.parametrize("name", TABLES)
    def test_round_trip(self, writer: Writer[Any], readback: Callable[[pa.Schema], pa.Table], name: str) -> None:
        super().test_round_trip(writer, readback, name)


def tests_of(caught_by: Mapping[type[MemoryWriter], tuple[str, str]]) -> dict[str, type[Spoiled]]:
    """Classes of tests by their names, one for each writer. `caught_by` tells the promise that it is spoiled under, and
    the test that must find it; others may find it too."""
    return {
        f"Test{each.__name__}": type(each.__name__, (Spoiled,), {"spoiled": each, "mode": mode})
        for each, (mode, _) in caught_by.items()
    }
