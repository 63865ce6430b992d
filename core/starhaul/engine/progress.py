"""Live figures of a run, written by the channels and read by whoever shows them."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any


@dataclass(slots=True)
class Counts:
    """Rows of one attempt, one stream or one run. `read = written + skipped + rejected + filtered` at the end."""

    read: int = 0
    """Rows that came out of the source, those that could not be read included."""
    written: int = 0
    """Rows that the target acknowledged."""
    skipped: int = 0
    """Rows that the write mode asked to leave out."""
    rejected: int = 0
    """Rows set aside with a reason."""
    filtered: int = 0
    """Rows that a transformer left out."""
    bytes: int = 0
    """Bytes of Arrow data that went through the exchanger."""
    seconds_writer_waited: float = 0.0
    """How long writers waited for rows: large where the source is the slower side."""
    seconds_reader_waited: float = 0.0
    """How long readers waited for room: large where the target is the slower side."""
    notes: Counter[str] = field(default_factory=Counter)
    """Values altered on purpose, by kind."""

    @classmethod
    def from_dict(cls, figures: Mapping[str, Any]) -> Counts:
        """The counts whose `dataclasses.asdict` this is."""
        return cls(**{**figures, "notes": Counter(figures.get("notes", {}))})

    def add(self, other: Counts) -> None:
        """Add another's figures to these."""
        self.read += other.read
        self.written += other.written
        self.skipped += other.skipped
        self.rejected += other.rejected
        self.filtered += other.filtered
        self.bytes += other.bytes
        self.seconds_writer_waited += other.seconds_writer_waited
        self.seconds_reader_waited += other.seconds_reader_waited
        self.notes.update(other.notes)

    @property
    def balance(self) -> int:
        """Rows that are unaccounted for; anything but zero after a task is a contract broken."""
        return self.read - self.written - self.skipped - self.rejected - self.filtered


@dataclass(slots=True)
class StreamProgress:
    """How far one stream is. `rows` and `bytes` include attempts under way; the estimates may be missing."""

    name: str
    tasks: int = 0
    tasks_done: int = 0
    rows: int = 0
    bytes: int = 0
    rejected: int = 0
    expected_rows: int | None = None
    started: float | None = None
    finished: float | None = None


class Progress:
    """The live figures of one run. Every method may be called from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._streams: list[StreamProgress] = []
        self.interval = 10.0
        """Seconds between two lines of a plain progress display."""
        self.rejects_logged = 9
        """Rejected rows of each side of a task that a log tells one by one; -1: all."""
        self.started = time.monotonic()

    def begin(self, streams: list[StreamProgress], interval: float = 10.0, rejects_logged: int = 9) -> None:
        """The plan is made: these streams will run. `interval` is how often the job wants them told, in seconds, and
        `rejects_logged` how many rejected rows."""
        with self._lock:
            self._streams = streams
            self.interval = interval
            self.rejects_logged = rejects_logged

    def moved(self, stream: int, rows: int, size: int) -> None:
        """Rows went through the exchanger; negative numbers take back those of a failed attempt."""
        with self._lock:
            each = self._streams[stream]
            each.rows += rows
            each.bytes += size
            if each.started is None:
                each.started = time.monotonic()

    def rejected(self, stream: int, rows: int) -> None:
        """Rows were set aside; a negative number takes back those of a failed attempt."""
        with self._lock:
            self._streams[stream].rejected += rows

    def task_done(self, stream: int) -> None:
        """A task of the stream has its receipt."""
        with self._lock:
            each = self._streams[stream]
            each.tasks_done += 1
            if each.tasks_done == each.tasks:
                each.finished = time.monotonic()

    def snapshot(self) -> list[StreamProgress]:
        """A copy of all figures, one entry per stream, in the job's order. Empty before the plan is made."""
        with self._lock:
            return [replace(each) for each in self._streams]
