"""One sitting of a run: from where an earlier one left off, or from the start, to an end of some kind."""

from __future__ import annotations

import logging
import shutil
import time
from collections.abc import Callable
from contextlib import closing
from functools import partial
from typing import Literal

from starhaul.api.capability import Capability
from starhaul.api.errors import Cancelled, PermanentError, StarhaulError, TasksLost
from starhaul.api.events import Event, StreamCommitted
from starhaul.engine.attempt import Shared
from starhaul.engine.books import StreamBooks
from starhaul.engine.channel import Channel
from starhaul.engine.delivery import Delivery
from starhaul.engine.limits import RejectLimit, SpeedLimit
from starhaul.engine.progress import Counts, Progress
from starhaul.engine.retry import patiently
from starhaul.engine.stop import Stop
from starhaul.executors.local import LocalExecutor
from starhaul.plan.plan import Plan, StreamPlan
from starhaul.plan.side_by_side import results_of
from starhaul.redactor import Redactor
from starhaul.report.build import Ending, make_report
from starhaul.report.report import Report
from starhaul.runs.records import StreamState
from starhaul.runs.rejects import Room, merge, part_path
from starhaul.runs.store import RunStore
from starhaul.unexpected import show_traceback

_log = logging.getLogger(__name__)


class Sitting:
    """Holds the books of a run while it is carried out. Used by one thread, the coordinator.

    Each step stores its state before the next begins, so that a kill at any point leaves a run that can be taken
    up. `stop` is the user's wish to stop; `tell` passes events on.
    """

    def __init__(
        self, run: str, plan: Plan, store: RunStore, stop: Stop, progress: Progress, tell: Callable[[Event], None]
    ) -> None:
        self.run = run
        self.state: Literal["done", "failed", "stopped"] = "stopped"
        self.failure: BaseException | None = None
        self._job = plan.job
        self._store = store
        self._stop = stop
        self._progress = progress
        self._tell = tell
        self._started, self._since = time.time(), time.monotonic()
        self._warnings = [str(warning) for warning in plan.job.warnings]
        self._delivery: Delivery | None = None
        self._halt = Stop()
        """Cancels the tasks: because the user wants to stop, or because one of them failed."""
        states, tasks = store.streams(run), store.tasks(run)
        self.tasks = len(tasks)
        self.streams = [
            StreamBooks(
                each,
                run,
                states[each.index].state,
                [task for task in tasks if task.stream == each.index],
                states[each.index].rows_before,
            )
            for each in plan.streams
        ]
        progress.begin([stream.progress() for stream in self.streams], plan.job.settings)
        limit, before = plan.job.settings.error_limit, Counts()
        for stream in self.streams:
            before.add(stream.counts)
        self._rejects = RejectLimit(limit.record, limit.percentage, before.rejected, before.read)
        self._redact = Redactor(frozenset().union(*(stream.secrets for stream in plan.streams)))
        self._parts = store.reject_folder(run)

    def prepare(self) -> None:
        """Make ready the targets that are not, one after the other, then ask again what they accept: that answer
        counts, as preSql may have made a target, or made it anew."""
        ready: list[StreamBooks] = []
        for stream in self.streams:
            if stream.state in ("planned", "preparing", "aborted"):
                if self._stop.requested:
                    raise Cancelled
                self._now(stream, "preparing")
                prepare = partial(stream.plan.writer.prepare, stream.plan.target, stream.run)
                patiently(prepare, self._job.settings.retry, self._stop, self._redact)
                if self._job.settings.verify == "count":
                    stream.rows_before = self._counted(stream, published=False)
                    self._store.stream_began_with(self.run, stream.plan.index, stream.rows_before)
                self._now(stream, "prepared")
                ready.append(stream)
        settings = self._job.settings

        def converted(index: int) -> StreamPlan:
            plan = ready[index].plan
            accepted = partial(plan.writer.accept, plan.transformed)
            return plan.with_conversion(patiently(accepted, settings.retry, self._stop, self._redact), self._job)

        with closing(results_of(converted, len(ready), settings.channel)) as results:
            for stream, result in zip(ready, results, strict=True):
                stream.plan = result()

    def deliver(self) -> None:
        """Have every task carried out that has no receipt, and commit each stream when its last one is in.

        Raises the error of the first task that failed for good, or `Cancelled`.
        """
        kept = sum(
            part.stat().st_size for stream in self.streams for part in stream.reject_parts(self._parts) if part.exists()
        )
        room = Room(self._job.settings.rejects.max_bytes - kept)
        speed = SpeedLimit(self._job.settings.speed, self._halt)
        shared = Shared(self._halt, self._progress, self._rejects, speed, self._parts, self._redact, room)
        streams, bounds = self.streams, self._job.settings.exchanger
        channel = Channel([each.plan for each in streams], [each.run for each in streams], bounds, shared)
        tasks = sum(len(stream.pending) for stream in streams)
        executor = LocalExecutor(min(self._job.settings.channel, tasks), channel.carry)
        self._delivery = Delivery(
            self.run, streams, self._store, self._job.settings.retry, self._halt,
            self._progress, self._tell, self._commit,
        )  # fmt: skip
        with self._stop.calling(lambda: self._halt.request(self._stop.reason)):
            self._delivery.run(executor)

    def _commit(self, stream: StreamBooks) -> None:
        """Publish a stream. From here on it is never aborted: what fails now is finished by a resume. But if the target
        has lost what tasks delivered, those are still to do."""
        stream.plan.release()
        stream.audit()
        self._rejects.judge(sum(each.counts.read for each in self.streams))
        writer, retry = stream.plan.writer, self._job.settings.retry
        if stream.state != "forgetting":
            self._now(stream, "committing")
            try:
                patiently(partial(writer.commit, stream.run, stream.in_order), retry, self._halt, self._redact)
            except TasksLost as error:
                self._store.tasks_lost(self.run, stream.plan.index, [stream.tasks[task] for task in error.tasks])
                stream.lost(error.tasks)
                raise
            if self._job.settings.verify == "count":
                self._verify(stream)
            self._now(stream, "forgetting")
        patiently(partial(writer.forget, stream.run), retry, self._halt, self._redact)
        self._now(stream, "committed")
        self._tell(StreamCommitted(run=self.run, stream=stream.plan.name))

    def _verify(self, stream: StreamBooks) -> None:
        """Ask the target whether all rows are there."""
        rows = self._counted(stream, published=True)
        if rows is None or stream.rows_before is None:
            why = f"{stream.plan.name}: not verified, as {stream.plan.writer.name} cannot tell by a count in this mode"
            self._warnings.append(why)
        elif rows - stream.rows_before != stream.counts.written:
            raise PermanentError(
                stream.plan.name,
                f"verification failed: the target held {stream.rows_before} rows, {stream.counts.written} were "
                f"written, and it holds {rows}",
                "did another program write to it, or postSql? If not, report it; `starhaul resume` verifies again",
            )

    def _counted(self, stream: StreamBooks, *, published: bool) -> int | None:
        count = partial(stream.plan.writer.count, published=published)
        return patiently(count, self._job.settings.retry, self._halt, self._redact)

    def failed(self, error: Exception) -> None:
        """The run has failed, of this."""
        self.state, self.failure = "failed", error
        if not isinstance(error, StarhaulError):
            show_traceback(error, self._redact)

    def abort(self) -> None:
        """Undo what can be undone of the streams that are not published. A failure to do so becomes a warning."""
        for stream in self.streams:
            if stream.state not in ("preparing", "prepared"):
                continue
            receipts = stream.in_order
            if Capability.ATOMIC in stream.plan.promises:
                # First in the store: after a kill in the midst of it, the receipts must count no more.
                self._now(stream, "aborted")
                stream.undone()
            try:
                stream.plan.writer.abort(stream.run, receipts)
            except Exception as error:
                warning = self._redact(f"{stream.plan.name}: could not be cleaned up: {error}")
                _log.warning("%s", warning)
                self._warnings.append(warning)

    def report(self) -> Report:
        """What became of it all. Joins the parts of the reject file."""
        parts = [part for stream in self.streams for part in stream.reject_parts(self._parts)]
        failed = None if self._delivery is None else self._delivery.failed
        if failed is not None:
            # Its rejects do not count, but they may be what the failure is about.
            parts.append(part_path(self._parts, failed.stream, failed.task, failed.attempt))
        most = self._job.settings.rejects.max_file_bytes
        rejects, unkept = None, 0
        try:
            rejects, unkept = merge(parts, self._store.reject_file(self.run), most)
        except PermanentError as error:
            if self.state == "done":  # a resume has nothing to do but this
                self.state, self.failure = "failed", error
            else:
                self._warnings.append(str(error))
        if unkept:
            self._warnings.append(f"{unkept} rejected rows were not kept: settings.rejects.maxBytes was reached")
        if self.state == "done":
            shutil.rmtree(self._parts, ignore_errors=True)
        ended = self._started + time.monotonic() - self._since  # the clock may have been set meanwhile
        ending = Ending(self.state, self._started, ended, self.failure, failed, rejects, self._warnings)
        return make_report(self.run, self._job, self.streams, ending, self._redact)

    def _now(self, stream: StreamBooks, state: StreamState) -> None:
        self._store.stream_is(self.run, stream.plan.index, state)
        stream.state = state
