"""One run of one stream into a writer, step by step, as the engine would take it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import pyarrow as pa

from starhaul.api.capability import Capability
from starhaul.api.errors import TransientError
from starhaul.api.task import Receipt, Split
from starhaul.api.writer import Writer
from starhaul.convert.conversion import plan_conversion
from starhaul.testing.plugin import again
from starhaul.testing.task import RecordingTask

ATTEMPTS = 5
RETRYABLE = frozenset({Capability.ATOMIC, Capability.IDEMPOTENT, Capability.EXACTLY_ONCE})


def through_json(receipt: Receipt) -> Receipt:
    """The receipt as the run store gives it back. Raises `TypeError` if it is not JSON data."""
    data = json.loads(json.dumps(dict(receipt.data)))
    return Receipt(receipt.task, int(receipt.rows), int(receipt.skipped), int(receipt.attempt), data)


def split_through_json(split: Split) -> Split:
    """The split as the run store gives it back. Raises `TypeError` if it is not JSON data."""
    return Split(split.id, json.loads(json.dumps(dict(split.args))), split.rows, split.bytes)


class Delivery:
    """What the engine does with a writer in one run, one method for each step.

    Making one asks the writer what it accepts and converts nothing yet; raises `ConfigError` as `accept`, `check`
    and the planning of the conversion do. Nothing is changed before `prepare`.
    """

    def __init__(self, writer: Writer[Any], source: pa.Schema, *, run: str = "run_1") -> None:
        self.writer = writer
        self.source = source
        self.run = run
        self.accepted: pa.Schema | None = writer.accept(source)
        writer.check(self.source if self.accepted is None else self.accepted)
        if self.accepted is not None:
            self._conversion = plan_conversion(source, self.accepted)

    @property
    def schema(self) -> pa.Schema:
        """What `write` wants. Known after `prepare` at the latest."""
        assert self.accepted is not None, "accept() still answers None after prepare(): nobody can know the schema"
        return self.accepted

    def prepare(self) -> None:
        """Make the target ready; ask again what the writer accepts if it could not tell before."""
        self.writer.prepare(self.source if self.accepted is None else self.accepted, self.run)
        if self.accepted is None:
            self.accepted = self.writer.accept(self.source)
            self._conversion = plan_conversion(self.source, self.schema)

    def converted(self, table: pa.Table) -> list[pa.RecordBatch]:
        """The chunks of a table as batches of `schema`, without the rows that do not fit it."""
        return [self._conversion.apply(batch).batch for batch in table.to_batches()]

    def task(self, number: int = 0, attempt: int = 1, *, reject_limit: int | None = None) -> RecordingTask:
        return RecordingTask(self.schema, f"t{number}", self.run, attempt, reject_limit=reject_limit)

    def write(self, task: RecordingTask, batches: Iterable[pa.RecordBatch]) -> Receipt:
        """Write one attempt, and see that the answer says what it must."""
        pulled = Count(batches)
        receipt = self.writer.write(task, pulled)
        where = f"write() of task {task.id}, attempt {task.attempt}"
        assert isinstance(receipt, Receipt), f"{where} must return a Receipt, not {type(receipt).__name__}"
        assert (receipt.task, receipt.attempt) == (task.id, task.attempt), (
            f"{where} returned the receipt of {receipt.task}, {receipt.attempt}; take both from `task`"
        )
        assert pulled.exhausted, f"{where} returned before it had pulled every batch"
        told = receipt.rows + receipt.skipped + len(task.rejected)
        assert told == pulled.rows, (
            f"{where} pulled {pulled.rows} rows but accounts for {told}: {receipt.rows} written + {receipt.skipped} "
            f"skipped + {len(task.rejected)} rejected"
        )
        return receipt

    def write_with_retries(self, number: int, batches: Sequence[pa.RecordBatch]) -> Receipt:
        """Write a task as the engine does: again after a `TransientError`, if the writer promises what that needs."""
        for attempt in range(1, ATTEMPTS):
            task = self.task(number, attempt)
            try:
                return self.write(task, batches)
            except TransientError:
                if not self.writer.promises() & RETRYABLE:
                    raise
                delivered = self.writer.delivered(self.task(number, attempt + 1))
                if delivered is not None:
                    return delivered
        return self.write(self.task(number, ATTEMPTS), batches)

    def commit(self, *receipts: Receipt) -> None:
        """Publish, then forget the run, as the engine does."""
        self.publish(*receipts)
        self.writer.forget(self.run)

    def publish(self, *receipts: Receipt) -> None:
        """`commit` alone."""
        self.writer.commit(self.run, [through_json(receipt) for receipt in receipts])

    def abort(self, *receipts: Receipt) -> None:
        self.writer.abort(self.run, [through_json(receipt) for receipt in receipts])

    def resumed(self) -> Delivery:
        """The same run in another process: an equal writer, which was neither checked nor prepared."""
        other = object.__new__(Delivery)
        other.__dict__.update(self.__dict__)
        other.writer = again(self.writer)
        return other


class Count:
    """Passes batches on, as the engine's iterator does, and counts the rows."""

    def __init__(self, batches: Iterable[pa.RecordBatch]) -> None:
        self._batches = iter(batches)
        self.rows = 0
        self.exhausted = False

    def __iter__(self) -> Iterator[pa.RecordBatch]:
        return self

    def __next__(self) -> pa.RecordBatch:
        try:
            batch = next(self._batches)
        except StopIteration:
            self.exhausted = True
            raise
        self.rows += batch.num_rows
        return batch
