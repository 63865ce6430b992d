"""Writers that are good but for one promise."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import ClassVar

import pyarrow as pa

from starhaul import Capability, PermanentError, Receipt, Task
from starhaul.testing.memory import MemoryStore, MemoryWriter
from tests.unit.testing.sabotage.spoiled_writer import tests_of


class PublishesEarly(MemoryWriter):
    def write(self, task: Task, batches: Iterable[pa.RecordBatch]) -> Receipt:
        receipt = super().write(task, batches)
        super().commit(task.run, [receipt])
        return receipt


class CommitsTwice(MemoryWriter):
    def commit(self, run: str, receipts: Sequence[Receipt]) -> None:
        store = MemoryStore.named(self.params.store)
        for receipt in receipts:
            part = store.staged.get((run, receipt.task, receipt.attempt), [])
            number = len(store.visible)
            store.visible["again", "", number] = part or [b for each in store.visible.values() for b in each]
        self.abort(run, receipts)


class AbortLeavesStaging(MemoryWriter):
    def abort(self, run: str, receipts: Sequence[Receipt]) -> None:
        pass


class AbortStumbles(MemoryWriter):
    def abort(self, run: str, receipts: Sequence[Receipt]) -> None:
        for receipt in receipts:
            del MemoryStore.named(self.params.store).staged[run, receipt.task, receipt.attempt]


class SharesItsBuffer(MemoryWriter):
    """Collects rows in the instance, whichever task they belong to."""

    def write(self, task: Task, batches: Iterable[pa.RecordBatch]) -> Receipt:
        buffer = self.__dict__.setdefault("buffer", [])
        for batch in batches:
            buffer.append(batch)
        return super().write(task, list(buffer))


class RemembersPrepare(MemoryWriter):
    def prepare(self, schema: pa.Schema, run: str) -> None:
        super().prepare(schema, run)
        self.prepared = True

    def write(self, task: Task, batches: Iterable[pa.RecordBatch]) -> Receipt:
        if not getattr(self, "prepared", False):
            raise PermanentError("target", "prepare() was never called")
        return super().write(task, batches)


class DoublesAttempts(MemoryWriter):
    """Appends what a second attempt brings, and calls that idempotent."""

    def write(self, task: Task, batches: Iterable[pa.RecordBatch]) -> Receipt:
        store = MemoryStore.named(self.params.store)
        receipt = super().write(task, batches)
        store.visible[task.run, task.id, task.attempt] = store.visible.pop((task.run, task.id, 0))
        return receipt


class NeverDelivered(MemoryWriter):
    def delivered(self, task: Task) -> Receipt | None:
        return None


class AlwaysDelivered(MemoryWriter):
    def delivered(self, task: Task) -> Receipt | None:
        return Receipt(task.id, 10)


class LedgerStays(MemoryWriter):
    def commit(self, run: str, receipts: Sequence[Receipt]) -> None:
        pass


class NoFence(MemoryWriter):
    def write(self, task: Task, batches: Iterable[pa.RecordBatch]) -> Receipt:
        store = MemoryStore.named(self.params.store)
        store.ledger.pop((task.run, task.id, 0), None)
        receipt = super().write(task, batches)
        store.visible[task.run, task.id, task.attempt] = store.visible.pop((task.run, task.id, 0))
        return receipt


class CommitTrustsReceipts(MemoryWriter):
    """Commits what it is given, and asks no ledger whether the target still has it."""

    def commit(self, run: str, receipts: Sequence[Receipt]) -> None:
        store = MemoryStore.named(self.params.store)
        store.ledger.update({(run, receipt.task, 0): receipt for receipt in receipts})
        super().commit(run, receipts)


class TakesLostForCommitted(MemoryWriter):
    """A run of which the ledger holds nothing must have been committed before, it believes."""

    def commit(self, run: str, receipts: Sequence[Receipt]) -> None:
        if any(key[0] == run for key in MemoryStore.named(self.params.store).ledger):
            super().commit(run, receipts)


class PromisesUndeclared(MemoryWriter):
    capabilities: ClassVar[frozenset[Capability]] = frozenset()

    def promises(self) -> frozenset[Capability]:
        return frozenset({Capability.ATOMIC})


class ReceiptOfAnotherTask(MemoryWriter):
    def write(self, task: Task, batches: Iterable[pa.RecordBatch]) -> Receipt:
        return replace(super().write(task, batches), attempt=1)


class CountsWhatItWasGiven(MemoryWriter):
    def count(self, *, published: bool) -> int | None:
        return 0 if not published else 7


CAUGHT_BY: Mapping[type[MemoryWriter], tuple[str, str]] = {
    PublishesEarly: ("atomic", "test_nothing_is_visible_before_commit"),
    CommitsTwice: ("atomic", "test_commit_twice_is_once"),
    AbortLeavesStaging: ("atomic", "test_abort_leaves_no_trace"),
    AbortStumbles: ("atomic", "test_abort_leaves_no_trace"),
    SharesItsBuffer: ("atomic", "test_works_from_four_threads"),
    RemembersPrepare: ("atomic", "test_resumes_in_another_process"),
    DoublesAttempts: ("idempotent", "test_lost_receipt"),
    NeverDelivered: ("exactly_once", "test_delivered_is_honest"),
    AlwaysDelivered: ("none", "test_delivered_is_honest"),
    LedgerStays: ("exactly_once", "test_delivered_is_honest"),
    NoFence: ("exactly_once", "test_second_attempt_is_fenced"),
    CommitTrustsReceipts: ("exactly_once", "test_a_commit_tells_of_lost_tasks"),
    TakesLostForCommitted: ("exactly_once", "test_a_commit_tells_of_a_lost_run"),
    PromisesUndeclared: ("atomic", "test_promises_are_declared"),
    ReceiptOfAnotherTask: ("atomic", "test_lost_receipt"),
    CountsWhatItWasGiven: ("atomic", "test_counts_what_arrives"),
}

globals().update(tests_of(CAUGHT_BY))
