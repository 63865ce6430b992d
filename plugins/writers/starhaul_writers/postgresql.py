"""Writes PostgreSQL."""

from __future__ import annotations

from starhaul_stores.postgresql.writer import PostgresqlWireWriter, PostgresqlWireWriterParams


class PostgresqlWriterParams(PostgresqlWireWriterParams):
    """Parameters of `postgresqlwriter`: `url` and `table`, or DataX's `connection` list with one table."""


class PostgresqlWriter(PostgresqlWireWriter[PostgresqlWriterParams]):
    """Writes tables of PostgreSQL with COPY, each task in one transaction.

    The transaction holds the rows and a row of the ledger, so a task arrives exactly once however often it is tried.
    A row that the server refuses is found by halving and rejected with the server's message. That goes for deferred
    constraints too, which the server would look at with COMMIT, save those that a later row of the table could mend:
    references of the table to itself, and triggers. Where they are broken, the task fails.

    `overwrite` of a table that foreign keys of other tables refer to is refused where it would delete or alter their
    rows (ON DELETE CASCADE, SET NULL, SET DEFAULT), and where they have rows that refer to it, unless the key is
    DEFERRABLE without RESTRICT: then the new rows must hold what they refer to. It fails, and leaves the table as it
    was, where a trigger or rule of the table leaves rows out, or somebody alters its columns meanwhile.

    Tested against PostgreSQL 15 and, less often, 18.
    """

    name = "postgresqlwriter"
    params_type = PostgresqlWriterParams
