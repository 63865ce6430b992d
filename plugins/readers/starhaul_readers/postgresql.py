"""Reads PostgreSQL."""

from __future__ import annotations

from starhaul_stores.postgresql.reader import PostgresqlWireReader, PostgresqlWireReaderParams


class PostgresqlReaderParams(PostgresqlWireReaderParams):
    """Parameters of `postgresqlreader`: `url` with `table` or `querySql`, or DataX's `connection` list."""


class PostgresqlReader(PostgresqlWireReader[PostgresqlReaderParams]):
    """Reads tables, views and queries of PostgreSQL with COPY, exactly.

    A value that its Arrow type cannot hold (an infinite date, NaN in a numeric(p,s), 24:00:00) is not altered: its
    row is rejected with the value. Types without an equal in Arrow come as the server's own text, which PostgreSQL
    reads back as the same value.

    A table is cut by its primary key or `splitPk`, at quantiles that the server finds and compares. `splitPk: ctid`
    cuts it by blocks, which is right only while nobody writes to it.
    """

    name = "postgresqlreader"
    params_type = PostgresqlReaderParams
