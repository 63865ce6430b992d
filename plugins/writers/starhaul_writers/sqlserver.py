"""Writes Microsoft SQL Server."""

from __future__ import annotations

from starhaul_stores.rdbms.kinds import address_of
from starhaul_stores.rdbms.writing import RdbmsWriterParams, SqlAlchemyWriter
from starhaul_stores.relational.url import DatabaseUrl


class SqlServerWriterParams(RdbmsWriterParams):
    """Parameters of `sqlserverwriter`: `jdbcUrl` and `table`, or DataX's `connection` list with one table."""

    @classmethod
    def parse_address(cls, url: str) -> DatabaseUrl:
        """`jdbc:sqlserver://…`, or SQLAlchemy's."""
        return address_of(url, ("mssql", "sqlserver"), "SQL Server", "jdbc:sqlserver://HOST:PORT;databaseName=DATABASE")


class SqlServerWriter(SqlAlchemyWriter[SqlServerWriterParams]):
    """Writes tables of SQL Server through pymssql, each task in one transaction.

    No SQL Server could be had: its SQL is checked in tests by its text only, and nothing here was run against one.

    Values for an IDENTITY column are taken (SET IDENTITY_INSERT). `update` and `ignore` are MERGE WITH (HOLDLOCK), so
    that two tasks cannot both insert a key; `overwrite` fills a staging table, and puts its rows in place of the old
    ones in one transaction (DELETE, INSERT); a table that foreign keys of others refer to is refused. A row that the
    server refuses is found by halving, and rejected with its message.
    """

    name = "sqlserverwriter"
    params_type = SqlServerWriterParams
