"""The bounded buffer between the reader thread and the writer thread of a channel."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Iterator
from typing import Any

import pyarrow as pa

from starhaul.api.encoding import Block
from starhaul.api.errors import Cancelled


class Exchanger:
    """Carries record batches (or blocks in another encoding) from one reader thread to one writer thread, bounded by
    bytes *and* by rows.

    A batch larger than a bound is admitted when the exchanger is empty, so no batch can block for ever. There
    are three ways to an end, and the writer can tell them apart: `close` (no more data: iteration stops after
    the last batch), `fail` (the reader failed: the error is raised at once) and `cancel` (the run stops:
    `Cancelled` is raised on both sides). The writer that stops pulling calls `abandon`, which wakes the reader.
    The first of these calls counts; later ones change nothing. Nothing polls: every wait is on a condition.
    """

    def __init__(self, max_bytes: int, max_rows: int) -> None:
        self._max_bytes = max_bytes
        self._max_rows = max_rows
        self._batches: deque[tuple[pa.RecordBatch | Block, int]] = deque()
        self._bytes = 0
        self._rows = 0
        self._ended = False
        self._failure: BaseException | None = None
        self._abandoned = False
        lock = threading.Lock()
        self._room = threading.Condition(lock)
        self._data = threading.Condition(lock)
        self._waited_for_room = _Wait()
        self._waited_for_data = _Wait()

    def put(self, batch: pa.RecordBatch | Block, size: int) -> None:
        """Hand over one batch of `size` bytes. Blocks while there is no room.

        Raises `Cancelled` if the run stops or the writer has abandoned the exchanger. Reader thread only.
        """
        with self._room:
            if not self._fits(batch.num_rows, size):
                with self._waited_for_room:
                    self._room.wait_for(lambda: self._over() or self._fits(batch.num_rows, size))
            if self._over():
                raise Cancelled
            self._batches.append((batch, size))
            self._bytes += size
            self._rows += batch.num_rows
            self._data.notify()

    def close(self) -> None:
        """No more batches will come. Reader thread only, and only if every row was handed over."""
        with self._data:
            self._ended = True
            self._data.notify()

    def fail(self, error: BaseException) -> None:
        """The source failed. The writer's next pull raises `error` itself; waiting batches are dropped."""
        with self._data:
            if self._failure is None and not self._ended:
                self._failure = error
                self._drop()

    def cancel(self) -> None:
        """The run stops. Both sides raise `Cancelled` as soon as they touch the exchanger. From any thread."""
        with self._data:
            if self._failure is None:
                self._failure = Cancelled()
            self._drop()

    def abandon(self) -> None:
        """The writer returned or failed and will not pull any more. Wakes the reader: its `put` raises `Cancelled`."""
        with self._data:
            self._abandoned = True
            self._drop()

    def waits(self) -> tuple[float, float]:
        """For how many seconds the reader waited for room (the writer is the slower side), and the writer for data; a
        wait that goes on is included. From any thread."""
        with self._room:
            return self._waited_for_room.seconds(), self._waited_for_data.seconds()

    def __iter__(self) -> Iterator[Any]:
        """Pull the batches, blocking until there is one. Writer thread only."""
        while (batch := self._take()) is not None:
            yield batch

    def _take(self) -> pa.RecordBatch | Block | None:
        with self._data:
            if not self._batches and not self._ended and self._failure is None:
                with self._waited_for_data:
                    self._data.wait_for(lambda: self._batches or self._ended or self._failure is not None)
            if self._failure is not None:
                raise self._failure
            if not self._batches:
                return None
            batch, size = self._batches.popleft()
            self._bytes -= size
            self._rows -= batch.num_rows
            self._room.notify()
            return batch

    def _fits(self, rows: int, size: int) -> bool:
        empty = not self._batches
        return empty or (self._bytes + size <= self._max_bytes and self._rows + rows <= self._max_rows)

    def _over(self) -> bool:
        return self._failure is not None or self._abandoned

    def _drop(self) -> None:
        self._batches.clear()
        self._bytes = self._rows = 0
        self._room.notify_all()
        self._data.notify_all()


class _Wait:
    """Sums up how long the blocks lasted that it was entered for, one at a time."""

    def __init__(self) -> None:
        self._sum = 0.0
        self._since: float | None = None

    def __enter__(self) -> None:
        self._since = time.perf_counter()

    def __exit__(self, *_: object) -> None:
        self._sum, self._since = self.seconds(), None

    def seconds(self) -> float:
        return self._sum + (0.0 if self._since is None else time.perf_counter() - self._since)
