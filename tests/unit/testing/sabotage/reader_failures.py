"""Readers that are good but for one thing about bad rows and sources that break off."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import suppress

import pyarrow as pa

from starhaul import PermanentError, RejectLimitExceeded, Split, Task
from starhaul.testing.memory import MemoryReader
from tests.unit.testing.sabotage.spoiled_reader import Cut, Picky, tests_of


class DropsBadRows(Picky):
    def reject(self, batch: pa.RecordBatch, row: int, task: Task) -> None:
        pass


class DropsBatchesWithBadRows(Picky):
    def read(self, split: Split, task: Task) -> Iterator[pa.RecordBatch]:
        return (batch for batch in super().read(split, task) if batch.num_rows == self.params.batch_rows)


class IgnoresRejectLimit(Picky):
    def reject(self, batch: pa.RecordBatch, row: int, task: Task) -> None:
        with suppress(RejectLimitExceeded):
            super().reject(batch, row, task)


class EndsEarly(Cut):
    def read(self, split: Split, task: Task) -> Iterator[pa.RecordBatch]:
        with suppress(PermanentError):
            yield from super().read(split, task)


CAUGHT_BY: Mapping[type[MemoryReader], str] = {
    DropsBadRows: "test_bad_row_is_rejected",
    DropsBatchesWithBadRows: "test_bad_row_is_rejected",
    IgnoresRejectLimit: "test_reject_limit_passes_through",
    EndsEarly: "test_half_a_source_is_an_error",
}

globals().update(tests_of(CAUGHT_BY))
