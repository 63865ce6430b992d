"""Writes MySQL, MariaDB and TiDB."""

from __future__ import annotations

from starhaul_stores.mysql.params import MysqlWireWriterParams
from starhaul_stores.mysql.writer import MysqlWireWriter


class MysqlWriterParams(MysqlWireWriterParams):
    """Parameters of `mysqlwriter`: `jdbcUrl` and `table`, or DataX's `connection` list with one table."""


class MysqlWriter(MysqlWireWriter[MysqlWriterParams]):
    """Writes tables of MySQL and MariaDB, each task in one transaction with a row of the ledger.

    So a task arrives exactly once, however often it is tried. Rows go by LOAD DATA LOCAL; a row that the server would
    refuse, cut or alter is found and rejected with the server's own words.

    `replace` is MySQL's REPLACE, which deletes the old row: a foreign key ON DELETE CASCADE or SET NULL then deletes or
    alters the rows that refer to it, as in DataX. The plan names such keys; `update` leaves those rows alone.

    `overwrite` fails, and leaves the table as it is, where somebody alters it meanwhile.

    A connection is encrypted if the server can. `sslMode` in the URL says what must hold: `REQUIRED`, `VERIFY_CA` or
    `VERIFY_IDENTITY` with the authority's file in `sslCa`, or `DISABLED` for plain text. MySQL 8 wants the password of
    a user of `caching_sha2_password` encrypted: by TLS, or else by the package `PyMySQL[rsa]`.

    Tested against MariaDB 10.11 and, less often, MariaDB 11.4 and MySQL 5.5. MySQL 8 and TiDB speak the same protocol,
    but no server of either was at hand: nothing here was run against them, except MySQL 8's login over TLS, against
    go-mysql-server 0.20.
    """

    name = "mysqlwriter"
    params_type = MysqlWriterParams
