"""Job-wide limits: how fast rows may flow, and how many may be rejected."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from starhaul.api.errors import RejectLimitExceeded
from starhaul.engine.stop import Stop
from starhaul.job.settings import Speed

ROWS_TO_JUDGE = 1000
"""Rows that have to be read before the share of the rejected ones among them is judged."""


class TokenBucket:
    """Lets `rate` units a second through, job-wide: all channels of a run draw from one bucket.

    The bucket holds one second's worth at most, and starts empty, so that a short run keeps to the rate too. A
    request larger than that is granted in debt: whoever comes next waits until it is paid off.
    """

    def __init__(self, rate: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._rate = rate
        self._clock = clock
        self._lock = threading.Lock()
        self._free_at = clock()

    @property
    def rate(self) -> float:
        """Units a second."""
        return self._rate

    def reserve(self, units: int) -> float:
        """Take `units` and return for how many seconds the caller has to pause. From any thread; never blocks."""
        with self._lock:
            now = self._clock()
            self._free_at = max(self._free_at, now - 1.0) + units / self._rate
            return max(0.0, self._free_at - now)


class SpeedLimit:
    """Keeps a run to its job's speed; all its channels ask one. From any thread."""

    def __init__(self, speed: Speed, stop: Stop) -> None:
        self._bytes = None if speed.byte is None else TokenBucket(speed.byte)
        self._rows = None if speed.record is None else TokenBucket(speed.record)
        self._stop = stop

    def at_once(self, rows: int, size: int) -> int:
        """How many of the rows of a batch may pass at once, so that what is allowed in a second flows every second."""
        most: float = rows
        if self._rows is not None:
            most = min(most, self._rows.rate)
        if self._bytes is not None and size:
            most = min(most, rows * self._bytes.rate / size)
        return max(1, int(most))

    def wait(self, rows: int, size: int) -> None:
        """Pause until so many rows of `size` bytes may pass. Raises `Cancelled` if the run stops meanwhile."""
        pause = 0.0 if self._rows is None else self._rows.reserve(rows)
        if self._bytes is not None:
            pause = max(pause, self._bytes.reserve(size))
        if pause:
            self._stop.pause(pause)


class RejectLimit:
    """Counts the rejected rows of a run and says when there are too many.

    `record` is the largest number allowed, `percentage` (0 to 1) the largest share of the rows read; None is no
    limit; `rejected` and `read` are where a resumed run stands. Both are judged with each row, the share over the rows
    read so far (not before a thousand of them: one bad row among the first ten means nothing). When a stream is about
    to be committed, the share is judged once more, whatever the number of rows.
    """

    def __init__(self, record: int | None, percentage: float | None, rejected: int = 0, read: int = 0) -> None:
        self._record = record
        self._percentage = percentage
        self._lock = threading.Lock()
        self._rejected = rejected
        self._read = read

    def read(self, rows: int) -> None:
        """Count rows that came out of a source, those that could not be read included (or, with a negative number,
        forget those of a failed attempt). From any thread.

        Raises `RejectLimitExceeded` if the share of the rejected ones is too large by now.
        """
        with self._lock:
            self._read += rows
        if rows > 0:
            self._judge_early()

    def add(self, rows: int, *, read: bool = True) -> None:
        """Count rejected rows (or, with a negative number, forget those of a failed attempt). `read` tells whether they
        are among those that `read` has counted. From any thread.

        Raises `RejectLimitExceeded` once there are more than allowed.
        """
        with self._lock:
            self._rejected += rows
            rejected = self._rejected
        if rows > 0 and self._record is not None and rejected > self._record:
            raise RejectLimitExceeded(
                "settings.errorLimit.record",
                f"{rejected} rows rejected, {self._record} allowed",
                "see the reject file for the reasons",
            )
        if rows > 0 and read:
            self._judge_early()

    def judge(self, read: int) -> None:
        """Raise `RejectLimitExceeded` if the share of rejected rows among the `read` ones is too large."""
        self._judge(self._rejected, read)

    def _judge_early(self) -> None:
        with self._lock:
            rejected, read = self._rejected, self._read
        if read >= ROWS_TO_JUDGE:
            self._judge(rejected, read)

    def _judge(self, rejected: int, read: int) -> None:
        if self._percentage is not None and rejected > self._percentage * read:
            raise RejectLimitExceeded(
                "settings.errorLimit.percentage",
                f"{rejected} of {read} rows rejected, a share of {self._percentage:g} allowed",
                "see the reject file for the reasons",
            )
