"""How fast a stream moves, and when it will be through."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence

from starhaul.engine.progress import StreamProgress

WINDOW_SECONDS = 15.0


class Pace:
    """Watches the figures of one stream. Used by one thread, the display's."""

    def __init__(self) -> None:
        self._samples: deque[tuple[float, int, int]] = deque()
        self._first: tuple[float, int] | None = None
        self._now: StreamProgress | None = None

    def add(self, now: float, stream: StreamProgress) -> None:
        """The figures at a time, in seconds of a clock that never goes back."""
        if self._first is None:
            self._first = (now, stream.tasks_done)
        self._samples.append((now, stream.rows, stream.bytes))
        while len(self._samples) > 2 and self._samples[1][0] <= now - WINDOW_SECONDS:
            self._samples.popleft()
        self._now = stream

    @property
    def rows_per_second(self) -> float:
        """Over the last 15 seconds; zero as long as nothing is known."""
        return self._slope(1)

    @property
    def bytes_per_second(self) -> float:
        """Over the last 15 seconds, as the hub holds them in memory."""
        return self._slope(2)

    @property
    def seconds_left(self) -> float | None:
        """From the expected rows if they are known, else from the tasks that are done; None if neither tells."""
        stream = self._now
        if stream is None or self._first is None:
            return None
        rate = self.rows_per_second
        if stream.expected_rows is not None and rate > 0 and stream.rows <= stream.expected_rows:
            return (stream.expected_rows - stream.rows) / rate
        began, done_before = self._first
        done = stream.tasks_done - done_before
        return (self._samples[-1][0] - began) * (stream.tasks - stream.tasks_done) / done if done > 0 else None

    def _slope(self, figure: int) -> float:
        if len(self._samples) < 2:
            return 0.0
        first, last = self._samples[0], self._samples[-1]
        return max(0.0, (last[figure] - first[figure]) / max(last[0] - first[0], 1e-9))


def share(stream: StreamProgress) -> float | None:
    """How much of a stream is done, between 0 and 1; None if nobody knows."""
    if stream.tasks and stream.tasks_done == stream.tasks:
        return 1.0
    if stream.expected_rows:
        return min(max(stream.rows / stream.expected_rows, 0.0), 1.0)
    return stream.tasks_done / stream.tasks if stream.tasks > 1 else None


def total(streams: Sequence[StreamProgress]) -> StreamProgress:
    """All streams of a run as if they were one."""
    expected = [stream.expected_rows for stream in streams]
    return StreamProgress(
        name="total",
        tasks=sum(stream.tasks for stream in streams),
        tasks_done=sum(stream.tasks_done for stream in streams),
        rows=sum(stream.rows for stream in streams),
        bytes=sum(stream.bytes for stream in streams),
        rejected=sum(stream.rejected for stream in streams),
        expected_rows=None if None in expected else sum(rows for rows in expected if rows is not None),
    )


def is_running(stream: StreamProgress) -> bool:
    """Whether rows of the stream are on their way now."""
    return stream.started is not None and stream.finished is None
