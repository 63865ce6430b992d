"""Which files, sockets and threads a call leaves behind in this process."""

from __future__ import annotations

import gc
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

_DESCRIPTORS = Path("/proc/self/fd")
_PATIENCE = 2.0


def held_open(use: Callable[[], object]) -> list[str]:
    """What is open after `use` that was not before: descriptors (on Linux) and threads, given two seconds to end.
    No garbage is collected in between: what is freed only by the collector is held too long."""
    gc.collect()
    descriptors, threads = _descriptors(), set(threading.enumerate())
    use()
    end = time.monotonic() + _PATIENCE
    while left := sorted(_descriptors() - descriptors) + [each.name for each in set(threading.enumerate()) - threads]:
        if time.monotonic() > end:
            return left
        time.sleep(0.01)
    return []


def _descriptors() -> set[str]:
    """Each open descriptor and what it stands for."""
    found = set()
    for link in _DESCRIPTORS.iterdir() if _DESCRIPTORS.is_dir() else ():
        with suppress(OSError):  # the descriptor of this very listing is closed by now
            found.add(f"{link.name} → {link.readlink()}")
    return {each for each in found if "/proc/" not in each}
