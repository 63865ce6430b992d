"""Batches of rows, gathered until there are as many rows as a database takes at once."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, field

import pyarrow as pa


@dataclass(slots=True, kw_only=True)
class Gathering(ABC):
    """Small batches together, large ones in pieces. A chunk goes out when it has as many rows or bytes as are wanted;
    it never has more rows."""

    most_rows: int
    most_bytes: int
    _waiting: list[pa.RecordBatch] = field(default_factory=list, init=False)

    def write(self, batch: pa.RecordBatch) -> None:
        """Take a batch; all have the same schema."""
        for start in range(0, batch.num_rows, self.most_rows):
            self._waiting.append(batch.slice(start, self.most_rows))
            rows = sum(each.num_rows for each in self._waiting)
            if rows >= self.most_rows or sum(each.nbytes for each in self._waiting) >= self.most_bytes:
                self.flush()

    def flush(self) -> None:
        """Send what is waiting."""
        if not self._waiting:
            return
        waiting, self._waiting = self._waiting, []
        whole = waiting[0] if len(waiting) == 1 else pa.concat_batches(waiting)
        del waiting
        for start in range(0, whole.num_rows, self.most_rows):
            self._write_chunk(whole.slice(start, self.most_rows))

    @abstractmethod
    def _write_chunk(self, rows: pa.RecordBatch) -> None:
        """Send these."""
