"""The kit over readers that are good but for one thing. `test_sabotage.py` collects those of `reader_*.py`, and expects
each to fail."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import ClassVar

import pyarrow as pa
import pytest
from pydantic import SecretStr

from starhaul import PermanentError, Split, Task
from starhaul.testing import ReaderConformance
from starhaul.testing.memory import MemoryReader, MemoryReaderParams, MemoryStore

BAD = 4711
"""Number of the row that cannot be read."""


class PasswordParams(MemoryReaderParams):
    password: SecretStr = SecretStr("")
    """Password of the store."""


class Picky(MemoryReader):
    """Good: rejects the row that cannot be read."""

    def read(self, split: Split, task: Task) -> Iterator[pa.RecordBatch]:
        for batch in super().read(split, task):
            good = [value != BAD for value in batch.column(0).to_pylist()]
            for row in (row for row, fine in enumerate(good) if not fine):
                self.reject(batch, row, task)
            yield batch.filter(pa.array(good, pa.bool_()))

    def reject(self, batch: pa.RecordBatch, row: int, task: Task) -> None:
        task.reject(batch, row, "it is bad")


class Cut(MemoryReader):
    """Good: tells that its source breaks off."""

    def read(self, split: Split, task: Task) -> Iterator[pa.RecordBatch]:
        for batch in super().read(split, task):
            yield batch
            if self.params.store == "cut":
                raise PermanentError("store", "it breaks off")


class Spoiled(ReaderConformance):
    """The kit over one spoiled reader."""

    spoiled: ClassVar[type[MemoryReader]]

    @pytest.fixture
    def expected(self) -> pa.Table:
        return pa.table({"id": pa.array(range(5), pa.int64()), "name": ["a", None, "", "ü", "e"]})

    @pytest.fixture
    def store(self, expected: pa.Table) -> MemoryStore:
        return MemoryStore("source", expected)

    @pytest.fixture
    def reader(self, store: MemoryStore) -> MemoryReader:
        parameters = {"store": store.name, "encoded": True}
        if issubclass(self.spoiled.params_type, PasswordParams):
            parameters["password"] = "hunter22"
        return self.spoiled(self.spoiled.params_type.model_validate(parameters))

    @pytest.fixture
    def change(self, store: MemoryStore, expected: pa.Table) -> Callable[[], object]:
        return lambda: store.visible.__setitem__(("more", "", 0), expected.slice(0, 4).to_batches())

    @pytest.fixture
    def empty_store(self, expected: pa.Table) -> MemoryStore:
        return MemoryStore("empty", expected.slice(0, 0))

    @pytest.fixture
    def empty_reader(self, empty_store: MemoryStore) -> MemoryReader:
        return self.spoiled(self.spoiled.params_type(store=empty_store.name))

    @pytest.fixture
    def bad_store(self, expected: pa.Table) -> MemoryStore:
        bad = pa.table({"id": pa.array([BAD], pa.int64()), "name": ["x"]})
        return MemoryStore("bad", pa.concat_tables([expected.slice(0, 2), bad, expected.slice(2)]).combine_chunks())

    @pytest.fixture
    def bad_reader(self, bad_store: MemoryStore) -> MemoryReader | None:
        return self.spoiled(self.spoiled.params_type(store=bad_store.name)) if issubclass(self.spoiled, Picky) else None

    @pytest.fixture
    def cut_store(self, expected: pa.Table) -> MemoryStore:
        return MemoryStore("cut", expected)

    @pytest.fixture
    def cut_reader(self, cut_store: MemoryStore) -> MemoryReader | None:
        return self.spoiled(self.spoiled.params_type(store=cut_store.name)) if issubclass(self.spoiled, Cut) else None


def tests_of(caught_by: Mapping[type[MemoryReader], str]) -> dict[str, type[Spoiled]]:
    """Classes of tests by their names, one for each reader. `caught_by` tells the test that must find it; others may
    find it too."""
    return {f"Test{each.__name__}": type(each.__name__, (Spoiled,), {"spoiled": each}) for each in caught_by}
