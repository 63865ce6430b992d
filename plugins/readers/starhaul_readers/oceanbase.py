"""Reads OceanBase in MySQL mode."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext

from pydantic import Field

from starhaul_stores.mysql.oceanbase import OceanbaseParams, require_mysql_mode
from starhaul_stores.mysql.params import MysqlWireReaderParams
from starhaul_stores.mysql.reader import MysqlWireReader
from starhaul_stores.mysql.snapshots import Moment
from starhaul_stores.relational.read_params import Source


class OceanbaseReaderParams(OceanbaseParams, MysqlWireReaderParams):
    """Parameters of `oceanbasev10reader`: `jdbcUrl` with `table` or `querySql`, or DataX's `connection` list."""

    weak_read: bool = False
    """Read from any replica. It may lag behind by seconds, and slices are then of several moments; DataX does so by
    default."""
    memstore_check_interval_second: int = Field(default=48 * 3600, ge=1)
    """Seconds that a query may last (`ob_query_timeout`), the time that the target takes included. DataX gives it this
    name."""
    timeout: float | None = None
    """Accepted for DataX's sake and without effect, as in DataX; `memstoreCheckIntervalSecond` limits a query."""
    read_batch_size: int | None = None
    """Accepted for DataX's sake and without effect: rows are not read in pages but as one stream."""
    retry_limit: int | None = None
    """Accepted for DataX's sake and without effect: a slice that breaks is read again as `settings.retry` says."""
    partition_type: str | None = None
    """Accepted for DataX's sake and without effect: the server is asked for the partitions."""


class OceanbaseV10Reader(MysqlWireReader[OceanbaseReaderParams]):
    """Reads tables, views and queries of OceanBase in MySQL mode, all slices of tables at one moment.

    The moment is that of `current_scn()` when the run begins; every slice says `AS OF SNAPSHOT`. The server keeps what
    that needs for as long as its `undo_retention` says (half an hour, unless it was changed); a run that reads beyond
    it fails. A `querySql`, a `weakRead` and a server before version 4 are read without: the slices of a table that is
    written meanwhile are then of several moments. `starhaul plan` says which it is.

    A value that no Arrow type holds (a date with month 0) rejects its row. A tenant in Oracle mode is refused.

    Tested against OceanBase's engine as one process (seekdb 1.4, which calls itself 5.7.25-OceanBase). What needs a
    cluster was not: users of the form `USER@TENANT#CLUSTER`, OBProxy, replicas that lag behind.
    """

    name = "oceanbasev10reader"
    params_type = OceanbaseReaderParams

    def check(self) -> None:
        for source in self._sources():
            with self._open(source) as db:
                require_mysql_mode(db)
        super().check()

    def describe(self) -> Sequence[str]:
        way, guarantee, *more = super().describe()
        if self.params.weak_read:
            guarantee = "Reads from any replica (weakRead): rows of the last seconds may be missing."
        return (way, guarantee, *more)

    def _one_moment(self, sources: Sequence[Source], channels: int) -> AbstractContextManager[Moment | None]:
        """Replicas that lag behind have no moment in common."""
        return nullcontext(None) if self.params.weak_read else super()._one_moment(sources, channels)

    def _session(self) -> Sequence[str]:
        limit = self.params.memstore_check_interval_second * 1_000_000
        ours = [f"SET SESSION ob_query_timeout = {limit}"]
        if self.params.weak_read:
            ours.append("SET SESSION ob_read_consistency = 'WEAK'")
        return (*ours, *self.params.session)
