"""Writes AnalyticDB for MySQL, which speaks MySQL's wire."""

from __future__ import annotations

from typing import Literal

from starhaul_stores.mysql.params import MysqlWireWriterParams
from starhaul_stores.mysql.writer import MysqlWireWriter


class AdbMysqlWriterParams(MysqlWireWriterParams):
    """Parameters of `adbmysqlwriter`: `jdbcUrl` and `table`, or DataX's `connection` list with one table."""

    write_mode: Literal["insert", "ignore", "replace", "update", "overwrite"] = "replace"
    """As for `mysqlwriter`, with DataX's default: `replace` puts a row in the place of the one with its key."""
    exactly_once: bool = False
    """Write each task in one transaction with a row of the ledger. Off by default, as AnalyticDB has no transactions of
    several statements; `replace` and `update` may then be tried again without harm, `insert` may not."""


class AdbMysqlWriter(MysqlWireWriter[AdbMysqlWriterParams]):
    """Writes tables of AnalyticDB for MySQL, which speaks MySQL's wire.

    No AnalyticDB server could be had: the code is that of `mysqlwriter`, and nothing here was run against one.
    """

    name = "adbmysqlwriter"
    params_type = AdbMysqlWriterParams
