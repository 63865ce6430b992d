"""The promises a plugin can make."""

from __future__ import annotations

from enum import StrEnum


class Capability(StrEnum):
    """What a plugin promises. The engine relies on it and the conformance kit proves it."""

    SPLIT = "split"
    """Reader: `split()` may return more than one split; together they hold every row exactly once."""

    ATOMIC = "atomic"
    """Writer: nothing is visible in the target before `commit()`, and `abort()` leaves no trace."""

    IDEMPOTENT = "idempotent"
    """Writer: a task may be written twice and the target is as if it had been written once."""

    EXACTLY_ONCE = "exactly_once"
    """Writer: each task is one transaction with a ledger row in the target, so that `delivered()` can tell
    whether an attempt went through whose answer was lost."""
