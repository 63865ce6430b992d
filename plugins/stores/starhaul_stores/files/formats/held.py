"""Rows held back until they are enough for a row group, a stripe or a block."""

from __future__ import annotations

from collections.abc import Callable, Container

import pyarrow as pa

_MOST_ROWS = 1 << 20


class HeldRows:
    """Collects batches and hands them on as tables of about `size` bytes."""

    def __init__(self, size: int, write: Callable[[pa.Table], object]) -> None:
        self._size = size
        self._write = write
        self._batches: list[pa.RecordBatch] = []
        self._bytes = 0
        self._rows = 0

    def add(self, batch: pa.RecordBatch, refused: Container[int] = ()) -> None:
        """Take a batch without the rows that are refused, and hand on what is held if it is enough."""
        if refused:
            kept = [row for row in range(batch.num_rows) if row not in refused]
            batch = batch.take(pa.array(kept, pa.int64()))
        if not batch.num_rows:
            return
        self._batches.append(batch)
        self._bytes += batch.nbytes
        self._rows += batch.num_rows
        if self._bytes >= self._size or self._rows >= _MOST_ROWS:
            self.flush()

    def flush(self) -> None:
        """Hand on what is held."""
        if self._batches:
            self._write(pa.Table.from_batches(self._batches))
        self._batches, self._bytes, self._rows = [], 0, 0
