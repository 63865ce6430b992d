"""May a task run again, and when? And the same for calls that are safe to repeat."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import TypeVar

from starhaul.api.capability import Capability
from starhaul.api.errors import TransientError
from starhaul.engine.stop import Stop
from starhaul.job.settings import Retry

REPEATABLE = frozenset({Capability.ATOMIC, Capability.IDEMPOTENT, Capability.EXACTLY_ONCE})
"""A writer that promises one of these can be given a task again without doubling rows."""

T = TypeVar("T")
_log = logging.getLogger(__name__)


def pause_before_retry(retry: Retry, tries: int, error: BaseException) -> float | None:
    """Seconds to wait after the `tries`-th try failed with `error`; None if there must not be another."""
    if not isinstance(error, TransientError) or tries >= retry.attempts:
        return None
    if error.retry_after is not None:
        return max(error.retry_after, 0.0)
    return float(min(retry.pause * 2 ** (tries - 1), retry.max_pause))


def patiently(call: Callable[[], T], retry: Retry, stop: Stop, redact: Callable[[str], str] = str) -> T:
    """Make a call that is safe to repeat, again after each `TransientError` as long as tries are left.

    `redact` takes secrets out of what is logged. Raises the last error, or `Cancelled` if the run stops during a pause.
    """
    tries = 1
    while True:
        try:
            return call()
        except TransientError as error:
            pause = pause_before_retry(retry, tries, error)
            if pause is None:
                raise
            _log.warning("%s; trying again in %.1f s", redact(str(error)), pause)
            stop.pause(pause)
            tries += 1
