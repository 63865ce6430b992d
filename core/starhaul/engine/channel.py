"""A channel carries one attempt at one task at a time, from a fresh start to an outcome."""

from __future__ import annotations

import logging
from collections.abc import Sequence

from starhaul.api.capability import Capability
from starhaul.api.errors import Cancelled, PluginError, StarhaulError
from starhaul.api.task import Receipt
from starhaul.engine.attempt import Attempt, Shared
from starhaul.engine.exchanger import Exchanger
from starhaul.engine.transfer import Transfer
from starhaul.engine.work import Outcome, Work
from starhaul.job.settings import Exchanger as Bounds
from starhaul.plan.plan import StreamPlan
from starhaul.runs.rejects import counted, part_path
from starhaul.unexpected import show_traceback, unexpected

_log = logging.getLogger(__name__)


class Channel:
    """Carries out tasks of any stream of a run. One object serves all channel threads of the process.

    `runs` gives each stream's `Task.run`.
    """

    def __init__(self, streams: Sequence[StreamPlan], runs: Sequence[str], bounds: Bounds, shared: Shared) -> None:
        self._streams = streams
        self._runs = runs
        self._bounds = bounds
        self._shared = shared

    def carry(self, work: Work) -> Outcome:
        """Carry out one attempt at one task. Never raises: every end is an `Outcome`."""
        stream = self._streams[work.stream]
        attempt = Attempt(work, self._runs[work.stream], stream.name, stream.target, self._shared)
        exchanger = Exchanger(self._bounds.bytes, self._bounds.rows)
        transfer = Transfer(stream, attempt, exchanger)
        self._shared.progress.attempt(work.stream, transfer.meter)
        outcome = self._outcome(stream, attempt, transfer)
        counts = outcome.counts if outcome.error is None else None
        self._shared.progress.attempt_over(work.stream, transfer.meter, counts)
        return outcome

    def _outcome(self, stream: StreamPlan, attempt: Attempt, transfer: Transfer) -> Outcome:
        work = attempt.work
        try:
            if self._shared.stop.requested:
                raise Cancelled
            if work.attempt > 1 and (receipt := self._delivered(stream, attempt)):
                self._recount(attempt, receipt)
            else:
                receipt = transfer.run()
        except BaseException as error:  # native code may raise anything, and no end may go unheard
            # A driver may have wrapped the reader's error (or the wish to stop) into one of its own.
            return self._failed(stream, attempt, transfer, transfer.interruption or error)
        finally:
            attempt.part.close()
        return Outcome(work, attempt.counts, receipt)

    def _failed(self, stream: StreamPlan, attempt: Attempt, transfer: Transfer, error: BaseException) -> Outcome:
        """The attempt failed, as far as we know: a commit whose answer was lost may have gone through all the same."""
        work = attempt.work
        if transfer.drained and not isinstance(error, PluginError):
            try:
                receipt = self._delivered(stream, attempt)
            except Exception as cause:
                # The next attempt, or the resumed run, asks again before it writes.
                _log.warning(
                    "%s %s: cannot tell yet whether it arrived: %s",
                    stream.name,
                    work.task,
                    self._shared.redact(str(cause)),
                )
            else:
                if receipt is not None and receipt.attempt == work.attempt:
                    transfer.account(receipt)
                    return Outcome(work, attempt.counts, receipt)
        attempt.forget()
        if not isinstance(error, StarhaulError | Cancelled):
            side = f"reader {stream.reader.name}" if error is transfer.interruption else f"writer {stream.writer.name}"
            show_traceback(error, self._shared.redact)
            error = unexpected(side, error)
        if isinstance(error, StarhaulError):
            self._shared.redact.error(error)
        return Outcome(work, attempt.counts, error=error)

    def _delivered(self, stream: StreamPlan, attempt: Attempt) -> Receipt | None:
        if Capability.EXACTLY_ONCE not in stream.promises:
            return None
        return stream.writer.delivered(attempt.side("write"))

    def _recount(self, attempt: Attempt, receipt: Receipt) -> None:
        """The figures of an earlier attempt that went through although its process died: from what it left behind."""
        work, counts = attempt.work, attempt.counts
        part = part_path(self._shared.parts, work.stream, work.task, receipt.attempt)
        counts.rejected, counts.filtered = counted(part)
        counts.written, counts.skipped = receipt.rows, receipt.skipped
        counts.read = counts.written + counts.skipped + counts.rejected + counts.filtered
        attempt.moved(receipt.rows, 0)
        attempt.seen(counts.read)
        self._shared.progress.rejected(work.stream, counts.rejected)
        self._shared.rejects.add(counts.rejected)
