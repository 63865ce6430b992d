"""Write transactions, and waiting for them: SQLite has one writer at a time."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from threading import Lock

from starhaul import StarhaulError, Task, TransientError
from starhaul_stores.sqlite.connection import Connection

_GLANCE = 0.2
"""Seconds between two looks at whether the run is being stopped."""


@contextmanager
def my_turn(turn: Lock, task: Task) -> Iterator[None]:
    """Hold the lock that the tasks of one process share for the time of a `with` block. Waits for it without limit, but
    gives way when the run stops."""
    while not turn.acquire(timeout=_GLANCE):
        task.pause(0)
    try:
        yield
    finally:
        turn.release()


@contextmanager
def transaction(db: Connection) -> Iterator[None]:
    """A write transaction for the time of a `with` block: committed at its end, rolled back if it raises."""
    db.execute("BEGIN IMMEDIATE")
    with _ended(db):
        yield


@contextmanager
def task_transaction(db: Connection, task: Task, patience: float) -> Iterator[None]:
    """The same for a task, which must give way when the run stops. Raises `TransientError` when another connection has
    held the lock for `patience` seconds without committing anything."""
    deadline, seen = time.monotonic() + patience, _version(db)
    db.execute(f"PRAGMA busy_timeout = {round(min(_GLANCE, patience) * 1000)}")
    while True:
        try:
            db.execute("BEGIN IMMEDIATE")
            break
        except TransientError as error:
            task.pause(0)
            now = _version(db)
            if now != seen:  # the writer before us made progress: we are queueing
                deadline, seen = time.monotonic() + patience, now
            if time.monotonic() >= deadline:
                hint = f"locked for {patience:g} s by another program, or by a slow task; see busyTimeout"
                raise TransientError(db.path, error.problem, hint) from error
    db.execute(f"PRAGMA busy_timeout = {round(patience * 1000)}")
    with _ended(db):
        yield


@contextmanager
def _ended(db: Connection) -> Iterator[None]:
    try:
        yield
        db.execute("COMMIT")
    except BaseException:
        with suppress(StarhaulError):  # SQLite has rolled back by itself after some errors
            db.execute("ROLLBACK")
        raise


def _version(db: Connection) -> int | None:
    """A number that changes when another connection commits; None while it cannot be read."""
    try:
        return int(db.value("PRAGMA data_version"))
    except TransientError:
        return None
