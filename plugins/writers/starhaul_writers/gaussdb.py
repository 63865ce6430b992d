"""Writes GaussDB (openGauss), which speaks PostgreSQL's wire."""

from __future__ import annotations

from starhaul_stores.postgresql.writer import PostgresqlWireWriter, PostgresqlWireWriterParams


class GaussDbWriterParams(PostgresqlWireWriterParams):
    """Parameters of `gaussdbwriter`: `jdbcUrl` and `table`, or DataX's `connection` list with one table."""


class GaussDbWriter(PostgresqlWireWriter[GaussDbWriterParams]):
    """Writes tables of GaussDB (openGauss), which speaks PostgreSQL's wire, with COPY.

    `jdbc:opengauss:` URLs are understood. The user's password must be stored for PostgreSQL's own check of passwords
    (md5): GaussDB's default is one that only its own drivers know.
    `insert` and `overwrite` say nothing that openGauss does not know; the other write modes say ON CONFLICT, which it
    refuses.

    No GaussDB server could be had: the code is that of `postgresqlwriter`, and nothing here was run against one.
    """

    name = "gaussdbwriter"
    params_type = GaussDbWriterParams
