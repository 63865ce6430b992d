"""One snapshot for many connections (https://www.postgresql.org/docs/current/functions-admin.html,
`pg_export_snapshot`). It lasts as long as the transaction that exported it.

What empties or rewrites a table (TRUNCATE, ALTER TABLE, VACUUM FULL) or puts another one in its place takes effect for
snapshots that are older, too: they find no rows, or rows in other blocks. A lock would keep that off, and with it
whoever waits behind it, our own later slices among them. So the files of the tables are remembered, and compared in
each slice, once the slice has locked them.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from starhaul import PermanentError, StarhaulError, TransientError
from starhaul_stores.postgresql.connection import Connection, literal

BEGIN = "BEGIN ISOLATION LEVEL REPEATABLE READ"
CHANGED = "was truncated, rewritten or replaced since the run began to read it"
_STARTED = "SELECT pg_postmaster_start_time()::text"
_FILES = """
    SELECT c.oid::int8, c.oid::regclass::text, coalesce(pg_relation_filenode(c.oid), 0)::int8
    FROM pg_locks l JOIN pg_class c ON c.oid = l.relation
    WHERE l.locktype = 'relation' AND l.pid = pg_backend_pid() AND c.oid >= 16384 AND c.relkind IN ('r', 'm', 'p', 'f')
"""
"""Tables of users that the transaction has locked, with partitions and what stands behind views. `pg_class` is read as
of the snapshot, so tables that were made later, which have nothing for it, are left out; the file is that of now."""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A snapshot that other connections to the same server can read."""

    server: str
    """When the server started: names of snapshots are given again, by other servers and after a restart."""
    name: str
    files: Mapping[str, Mapping[int, tuple[str, int]]]
    """SELECT → the tables that it reads: oid → name for the user, and number of the file with its rows."""

    def require_unchanged(self, db: Connection, select: str) -> None:
        """In a transaction that reads this snapshot: raise `PermanentError` if the rows of one of `files` are not all
        where they were when the snapshot was taken. Later they cannot be changed until the transaction ends."""
        was, now = self.files.get(select, {}), _files_of(db, select)
        for oid in sorted(was.keys() | now.keys()):
            if was.get(oid) != now.get(oid):
                name, _ = was.get(oid) or now[oid]
                raise PermanentError(db.where, f"{name} {CHANGED}", "run the job anew")


@contextmanager
def exported(db: Connection, selects: Sequence[str]) -> Iterator[Snapshot | None]:
    """A snapshot of now, good for as long as the `with` block, for these SELECTs. None if the server exports none (a
    proxy in between, a store that only speaks PostgreSQL's language)."""
    try:
        started = str(db.value(_STARTED))
        db.execute("SET statement_timeout = 0")
        files = {}
        for select in selects:  # before the snapshot: what changes in between is found changed
            with db.transaction():
                files[select] = _files_of(db, select)
        db.execute(BEGIN)
        name = str(db.value("SELECT pg_export_snapshot()"))
    except TransientError:
        raise
    except StarhaulError:
        yield None
        return
    yield Snapshot(started, name, files)  # the end of the connection ends the transaction


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


def _files_of(db: Connection, select: str) -> Mapping[int, tuple[str, int]]:
    """See `Snapshot.files`. In a transaction that has read nothing else; it locks the tables."""
    db.execute(f"EXPLAIN {select}")
    return {oid: (name, file) for oid, name, file in db.execute(_FILES)}


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
