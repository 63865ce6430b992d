"""Overwriting a table: its rows come together in a staging table, and take the place of the old ones in one
transaction."""

from __future__ import annotations

from collections.abc import Sequence

from starhaul import PermanentError
from starhaul_stores.rdbms import statements
from starhaul_stores.rdbms.catalog import Column, Table, sql_name
from starhaul_stores.rdbms.connection import Connection
from starhaul_stores.rdbms.ledger import RdbmsLedger
from starhaul_stores.rdbms.references import refuse_references
from starhaul_stores.relational.staging import staging_name, stale_runs

_SHORT = 30
"""Names of older Oracle and Firebird servers have no more characters."""


def note_of(table: Table, run: str) -> str:
    """What the ledger notes of a run: the name of its staging table, by `staging_name`."""
    return staging_name(_place(table), run)


def name_of(db: Connection, table: Table, run: str) -> str:
    """The staging table's name."""
    name = note_of(table, run)
    if db.name_characters >= len(name):
        return name.lstrip("_") if db.dialect in ("oracle", "firebird") else name
    return f"sh_{name[-8:]}_{run[-(_SHORT - 12) :]}"


def sql_of(db: Connection, table: Table, run: str) -> str:
    """The staging table's full name as SQL."""
    return sql_name(db, table.schema, name_of(db, table, run))


def create(db: Connection, table: Table, columns: Sequence[Column], run: str) -> None:
    """Create the staging table: the columns to write, and the keys that are made of them, so that rows that break one
    are found while they come."""
    import sqlalchemy as sa
    from sqlalchemy.schema import CreateTable

    drop(db, table, run)
    names = [column.name for column in columns]
    staged = sa.Table(
        name_of(db, table, run),
        sa.MetaData(),
        *(sa.Column(each.name, each.alchemy, nullable=not each.not_null, autoincrement=False) for each in columns),
        schema=table.schema,
    )
    if table.key and set(table.key) <= set(names):
        staged.append_constraint(sa.PrimaryKeyConstraint(*table.key))
    for key in table.unique_keys:
        if key != table.key and set(key) <= set(names):
            staged.append_constraint(sa.UniqueConstraint(*key))
    db.define(CreateTable(staged))


def publish(db: Connection, table: Table, columns: Sequence[Column], run: str) -> None:
    """Put the staged rows in the place of the table's, in the caller's transaction. Raises `ConfigError` if other
    tables refer to it by now, and `PermanentError` if it does not hold as many rows then."""
    refuse_references(db, table)
    staged = sql_of(db, table, run)
    names = [db.quoted(column.name) for column in columns]
    before, after = statements.giving_identities(table.sql, columns, db.dialect)
    for statement in (*before, *statements.publish(table.sql, staged, names), *after):
        db.execute(statement)
    wanted, found = (int(db.value(f"SELECT count(*) FROM {each}")) for each in (staged, table.sql))
    if found != wanted:
        told = f"{table.name!r} holds {found} rows after its old ones were deleted and {wanted} were inserted"
        hint = "a trigger or rule keeps, drops or adds rows, or something else writes the table: nothing was changed"
        raise PermanentError(db.where, told, hint)


def drop(db: Connection, table: Table, run: str) -> None:
    """Drop the staging table if it is there."""
    with db.failures():
        there = db.inspector().has_table(name_of(db, table, run), schema=table.schema)
    if there:
        db.execute(f"DROP TABLE {sql_of(db, table, run)}")


def drop_stale(db: Connection, ledger: RdbmsLedger, table: Table, run: str) -> None:
    """Drop the staging tables of runs into this table that nobody has resumed for long."""
    for other in stale_runs(ledger.notes(), _place(table), run):
        drop(db, table, other)
        ledger.give_up(other)


def _place(table: Table) -> str:
    return f"{table.schema or ''}.{table.name}"
