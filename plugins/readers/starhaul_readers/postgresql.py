"""Reads PostgreSQL."""

from __future__ import annotations

from starhaul_stores.postgresql.reader import PostgresqlWireReader, PostgresqlWireReaderParams


class PostgresqlReaderParams(PostgresqlWireReaderParams):
    """Parameters of `postgresqlreader`: `url` with `table` or `querySql`, or DataX's `connection` list."""


class PostgresqlReader(PostgresqlWireReader[PostgresqlReaderParams]):
    """Reads tables, views and queries of PostgreSQL with COPY, exactly.

    A value that its Arrow type cannot hold (an infinite date, NaN in a numeric(p,s), 24:00:00) is not altered: its
    row is rejected with the value. Types without an equal in Arrow come as the server's own text, which PostgreSQL
    reads back as the same value. Where rows go to PostgreSQL, into columns of the very same plain types, they pass as
    COPY's binary form, such values too.

    A table is cut by its primary key or `splitPk`, at quantiles that the server finds and compares; a table without a
    key by its blocks, or those of its partitions. All slices are read from one snapshot, so that they are of one moment
    whatever is written meanwhile. If that snapshot is lost (the server restarts, or a run is resumed), the slices that
    are left are read at a later moment, and the report counts them; blocks cannot be told apart then, and the run
    fails. It fails too where a table that is read in slices is truncated, rewritten (ALTER TABLE, VACUUM FULL) or
    replaced meanwhile, as the snapshot does not hold its rows any more. Nobody who does that has to wait for the run.
    The report counts slices that have no snapshot in common too, as with a server that exports none.

    Rows that row security hides from the user are not there for it: the plan names such tables.

    Tested against PostgreSQL 15 and, less often, 18.
    """

    name = "postgresqlreader"
    params_type = PostgresqlReaderParams
