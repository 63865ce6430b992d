"""What a writer gives back, and what of others it leaves alone."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterator
from contextlib import AbstractContextManager, suppress
from typing import Any

import pyarrow as pa
import pytest

from starhaul.api.capability import Capability
from starhaul.api.errors import ConfigError, StarhaulError
from starhaul.api.task import Receipt
from starhaul.api.writer import Writer
from starhaul.testing.compare import assert_same_rows
from starhaul.testing.delivery import RETRYABLE, Delivery
from starhaul.testing.plugin import again, assert_keeps_secrets
from starhaul.testing.resources import held_open
from starhaul.testing.writer_failures import UpstreamFailed
from starhaul.testing.writer_promises import renumbered

Readback = Callable[[pa.Schema], pa.Table]
Leftovers = Callable[[], Collection[str]] | None


class WriterUpkeep:
    """Nothing stays open, nothing of another run is touched, a target that is out of order is told of. Part of
    `WriterConformance`."""

    @pytest.fixture
    def breakdown(self) -> Callable[[], AbstractContextManager[object]] | None:
        """A function that gives a context within which the target cannot be written, and is as before afterwards: a
        server that does not answer, a table that is away. None if that cannot be had in a test, or not happen."""
        return None

    def test_prepare_twice_is_once(self, writer: Writer[Any], readback: Readback, sample: pa.Table) -> None:
        """The process died within `prepare`, or right after it: the resumed run prepares again."""
        delivery = Delivery(writer, sample.schema)
        delivery.prepare()
        resumed = delivery.resumed()
        resumed.prepare()
        batches = resumed.converted(sample)
        resumed.commit(resumed.write(resumed.task(), batches))
        wanted = pa.Table.from_batches(batches, schema=resumed.schema)
        assert_same_rows(readback(resumed.schema), wanted, "a run that was prepared twice does not deliver its rows")

    def test_abort_keeps_what_was_there(self, writer: Writer[Any], readback: Readback, sample: pa.Table) -> None:
        """ATOMIC: a run that is given up leaves the rows of those before it."""
        if Capability.ATOMIC not in writer.promises():
            pytest.skip("the writer does not promise ATOMIC")
        first = Delivery(writer, sample.schema)
        first.prepare()
        first.commit(first.write(first.task(), first.converted(sample)))
        held = readback(first.schema)
        try:
            second = Delivery(again(writer), sample.schema, run="run_2")
        except ConfigError:
            pytest.skip("the writer refuses a target that is there already")
        second.prepare()
        receipt = second.write(second.task(), second.converted(renumbered(sample, 1000)))
        told = "ATOMIC is promised, but the rows of an earlier run change before commit()"
        assert_same_rows(readback(first.schema), held, told)
        second.abort(receipt)
        told = "ATOMIC is promised, but abort() does not leave the rows of an earlier run as they were"
        assert_same_rows(readback(first.schema), held, told)

    def test_writing_frees_everything(self, writer: Writer[Any], sample: pa.Table) -> None:
        delivery = Delivery(writer, sample.schema)
        delivery.prepare()
        parts = [delivery.converted(part) for part in (sample.slice(0, 4), sample.slice(4))]
        receipts: list[Receipt] = [delivery.write(delivery.task(0), parts[0])]  # what is opened once is no leak

        def write() -> None:
            receipts.append(delivery.write(delivery.task(1), parts[1]))

        def failing() -> Iterator[pa.RecordBatch]:
            yield from parts[1]
            raise UpstreamFailed("upstream")

        def fail() -> None:
            with suppress(UpstreamFailed):
                delivery.writer.write(delivery.task(2), failing())

        for use, told in ((write, "write()"), (fail, "write() of a source that fails")):
            left = held_open(use)
            assert not left, f"{told} leaves open: {left}; use `with` around what it opens"
        delivery.abort(*receipts)

    def test_receipts_keep_secrets(self, writer: Writer[Any], sample: pa.Table) -> None:
        delivery = Delivery(writer, sample.schema)
        delivery.prepare()
        receipt = delivery.write(delivery.task(), delivery.converted(sample))
        assert_keeps_secrets(writer, json.dumps(dict(receipt.data)), "Receipt.data, which the run store keeps,")
        assert_keeps_secrets(writer, "\n".join(writer.describe()), "describe(), which `starhaul plan` prints,")
        delivery.commit(receipt)

    def test_a_breakdown_is_told(
        self,
        writer: Writer[Any],
        readback: Readback,
        sample: pa.Table,
        breakdown: Callable[[], AbstractContextManager[object]] | None,
    ) -> None:
        """The target is out of order: that is an error and no receipt, and another attempt is as the first."""
        if breakdown is None:
            pytest.skip("no `breakdown`: the target cannot be put out of order in a test")
        delivery = Delivery(writer, sample.schema)
        delivery.prepare()
        batches = delivery.converted(sample)
        with breakdown():
            try:
                receipt = delivery.writer.write(delivery.task(), iter(batches))
            except StarhaulError:
                pass
            else:
                raise AssertionError(f"the target cannot be written, and write() tells of success: {receipt}")
        if not writer.promises() & RETRYABLE:
            delivery.abort()
            return
        delivery.commit(delivery.write(delivery.task(attempt=2), batches))
        wanted = pa.Table.from_batches(batches, schema=delivery.schema)
        told = "after an attempt at a target out of order and a good one it does not hold the rows once"
        assert_same_rows(readback(delivery.schema), wanted, told)
