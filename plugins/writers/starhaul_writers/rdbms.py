"""Writes any database that has a SQLAlchemy dialect."""

from __future__ import annotations

from starhaul_stores.rdbms.writing import RdbmsWriterParams, SqlAlchemyWriter


class RdbmsWriter(SqlAlchemyWriter[RdbmsWriterParams]):
    """Writes tables of any database that has a SQLAlchemy dialect, each task in one transaction.

    The transaction holds the rows and a row of the ledger, so a task arrives exactly once however often it is tried.
    Rows go by INSERT through the dialect's driver, far slower than with the writers of PostgreSQL, MySQL and SQLite:
    use those where they can be used. A row that the database refuses is found by halving, with savepoints, and rejected
    with the database's message; a database without savepoints fails the task instead.

    `update` is ON CONFLICT, ON DUPLICATE KEY UPDATE or MERGE where the dialect is known to have it, else INSERT and
    UPDATE. `replace` is DELETE and INSERT; a table is refused if foreign keys would delete or alter what refers to a
    row that goes. `overwrite` fills a staging table, and replaces the rows of the table by its own in one transaction
    (DELETE, INSERT); a table that foreign keys of others refer to is refused, since the DELETE would reach their rows,
    and a trigger that keeps or drops rows fails the run. Foreign keys are known as far as the dialect tells of them.
    The ledger table is emptied, not dropped, when a run ends.

    Tested on PostgreSQL 15, MariaDB 10.11 and SQLite. A run must not open one SQLite file by this plugin and by
    `sqlite`: two copies of SQLite in one process drop each other's locks.
    """

    name = "rdbmswriter"
    params_type = RdbmsWriterParams
