"""Writes AnalyticDB for PostgreSQL, which speaks PostgreSQL's wire."""

from __future__ import annotations

from urllib.parse import quote

from pydantic import Field

from starhaul_stores.postgresql.writer import PostgresqlWireWriter, PostgresqlWireWriterParams
from starhaul_stores.relational.params import Place


class AdbpgWriterParams(PostgresqlWireWriterParams):
    """Parameters of `adbpgwriter`: `host`, `port`, `database`, `schema` and `table`, or `jdbcUrl` and `table`."""

    host: str | None = None
    """The server, in place of a URL."""
    port: int = Field(default=5432, ge=1, le=65535)
    """Of `host`: its port."""
    database: str | None = None
    """Of `host`: the database."""
    schema_name: str | None = Field(default=None, alias="schema")
    """Of `host`: the schema of `table`."""
    commit_size: int | None = None
    """Accepted for DataX's sake and without effect; see `batchByteSize`."""
    parallel_number: int | None = None
    """Accepted for DataX's sake and without effect; `settings.channel` says how many connections write."""
    retry_times: int | None = None
    """Accepted for DataX's sake and without effect; see `settings.retry`."""
    retry_interval_time: int | None = None
    """Accepted for DataX's sake and without effect; see `settings.retry`."""
    share_data_source: bool | None = None
    """Accepted for DataX's sake and without effect."""
    insert_ignore: bool | None = None
    """Accepted for DataX's sake and without effect, as in DataX; `writeMode: ignore` skips rows that are there."""

    @property
    def places(self) -> tuple[Place, ...]:
        if self.host is None:
            return super().places
        schema = f"{self.schema_name}." if self.schema_name else ""
        url = f"postgresql://{self.host}:{self.port}/{quote(self.database or '', safe='')}"
        return (Place(url=(url,), table=tuple(f"{schema}{table}" for table in self.table)),)


class AdbpgWriter(PostgresqlWireWriter[AdbpgWriterParams]):
    """Writes tables of AnalyticDB for PostgreSQL, which speaks PostgreSQL's wire, with COPY.

    No AnalyticDB server could be had: the code is that of `postgresqlwriter`, and nothing here was run against one.
    """

    name = "adbpgwriter"
    params_type = AdbpgWriterParams
