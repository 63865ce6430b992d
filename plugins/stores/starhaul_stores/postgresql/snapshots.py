"""One snapshot for many connections (https://www.postgresql.org/docs/current/functions-admin.html,
`pg_export_snapshot`). It lasts as long as the transaction that exported it."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from starhaul import StarhaulError, TransientError
from starhaul_stores.postgresql.connection import Connection, literal

BEGIN = "BEGIN ISOLATION LEVEL REPEATABLE READ"
_STARTED = "SELECT pg_postmaster_start_time()::text"


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A snapshot that other connections to the same server can read."""

    server: str
    """When the server started: names of snapshots are given again, by other servers and after a restart."""
    name: str


@contextmanager
def exported(db: Connection) -> Iterator[Snapshot | None]:
    """A snapshot of now, good for as long as the `with` block. None if the server exports none (a proxy in between, a
    store that only speaks PostgreSQL's language)."""
    try:
        started = str(db.value(_STARTED))
        db.execute("SET idle_in_transaction_session_timeout = 0; SET statement_timeout = 0")
        db.execute(BEGIN)
        name = str(db.value("SELECT pg_export_snapshot()"))
    except TransientError:
        raise
    except StarhaulError:
        yield None
        return
    yield Snapshot(started, name)  # the end of the connection ends the transaction


@contextmanager
def reading(db: Connection, snapshot: Snapshot | None) -> Iterator[bool]:
    """A transaction that sees one moment, for the time of a `with` block; gives whether it is the one of `snapshot`. It
    is a later one if that is gone, with its server or with the connection that held it."""
    if snapshot is not None and _is_there(db, snapshot):
        with db.transaction(f"{BEGIN}; {_adopt(snapshot)}"):
            yield True
    else:
        with db.transaction(BEGIN):
            yield snapshot is None


def guarantee(snapshots: Collection[Snapshot | None]) -> str:
    """What a user can rely on, where each connection of the job has one of `snapshots`; one slice needs none."""
    if not snapshots:
        return "Reads in one slice, which is one snapshot."
    if not all(snapshots):
        return (
            "The server exports no snapshot: each slice is of one moment, and those of a table that is written "
            "meanwhile are of several."
        )
    if len(snapshots) > 1:
        return (
            f"All slices of a connection are read from one snapshot; the {len(snapshots)} connections have their own."
        )
    return "All slices are read from one snapshot: they are of one moment, whatever is written meanwhile."


def _is_there(db: Connection, snapshot: Snapshot) -> bool:
    if str(db.value(_STARTED)) != snapshot.server:
        return False
    try:
        with db.transaction(BEGIN):
            db.execute(_adopt(snapshot))
    except TransientError:
        raise
    except StarhaulError:
        return False
    return True


def _adopt(snapshot: Snapshot) -> str:
    return f"SET TRANSACTION SNAPSHOT {literal(snapshot.name)}"
