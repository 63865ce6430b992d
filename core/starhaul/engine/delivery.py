"""Gets the tasks of a run carried out: gives them to the executor and draws the conclusions from what comes back."""

from __future__ import annotations

import heapq
import logging
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace

from starhaul.api.errors import Cancelled, PermanentError, StarhaulError
from starhaul.api.events import Event, TaskFailed, TaskFinished
from starhaul.api.task import Receipt
from starhaul.engine.books import StreamBooks
from starhaul.engine.progress import Progress
from starhaul.engine.retry import REPEATABLE, pause_before_retry
from starhaul.engine.stop import Stop
from starhaul.engine.work import Outcome, Work
from starhaul.executors.local import LocalExecutor
from starhaul.job.settings import Retry
from starhaul.runs.store import RunStore

GRACE_SECONDS = 20.0
"""How long running tasks may take to roll back once the run is to stop."""

_log = logging.getLogger(__name__)


class Delivery:
    """One sitting's coordinator. `run` blocks until every task has its receipt, or one failed for good, or the run
    is to stop; it is called once, and all methods stay in that thread.

    `complete` is called with each stream whose last task came in. `halt` is requested here when a task fails, and
    from outside when the user wants to stop; either way running tasks are cancelled.
    """

    def __init__(
        self,
        run: str,
        streams: Sequence[StreamBooks],
        store: RunStore,
        retry: Retry,
        halt: Stop,
        progress: Progress,
        tell: Callable[[Event], None],
        complete: Callable[[StreamBooks], None],
    ) -> None:
        self._run = run
        self._streams = streams
        self._store = store
        self._retry = retry
        self._halt = halt
        self._progress = progress
        self._tell = tell
        self._complete = complete
        self._tries: Counter[tuple[int, str]] = Counter()
        self._due: list[tuple[float, int, str]] = []
        self._out = 0
        self.failure: StarhaulError | None = None
        self.failed: Work | None = None
        """The attempt that failed, if it was a task that did."""

    def run(self, executor: LocalExecutor) -> None:
        """Deliver all pending tasks. Raises the error of the first task (or commit) that failed for good, or
        `Cancelled`; by then no task is running any more, unless it hangs."""
        with self._halt.calling(executor.wake):
            try:
                self._complete_streams_without_tasks()
                self._give_out(executor, [(s.plan.index, task.id) for s in self._streams for task in s.pending])
                while (self._out or self._due) and not self._halt.requested:
                    self._settle(executor.next(self._seconds_to_next()))
                    self._give_out(executor, self._take_due())
            except BaseException as error:  # a failed commit or run store, or Ctrl-C in a program that uses us
                self._halt.request(f"{type(error).__name__}")
                self._wind_down(executor)
                raise
            self._wind_down(executor)
        if self.failure is not None:
            raise self.failure
        if self._halt.requested and any(stream.state != "committed" for stream in self._streams):
            raise Cancelled

    def _complete_streams_without_tasks(self) -> None:
        for stream in self._streams:
            if not stream.pending and stream.state != "committed":
                self._complete(stream)

    def _give_out(self, executor: LocalExecutor, tasks: Sequence[tuple[int, str]]) -> None:
        """Give out new attempts. Their numbers are stored first, so that none is ever used twice."""
        if not tasks:
            return
        records = []
        for stream, task in tasks:
            books = self._streams[stream]
            books.tasks[task] = record = replace(books.tasks[task], attempt=books.tasks[task].attempt + 1)
            records.append(record)
        self._store.give_out(self._run, records)
        for record in records:
            self._tries[record.stream, record.id] += 1
            self._out += 1
            executor.submit(Work(record.stream, record.id, record.attempt, record.split))

    def _settle(self, outcome: Outcome | None) -> None:
        if outcome is None:
            return
        self._out -= 1
        if outcome.receipt is not None:
            self._delivered(outcome, outcome.receipt)
        elif outcome.error is not None and not isinstance(outcome.error, Cancelled):
            self._failed(outcome.work, outcome.error)

    def _delivered(self, outcome: Outcome, receipt: Receipt) -> None:
        work = outcome.work
        books = self._streams[work.stream]
        self._store.task_done(self._run, work.stream, receipt, outcome.counts.as_dict())
        books.delivered(receipt, outcome.counts)
        self._progress.task_done(work.stream)
        self._tell(
            TaskFinished(
                run=self._run, stream=books.plan.name, task=work.task, attempt=receipt.attempt,
                rows=receipt.rows, rejected=outcome.counts.rejected,
            )
        )  # fmt: skip
        if not books.pending and not self._halt.requested:
            self._complete(books)

    def _failed(self, work: Work, error: BaseException) -> None:
        books = self._streams[work.stream]
        pause = None
        if books.plan.promises & REPEATABLE and not self._halt.requested:
            pause = pause_before_retry(self._retry, self._tries[work.stream, work.task], error)
        name = books.plan.name
        self._tell(
            TaskFailed(
                run=self._run, stream=name, task=work.task, attempt=work.attempt, error=str(error),
                retry=pause is not None,
            )
        )  # fmt: skip
        if pause is not None:
            _log.warning("%s %s, attempt %d: %s; again in %.1f s", name, work.task, work.attempt, error, pause)
            heapq.heappush(self._due, (time.monotonic() + pause, work.stream, work.task))
        elif self.failure is None:
            self.failure = error if isinstance(error, StarhaulError) else PermanentError(name, repr(error))
            self.failed = work
            self._halt.request("a task failed")

    def _seconds_to_next(self) -> float | None:
        return max(0.0, self._due[0][0] - time.monotonic()) if self._due else None

    def _take_due(self) -> list[tuple[int, str]]:
        tasks = []
        while self._due and self._due[0][0] <= time.monotonic() and not self._halt.requested:
            _, stream, task = heapq.heappop(self._due)
            tasks.append((stream, task))
        return tasks

    def _wind_down(self, executor: LocalExecutor) -> None:
        """Take back what has not begun and wait for what has, so that its end is known. Receipts still count."""
        self._out -= len(executor.withdraw())
        deadline = time.monotonic() + GRACE_SECONDS
        while self._out and (left := deadline - time.monotonic()) > 0:
            self._settle(executor.next(left))
        if self._out:
            _log.warning("%d tasks do not end; they are left behind", self._out)
        executor.close()
