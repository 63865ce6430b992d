"""A stripe of an ORC file, read some rows at a time.

`pyarrow.orc` reads whole stripes, unpacked, and writers of Hadoop make them of 64 to 256 MiB. `pyarrow.dataset` reads
whole files, piece by piece. So a stripe is shown to it as a file that has no other.
"""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from threading import Lock
from typing import Any

import pyarrow as pa

from starhaul import PermanentError
from starhaul_stores.files.formats.matching import BATCH_BYTES
from starhaul_stores.files.formats.orc_tail import Stripe, Stripes

_MOST_ROWS = 16384
_HELD = 32 << 20
"""Bytes of the file in memory at most: the values of each column stand apart, and are read side by side."""
_SMALLEST_WINDOW, _LARGEST_WINDOW = 128 << 10, 4 << 20
"""Bytes read at once. A distant place takes as long for few."""
_STREAMS = 3
"""A column has about as many: which are null, their lengths, their values."""


def stripe_batches(native: Any, stripes: Stripes, place: int, columns: Sequence[int]) -> Iterator[pa.RecordBatch]:
    """The rows of a stripe of the file `native` (a `pyarrow.NativeFile`) with the columns at the given places, as
    `pyarrow` has their types, and called by these places. The file is not read any more when the generator has been
    closed."""
    from pyarrow.dataset import OrcFileFormat

    stripe = stripes[place]
    view = _OneStripe(native, stripe, stripes.tail_with(stripe), stripes.types)
    rows = max(1, min(_MOST_ROWS, BATCH_BYTES // stripes.bytes_of_a_row(stripe)))
    try:
        file = OrcFileFormat().make_fragment(pa.PythonFile(view, mode="r"))
        names = [str(column) for column in columns]
        yield from file.to_batches(columns=names, batch_size=rows, batch_readahead=1, use_threads=False)
    finally:
        view.close()


class _OneStripe(io.RawIOBase):
    """A file that ends behind a stripe of another, with a tail that tells of no other stripe. Read by threads of
    `pyarrow`, one at a time."""

    def __init__(self, native: Any, stripe: Stripe, tail: bytes, types: int) -> None:
        super().__init__()
        self._native = native
        self._end = stripe.end
        self._tail = tail
        self._at = 0
        self._lock = Lock()
        self._size = max(_SMALLEST_WINDOW, min(_LARGEST_WINDOW, _HELD // (_STREAMS * types)))
        self._windows: dict[int, bytes] = {}  # by where they begin, the last to be used last

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._at

    def seek(self, offset: int, whence: int = io.SEEK_SET, /) -> int:
        self._at = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._end + len(self._tail)}[whence] + offset
        return self._at

    def read(self, size: int = -1, /) -> bytes:
        """As many bytes as are asked for, up to the end of the file: ORC's reader takes fewer for damage."""
        with self._lock:
            if self.closed:
                raise ValueError("the rows are not wanted any more")
            last = self._end + len(self._tail)
            until = last if size < 0 else min(self._at + size, last)
            found = bytearray()
            while self._at < until:
                data = self._here()[: until - self._at]
                self._at += len(data)
                found += data
            return bytes(found)

    def close(self) -> None:
        with self._lock:
            super().close()
            self._windows.clear()

    def _here(self) -> bytes | memoryview:
        """Some bytes from the present place on."""
        if self._at >= self._end:
            return memoryview(self._tail)[self._at - self._end :]
        for start, window in self._windows.items():
            if start <= self._at < start + len(window):
                self._windows[start] = self._windows.pop(start)
                return memoryview(window)[self._at - start :]
        while len(self._windows) >= _HELD // self._size:
            del self._windows[next(iter(self._windows))]
        self._native.seek(self._at)
        window = self._native.read(min(self._size, self._end - self._at))
        if not window:
            raise PermanentError("ORC", f"the file ends at {self._at}, within a stripe")
        self._windows[self._at] = window
        return memoryview(window)
