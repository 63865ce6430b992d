"""Writes DRDS (PolarDB-X), which speaks MySQL's wire."""

from __future__ import annotations

from typing import Literal

from starhaul_stores.mysql.params import MysqlWireWriterParams
from starhaul_stores.mysql.writer import MysqlWireWriter


class DrdsWriterParams(MysqlWireWriterParams):
    """Parameters of `drdswriter`: `jdbcUrl` and `table`, or DataX's `connection` list with one table."""

    write_mode: Literal["insert", "ignore", "replace", "update", "overwrite"] = "replace"
    """As for `mysqlwriter`, with DataX's default: `replace` puts a row in the place of the one with its key."""


class DrdsWriter(MysqlWireWriter[DrdsWriterParams]):
    """Writes tables of DRDS (PolarDB-X), which speaks MySQL's wire.

    Each task is one transaction over all shards that its rows go to. Put `set transaction policy 4` into `session`
    where the server needs that for it, as DataX does; or set `exactlyOnce` to false.

    No DRDS server could be had: the code is that of `mysqlwriter`, and nothing here was run against one.
    """

    name = "drdswriter"
    params_type = DrdsWriterParams
