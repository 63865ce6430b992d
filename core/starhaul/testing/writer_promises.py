"""What a writer promises: ATOMIC, IDEMPOTENT, EXACTLY_ONCE, and that a run can be taken up by another process."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any

import pyarrow as pa
import pytest

from starhaul.api.capability import Capability
from starhaul.api.errors import StarhaulError, TasksLost
from starhaul.api.task import Receipt
from starhaul.api.writer import Writer
from starhaul.testing.compare import assert_same_rows
from starhaul.testing.delivery import RETRYABLE, Delivery

Readback = Callable[[pa.Schema], pa.Table]
Leftovers = Callable[[], Collection[str]] | None

UNDOES = frozenset({Capability.ATOMIC, Capability.EXACTLY_ONCE})
"""Writers that promise one of these leave nothing of a failed attempt in sight."""


class WriterPromises:
    """A promise that is made is proven, one that is not made is not hinted at. Part of `WriterConformance`."""

    @pytest.fixture
    def delivery(self, writer: Writer[Any], sample: pa.Table) -> Delivery:
        """A prepared run of `sample`."""
        delivery = Delivery(writer, sample.schema)
        delivery.prepare()
        return delivery

    def test_promises_are_declared(self, writer: Writer[Any]) -> None:
        surplus = writer.promises() - type(writer).capabilities
        assert not surplus, f"promises() holds {set(surplus)}, which `capabilities` does not"
        assert Capability.SPLIT not in type(writer).capabilities, "SPLIT is a promise of readers"

    def test_receipts_are_json(self, delivery: Delivery, sample: pa.Table) -> None:
        receipt = delivery.write(delivery.task(), delivery.converted(sample))
        assert json.loads(json.dumps(dict(receipt.data))) == dict(receipt.data), "Receipt.data must be JSON data"
        assert type(receipt.rows) is int, "Receipt.rows must be an int"
        delivery.commit(receipt)

    def test_counts_what_arrives(self, delivery: Delivery, sample: pa.Table) -> None:
        writer = delivery.writer
        before = writer.count(published=False)
        receipts = [delivery.write(delivery.task(n), delivery.converted(sample.slice(5 * n, 5))) for n in range(2)]
        delivery.commit(*receipts)
        after = delivery.resumed().writer.count(published=True)
        if before is None:
            assert after is None, "count() tells the rows of a published target, but not of one that was prepared"
            return
        assert after is not None, "count() tells the rows of a target that was prepared, but not of a published one"
        written = sum(receipt.rows for receipt in receipts)
        assert after - before == written, f"count() gave {before} before and {after} after {written} rows were written"

    def test_delivered_is_honest(self, delivery: Delivery, sample: pa.Table) -> None:
        """`delivered` knows a task exactly from the moment it went through until the run is committed."""
        batches = delivery.converted(sample)
        writer = delivery.writer
        assert writer.delivered(delivery.task()) is None, "delivered() knows a task that was never written"
        receipt = delivery.write(delivery.task(), batches)
        known = delivery.resumed().writer.delivered(delivery.task(attempt=2))
        if Capability.EXACTLY_ONCE not in writer.promises():
            assert known is None, "delivered() answers, but EXACTLY_ONCE is not promised: promise it or return None"
            return
        assert known is not None, "EXACTLY_ONCE is promised, but delivered() does not know a task that was written"
        assert (known.task, known.rows, known.skipped, known.attempt) == (
            receipt.task,
            receipt.rows,
            receipt.skipped,
            receipt.attempt,
        ), f"delivered() gives {known}, write() gave {receipt}"
        assert writer.delivered(delivery.task(1)) is None, "delivered() knows another task than the one written"
        other = delivery.task()
        other.run = "run_other"
        assert writer.delivered(other) is None, "delivered() knows the task of another run"
        delivery.commit(known)
        assert writer.delivered(delivery.task(attempt=2)) is None, "the ledger must be cleared by forget() at last"

    def test_second_attempt_is_fenced(self, delivery: Delivery, readback: Readback, sample: pa.Table) -> None:
        """EXACTLY_ONCE: an attempt that lost the race fails on the ledger's key, or changes nothing."""
        if Capability.EXACTLY_ONCE not in delivery.writer.promises():
            pytest.skip("the writer does not promise EXACTLY_ONCE")
        batches = delivery.converted(sample)
        receipt = delivery.write(delivery.task(), batches)
        with suppress(StarhaulError):  # fenced; what counts is the target
            delivery.resumed().writer.write(delivery.task(attempt=2), iter(batches))
        delivery.commit(receipt)
        told = "EXACTLY_ONCE is promised, but a task that is written twice does not arrive once"
        assert_same_rows(readback(delivery.schema), _table(delivery, batches), told)

    def test_lost_receipt(self, delivery: Delivery, readback: Readback, sample: pa.Table) -> None:
        """An attempt went through and its answer was lost, so that the engine writes the task again."""
        promises = delivery.writer.promises()
        if Capability.EXACTLY_ONCE in promises or not promises & RETRYABLE:
            pytest.skip("the engine does not write a delivered task of this writer again")
        batches = delivery.converted(sample)
        delivery.write(delivery.task(), batches)
        receipt = delivery.resumed().write(delivery.task(attempt=2), batches)
        delivery.commit(receipt)
        told = f"{', '.join(promises)} is promised, but a task that is written twice does not arrive once"
        assert_same_rows(readback(delivery.schema), _table(delivery, batches), told)

    def test_nothing_is_visible_before_commit(self, delivery: Delivery, readback: Readback, sample: pa.Table) -> None:
        if Capability.ATOMIC not in delivery.writer.promises():
            pytest.skip("the writer does not promise ATOMIC")
        receipt = delivery.write(delivery.task(), delivery.converted(sample))
        shown = readback(delivery.schema).num_rows
        assert shown == 0, f"ATOMIC is promised, but {shown} rows are visible before commit()"
        delivery.commit(receipt)
        shown = readback(delivery.schema).num_rows
        assert shown == receipt.rows, f"commit() published {shown} of {receipt.rows} rows"

    def test_leftovers_are_seen(self, delivery: Delivery, sample: pa.Table, leftovers: Leftovers) -> None:
        """What a run keeps aside until `commit` is what a dead one leaves. The tests below cannot see what
        `leftovers` does not name."""
        if not delivery.writer.promises() & UNDOES:
            pytest.skip("the writer promises nothing for which it would keep something aside")
        if leftovers is None:
            pytest.skip("no `leftovers`: staging or a ledger that stays behind goes unseen")
        receipt = delivery.write(delivery.task(), delivery.converted(sample))
        assert leftovers(), "`leftovers` names nothing between write() and commit(); it must see staging and ledger"
        delivery.commit(receipt)

    def test_abort_leaves_no_trace(
        self, writer: Writer[Any], readback: Readback, sample: pa.Table, leftovers: Leftovers
    ) -> None:
        before = set(leftovers()) if leftovers else set()
        delivery = Delivery(writer, sample.schema)
        delivery.prepare()
        batches = delivery.converted(sample)
        receipt = delivery.write(delivery.task(), batches)
        delivery.abort(receipt)
        delivery.abort(receipt)  # as after a crash in its midst
        if Capability.ATOMIC not in writer.promises():
            return
        shown = readback(delivery.schema).num_rows
        assert shown == 0, f"ATOMIC is promised, but {shown} rows are visible after abort()"
        left = sorted(set(leftovers()) - before) if leftovers else []
        assert not left, f"abort() leaves {left} behind"
        following = Delivery(writer, sample.schema, run=delivery.run)  # what was left would come to light now
        following.prepare()
        following.commit(following.write(following.task(), following.converted(sample.slice(0, 1))))
        shown = readback(following.schema).num_rows
        assert shown == 1, f"one row was written after abort(), {shown} are visible: abort() left rows in staging"

    def test_abort_before_anything_was_written(
        self, writer: Writer[Any], readback: Readback, sample: pa.Table, leftovers: Leftovers
    ) -> None:
        """`prepare` failed half-way: abort must not stumble over what is not there."""
        before = set(leftovers()) if leftovers else set()
        delivery = Delivery(writer, sample.schema)
        delivery.abort()
        delivery.prepare()
        delivery.abort()
        left = sorted(set(leftovers()) - before) if leftovers and Capability.ATOMIC in writer.promises() else []
        assert not left, f"abort() leaves {left} behind"
        assert readback(delivery.schema).num_rows == 0

    def test_a_failed_run_goes_on_after_abort(self, delivery: Delivery, readback: Readback, sample: pa.Table) -> None:
        """Without ATOMIC nothing is undone: the resumed run keeps what went through, and is not prepared again."""
        promises = delivery.writer.promises()
        if Capability.ATOMIC in promises or not promises & RETRYABLE:
            pytest.skip("a failed run of this writer is prepared anew, or cannot be resumed")
        halves = [delivery.converted(part) for part in (sample.slice(0, 4), sample.slice(4))]
        first = delivery.write(delivery.task(0), halves[0])
        delivery.abort(first)
        resumed = delivery.resumed()
        if Capability.EXACTLY_ONCE in promises:
            known = resumed.writer.delivered(resumed.task(0, attempt=2))
            assert known is not None, "abort() cleared the ledger of a run that can be resumed"
        second = resumed.write(resumed.task(1, attempt=2), halves[1])
        resumed.commit(first, second)
        wanted = _table(delivery, [batch for half in halves for batch in half])
        assert_same_rows(readback(delivery.schema), wanted, "a run that failed and was resumed loses or doubles rows")

    def test_commit_twice_is_once(
        self, delivery: Delivery, readback: Readback, sample: pa.Table, leftovers: Leftovers
    ) -> None:
        """The process died after `commit` and before it could say so: the resumed run commits again."""
        halves = [delivery.converted(part) for part in (sample.slice(0, 4), sample.slice(4))]
        receipts = [delivery.write(delivery.task(number), half) for number, half in enumerate(halves)]
        delivery.publish(*receipts)
        wanted = _table(delivery, [batch for half in halves for batch in half])
        assert_same_rows(readback(delivery.schema), wanted, "commit() does not publish what was written")
        delivery.resumed().publish(*receipts)
        assert_same_rows(readback(delivery.schema), wanted, "a second commit() of the same run changes the target")
        for _ in range(2):
            delivery.resumed().writer.forget(delivery.run)
        assert_same_rows(readback(delivery.schema), wanted, "forget() changes the target")
        left = sorted(leftovers()) if leftovers else []
        assert not left, f"commit() and forget() leave {left} behind; clear staging and ledger"

    def test_a_commit_tells_of_lost_tasks(self, delivery: Delivery, readback: Readback, sample: pa.Table) -> None:
        """EXACTLY_ONCE: the server failed over or crashed, and lost what it had acknowledged."""
        if Capability.EXACTLY_ONCE not in delivery.writer.promises():
            pytest.skip("the writer does not promise EXACTLY_ONCE")
        halves = [delivery.converted(part) for part in (sample.slice(0, 4), sample.slice(4))]
        first = delivery.write(delivery.task(0), halves[0])
        lost = Receipt("t1", sum(batch.num_rows for batch in halves[1]))
        with pytest.raises(TasksLost) as caught:
            delivery.publish(first, lost)
        assert caught.value.tasks == ("t1",), f"commit() says that {caught.value.tasks} are lost; t1 alone is"
        delivery.commit(first, delivery.write(delivery.task(1, attempt=2), halves[1]))
        wanted = _table(delivery, [batch for half in halves for batch in half])
        assert_same_rows(readback(delivery.schema), wanted, "a task that was lost and written again does not arrive")

    def test_a_commit_tells_of_a_lost_run(self, delivery: Delivery, sample: pa.Table) -> None:
        """The same, and even what `prepare` left is gone: that is no run that was committed before."""
        if Capability.EXACTLY_ONCE not in delivery.writer.promises():
            pytest.skip("the writer does not promise EXACTLY_ONCE")
        rows = delivery.converted(sample)
        receipt = Receipt("t0", sum(batch.num_rows for batch in rows))
        delivery.run = "run_lost"
        with pytest.raises(StarhaulError):
            delivery.publish(receipt)

    def test_resumes_in_another_process(self, delivery: Delivery, readback: Readback, sample: pa.Table) -> None:
        """An equal instance that never saw `prepare` writes the tasks without a receipt, and commits."""
        halves = [delivery.converted(part) for part in (sample.slice(0, 4), sample.slice(4))]
        first = delivery.write(delivery.task(0), halves[0])
        resumed = delivery.resumed()
        second = resumed.write(resumed.task(1, attempt=2), halves[1])
        delivery.resumed().commit(first, second)
        wanted = _table(delivery, [batch for half in halves for batch in half])
        assert_same_rows(
            readback(delivery.schema), wanted, "a resumed run loses or doubles rows; keep no state in self"
        )

    def test_appending_adds(self, delivery: Delivery, readback: Readback, sample: pa.Table) -> None:
        """`replay` sends the rejects of a run after its other rows, which must stay."""
        appending = delivery.writer.appending()
        if appending is None:
            return  # an honest answer: replay says that the target cannot be added to
        first = delivery.converted(sample)
        delivery.commit(delivery.write(delivery.task(), first))
        replay = Delivery(appending, sample.schema, run="run_2")
        replay.prepare()
        second = replay.converted(renumbered(sample, 1000))
        replay.commit(replay.write(replay.task(), second))
        told = "after a second run with appending() the target does not hold the rows of both"
        assert_same_rows(readback(delivery.schema), _table(delivery, [*first, *second]), told)

    def test_works_from_four_threads(self, delivery: Delivery, readback: Readback, sample: pa.Table) -> None:
        rows = pa.concat_tables([renumbered(sample, n * sample.num_rows) for n in range(8)])
        parts = [delivery.converted(rows.slice(n * sample.num_rows, sample.num_rows)) for n in range(8)]
        with ThreadPoolExecutor(4) as pool:
            receipts: list[Receipt] = list(pool.map(delivery.write_with_retries, range(8), parts))
        delivery.commit(*receipts)
        wanted = _table(delivery, [batch for part in parts for batch in part])
        told = "eight tasks from four threads at once do not arrive; do tasks share state?"
        assert_same_rows(readback(delivery.schema), wanted, told)


def _table(delivery: Delivery, batches: list[pa.RecordBatch]) -> pa.Table:
    return pa.Table.from_batches(batches, schema=delivery.schema)


def renumbered(table: pa.Table, start: int) -> pa.Table:
    """The rows with other numbers in the first column, if it holds numbers."""
    first = table.schema.field(0)
    if not pa.types.is_integer(first.type):
        return table
    return table.set_column(0, first, pa.array(range(start, start + table.num_rows), first.type))
