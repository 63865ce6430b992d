"""Reads DRDS (PolarDB-X), which speaks MySQL's wire."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext

from starhaul_stores.mysql.params import MysqlWireReaderParams
from starhaul_stores.mysql.reader import MysqlWireReader
from starhaul_stores.mysql.snapshots import Moment
from starhaul_stores.relational.read_params import Source


class DrdsReaderParams(MysqlWireReaderParams):
    """Parameters of `drdsreader`: `jdbcUrl` with `table` or `querySql`, or DataX's `connection` list."""


class DrdsReader(MysqlWireReader[DrdsReaderParams]):
    """Reads tables, views and queries of DRDS (PolarDB-X), which speaks MySQL's wire.

    Slices are those of `mysqlreader`, by a key; DRDS' own topology is not asked for. Each is of a moment of its own: a
    lock on a table of many shards is not relied on. DataX says `set transaction policy 4` on every connection; put it
    into `session` where the server knows it.

    No DRDS server could be had: the code is that of `mysqlreader`, and nothing here was run against one.
    """

    name = "drdsreader"
    params_type = DrdsReaderParams

    def _one_moment(self, sources: Sequence[Source], channels: int) -> AbstractContextManager[Moment | None]:
        del sources, channels
        return nullcontext(None)
