"""What a writer does when something goes wrong: upstream, in a row, in the job, or all at once."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from contextlib import suppress
from typing import Any

import pyarrow as pa
import pytest

from starhaul.api.capability import Capability
from starhaul.api.errors import Cancelled, ConfigError, RejectLimitExceeded, TransientError
from starhaul.api.writer import Writer
from starhaul.testing.compare import assert_same_rows
from starhaul.testing.delivery import RETRYABLE, Delivery
from starhaul.testing.writer_promises import UNDOES

Readback = Callable[[pa.Schema], pa.Table]
Leftovers = Callable[[], Collection[str]] | None


class UpstreamFailed(Exception):  # noqa: N818  it is what happened
    """Raised by the kit in the midst of a source."""


class WriterFailures:
    """A failure passes through and is undone; a bad row is named and the others land. Part of `WriterConformance`."""

    @pytest.mark.parametrize("failure", [UpstreamFailed("upstream"), TransientError("upstream", "lost"), Cancelled()])
    @pytest.mark.parametrize("after", [0, 1, 4], ids=["at once", "after one batch", "at the end"])
    def test_upstream_failure(
        self, writer: Writer[Any], readback: Readback, sample: pa.Table, failure: BaseException, after: int
    ) -> None:
        """The source fails: the very same exception comes out, nothing stays, and another attempt is as the first."""
        delivery = Delivery(writer, sample.schema)
        delivery.prepare()
        quarter = -(-sample.num_rows // 4)
        batches = [delivery.converted(sample.slice(n * quarter, quarter))[0] for n in range(4)]

        def failing() -> Iterator[pa.RecordBatch]:
            yield from batches[:after]
            raise failure

        _expect_the_same(failure, lambda: delivery.writer.write(delivery.task(), failing()))
        assert writer.delivered(delivery.task(attempt=2)) is None, "delivered() knows an attempt that failed"
        if writer.promises() & UNDOES:
            shown = readback(delivery.schema).num_rows
            assert shown == 0, f"{shown} rows of a failed attempt are visible; undo it before the exception passes"
        if not writer.promises() & RETRYABLE:
            delivery.abort()
            return
        receipt = delivery.write(delivery.task(attempt=2), batches)
        delivery.commit(receipt)
        wanted = pa.Table.from_batches(batches, schema=delivery.schema)
        told = "after a failed attempt and a good one the target does not hold the rows once"
        assert_same_rows(readback(delivery.schema), wanted, told)

    def test_abort_after_upstream_failure(
        self, writer: Writer[Any], readback: Readback, sample: pa.Table, leftovers: Leftovers
    ) -> None:
        """One task went through, another failed, the run is given up."""
        before = set(leftovers()) if leftovers else set()
        delivery = Delivery(writer, sample.schema)
        delivery.prepare()
        batches = delivery.converted(sample)
        failure = UpstreamFailed("upstream")

        def failing() -> Iterator[pa.RecordBatch]:
            yield from batches
            raise failure

        receipt = delivery.write(delivery.task(0), batches)
        _expect_the_same(failure, lambda: delivery.writer.write(delivery.task(1), failing()))
        delivery.abort(receipt)
        if Capability.ATOMIC in writer.promises():
            shown = readback(delivery.schema).num_rows
            assert shown == 0, f"ATOMIC is promised, but {shown} rows are visible after a failed run was aborted"
            left = sorted(set(leftovers()) - before) if leftovers else []
            assert not left, f"abort() leaves {left} of a failed attempt behind, which has no receipt; find it by `run`"

    def test_bad_row_is_rejected(
        self, writer: Writer[Any], readback: Readback, bad_batch: pa.RecordBatch | None
    ) -> None:
        if bad_batch is None:
            pytest.skip("no `bad_batch`: the target refuses no row")
        delivery, batches = _prepared(writer, bad_batch)
        task = delivery.task()
        receipt = delivery.write(task, batches)
        delivery.commit(receipt)
        reasons = [reason for _, reason, _ in task.rejected]
        assert len(reasons) == 1, f"`bad_batch` holds one bad row; the writer rejected {len(reasons)}: {reasons}"
        shown = readback(delivery.schema).num_rows
        assert shown == bad_batch.num_rows - 1 == receipt.rows, (
            f"of {bad_batch.num_rows} rows one is bad: {shown} arrived, the receipt says {receipt.rows}"
        )
        rejected = task.batches[0]
        assert rejected.schema.names == delivery.schema.names, (
            f"a writer rejects rows as it got them, all columns: {rejected.schema.names} is not {delivery.schema.names}"
        )
        sent = pa.Table.from_batches(batches, schema=delivery.schema)
        all_rows = pa.concat_tables([readback(delivery.schema), pa.Table.from_batches([rejected])])
        assert_same_rows(all_rows, sent, "the row that was rejected and those that arrived are not the ones written")

    def test_reject_limit_passes_through(
        self, writer: Writer[Any], readback: Readback, bad_batch: pa.RecordBatch | None
    ) -> None:
        if bad_batch is None:
            pytest.skip("no `bad_batch`: the target refuses no row")
        delivery, batches = _prepared(writer, bad_batch)
        task = delivery.task(reject_limit=0)
        with pytest.raises(RejectLimitExceeded):
            writer.write(task, iter(batches))
        if writer.promises() & UNDOES:
            shown = readback(delivery.schema).num_rows
            assert shown == 0, f"{shown} rows are visible of an attempt that passed the reject limit"
        delivery.abort()

    def test_unwritable_schema_is_refused(
        self, writer: Writer[Any], readback: Readback, unwritable: pa.Schema | None
    ) -> None:
        if unwritable is None:
            pytest.skip("no `unwritable`: the writer takes every schema")
        with pytest.raises(ConfigError) as caught:
            Delivery(writer, unwritable)
        assert str(caught.value).strip(), "the error must say what is wrong"

    def test_check_changes_nothing(
        self, writer: Writer[Any], readback: Readback, sample: pa.Table, leftovers: Leftovers
    ) -> None:
        before = sorted(leftovers()) if leftovers else []
        delivery = Delivery(writer, sample.schema)
        writer.check(delivery.schema if delivery.accepted is not None else sample.schema)
        _facts(writer)
        assert (sorted(leftovers()) if leftovers else []) == before, "check() leaves something beside the target"
        if delivery.accepted is not None:
            assert readback(delivery.schema).num_rows == 0
        delivery.prepare()
        delivery.commit(delivery.write(delivery.task(), delivery.converted(sample)))
        held = readback(delivery.schema)
        with suppress(ConfigError):  # a writer may refuse a target that is there already
            Delivery(writer, sample.schema, run="run_2")
        assert_same_rows(readback(delivery.schema), held, "accept() or check() changes a target that holds rows")

    def test_describes_itself_in_sentences(self, writer: Writer[Any], sample: pa.Table) -> None:
        Delivery(writer, sample.schema)
        _facts(writer)


def _prepared(writer: Writer[Any], bad_batch: pa.RecordBatch) -> tuple[Delivery, list[pa.RecordBatch]]:
    delivery = Delivery(writer, bad_batch.schema)
    delivery.prepare()
    batches = delivery.converted(pa.Table.from_batches([bad_batch]))
    rows = sum(batch.num_rows for batch in batches)
    assert rows == bad_batch.num_rows, "the hub itself refuses rows of `bad_batch`; give one that the target refuses"
    return delivery, batches


def _expect_the_same(failure: BaseException, write: Callable[[], object]) -> None:
    try:
        write()
    except BaseException as error:
        if error is failure:
            return
        told = f"write() raised {error!r} in place of the source's own {failure!r}"
        raise AssertionError(f"{told}; let what `batches` raises pass as it is") from error
    raise AssertionError(f"write() swallowed the source's failure {failure!r} and reported success")


def _facts(writer: Writer[Any]) -> None:
    facts = writer.describe()
    assert not isinstance(facts, str), "describe() gives a sequence of sentences, not one string"
    assert all(isinstance(fact, str) and fact.strip() for fact in facts), f"describe() gives {facts!r}, not sentences"
