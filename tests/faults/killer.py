"""A plugin file for fault tests: sends its own process a signal, or lets it fail, at the point that the environment
names.

A point is `MODULE:CLASS.METHOD:when:N`: before or after the N-th call of that method, counted from 1. `SINCE>POINT`
counts only from the point SINCE on, which says when within a longer step.

- `KILL_AT`: the point of the signal.
- `KILL_WITH`: its name; `SIGKILL` by default.
- `FAIL_AT`: the point at which a `PermanentError` is raised.
- `FULL_AT`: the point from which on no file of this process can grow, as on a disk that is full.
- `LOCKED_AT`: the point from which on somebody else has the run store locked for good.
- `BEGUN`: a file to make as soon as the run is in the run store.
"""

from __future__ import annotations

import os
import resource
import signal
import sqlite3
import threading
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

from starhaul import PermanentError
from starhaul.runs import store


def _arm(point: str, act: Callable[[], None]) -> None:
    since, _, point = point.rpartition(">")
    counting = threading.Event()
    if since:
        _arm(since, counting.set)
    else:
        counting.set()
    module, name, when, number = point.split(":")
    owner_name, method = name.split(".")
    owner = getattr(import_module(module), owner_name)
    original = getattr(owner, method)
    lock = threading.Lock()
    calls = [0]

    def armed(*args: Any, **kwargs: Any) -> Any:
        with lock:
            calls[0] += counting.is_set()
            mine = counting.is_set() and calls[0] == int(number)
        if mine and when == "before":
            act()
        result = original(*args, **kwargs)
        if mine and when == "after":
            act()
        return result

    setattr(owner, method, armed)


def _signal() -> None:
    os.kill(os.getpid(), signal.Signals[os.environ.get("KILL_WITH", "SIGKILL")])


def _fail() -> None:
    raise PermanentError("the target", "fails, as the test asks for")


def _fill() -> None:
    """Writing beyond a limit fails much as writing to a full disk does; Python ignores the signal."""
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, resource.RLIM_INFINITY))


def _lock() -> None:
    locker = sqlite3.connect(Path(os.environ["STARHAUL_STATE_DIR"]) / "runs.db", isolation_level=None)
    locker.execute("BEGIN IMMEDIATE")
    _held.append(locker)


_held: list[sqlite3.Connection] = []

if "BEGUN" in os.environ:
    _arm("starhaul.runs.store:RunStore.begin:after:1", Path(os.environ["BEGUN"]).touch)
if "FAIL_AT" in os.environ:
    _arm(os.environ["FAIL_AT"], _fail)
if "KILL_AT" in os.environ:
    _arm(os.environ["KILL_AT"], _signal)
if "FULL_AT" in os.environ:
    _arm(os.environ["FULL_AT"], _fill)
if "LOCKED_AT" in os.environ:
    store._BUSY_SECONDS = 0.2
    _arm(os.environ["LOCKED_AT"], _lock)
