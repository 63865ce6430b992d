"""Reads Microsoft SQL Server."""

from __future__ import annotations

from starhaul_stores.rdbms.kinds import address_of
from starhaul_stores.rdbms.reading import RdbmsReaderParams, SqlAlchemyReader
from starhaul_stores.relational.url import DatabaseUrl


class SqlServerReaderParams(RdbmsReaderParams):
    """Parameters of `sqlserverreader`: `jdbcUrl` with `table` or `querySql`, or DataX's `connection` list."""

    @classmethod
    def parse_address(cls, url: str) -> DatabaseUrl:
        """`jdbc:sqlserver://…`, or SQLAlchemy's."""
        return address_of(url, ("mssql", "sqlserver"), "SQL Server", "jdbc:sqlserver://HOST:PORT;databaseName=DATABASE")


class SqlServerReader(SqlAlchemyReader[SqlServerReaderParams]):
    """Reads tables, views and queries of SQL Server, by pymssql, whose package holds all that it needs.

    No SQL Server could be had: its SQL is checked in tests by its text only, and nothing here was run against one.
    (pyodbc would need Microsoft's ODBC driver installed beside it; `mssql+pyodbc://…` as `url` uses it all the same.)

    - datetime2(7) and time(7) come in nanoseconds, as Arrow has no tenths of microseconds; dates beyond 1677 to 2262 do
      not fit those and are rejected. datetimeoffset is an instant in UTC. They pass as text: the driver cuts the
      seventh digit off.
    - money is decimal(19,4), uniqueidentifier a UUID, rowversion bytes, xml text, tinyint has no sign.
    - sql_variant, geography, geometry and hierarchyid have no equal in Arrow: cast them in `column`.
    - `[dbo].[orders]` and `"dbo"."orders"` are names, `database.schema.table` too.
    """

    name = "sqlserverreader"
    params_type = SqlServerReaderParams
