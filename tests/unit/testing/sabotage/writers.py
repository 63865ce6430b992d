"""Writers that are good but for one thing. Collected by `test_sabotage.py` alone, which expects each to fail."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import replace
from typing import Any, ClassVar

import pyarrow as pa
import pyarrow.compute as pc
import pytest
from pydantic import SecretStr

from starhaul import Block, Capability, PermanentError, Receipt, RejectLimitExceeded, Task, Writer
from starhaul.testing import WriterConformance
from starhaul.testing.memory import MemoryReader, MemoryReaderParams, MemoryStore, MemoryWriter, MemoryWriterParams

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


class AltersValues(MemoryWriter):
    """Changes the columns of some type on their way."""

    kind: ClassVar[Callable[[pa.DataType], bool]]

    def write(self, task: Task, batches: Iterable[pa.RecordBatch]) -> Receipt:
        return super().write(task, map(self._altered, batches))

    def altered(self, column: pa.Array) -> pa.Array:
        raise NotImplementedError

    def _altered(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        changed = [self.altered(c).cast(c.type) if type(self).kind(c.type) else c for c in batch.columns]
        return pa.RecordBatch.from_arrays(changed, schema=batch.schema)


class TrimsStrings(AltersValues):
    kind = pa.types.is_string

    def altered(self, column: pa.Array) -> pa.Array:
        return pc.utf8_rtrim_whitespace(column)


class EmptyBecomesNull(AltersValues):
    kind = pa.types.is_string

    def altered(self, column: pa.Array) -> pa.Array:
        return pc.if_else(pc.equal(column, ""), None, column)


class NullBecomesText(AltersValues):
    kind = pa.types.is_string

    def altered(self, column: pa.Array) -> pa.Array:
        return column.fill_null("NULL")


class NanBecomesNull(AltersValues):
    kind = pa.types.is_float64

    def altered(self, column: pa.Array) -> pa.Array:
        return pc.if_else(pc.is_nan(column), None, column)


class ZeroLosesItsSign(AltersValues):
    kind = pa.types.is_float64

    def altered(self, column: pa.Array) -> pa.Array:
        return pc.add(column, 0.0)


class RoundsDecimals(AltersValues):
    kind = pa.types.is_decimal

    def altered(self, column: pa.Array) -> pa.Array:
        return pc.round(column, 17)


class CutsFractionsOfSeconds(AltersValues):
    kind = pa.types.is_timestamp

    def altered(self, column: pa.Array) -> pa.Array:
        return column.cast(pa.timestamp("s"), safe=False)


class LosesLastBatch(MemoryWriter):
    def write(self, task: Task, batches: Iterable[pa.RecordBatch]) -> Receipt:
        whole = list(batches)
        receipt = super().write(task, whole[:-1] or whole)
        return replace(receipt, rows=sum(batch.num_rows for batch in whole))


class StopsPulling(MemoryWriter):
    def write(self, task: Task, batches: Iterable[pa.RecordBatch]) -> Receipt:
        return super().write(task, (batch for batch, _ in zip(batches, range(2), strict=False)))


class CountsWhatItSent(MemoryWriter):
    """The store ignores rows without a name, in silence."""

    def write(self, task: Task, batches: Iterable[pa.RecordBatch]) -> Receipt:
        whole = list(batches)
        stored = (batch.filter(batch.column(1).is_valid()) for batch in whole)
        return replace(super().write(task, stored), rows=sum(batch.num_rows for batch in whole))


class DropsBadRows(MemoryWriter):
    """Leaves out what the store refuses, and tells nobody."""

    def _accepted(self, batch: pa.RecordBatch, task: Task) -> pa.RecordBatch:
        return batch.filter(pc.not_equal(batch.column(0), 4711))


class IgnoresRejectLimit(MemoryWriter):
    def _accepted(self, batch: pa.RecordBatch, task: Task) -> pa.RecordBatch:
        with suppress(RejectLimitExceeded):
            return super()._accepted(batch, task)
        return batch.slice(0, 0)


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


class AbortTrustsReceipts(MemoryWriter):
    """Clears what has a receipt, and forgets the attempt that failed."""

    def write(self, task: Task, batches: Iterable[pa.RecordBatch]) -> Receipt:
        part = MemoryStore.named(self.params.store).staged.setdefault((task.run, task.id, task.attempt), [])
        part.extend(self._accepted(batch, task) for batch in batches)
        return Receipt(task.id, sum(batch.num_rows for batch in part), attempt=task.attempt)

    def abort(self, run: str, receipts: Sequence[Receipt]) -> None:
        for receipt in receipts:
            MemoryStore.named(self.params.store).staged.pop((run, receipt.task, receipt.attempt), None)


class AbortStumbles(MemoryWriter):
    def abort(self, run: str, receipts: Sequence[Receipt]) -> None:
        for receipt in receipts:
            del MemoryStore.named(self.params.store).staged[run, receipt.task, receipt.attempt]


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


class ChecksByWriting(MemoryWriter):
    def check(self, schema: pa.Schema) -> None:
        store = MemoryStore.named(self.params.store)
        nulls = pa.RecordBatch.from_arrays([pa.nulls(1, field.type) for field in schema], schema=schema)
        store.schema = schema
        store.visible["check", "", 0] = [nulls]


class ReceiptOfAnotherTask(MemoryWriter):
    def write(self, task: Task, batches: Iterable[pa.RecordBatch]) -> Receipt:
        return replace(super().write(task, batches), attempt=1)


class CountsWhatItWasGiven(MemoryWriter):
    def count(self, *, published: bool) -> int | None:
        return 0 if not published else 7


class SwallowsEncodedFailure(MemoryWriter):
    def write_encoded(self, task: Task, encoding: str, blocks: Iterable[Block]) -> Receipt:
        whole: list[Block] = []
        with suppress(Exception):
            whole.extend(blocks)
        return super().write_encoded(task, encoding, whole)


class LosesEncodedRow(MemoryWriter):
    def write_encoded(self, task: Task, encoding: str, blocks: Iterable[Block]) -> Receipt:
        batches = [block.decode(block.data) for block in blocks]
        receipt = self.write(task, [batch.slice(0, 1) for batch in batches])
        return replace(receipt, rows=sum(batch.num_rows for batch in batches))


class DropsWholeBadBlock(MemoryWriter):
    def write_encoded(self, task: Task, encoding: str, blocks: Iterable[Block]) -> Receipt:
        batches = [block.decode(block.data) for block in blocks]
        good = [batch for batch in batches if 4711 not in batch.column(0).to_pylist()]
        for batch in batches:
            if batch not in good:
                task.reject(batch, 0, "the store refuses the block")
        return self.write(task, good)


class RejectsTheNeighbour(MemoryWriter):
    """Tells of another row than the store refused."""

    def _accepted(self, batch: pa.RecordBatch, task: Task) -> pa.RecordBatch:
        numbers = batch.column(0).to_pylist()
        if 4711 in numbers:
            task.reject(batch, numbers.index(4711) - 1, "the store refuses it")
        return batch.filter(pc.not_equal(batch.column(0), 4711))


class SortsColumns(MemoryWriter):
    def accept(self, source: pa.Schema) -> pa.Schema:
        return pa.schema(sorted(source, key=lambda field: field.name, reverse=True))


class AbortEmptiesTarget(MemoryWriter):
    def abort(self, run: str, receipts: Sequence[Receipt]) -> None:
        super().abort(run, receipts)
        MemoryStore.named(self.params.store).visible.clear()


class PreparesOnce(MemoryWriter):
    """Makes its table, and stumbles over a table that is there."""

    def prepare(self, schema: pa.Schema, run: str) -> None:
        if MemoryStore.named(self.params.store).schema is not None:
            raise PermanentError("target", "the table exists")
        super().prepare(schema, run)


class LeaksDescriptor(MemoryWriter):
    def write(self, task: Task, batches: Iterable[pa.RecordBatch]) -> Receipt:
        os.open(os.devnull, os.O_RDONLY)
        return super().write(task, batches)


class LeaksThreadOfFailure(MemoryWriter):
    """Has a thread feed the store, and leaves it waiting when the source fails."""

    def write(self, task: Task, batches: Iterable[pa.RecordBatch]) -> Receipt:
        over = threading.Event()
        threading.Thread(target=over.wait, args=(10,), name="feeder", daemon=True).start()
        receipt = super().write(task, batches)
        over.set()
        return receipt


class PasswordParams(MemoryWriterParams):
    password: SecretStr = SecretStr("hunter22")
    """Password of the store."""


class ReceiptHoldsPassword(MemoryWriter):
    params_type = PasswordParams

    def write(self, task: Task, batches: Iterable[pa.RecordBatch]) -> Receipt:
        params: Any = self.params
        login = {"login": f"root:{params.password.get_secret_value()}"}
        return replace(super().write(task, batches), data=login)


class SwallowsBreakdown(MemoryWriter):
    """Believes that what it sent has arrived."""

    def write(self, task: Task, batches: Iterable[pa.RecordBatch]) -> Receipt:
        whole = list(batches)
        with suppress(PermanentError):
            super().write(task, whole)
        return Receipt(task.id, sum(batch.num_rows for batch in whole), attempt=task.attempt)

    def _accepted(self, batch: pa.RecordBatch, task: Task) -> pa.RecordBatch:
        if MemoryStore.named(self.params.store).schema is None:
            raise PermanentError("target", "does not answer")
        return super()._accepted(batch, task)


class HoldsWholeTask(MemoryWriter):
    """Good, but for what it declares: see the class of its tests."""


CAUGHT_BY: Mapping[type[MemoryWriter], tuple[str, str]] = {
    TrimsStrings: ("atomic", "test_round_trip[string]"),
    EmptyBecomesNull: ("atomic", "test_round_trip[string]"),
    NullBecomesText: ("atomic", "test_round_trip[string]"),
    NanBecomesNull: ("atomic", "test_round_trip[double]"),
    ZeroLosesItsSign: ("atomic", "test_round_trip[double]"),
    RoundsDecimals: ("atomic", "test_round_trip[decimal128(38, 18)]"),
    CutsFractionsOfSeconds: ("atomic", "test_round_trip[timestamp[us]]"),
    LosesLastBatch: ("atomic", "test_round_trip[string]"),
    StopsPulling: ("atomic", "test_round_trip[small batches]"),
    CountsWhatItSent: ("atomic", "test_round_trip[string]"),
    DropsBadRows: ("atomic", "test_bad_row_is_rejected"),
    IgnoresRejectLimit: ("atomic", "test_reject_limit_passes_through"),
    PublishesEarly: ("atomic", "test_nothing_is_visible_before_commit"),
    CommitsTwice: ("atomic", "test_commit_twice_is_once"),
    AbortLeavesStaging: ("atomic", "test_abort_leaves_no_trace"),
    AbortTrustsReceipts: ("atomic", "test_abort_after_upstream_failure"),
    AbortStumbles: ("atomic", "test_abort_leaves_no_trace"),
    SwallowsFailure: ("atomic", "test_upstream_failure[after one batch-failure0]"),
    WrapsFailure: ("atomic", "test_upstream_failure[at once-failure0]"),
    KeepsHalfAnAttempt: ("exactly_once", "test_upstream_failure[after one batch-failure0]"),
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
    ChecksByWriting: ("atomic", "test_check_changes_nothing"),
    ReceiptOfAnotherTask: ("atomic", "test_lost_receipt"),
    CountsWhatItWasGiven: ("atomic", "test_counts_what_arrives"),
    SwallowsEncodedFailure: ("atomic", "test_encoded_failure_passes"),
    LosesEncodedRow: ("atomic", "test_encoded_rows_arrive"),
    DropsWholeBadBlock: ("atomic", "test_encoded_bad_row_is_rejected"),
    RejectsTheNeighbour: ("atomic", "test_bad_row_is_rejected"),
    SortsColumns: ("atomic", "test_accept_is_stable"),
    AbortEmptiesTarget: ("atomic", "test_abort_keeps_what_was_there"),
    PreparesOnce: ("atomic", "test_prepare_twice_is_once"),
    LeaksDescriptor: ("atomic", "test_writing_frees_everything"),
    LeaksThreadOfFailure: ("atomic", "test_writing_frees_everything"),
    ReceiptHoldsPassword: ("atomic", "test_receipts_keep_secrets"),
    SwallowsBreakdown: ("atomic", "test_a_breakdown_is_told"),
    HoldsWholeTask: ("atomic", "test_streams_its_batches"),
}
"""Each sabotage, the promise it is made under, and the test that must find it; others may find it too."""

globals().update(
    {
        f"Test{each.__name__}": type(each.__name__, (Spoiled,), {"spoiled": each, "mode": mode})
        for each, (mode, _) in CAUGHT_BY.items()
    }
)


class TestHoldsWholeTask(Spoiled):
    """Holds a whole task in memory and does not declare it."""

    spoiled = HoldsWholeTask
    holds_whole_tasks = ""
