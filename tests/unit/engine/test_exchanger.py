"""The exchanger: nothing lost, nothing twice, no deadlock, whatever ends it and from whichever side."""

from __future__ import annotations

import threading
from collections import deque
from dataclasses import dataclass, field

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from starhaul.api.errors import Cancelled
from starhaul.engine.exchanger import Exchanger

DEADLOCK_SECONDS = 5.0
MAX_BYTES, MAX_ROWS = 100, 10


def batch_of(number: int, rows: int) -> pa.RecordBatch:
    return pa.record_batch({"n": pa.array([number] * rows, pa.int64())})


class Failure(Exception):
    """Raised by the source of a test."""


class ExchangerMachine(RuleBasedStateMachine):
    """One thread plays both sides against a model, and only makes calls that the model says will not block."""

    def __init__(self) -> None:
        super().__init__()
        self.exchanger = Exchanger(MAX_BYTES, MAX_ROWS)
        self.pull = iter(self.exchanger)
        self.waiting: deque[tuple[int, int, int]] = deque()
        self.next = 0
        self.end: str | None = None
        self.abandoned = False

    def fits(self, rows: int, size: int) -> bool:
        total_bytes = sum(each[2] for each in self.waiting) + size
        total_rows = sum(each[1] for each in self.waiting) + rows
        return not self.waiting or (total_bytes <= MAX_BYTES and total_rows <= MAX_ROWS)

    @rule(rows=st.integers(1, 15), size=st.integers(1, 150))
    def put(self, rows: int, size: int) -> None:
        if self.end == "closed":
            return  # the contract: no put after close
        batch = batch_of(self.next, rows)
        if self.end is not None or self.abandoned:
            with pytest.raises(Cancelled):
                self.exchanger.put(batch, size)
        elif self.fits(rows, size):
            self.exchanger.put(batch, size)
            self.waiting.append((self.next, rows, size))
            self.next += 1

    @precondition(lambda self: self.waiting or self.end)
    @rule()
    def take(self) -> None:
        if self.end == "failed":
            with pytest.raises(Failure):
                next(iter(self.exchanger))
        elif self.end == "cancelled":
            with pytest.raises(Cancelled):
                next(iter(self.exchanger))
        elif self.waiting:
            number, rows, _ = self.waiting.popleft()
            batch = next(self.pull)
            assert (batch["n"][0].as_py(), batch.num_rows) == (number, rows)
        else:
            assert next(iter(self.exchanger), None) is None

    @rule()
    def close(self) -> None:
        self.exchanger.close()
        self.end = self.end or "closed"

    @rule()
    def fail(self) -> None:
        self.exchanger.fail(Failure("source"))
        if self.end is None:
            self.end = "failed"
            self.waiting.clear()

    @rule()
    def cancel(self) -> None:
        self.exchanger.cancel()
        if self.end in (None, "closed"):
            self.end = "cancelled"
        self.waiting.clear()

    @rule()
    def abandon(self) -> None:
        self.exchanger.abandon()
        self.abandoned = True
        self.waiting.clear()

    @invariant()
    def holds_no_more_than_it_may(self) -> None:
        assert self.exchanger._bytes == sum(each[2] for each in self.waiting)
        assert self.exchanger._rows == sum(each[1] for each in self.waiting)
        assert len(self.waiting) <= 1 or self.exchanger._bytes <= MAX_BYTES


TestExchangerMachine = ExchangerMachine.TestCase
TestExchangerMachine.settings = settings(max_examples=60, stateful_step_count=30, deadline=None)


@dataclass
class Script:
    """What the two sides and a bystander do."""

    sizes: list[int]
    max_bytes: int
    max_rows: int
    end: str
    pulls: int | None
    cancel_after_puts: int | None
    received: list[int] = field(default_factory=list)
    writer_saw: BaseException | None = None
    reader_saw: BaseException | None = None


scripts = st.builds(
    Script,
    sizes=st.lists(st.integers(1, 60), max_size=25),
    max_bytes=st.integers(1, 120),
    max_rows=st.integers(1, 8),
    end=st.sampled_from(["close", "fail"]),
    pulls=st.none() | st.integers(0, 10),
    cancel_after_puts=st.none() | st.integers(0, 10),
)


@given(scripts)
@settings(max_examples=150, deadline=None)
def test_two_threads_never_lose_double_or_deadlock(script: Script) -> None:
    exchanger = Exchanger(script.max_bytes, script.max_rows)
    failure = Failure("source")

    def read() -> None:
        try:
            for number, size in enumerate(script.sizes):
                if number == script.cancel_after_puts:
                    threading.Thread(target=exchanger.cancel).start()
                exchanger.put(batch_of(number, 1 + size % 4), size)
        except BaseException as error:
            script.reader_saw = error
            exchanger.fail(error)
            return
        exchanger.close() if script.end == "close" else exchanger.fail(failure)

    def write() -> None:
        try:
            for batch in exchanger:
                script.received.append(batch["n"][0].as_py())
                if len(script.received) == script.pulls:
                    break
        except BaseException as error:
            script.writer_saw = error
        finally:
            exchanger.abandon()

    threads = [threading.Thread(target=read, daemon=True), threading.Thread(target=write, daemon=True)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(DEADLOCK_SECONDS)
        assert not thread.is_alive(), "deadlock"

    assert script.received == list(range(len(script.received))), "in order, none twice, none left out"
    assert script.reader_saw is None or isinstance(script.reader_saw, Cancelled)
    undisturbed = script.cancel_after_puts is None or script.cancel_after_puts >= len(script.sizes)
    all_pulled = script.pulls is None or script.pulls > len(script.sizes)
    if undisturbed and all_pulled:
        if script.end == "close":
            assert len(script.received) == len(script.sizes)
            assert script.writer_saw is None
        else:
            assert script.writer_saw is failure, "the very error of the source"


def test_a_batch_larger_than_the_exchanger_passes_alone() -> None:
    exchanger = Exchanger(10, 10)
    exchanger.put(batch_of(0, 1000), 8000)
    waiting = threading.Thread(target=exchanger.put, args=(batch_of(1, 1), 8), daemon=True)
    waiting.start()
    waiting.join(0.05)
    assert waiting.is_alive(), "no room beside the large one"
    pull = iter(exchanger)
    assert next(pull).num_rows == 1000
    waiting.join(DEADLOCK_SECONDS)
    assert next(pull).num_rows == 1
    assert exchanger.waits()[0] > 0


def test_cancel_wakes_a_writer_that_waits() -> None:
    exchanger = Exchanger(10, 10)
    seen: list[BaseException] = []

    def write() -> None:
        try:
            list(exchanger)
        except BaseException as error:
            seen.append(error)

    writer = threading.Thread(target=write, daemon=True)
    writer.start()
    exchanger.cancel()
    writer.join(DEADLOCK_SECONDS)
    assert [type(error) for error in seen] == [Cancelled]
