"""Writes Hologres, which speaks PostgreSQL's wire."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from starhaul_stores.postgresql.writer import PostgresqlWireWriter, PostgresqlWireWriterParams


class HologresJdbcWriterParams(PostgresqlWireWriterParams):
    """Parameters of `hologresjdbcwriter`: `jdbcUrl` and `table`, or DataX's `connection` list with one table."""

    write_mode: Literal["insert", "ignore", "replace", "update", "overwrite"] = "replace"
    """As for `postgresqlwriter`, with DataX's default: `replace` puts a row in the place of the one with its key."""
    client: dict[str, Any] = Field(default_factory=dict)
    """Accepted for DataX's sake and without effect: settings of Hologres' own client. `settings.channel` says how many
    connections write."""


class HologresJdbcWriter(PostgresqlWireWriter[HologresJdbcWriterParams]):
    """Writes tables of Hologres, which speaks PostgreSQL's wire, with COPY.

    Each task is one transaction of several statements, which not every version of Hologres has.

    No Hologres server could be had: the code is that of `postgresqlwriter`, and nothing here was run against one.
    """

    name = "hologresjdbcwriter"
    params_type = HologresJdbcWriterParams
