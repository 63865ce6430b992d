"""Connections that outlive the call of a plugin that opened them.

An instance of a plugin holds nothing, so each of its calls would connect anew, and a hundred small tables would connect
many hundreds of times. While a plan lasts, what one call used waits for the next call that wants the same, of whichever
instance.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Protocol, TypeVar

from starhaul.api.errors import TransientError

MOST_SECONDS = 30.0
"""What has waited for longer is not used again: something on the way to the store may have forgotten it meanwhile."""

_log = logging.getLogger(__name__)


class Lendable(Protocol):
    """What can be lent to one call after the other. Used by one thread at a time, not always the same."""

    def cleared(self) -> bool:
        """Remove everything that the last call left in it (settings, locks, an open transaction). False if that cannot
        be; it is closed then."""

    def close(self) -> None:
        """End it. Safe to repeat."""


C = TypeVar("C", bound=Lendable)
_lock = threading.Lock()
_waiting: list[tuple[object, Any, float]] = []
"""Key, connection, and since when it waits; those that came last are at the end."""
_lenders = 0


@contextmanager
def lending() -> Iterator[None]:
    """For the time of this `with` block connections wait to be lent again. Several may be open at once, in any threads;
    at the end of the last one all that wait are closed."""
    global _lenders
    with _lock:
        _lenders += 1
    try:
        yield
    finally:
        with _lock:
            _lenders -= 1
            over = [] if _lenders else [connection for _, connection, _ in _waiting]
            if not _lenders:
                _waiting.clear()
        _close(over)


@contextmanager
def lent(key: object, connect: Callable[[], C], settle: Callable[[C], object]) -> Iterator[C]:
    """A connection for the time of a `with` block: one that waits under an equal key, or else a new one from `connect`.
    If the block does not raise, it then waits for another call.

    `key` says everything that `connect` goes by. `settle` makes ready a new connection as well as one that was cleared;
    it must notice if the connection was lost meanwhile, and raise `TransientError`: then another one is taken.
    """
    connection = _settled(key, connect, settle)
    try:
        yield connection
    except BaseException:
        connection.close()
        raise
    _leave(key, connection)


def _settled(key: object, connect: Callable[[], C], settle: Callable[[C], object]) -> C:
    while True:
        waited = _take(key)
        connection = connect() if waited is None else waited
        try:
            settle(connection)
        except BaseException as error:
            connection.close()
            if waited is None or not isinstance(error, TransientError):
                raise
        else:
            return connection


def _take(key: object) -> Any | None:
    with _lock:
        found = next((each for each in reversed(_waiting) if each[0] == key and not _stale(each[2])), None)
        if found is not None:
            _waiting.remove(found)
    return None if found is None else found[1]


def _leave(key: object, connection: Lendable) -> None:
    try:
        kept = bool(_lenders) and connection.cleared()
    except Exception as error:  # what the call did stays done
        kept = False
        _log.debug("a connection could not be cleared: %s", type(error).__name__)
    with _lock:
        over: list[Lendable] = [each for _, each, since in _waiting if _stale(since)]
        _waiting[:] = [each for each in _waiting if not _stale(each[2])]
        if kept and _lenders:
            _waiting.append((key, connection, time.monotonic()))
        else:
            over.append(connection)
    _close(over)


def _stale(since: float) -> bool:
    return time.monotonic() - since > MOST_SECONDS


def _close(connections: list[Lendable]) -> None:
    for each in connections:
        try:
            each.close()
        except Exception as error:  # nothing is lost with it
            _log.debug("a connection could not be closed: %s", type(error).__name__)
