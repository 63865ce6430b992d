"""What passes between the engine and a plugin while data flows: splits, tasks, receipts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

import pyarrow as pa


@dataclass(frozen=True)
class Split:
    """One slice of a source. Plain JSON data, so that it can be printed, stored and read again after a crash."""

    id: str
    """Unique among the splits of one source; shown to the user (`lineitem.csv@0-67108864`)."""

    args: Mapping[str, Any] = field(default_factory=dict)
    """What `Reader.read` needs to find the slice again: JSON values only, no secrets."""

    rows: int | None = None
    """Estimated rows, for progress and for sizing; None where nothing is known."""

    bytes: int | None = None
    """Estimated size in bytes of the source, for progress; None where nothing is known."""


@dataclass(frozen=True)
class Receipt:
    """What one attempt at a task wrote, as the target acknowledged it. JSON data: the run store keeps it."""

    task: str
    """`Task.id`."""

    rows: int
    """Rows of this task that the target now holds (or will, after `commit`), as the target said it."""

    skipped: int = 0
    """Rows that the job's write mode asked to leave out (for example existing keys in `insert ignore`)."""

    attempt: int = 1
    """`Task.attempt` of the attempt that wrote them."""

    data: Mapping[str, Any] = field(default_factory=dict)
    """What `commit` or `abort` need to find the work again: JSON values only, no secrets."""


class Task(Protocol):
    """All that a plugin may ask of the engine while it reads, transforms or writes one task.

    One task is one split of one stream on its way into one `Writer.write`. The same object is handed to the
    reader, the transformers and the writer of one attempt; all methods may be called from any thread.
    """

    @property
    def run(self) -> str:
        """Unique to this run of this stream, and the same when the run is resumed.

        Lower-case letters, digits and `_`, at most 40 characters: fit for a name of a file or a table.
        """

    @property
    def id(self) -> str:
        """Unique within `run` and the same for every attempt. Same characters as `run`, at most 12."""

    @property
    def attempt(self) -> int:
        """1 for the first attempt; grows over retries and resumes, never repeats."""

    @property
    def schema(self) -> pa.Schema:
        """The exact schema of every batch that `Writer.write` will pull: what `Writer.accept` returned."""

    @property
    def cancelled(self) -> bool:
        """True once the run is being stopped. Loops that yield no batches for long should look at it."""

    def reject(self, batch: pa.RecordBatch, row: int, reason: str, *, at: str = "") -> None:
        """Set one row aside: it was not and will not be delivered by this task.

        `batch` holds it at index `row`, with whatever columns describe it best (a reader that could not parse
        a line passes a batch of one text column). `reason` is for the user; `at` tells where the row stood
        (`data.csv:17`). The row goes to the run's reject file. Raises `RejectLimitExceeded` once the job's
        limit is passed: let it through. Rejects of an attempt that fails are forgotten with the attempt.
        """

    def note(self, counter: str, rows: int = 1) -> None:
        """Count values that were altered on purpose (`zero date made NULL`); shown in the report."""

    def pause(self, seconds: float) -> None:
        """Sleep, but wake and raise `Cancelled` as soon as the run is being stopped."""


def reject_rows(task: Task, batch: pa.RecordBatch, reasons: Mapping[int, str]) -> pa.BooleanArray | None:
    """`Task.reject` for each row of a batch that has a reason, in order. Returns which of its rows remain, as a mask to
    `filter` by; None if all do."""
    if not reasons:
        return None
    for row in sorted(reasons):
        task.reject(batch, row, reasons[row])
    return pa.array([row not in reasons for row in range(batch.num_rows)], pa.bool_())
