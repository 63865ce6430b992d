"""A `Task` to hand to a plugin in a test."""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa

from starhaul.api.errors import Cancelled, RejectLimitExceeded


@dataclass
class RecordingTask:
    """A `Task` that remembers what the plugin said. Set `cancelled` to stop the plugin."""

    schema: pa.Schema = field(default_factory=lambda: pa.schema([]))
    id: str = "t0"
    run: str = "run_1"
    attempt: int = 1
    cancelled: bool = False
    stopped: bool = False
    """Whether `reject` or `pause` raised `Cancelled`."""
    reject_limit: int | None = None
    """Rejecting more rows than this raises `RejectLimitExceeded`."""
    rejected: list[tuple[dict[str, Any], str, str]] = field(default_factory=list)
    """(row, reason, at) of each rejected row. Values without a Python equal (nanoseconds) appear as text."""
    batches: list[pa.RecordBatch] = field(default_factory=list)
    """Each rejected row as it was handed over: a batch of one row."""
    notes: Counter[str] = field(default_factory=Counter)

    def reject(self, batch: pa.RecordBatch, row: int, reason: str, *, at: str = "") -> None:
        self._raise_if_cancelled()
        if not 0 <= row < batch.num_rows:
            raise IndexError(f"task.reject: row {row} of a batch of {batch.num_rows} rows")
        if not reason.strip():
            raise ValueError("task.reject: a rejected row needs a reason that the user understands")
        rejected = batch.slice(row, 1)
        self.batches.append(rejected)
        values = {name: _python(column) for name, column in zip(rejected.schema.names, rejected.columns, strict=True)}
        self.rejected.append((values, reason, at))
        if self.reject_limit is not None and len(self.rejected) > self.reject_limit:
            raise RejectLimitExceeded("test", f"more than {self.reject_limit} rows rejected")

    def note(self, counter: str, rows: int = 1) -> None:
        self.notes[counter] += rows

    def pause(self, seconds: float) -> None:
        end = time.monotonic() + seconds
        while not self.cancelled and time.monotonic() < end:
            time.sleep(0.005)
        self._raise_if_cancelled()

    def _raise_if_cancelled(self) -> None:
        if self.cancelled:
            self.stopped = True
            raise Cancelled


def _python(column: pa.Array) -> Any:
    """The only value of a column."""
    try:
        return column[0].as_py()
    except (ValueError, OverflowError):  # Python has no nanoseconds and no year 10000; Arrow's own text has
        return column.to_string(skip_new_lines=True)[1:-1]
