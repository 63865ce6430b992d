"""The default executor: threads of this process."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable

from starhaul.engine.work import Outcome, Work


class LocalExecutor:
    """Runs tasks on `channels` threads, in the order they were submitted.

    The heavy parts of a task (Arrow, drivers in C) let go of the interpreter lock, so threads are enough. The
    methods are called by the coordinator's thread only; `carry` is called from the channels' threads and must
    not raise.
    """

    def __init__(self, channels: int, carry: Callable[[Work], Outcome]) -> None:
        self._carry = carry
        self._work: queue.SimpleQueue[Work | None] = queue.SimpleQueue()
        self._outcomes: queue.SimpleQueue[Outcome | None] = queue.SimpleQueue()
        # Daemons: a plugin that hangs must not keep a stopped process alive.
        self._threads = [
            threading.Thread(target=self._channel, name=f"channel-{number}", daemon=True) for number in range(channels)
        ]
        for thread in self._threads:
            thread.start()

    def submit(self, work: Work) -> None:
        """Have a task carried out as soon as a channel is free."""
        self._work.put(work)

    def next(self, timeout: float | None = None) -> Outcome | None:
        """Wait for the next outcome; None when `timeout` seconds passed or `wake` was called."""
        try:
            return self._outcomes.get(timeout=timeout)
        except queue.Empty:
            return None

    def wake(self) -> None:
        """Make `next` return None. From any thread."""
        self._outcomes.put(None)

    def withdraw(self) -> list[Work]:
        """Take back the tasks that no channel has begun."""
        withdrawn: list[Work] = []
        while True:
            try:
                work = self._work.get_nowait()
            except queue.Empty:
                return withdrawn
            if work is not None:
                withdrawn.append(work)

    def close(self) -> None:
        """Let the channels end once they are idle. Does not wait for one that hangs."""
        for _ in self._threads:
            self._work.put(None)

    def _channel(self) -> None:
        while (work := self._work.get()) is not None:
            self._outcomes.put(self._carry(work))
