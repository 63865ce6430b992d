"""Connections that do not wait for ever: `socketTimeout` of the JDBC driver, which libpq does not have.

libpq's `tcp_user_timeout` ends a connection whose bytes nobody acknowledges. It does not see a server that stands
still, or an answer that was lost on its way.
"""

from __future__ import annotations

import time
from collections.abc import Generator
from typing import TYPE_CHECKING, Any

from starhaul_stores.relational.url import DatabaseUrl

if TYPE_CHECKING:
    import psycopg


def patience(address: DatabaseUrl) -> float:
    """Seconds after which a server that says nothing is given up; 0 for never."""
    options = {name.lower(): value for name, value in address.options.items()}
    return float(options.get("sockettimeout") or 0)


def patient(seconds: float) -> type[psycopg.Connection[Any]]:
    """The class of connections that raise `OperationalError` once nothing has come or gone for so long; 0: never."""
    import psycopg

    if not seconds:
        return psycopg.Connection

    class Patient(psycopg.Connection[Any]):
        def wait(self, gen: Generator[Any, Any, Any], *more: Any, **options: Any) -> Any:
            return super().wait(_watched(gen, seconds), *more, **options)

    return Patient


def _watched(steps: Generator[Any, Any, Any], seconds: float) -> Generator[Any, Any, Any]:
    """The same steps of psycopg's waiting. What is sent to them says what is ready: zero if nothing was for a while."""
    import psycopg

    last, ready = time.monotonic(), None
    while True:
        try:
            wanted = steps.send(ready)
        except StopIteration as end:
            return end.value
        ready = yield wanted
        now = time.monotonic()
        if ready:
            last = now
        elif now - last > seconds:
            steps.close()
            raise psycopg.OperationalError(f"the server did not answer for {seconds:g} s")
