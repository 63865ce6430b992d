"""Reads MySQL, MariaDB and TiDB."""

from __future__ import annotations

from starhaul_stores.mysql.params import MysqlWireReaderParams
from starhaul_stores.mysql.reader import MysqlWireReader


class MysqlReaderParams(MysqlWireReaderParams):
    """Parameters of `mysqlreader`: `jdbcUrl` with `table` or `querySql`, or DataX's `connection` list."""


class MysqlReader(MysqlWireReader[MysqlReaderParams]):
    """Reads tables, views and queries of MySQL and MariaDB, exactly as the server holds them.

    Every slice of a table is one SELECT. A value that no Arrow type holds (a date with month 0) rejects its row. Of two
    columns of one name, as `SELECT a.*, b.*` has them, the second is called `NAME_2`; MySQL before 8 refuses them where
    one is a FLOAT, or `mandatoryEncoding` is given.

    All slices are of one moment, whatever is written meanwhile: their connections begin their snapshots together,
    while `LOCK TABLES … READ` keeps writers out for some milliseconds. That needs the privilege LOCK TABLES (RELOAD
    for `querySql`) and InnoDB; `starhaul plan` says whether it holds, and the report counts slices without it. If such
    a connection is lost, or a run is resumed, the slices that are left are read at a later moment, and the report
    counts them. Who truncates, alters or replaces such a table meanwhile waits until the run has read it.

    A connection is encrypted if the server can. `sslMode` in the URL says what must hold: `REQUIRED`, `VERIFY_CA` or
    `VERIFY_IDENTITY` with the authority's file in `sslCa`, or `DISABLED` for plain text. MySQL 8 wants the password of
    a user of `caching_sha2_password` encrypted: by TLS, or else by the package `PyMySQL[rsa]`.

    Tested against MariaDB 10.11 and, less often, MariaDB 11.4 and MySQL 5.5. MySQL 8 and TiDB speak the same protocol,
    but no server of either was at hand: nothing here was run against them, except MySQL 8's login over TLS, against
    go-mysql-server 0.20.
    """

    name = "mysqlreader"
    params_type = MysqlReaderParams
