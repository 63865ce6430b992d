"""Reads KingbaseES, which speaks PostgreSQL's wire."""

from __future__ import annotations

from starhaul_stores.postgresql.reader import PostgresqlWireReader, PostgresqlWireReaderParams


class KingbaseEsReaderParams(PostgresqlWireReaderParams):
    """Parameters of `kingbaseesreader`: `jdbcUrl` with `table` or `querySql`, or DataX's `connection` list."""


class KingbaseEsReader(PostgresqlWireReader[KingbaseEsReaderParams]):
    """Reads tables, views and queries of KingbaseES, which speaks PostgreSQL's wire, with COPY.

    `jdbc:kingbase8:` URLs are understood.

    No KingbaseES server could be had: the code is that of `postgresqlreader`, and nothing here was run against one.
    """

    name = "kingbaseesreader"
    params_type = KingbaseEsReaderParams
