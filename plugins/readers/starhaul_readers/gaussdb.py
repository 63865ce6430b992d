"""Reads GaussDB (openGauss), which speaks PostgreSQL's wire."""

from __future__ import annotations

from starhaul_stores.postgresql.reader import PostgresqlWireReader, PostgresqlWireReaderParams


class GaussDbReaderParams(PostgresqlWireReaderParams):
    """Parameters of `gaussdbreader`: `jdbcUrl` with `table` or `querySql`, or DataX's `connection` list."""


class GaussDbReader(PostgresqlWireReader[GaussDbReaderParams]):
    """Reads tables, views and queries of GaussDB (openGauss), which speaks PostgreSQL's wire, with COPY.

    `jdbc:opengauss:` URLs are understood. The user's password must be stored for PostgreSQL's own check of passwords
    (md5): GaussDB's default is one that only its own drivers know.

    No GaussDB server could be had: the code is that of `postgresqlreader`, and nothing here was run against one.
    """

    name = "gaussdbreader"
    params_type = GaussDbReaderParams
