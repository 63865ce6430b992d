"""What executors take and give back. JSON data or picklable, so that a task can run in another process."""

from __future__ import annotations

from dataclasses import dataclass

from starhaul.api.task import Receipt, Split
from starhaul.engine.progress import Counts


@dataclass(frozen=True)
class Work:
    """One attempt at one task."""

    stream: int
    task: str
    attempt: int
    split: Split


@dataclass(frozen=True)
class Outcome:
    """What became of an attempt: a receipt, or the error that ended it."""

    work: Work
    counts: Counts
    receipt: Receipt | None = None
    error: BaseException | None = None
