"""The wish to stop a run, and who must hear of it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from starhaul.api.errors import Cancelled


class Stop:
    """Set once, from any thread; wakes everything that waits. A `Stop` belongs to one run.

    A signal handler must call `request` on a thread of its own: it may have interrupted the holder of a lock
    that `request` needs.
    """

    def __init__(self) -> None:
        self._event = threading.Event()
        self._lock = threading.Lock()
        self._calls: set[Callable[[], None]] = set()
        self.reason = ""

    @property
    def requested(self) -> bool:
        """Whether the run is to stop."""
        return self._event.is_set()

    def request(self, reason: str) -> None:
        """Ask the run to stop: no new task starts, running ones are cancelled and roll back. Only the
        first call counts."""
        with self._lock:
            if self._event.is_set():
                return
            self.reason = reason
            self._event.set()
            calls = list(self._calls)
        for call in calls:
            call()

    @contextmanager
    def calling(self, call: Callable[[], None]) -> Iterator[None]:
        """Within the block, `request` calls `call` (at once if it was requested before). It must not block."""
        with self._lock:
            self._calls.add(call)
            requested = self._event.is_set()
        if requested:
            call()
        try:
            yield
        finally:
            with self._lock:
                self._calls.discard(call)

    def pause(self, seconds: float) -> None:
        """Sleep; raises `Cancelled` as soon as a stop is requested."""
        if self._event.wait(max(seconds, 0.0)):
            raise Cancelled
