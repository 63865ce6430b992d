"""Writes Oracle databases."""

from __future__ import annotations

from starhaul_stores.rdbms.kinds import address_of
from starhaul_stores.rdbms.writing import RdbmsWriterParams, SqlAlchemyWriter
from starhaul_stores.relational.url import DatabaseUrl


class OracleWriterParams(RdbmsWriterParams):
    """Parameters of `oraclewriter`: `jdbcUrl` and `table`, or DataX's `connection` list with one table."""

    @classmethod
    def parse_address(cls, url: str) -> DatabaseUrl:
        """`jdbc:oracle:thin:@…`, or SQLAlchemy's."""
        return address_of(url, ("oracle",), "Oracle", "jdbc:oracle:thin:@//HOST:PORT/SERVICE")


class OracleWriter(SqlAlchemyWriter[OracleWriterParams]):
    """Writes tables of Oracle by array DML of python-oracledb, each task in one transaction.

    No Oracle server could be had: its SQL is checked in tests by its text only, and nothing here was run against one.

    In Oracle an empty text is NULL: the report counts the rows with one. A NOT NULL column rejects them. `update` and
    `ignore` are MERGE; `overwrite` fills a staging table, and puts its rows in place of the old ones in one transaction
    (DELETE, INSERT); a table that foreign keys of others refer to is refused. DDL in `preSql` and `postSql` commits, as
    ever in Oracle. DataX knows only `insert`.
    A row that Oracle refuses is found by halving, and rejected with Oracle's message. A TIMESTAMP with fewer than six
    digits rounds what has more, and this is not seen, since SQLAlchemy does not tell its digits: round in the source.
    """

    name = "oraclewriter"
    params_type = OracleWriterParams
