"""Overwriting a table: a staging table in the same database, and the transaction that puts it in the table's place."""

from __future__ import annotations

from starhaul import ConfigError, PermanentError
from starhaul_stores.relational import staging as names
from starhaul_stores.sqlite.catalog import Table, find_table, quoted, renamed
from starhaul_stores.sqlite.connection import Connection
from starhaul_stores.sqlite.ledger import Ledger


def staging_name(table: str, run: str) -> str:
    """The staging table of a run for a target table, whose name is the same in upper and lower case."""
    return names.staging_name(table.lower(), run)


def stage(db: Connection, target: Table, staging: str) -> None:
    """Create an empty staging table like `target`, in the caller's transaction: its columns and constraints, and its
    unique indexes, so that a row that breaks one is refused when it is written and not when all is done."""
    if target.kind != "table":
        raise ConfigError("table", f"{target.name!r} is a {target.kind}", "overwrite needs an ordinary table")
    db.execute(renamed(target.sql, staging))
    for number, (_, sql) in enumerate(_indexes(db, target.name)):
        if sql.startswith("CREATE UNIQUE"):
            db.execute(renamed(sql, f"{staging}_{number}", staging))


def swap(db: Connection, table: str, staging: str) -> None:
    """Put the staging table in the place of `table` (which need not exist), with the old one's indexes and triggers, in
    the caller's transaction. Views and foreign keys that name the table go on to name it. Raises `PermanentError` if it
    was altered since the staging table was made.

    The connection must have foreign keys off and `legacy_alter_table` on: dropping the old table must not delete rows
    of others, and renaming must not look into views that name a table which for the moment is not there.
    """
    staged = find_table(db, staging)
    if staged is None:
        raise PermanentError(db.path, f"staging table {staging!r} is gone", "it was removed as a dead run's; run again")
    old = find_table(db, table)
    if old and renamed(old.sql, staging) != renamed(staged.sql, staging):
        raise PermanentError(db.path, f"{table!r} was altered since the run began", "it is as it was; run the job anew")
    indexes, triggers = (_indexes(db, old.name), _triggers(db, old.name)) if old else ([], [])
    for index, _ in _indexes(db, staged.name):
        db.execute(f"DROP INDEX {quoted(index)}")
    reached = _last_number(db, old.name) if old else None
    if old:
        db.execute(f"DROP TABLE {quoted(old.name)}")
    name = old.name if old else table
    db.execute(f"ALTER TABLE {quoted(staging)} RENAME TO {quoted(name)}")
    if reached is not None and reached > (_last_number(db, name) or 0):
        db.execute("DELETE FROM sqlite_sequence WHERE name = ?", [name])
        db.execute("INSERT INTO sqlite_sequence VALUES (?, ?)", [name, reached])
    db.script([sql for _, sql in indexes])
    db.script(triggers)


def _last_number(db: Connection, table: str) -> int | None:
    """The last number that AUTOINCREMENT gave out: what refers to it must not find another row there. None for a table
    that numbers nothing, or has not yet."""
    if not db.value("SELECT 1 FROM sqlite_master WHERE name = 'sqlite_sequence'"):
        return None
    found = db.value("SELECT seq FROM sqlite_sequence WHERE name = ?", [table])
    return None if found is None else int(found)


def drop_staging(db: Connection, staging: str) -> None:
    """Remove a staging table, if it is there."""
    db.execute(f"DROP TABLE IF EXISTS {quoted(staging)}")


def drop_stale(db: Connection, ledger: Ledger, table: str, run: str) -> None:
    """Remove what other runs into this table left in staging and nobody has resumed for a week. They are
    given up, so that resuming one fails."""
    for other in names.stale_runs(ledger.notes(), table.lower(), run):
        drop_staging(db, staging_name(table, other))
        ledger.give_up(other)


def _indexes(db: Connection, table: str) -> list[tuple[str, str]]:
    """Name and CREATE statement of the indexes that were created by one."""
    sql = "SELECT name, sql FROM sqlite_master WHERE type = 'index' AND tbl_name = ? AND sql IS NOT NULL ORDER BY rowid"
    return [(str(name), str(text)) for name, text in db.execute(sql, [table])]


def _triggers(db: Connection, table: str) -> list[str]:
    sql = "SELECT sql FROM sqlite_master WHERE type = 'trigger' AND tbl_name = ? ORDER BY rowid"
    return [str(text) for (text,) in db.execute(sql, [table])]
