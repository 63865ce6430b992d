"""A plugin file for fault tests: kills its own process (-9) at the point that KILL_AT names.

`KILL_AT` is `MODULE:CLASS.METHOD:when:N`: before or after the N-th call of that method, counted from 1.
"""

from __future__ import annotations

import os
import signal
import threading
from importlib import import_module
from typing import Any


def _arm(point: str) -> None:
    module, name, when, number = point.split(":")
    owner_name, method = name.split(".")
    owner = getattr(import_module(module), owner_name)
    original = getattr(owner, method)
    lock = threading.Lock()
    calls = [0]

    def killing(*args: Any, **kwargs: Any) -> Any:
        with lock:
            calls[0] += 1
            mine = calls[0] == int(number)
        if mine and when == "before":
            os.kill(os.getpid(), signal.SIGKILL)
        result = original(*args, **kwargs)
        if mine:
            os.kill(os.getpid(), signal.SIGKILL)
        return result

    setattr(owner, method, killing)


if "KILL_AT" in os.environ:
    _arm(os.environ["KILL_AT"])
