"""Writers that are good but for one thing about failures and bad rows."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress

import pyarrow as pa
import pyarrow.compute as pc

from starhaul import PermanentError, Receipt, RejectLimitExceeded, Task
from starhaul.testing.memory import MemoryStore, MemoryWriter
from tests.unit.testing.sabotage.spoiled_writer import tests_of


class DropsBadRows(MemoryWriter):
    """Leaves out what the store refuses, and tells nobody."""

    def _accepted(self, batch: pa.RecordBatch, task: Task) -> pa.RecordBatch:
        return batch.filter(pc.not_equal(batch.column(0), 4711))


class IgnoresRejectLimit(MemoryWriter):
    def _accepted(self, batch: pa.RecordBatch, task: Task) -> pa.RecordBatch:
        with suppress(RejectLimitExceeded):
            return super()._accepted(batch, task)
        return batch.slice(0, 0)


class AbortTrustsReceipts(MemoryWriter):
    """Clears what has a receipt, and forgets the attempt that failed."""

    def write(self, task: Task, batches: Iterable[pa.RecordBatch]) -> Receipt:
        part = MemoryStore.named(self.params.store).staged.setdefault((task.run, task.id, task.attempt), [])
        part.extend(self._accepted(batch, task) for batch in batches)
        return Receipt(task.id, sum(batch.num_rows for batch in part), attempt=task.attempt)

    def abort(self, run: str, receipts: Sequence[Receipt]) -> None:
        for receipt in receipts:
            MemoryStore.named(self.params.store).staged.pop((run, receipt.task, receipt.attempt), None)


class SwallowsFailure(MemoryWriter):
    def write(self, task: Task, batches: Iterable[pa.RecordBatch]) -> Receipt:
        def until_failure() -> Iterator[pa.RecordBatch]:
            with suppress(Exception):
                yield from batches

        return super().write(task, until_failure())


class WrapsFailure(MemoryWriter):
    def write(self, task: Task, batches: Iterable[pa.RecordBatch]) -> Receipt:
        try:
            return super().write(task, batches)
        except Exception as error:
            raise PermanentError("target", f"cannot write: {error}") from error


class KeepsHalfAnAttempt(MemoryWriter):
    """Publishes batch by batch under a promise that forbids it."""

    def write(self, task: Task, batches: Iterable[pa.RecordBatch]) -> Receipt:
        store = MemoryStore.named(self.params.store)

        def published() -> Iterator[pa.RecordBatch]:
            for batch in batches:
                store.visible.setdefault((task.run, task.id, 0), []).append(batch)
                yield batch

        return super().write(task, published())


class ChecksByWriting(MemoryWriter):
    def check(self, schema: pa.Schema) -> None:
        store = MemoryStore.named(self.params.store)
        nulls = pa.RecordBatch.from_arrays([pa.nulls(1, field.type) for field in schema], schema=schema)
        store.schema = schema
        store.visible["check", "", 0] = [nulls]


class RejectsTheNeighbour(MemoryWriter):
    """Tells of another row than the store refused."""

    def _accepted(self, batch: pa.RecordBatch, task: Task) -> pa.RecordBatch:
        numbers = batch.column(0).to_pylist()
        if 4711 in numbers:
            task.reject(batch, numbers.index(4711) - 1, "the store refuses it")
        return batch.filter(pc.not_equal(batch.column(0), 4711))


CAUGHT_BY: Mapping[type[MemoryWriter], tuple[str, str]] = {
    DropsBadRows: ("atomic", "test_bad_row_is_rejected"),
    IgnoresRejectLimit: ("atomic", "test_reject_limit_passes_through"),
    AbortTrustsReceipts: ("atomic", "test_abort_after_upstream_failure"),
    SwallowsFailure: ("atomic", "test_upstream_failure[after one batch-failure0]"),
    WrapsFailure: ("atomic", "test_upstream_failure[at once-failure0]"),
    KeepsHalfAnAttempt: ("exactly_once", "test_upstream_failure[after one batch-failure0]"),
    ChecksByWriting: ("atomic", "test_check_changes_nothing"),
    RejectsTheNeighbour: ("atomic", "test_bad_row_is_rejected"),
}

globals().update(tests_of(CAUGHT_BY))
