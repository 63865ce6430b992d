"""What is said of exceptions that nobody foresaw: mistakes in a plugin, mostly."""

from __future__ import annotations

import logging
import traceback
from collections.abc import Callable

from starhaul.api.errors import PermanentError

TRACEBACKS = logging.getLogger("starhaul.tracebacks")
"""At the level DEBUG with `--debug` alone: a traceback may hold values."""


def place(error: BaseException) -> str:
    """The file and line that raised it; empty if it never was raised."""
    frames = traceback.extract_tb(error.__traceback__)
    return f"{frames[-1].filename}:{frames[-1].lineno}" if frames else ""


def how_to_find(error: BaseException) -> str:
    """A hint for whoever mends it."""
    at = place(error)
    return f"raised at {at}; --debug shows the traceback" if at else ""


def unexpected(where: str, error: BaseException) -> PermanentError:
    """The error to raise in its place: the contract says that any other exception counts as permanent."""
    failure = PermanentError(where, f"{type(error).__name__}: {error}", how_to_find(error))
    failure.__cause__ = error
    return failure


def show_traceback(error: BaseException, redact: Callable[[str], str]) -> None:
    """Log it for `--debug`, without secrets."""
    if TRACEBACKS.isEnabledFor(logging.DEBUG):
        TRACEBACKS.debug("%s", redact("".join(traceback.format_exception(error)).rstrip()))
