"""The C library's allocator, set for a process that moves rows."""

from __future__ import annotations

import sys
from contextlib import suppress

_SETTINGS = {-1: 16 << 20, -3: 16 << 20, -8: 2}
"""Of `mallopt(3)`: bytes that are kept at the end of a heap, bytes of the smallest block that has a mapping of its own,
and how many heaps there are at most, as each keeps its own. Measured with 2 M rows of TPC-H lineitem from PostgreSQL to
CSV: 0.5 s of the system's time less; 5 MB more."""


def keep_freed_memory() -> None:
    """Let blocks of rows take the memory of those before them. By default glibc gives the memory of each back to the
    system, which clears it again, page by page, for the next: half of the system's time. Does nothing elsewhere."""
    if not sys.platform.startswith("linux"):
        return
    import ctypes

    with suppress(OSError, AttributeError):  # another C library
        mallopt = ctypes.CDLL(None).mallopt
        for parameter, value in _SETTINGS.items():
            mallopt(parameter, value)
