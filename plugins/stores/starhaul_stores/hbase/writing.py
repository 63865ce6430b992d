"""One task's rows on their way to a Thrift server. Imported on first use: `mutations` needs numpy."""

from __future__ import annotations

import calendar
import re
import time
from collections.abc import Iterator
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from starhaul import PermanentError, Task
from starhaul_stores.hbase.connection import Link, refusal, told
from starhaul_stores.hbase.mutations import Encoded, Mutations
from starhaul_stores.hbase.write_params import HbaseWriterParams

_CELL_OVERHEAD = 24  # of a cell on the wire, beside its name and value
_SKEW = 1000
"""Milliseconds by which the clocks of those who write to a table may differ."""
_RUN_STARTED = re.compile(r"\d{8}_\d{6}")


class Delivery:
    """Writes the batches of one task. `rows` is what HBase acknowledged."""

    def __init__(self, params: HbaseWriterParams, link: Link, mutations: Mutations, task: Task) -> None:
        self.rows = 0
        self._params = params
        self._link = link
        self._mutations = mutations
        self._task = task
        self._timestamp = _fixed_timestamp(params, task.run)
        self._last: tuple[bytes, bytes] | None = None

    def write(self, batch: pa.RecordBatch) -> None:
        """Write the rows of a batch; reject those that cannot be, and those that HBase refuses."""
        encoded = self._mutations.encode(batch)
        for row in sorted(encoded.bad):
            self._task.reject(batch, row, encoded.bad[row])
        good = np.array([row for row in range(len(batch)) if row not in encoded.bad], np.int64) if encoded.bad else None
        for stamp, rows in _by_timestamp(encoded, good, len(batch), self._timestamp):
            for chunk in self._chunks(encoded, rows):
                self._deliver(batch, _Rows(encoded, chunk), stamp)

    def look(self) -> None:
        """See that the last row is there: a deletion with a later timestamp would hide all of them without a word. So
        would cells with timestamps that are still to come; where the job says the versions, that may be meant."""
        if self._last is None:
            return
        key, cell = self._last
        with told(self._params):
            table = self._params.table.encode()
            found = self._link.insist("getRowWithColumns", table, key, [cell], {})
        if not found:
            raise PermanentError(
                self._params.where(),
                "rows that were written are not there",
                "deletions with later timestamps hide them (is this machine's clock late? see versionColumn), or they "
                "are older than the column family's TTL, or somebody deleted them",
            )
        there = found[0].columns[cell].timestamp
        if self._params.version_column is None and there > max(time.time() * 1000 + _SKEW, self._timestamp or 0):
            shown = time.strftime("%Y-%m-%d %H:%M:%SZ", time.gmtime(there / 1000))
            raise PermanentError(
                self._params.where(),
                f"rows that were written are hidden by cells of a later time, {shown}",
                "is this machine's clock late? else give the rows a `versionColumn`, or delete those cells",
            )

    def _chunks(self, encoded: Encoded, rows: np.ndarray[Any, Any]) -> Iterator[np.ndarray[Any, Any]]:
        """The rows in calls of about `writeBufferSize` bytes."""
        sizes = _sizes(encoded, self._mutations)[rows]
        calls = np.cumsum(sizes) // self._params.write_buffer_size
        yield from np.split(rows, np.flatnonzero(np.diff(calls)) + 1)

    def _deliver(self, batch: pa.RecordBatch, rows: _Rows, stamp: int | None) -> None:
        """One call. If HBase refuses it, halves of it, until the guilty rows are alone. The others are written again
        with the same timestamp, which changes nothing."""
        if not len(rows.numbers):
            return
        reason = self._call(rows, stamp)
        if reason is None:
            self.rows += len(rows.numbers)
            self._last = rows.last(self._mutations)
        elif len(rows.numbers) == 1:
            self._task.reject(batch, int(rows.numbers[0]), reason)
        else:
            for half in np.array_split(rows.numbers, 2):
                self._deliver(batch, _Rows(rows.encoded, half), stamp)

    def _call(self, rows: _Rows, stamp: int | None) -> str | None:
        """Why HBase refuses the rows; None if it took them."""
        table, mutations = self._params.table.encode(), rows.mutations(self._mutations, self._params.wal_flag)
        with told(self._params):
            try:
                if stamp is None:
                    self._link.client.mutateRows(table, mutations, {})
                else:
                    self._link.insist("mutateRowsTs", table, mutations, stamp, {})
            except Exception as error:
                reason = refusal(error)
                if reason is None:
                    raise
                return reason
        return None


class _Rows:
    """Some rows of a batch."""

    def __init__(self, encoded: Encoded, numbers: np.ndarray[Any, Any]) -> None:
        self.encoded = encoded
        self.numbers = numbers

    def mutations(self, plan: Mutations, wal: bool) -> list[Any]:
        """For happybase's client."""
        from Hbase_thrift import BatchMutation, Mutation  # registered by happybase

        chosen = pa.array(self.numbers)
        names = plan.names
        keys = self.encoded.keys.take(chosen).to_pylist()
        columns = [cell.take(chosen).to_pylist() for cell in self.encoded.cells]
        return [
            BatchMutation(
                key,
                [
                    Mutation(False, name, value, wal)
                    for name, value in zip(names, values, strict=True)
                    if value is not None
                ],
            )
            for key, *values in zip(keys, *columns, strict=True)
        ]

    def last(self, plan: Mutations) -> tuple[bytes, bytes]:
        """Key and name of a cell of the last row."""
        row = int(self.numbers[-1])
        there = (name for name, cell in zip(plan.names, self.encoded.cells, strict=True) if cell[row].is_valid)
        return self.encoded.keys[row].as_py(), next(there)


def run_timestamp(run: str) -> int | None:
    """The end of the second in which a run began, in milliseconds; None if its name does not tell."""
    found = _RUN_STARTED.match(run)
    if found is None:
        return None
    return calendar.timegm(time.strptime(found[0], "%Y%m%d_%H%M%S")) * 1000 + 999


def _fixed_timestamp(params: HbaseWriterParams, run: str) -> int | None:
    return run_timestamp(run) if params.version_column is None else params.version_column.value


def _by_timestamp(
    encoded: Encoded, good: np.ndarray[Any, Any] | None, count: int, fixed: int | None
) -> Iterator[tuple[int | None, np.ndarray[Any, Any]]]:
    """Rows by the timestamp they get: a call has one for all its rows."""
    rows = np.arange(count) if good is None else good
    if encoded.timestamps is None or not len(rows):
        yield fixed, rows
        return
    stamps = encoded.timestamps.fill_null(0).to_numpy(zero_copy_only=False)[rows]
    order = np.argsort(stamps, kind="stable")
    for part in np.split(order, np.flatnonzero(np.diff(stamps[order])) + 1):
        yield int(stamps[part[0]]), rows[part]


def _sizes(encoded: Encoded, plan: Mutations) -> np.ndarray[Any, Any]:
    """Bytes of each row on the wire, about."""
    total = pc.fill_null(pc.binary_length(encoded.keys), 0).to_numpy(zero_copy_only=False).astype(np.int64)
    for name, cell in zip(plan.names, encoded.cells, strict=True):
        lengths = pc.fill_null(pc.binary_length(cell), -len(name) - _CELL_OVERHEAD)
        total = total + lengths.to_numpy(zero_copy_only=False) + len(name) + _CELL_OVERHEAD
    return total
