"""Deleting all rows of a table by Thrift's means."""

from __future__ import annotations

import time
from typing import Any

from starhaul import PermanentError
from starhaul_stores.hbase.connection import families, require_readable
from starhaul_stores.hbase.scan import scanned
from starhaul_stores.hbase.write_params import HbaseWriterParams
from starhaul_stores.hbase.writing import run_timestamp


def delete_rows(params: HbaseWriterParams, client: Any, run: str) -> None:
    """Delete every row, with timestamps that do not hide what `run` is going to write. Safe to repeat before that.

    Thrift1 can drop and create a table too, but would forget its regions and most of its settings, and a process that
    dies between the two leaves no table.
    """
    from Hbase_thrift import BatchMutation, Mutation  # registered by happybase

    table, started = params.table.encode(), run_timestamp(run)
    there = families(params, client)
    if there is None:
        problem = "truncate has to know the column families, which only those who may change the table are told"
        raise PermanentError(params.where(), problem, "grant CREATE or ADMIN on it, or empty it otherwise")
    require_readable(params, client, [("truncate", f"{family}:") for family in there])
    whole = [Mutation(True, family.encode(), None, params.wal_flag) for family in there]
    for rows in scanned(params, run, [], b"", b"", None, time.sleep):
        deletions = [BatchMutation(row.row, whole) for row in rows]
        if started is None:
            client.mutateRows(table, deletions, {})
        else:
            client.mutateRowsTs(table, deletions, started - 1, {})
    for _ in scanned(params, run, [], b"", b"", 1, time.sleep):
        raise PermanentError(
            params.where(),
            "truncate cannot delete all rows: there are cells that are newer than this run",
            "is this machine's clock late? truncate_preserve in the HBase shell empties the table",
        )
