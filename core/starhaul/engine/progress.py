"""Live figures of a run, written by the channels and read by whoever shows them."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Any, TypeAlias

from starhaul.job.settings import Settings


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
    transformed: int = 0
    """Rows that went through all transformers or were left out by one; zero without transformers."""
    untransformed: int = 0
    """Rows among the rejected that a transformer could not take."""
    bytes: int = 0
    """Bytes of Arrow data that went through the exchanger."""
    seconds_writer_waited: float = 0.0
    """How long writers waited for rows: large where the source is the slower side."""
    seconds_reader_waited: float = 0.0
    """How long readers waited for room: large where the target is the slower side."""
    seconds_transforming: float = 0.0
    """How long transformers worked."""
    notes: Counter[str] = field(default_factory=Counter)
    """Values altered on purpose, by kind."""

    @classmethod
    def from_dict(cls, figures: Mapping[str, Any]) -> Counts:
        """The counts whose `as_dict` this is."""
        return cls(**{**figures, "notes": Counter(figures.get("notes", {}))})

    def as_dict(self) -> dict[str, Any]:
        """JSON data. `dataclasses.asdict` does not know how to copy a Counter."""
        figures = {each.name: getattr(self, each.name) for each in fields(self)}
        return {**figures, "notes": dict(self.notes)}

    def add(self, other: Counts) -> None:
        """Add another's figures to these."""
        self.read += other.read
        self.written += other.written
        self.skipped += other.skipped
        self.rejected += other.rejected
        self.filtered += other.filtered
        self.transformed += other.transformed
        self.untransformed += other.untransformed
        self.bytes += other.bytes
        self.seconds_writer_waited += other.seconds_writer_waited
        self.seconds_reader_waited += other.seconds_reader_waited
        self.seconds_transforming += other.seconds_transforming
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
    counts: Counts = field(default_factory=Counts)
    """What delivered tasks and attempts under way add up to. Of the latter, what the target acknowledged is not known
    yet."""


Meter: TypeAlias = Callable[[], Counts]
"""Tells the counts of an attempt under way."""


class Progress:
    """The live figures of one run. Every method may be called from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._streams: list[StreamProgress] = []
        self._meters: list[tuple[int, Meter]] = []
        self._listeners: list[Callable[[Mapping[str, Any]], None]] = []
        self.settings = Settings()
        """Those of the job, once it is planned."""
        self.started = time.monotonic()

    def begin(self, streams: list[StreamProgress], settings: Settings | None = None) -> None:
        """The plan is made: these streams will run, under the job's settings."""
        with self._lock:
            self._streams = streams
            self.settings = settings or self.settings

    def listen(self, listener: Callable[[Mapping[str, Any]], None]) -> None:
        """Call `listener` with each rejected row as soon as it is set aside, as a line of the reject file. It is called
        from the channels' threads, several at a time, and must be quick. Rows of attempts that fail are told, too."""
        self._listeners.append(listener)

    def attempt(self, stream: int, meter: Meter) -> None:
        """An attempt at a task of the stream begins."""
        with self._lock:
            self._meters.append((stream, meter))

    def attempt_over(self, stream: int, meter: Meter, counts: Counts | None) -> None:
        """An attempt is over: with these counts, or in vain."""
        with self._lock:
            self._meters.remove((stream, meter))
            if counts is not None:
                self._streams[stream].counts.add(counts)

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

    def tell(self, line: Mapping[str, Any]) -> None:
        """Tell whoever listens of a rejected row."""
        for listener in self._listeners:
            listener(line)

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
            copies = [replace(each, counts=_copy(each.counts)) for each in self._streams]
            for stream, meter in self._meters:
                copies[stream].counts.add(meter())
            return copies


def _copy(counts: Counts) -> Counts:
    copy = Counts()
    copy.add(counts)
    return copy
