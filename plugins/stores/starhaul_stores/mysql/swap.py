"""Overwriting a table: a staging table in the same database, and the RENAME TABLE that puts it in the table's place.

RENAME TABLE takes both names at once, so nobody sees a table that is missing, empty or half full. Like all DDL it
commits on its own: a run that dies right after it finds its staging table gone and knows that the swap is done.
"""

from __future__ import annotations

import re

from starhaul import ConfigError, PermanentError
from starhaul_stores.mysql.catalog import Table, find_table
from starhaul_stores.mysql.connection import Connection, quoted
from starhaul_stores.mysql.ledger import MysqlLedger
from starhaul_stores.relational.ddl import body, words
from starhaul_stores.relational.staging import staging_name, stale_runs


def note_of(place: tuple[str, str], run: str) -> str:
    """The name of a run's staging table for the table `place` (database and name); the ledger's note of the run while
    that table is of use."""
    return staging_name(".".join(place), run)


def staging_of(place: tuple[str, str], run: str) -> str:
    """The same as SQL, with the database."""
    return f"{quoted(place[0])}.{quoted(note_of(place, run))}"


def check_swappable(db: Connection, table: Table) -> None:
    """Raise `ConfigError` if a table that takes the place of `table` would not be the same to others."""
    if table.kind == "SYSTEM VERSIONED":
        hint = 'use writeMode insert with preSql "DELETE FROM @table"'
        raise ConfigError("writeMode", f"{table.name!r} keeps the history of its rows, which a swap would lose", hint)
    if table.kind != "BASE TABLE":
        raise ConfigError("table", f"{table.name!r} is a {table.kind.lower()}", "overwrite needs an ordinary table")
    place = [table.schema, table.name]
    sql = "SELECT trigger_name FROM information_schema.triggers WHERE "
    watched = "event_object_schema = %s AND event_object_table = %s"
    what = [f"trigger {name}" for (name,) in db.execute(sql + watched, place)]
    sql = "SELECT constraint_name FROM information_schema.key_column_usage WHERE referenced_table_name IS NOT NULL AND "
    own, others = "table_schema = %s AND table_name = %s", "referenced_table_schema = %s AND referenced_table_name = %s"
    for condition in (own, others):
        what += [f"foreign key {name}" for (name,) in db.execute(sql + condition, place)]
    if what:
        hint = 'use writeMode insert with preSql "TRUNCATE TABLE @table" or "DELETE FROM @table"'
        raise ConfigError("writeMode", f"{table.name!r} has {', '.join(what)}, which a swap would lose", hint)


def stage(db: Connection, table: Table, run: str) -> None:
    """Create an empty staging table like `table`, with its columns, indexes, checks and comments, and its numbering."""
    staging = staging_of(table.place, run)
    db.execute(f"DROP TABLE IF EXISTS {staging}")
    db.execute(f"CREATE TABLE {staging} LIKE {table.sql}")
    _number_on(db, table.sql, staging)


def swap(db: Connection, place: tuple[str, str], run: str) -> None:
    """Put the staging table in the place of the old one, which is dropped. Safe to repeat. Raises `PermanentError` if
    that was altered since the run began, and `ConfigError` as `check_swappable` does."""
    staging, target = staging_of(place, run), ".".join(map(quoted, place))
    old = f"{quoted(place[0])}.{quoted(note_of(place, run) + '_old')}"
    if find_table(db, staging) is not None:
        if (table := find_table(db, target)) is not None:
            check_swappable(db, table)
            _require_unaltered(db, target, staging, old)
        _number_on(db, target, staging)
        db.execute(f"RENAME TABLE {target} TO {old}, {staging} TO {target}")
    db.execute(f"DROP TABLE IF EXISTS {old}")


def _require_unaltered(db: Connection, table: str, staging: str, spare: str) -> None:
    """Raise `PermanentError` if a copy of the table that is made now, under a `spare` name, would be another than the
    staging table. Two copies compare better than a copy and the table: servers give names anew, and places."""
    db.execute(f"DROP TABLE IF EXISTS {spare}")
    db.execute(f"CREATE TABLE {spare} LIKE {table}")
    now, then = (_definition(db, each) for each in (spare, staging))
    db.execute(f"DROP TABLE {spare}")
    if now != then:
        raise PermanentError(db.where, f"{table} was altered since the run began", "it is as it was; run the job anew")


def _definition(db: Connection, table: str) -> str:
    """How a table was made, without its name and how far its numbering has come."""
    name, text = db.execute(f"SHOW CREATE TABLE {table}")[0][:2]
    return re.sub(r"\bAUTO_INCREMENT ?= ?\d+ ?", "", str(text).replace(str(name), ""))


def _number_on(db: Connection, table: str, staging: str) -> None:
    """Let the AUTO_INCREMENT of the staging table begin where that of the table has come to: what refers to a number
    that was given out must not find another row there. Both as SQL."""
    reached = _next_number(db, table)
    if reached > _next_number(db, staging):
        db.execute(f"ALTER TABLE {staging} AUTO_INCREMENT = {reached}")


def _next_number(db: Connection, table: str) -> int:
    """What AUTO_INCREMENT will give, by SHOW CREATE TABLE: `information_schema` knows nothing in OceanBase, and what
    was true a day ago in MySQL 8. Perhaps 0 where it is the first."""
    _, _, options = body(str(db.execute(f"SHOW CREATE TABLE {table}")[0][1]), backslashes=True)
    told = [word.upper() for word in words(options, backslashes=True)]
    place = told.index("AUTO_INCREMENT") if "AUTO_INCREMENT" in told else None
    return 0 if place is None else int(told[place + 2])


def drop_stale(db: Connection, ledger: MysqlLedger, place: tuple[str, str], run: str) -> None:
    """Remove what other runs into this table left in staging and nobody has resumed for a week. They are
    given up, so that resuming one fails."""
    for other in stale_runs(ledger.notes(), ".".join(place), run):
        db.execute(f"DROP TABLE IF EXISTS {staging_of(place, other)}")
        ledger.give_up(other)
