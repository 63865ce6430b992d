"""Reads any database that has a SQLAlchemy dialect."""

from __future__ import annotations

from starhaul_stores.rdbms.reading import RdbmsReaderParams, SqlAlchemyReader


class RdbmsReader(SqlAlchemyReader[RdbmsReaderParams]):
    """Reads tables, views and queries of any database that has a SQLAlchemy dialect, exactly.

    The dialect and its driver are installed beside Starhaul; the JDBC URLs of common databases are translated. Values
    come from the driver row by row, which is far slower than the readers of PostgreSQL, MySQL and SQLite: use those
    where they can be used. A value that its Arrow type cannot hold is not altered: its row is rejected.

    A table is cut by its primary key or `splitPk`, at keys that the database ranks and compares (`ntile`); that sorts
    the keys once. Of a query's columns the driver tells the types. Where it tells none (SQLite), the first thousand
    rows do: cast the column in the query if later rows can hold something else.

    Tested on PostgreSQL 15, MariaDB 10.11 and SQLite. A run must not open one SQLite file by this plugin and by
    `sqlite`: two copies of SQLite in one process drop each other's locks.
    """

    name = "rdbmsreader"
    params_type = RdbmsReaderParams
