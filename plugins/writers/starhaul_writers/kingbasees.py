"""Writes KingbaseES, which speaks PostgreSQL's wire."""

from __future__ import annotations

from starhaul_stores.postgresql.writer import PostgresqlWireWriter, PostgresqlWireWriterParams


class KingbaseEsWriterParams(PostgresqlWireWriterParams):
    """Parameters of `kingbaseeswriter`: `jdbcUrl` and `table`, or DataX's `connection` list with one table."""


class KingbaseEsWriter(PostgresqlWireWriter[KingbaseEsWriterParams]):
    """Writes tables of KingbaseES, which speaks PostgreSQL's wire, with COPY.

    `jdbc:kingbase8:` URLs are understood.

    No KingbaseES server could be had: the code is that of `postgresqlwriter`, and nothing here was run against one.
    """

    name = "kingbaseeswriter"
    params_type = KingbaseEsWriterParams
