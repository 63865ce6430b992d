"""The books of a run: for each stream its state, its tasks and what they delivered."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from starhaul.api.errors import PluginError
from starhaul.api.task import Receipt
from starhaul.engine.progress import Counts, StreamProgress
from starhaul.engine.retry import REPEATABLE
from starhaul.plan.plan import StreamPlan
from starhaul.runs.records import StreamState, TaskRecord
from starhaul.runs.rejects import part_path


class StreamBooks:
    """What is known of one stream of a run. Used by the coordinator's thread only."""

    def __init__(
        self,
        plan: StreamPlan,
        run: str,
        state: StreamState,
        tasks: Sequence[TaskRecord],
        rows_before: int | None = None,
    ) -> None:
        self.plan = plan
        self.run = f"{run}_{plan.index}"
        """`Task.run` of this stream's tasks."""
        self.state: StreamState = state
        self.rows_before = rows_before
        """What the target held when it was prepared, if that is to be verified."""
        self.tasks = {task.id: task for task in tasks}
        self.receipts: dict[str, Receipt] = {}
        self.counts = Counts()
        """The figures of all tasks that have receipts."""
        self._counts: dict[str, Counts] = {}
        for task in tasks:
            if task.receipt is not None:
                self.delivered(task.receipt, Counts.from_dict(task.counts or {}))

    def delivered(self, receipt: Receipt, counts: Counts) -> None:
        """A task has its receipt."""
        self.receipts[receipt.task] = receipt
        self.counts.add(counts)
        self._counts[receipt.task] = counts

    def undone(self) -> None:
        """The target took everything back: no task counts as delivered any more."""
        self.state = "aborted"
        self.receipts.clear()
        self.counts = Counts()
        self._counts.clear()

    def lost(self, tasks: Iterable[str]) -> None:
        """The target does not know these tasks any more."""
        self.state = "prepared"
        for task in tasks:
            del self.receipts[task], self._counts[task]
        self.counts = Counts()
        for each in self._counts.values():
            self.counts.add(each)

    def audit(self) -> None:
        """Raise `PluginError` unless every row that was read is accounted for, and receipts and counts agree."""
        counts, told = self.counts, sum(receipt.rows for receipt in self.receipts.values())
        if counts.balance or counts.written != told or self.pending:
            raise PluginError(
                self.plan.name,
                f"the books do not balance: {counts.read} rows read, {counts.written} written (the receipts say "
                f"{told}), {counts.skipped} skipped, {counts.rejected} rejected, {counts.filtered} filtered, "
                f"{len(self.pending)} tasks open",
                "nothing was published; report it",
            )

    @property
    def pending(self) -> list[TaskRecord]:
        """The tasks without a receipt, in order."""
        return [task for name, task in self.tasks.items() if name not in self.receipts]

    @property
    def in_order(self) -> list[Receipt]:
        """The receipts in the order of the splits, whatever the order in which tasks ended."""
        return [self.receipts[name] for name in self.tasks if name in self.receipts]

    @property
    def resumable(self) -> bool:
        """Whether a later sitting can finish this stream: it is safe to repeat, or nothing was tried yet."""
        repeatable = bool(self.plan.promises & REPEATABLE)
        return repeatable or self.state == "committed" or not any(task.attempt for task in self.pending)

    def reject_parts(self, folder: Path) -> list[Path]:
        """The parts of the reject file that count: those of the attempts that delivered."""
        return [part_path(folder, self.plan.index, each.task, each.attempt) for each in self.in_order]

    def progress(self) -> StreamProgress:
        """Where the live figures of this stream begin."""
        rows = [split.rows for split in self.plan.splits]
        counts = Counts()
        counts.add(self.counts)
        return StreamProgress(
            name=self.plan.name,
            tasks=len(self.tasks),
            tasks_done=len(self.receipts),
            rows=counts.written,
            bytes=counts.bytes,
            rejected=counts.rejected,
            expected_rows=None if None in rows else sum(row for row in rows if row is not None),
            counts=counts,
        )
