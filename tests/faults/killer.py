"""A plugin file for fault tests: sends its own process a signal, or lets it fail, at the point that the environment
names.

A point is `MODULE:CLASS.METHOD:when:N`: before or after the N-th call of that method, counted from 1. `SINCE>POINT`
counts only from the point SINCE on, which says when within a longer step.

- `KILL_AT`: the point of the signal.
- `KILL_WITH`: its name; `SIGKILL` by default.
- `FAIL_AT`: the point at which a `PermanentError` is raised.
- `BEGUN`: a file to make as soon as the run is in the run store.
"""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

from starhaul import PermanentError


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


if "BEGUN" in os.environ:
    _arm("starhaul.runs.store:RunStore.begin:after:1", Path(os.environ["BEGUN"]).touch)
if "FAIL_AT" in os.environ:
    _arm(os.environ["FAIL_AT"], _fail)
if "KILL_AT" in os.environ:
    _arm(os.environ["KILL_AT"], _signal)
