"""Rows that a database refuses, and how they are found."""

from __future__ import annotations

from collections.abc import Callable

from starhaul import PermanentError

NO_MORE_CONNECTIONS = "the server takes no more connections: let it take more, or lower `settings.channel`"
"""A hint."""


class Refused(PermanentError):  # noqa: N818  it says what happened, as the public ones do
    """The database refused rows for what they hold. `problem` is its own message. Raised by the plugins of a store to
    themselves: it must not be raised for a lost connection or anything else that is not the rows' fault."""


def deliver(rows: int, attempt: Callable[[int, int], int], reject: Callable[[int, str], None]) -> int:
    """Deliver `rows` rows, all at once or, where some are refused, in halves until those stand alone. The order of rows
    stays: of two with one key the first arrives.

    `attempt(start, count)` sends that many rows from row `start` on, in a savepoint of its own; it returns how many the
    database wrote, or rolls back to the savepoint and raises `Refused`. `reject(row, reason)` sets one aside. Returns
    how many were written.
    """
    return _deliver(0, rows, attempt, reject) if rows else 0


def _deliver(start: int, rows: int, attempt: Callable[[int, int], int], reject: Callable[[int, str], None]) -> int:
    try:
        return attempt(start, rows)
    except Refused as refused:
        if rows == 1:
            reject(start, refused.problem)
            return 0
    half = rows // 2
    return _deliver(start, half, attempt, reject) + _deliver(start + half, rows - half, attempt, reject)
