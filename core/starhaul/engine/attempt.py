"""One attempt at one task: its figures, its rejects, and what the plugins see of it."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa

from starhaul.api.errors import Cancelled
from starhaul.engine.limits import RejectLimit, SpeedLimit
from starhaul.engine.progress import Counts, Progress
from starhaul.engine.stop import Stop
from starhaul.engine.work import Work
from starhaul.redactor import Redactor
from starhaul.runs.rejects import RejectPart, Room, part_path


@dataclass(frozen=True)
class Shared:
    """What all attempts of a run share."""

    stop: Stop
    progress: Progress
    rejects: RejectLimit
    speed: SpeedLimit
    parts: Path
    redact: Redactor
    reject_room: Room


class Attempt:
    """Keeps the books of one attempt. `side(stage)` gives the `Task` that a plugin of that stage is handed."""

    def __init__(self, work: Work, run: str, stream: str, schema: pa.Schema, shared: Shared) -> None:
        self.work = work
        self.run = run
        self.schema = schema
        self.shared = shared
        self.counts = Counts()
        self._rows_moved = 0
        self._rows_seen = 0
        self._lock = threading.Lock()
        origin = {"stream": stream, "task": work.task, "attempt": work.attempt}
        self.part = RejectPart(
            part_path(shared.parts, work.stream, work.task, work.attempt), origin, shared.redact, shared.reject_room
        )

    def side(self, stage: str) -> Side:
        """The task as the plugin of one stage sees it (`read`, `transform:0`, `convert`, `write`)."""
        return Side(self, stage)

    def reject(self, batch: pa.RecordBatch, row: int, stage: str, reason: str, at: str) -> None:
        """Set a row aside, count it, and raise `RejectLimitExceeded` if it was one too many."""
        line = self.part.add(batch, row, stage, reason, at)
        with self._lock:
            self.counts.rejected += 1
        self.shared.progress.rejected(self.work.stream, 1)
        self.shared.progress.tell(line)
        self.shared.rejects.add(1, read=stage != "read")

    def seen(self, rows: int) -> None:
        """Rows came out of the source, or were rejected by their reader. Raises `RejectLimitExceeded` if the share of
        the rejected ones is too large."""
        self._rows_seen += rows
        self.shared.rejects.read(rows)

    def note(self, counter: str, rows: int) -> None:
        """Count values altered on purpose."""
        with self._lock:
            self.counts.notes[counter] += rows

    def moved(self, rows: int, size: int) -> None:
        """Rows are about to go through the exchanger."""
        self.counts.bytes += size
        self._rows_moved += rows
        self.shared.progress.moved(self.work.stream, rows, size)

    def forget(self) -> None:
        """The attempt failed: take its figures back from the run's."""
        self.shared.progress.moved(self.work.stream, -self._rows_moved, -self.counts.bytes)
        self.shared.progress.rejected(self.work.stream, -self.counts.rejected)
        self.shared.rejects.add(-self.counts.rejected)
        self.shared.rejects.read(-self._rows_seen)


class Side:
    """The `Task` of the contract, for one stage of one attempt."""

    def __init__(self, attempt: Attempt, stage: str) -> None:
        self._attempt = attempt
        self._stage = stage
        self.rejected = 0

    @property
    def run(self) -> str:
        return self._attempt.run

    @property
    def id(self) -> str:
        return self._attempt.work.task

    @property
    def attempt(self) -> int:
        return self._attempt.work.attempt

    @property
    def schema(self) -> pa.Schema:
        return self._attempt.schema

    @property
    def cancelled(self) -> bool:
        return self._attempt.shared.stop.requested

    def reject(self, batch: pa.RecordBatch, row: int, reason: str, *, at: str = "") -> None:
        if self.cancelled:
            raise Cancelled
        self.rejected += 1
        self._attempt.reject(batch, row, self._stage, reason, at)

    def note(self, counter: str, rows: int = 1) -> None:
        self._attempt.note(counter, rows)

    def pause(self, seconds: float) -> None:
        self._attempt.shared.stop.pause(seconds)
