"""Scans of a range of rows, in chunks of bounded size."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress
from typing import Any

from starhaul_stores.hbase.connection import as_bytes
from starhaul_stores.hbase.parameters import HbaseParams

CHUNK_BYTES = 2 << 20
_FIRST_CHUNK = 32
_MOST_ROWS = 8192
_KEYS_ONLY = b"FirstKeyOnlyFilter() AND KeyOnlyFilter()"
_CELL_OVERHEAD = 40  # of a cell's name and timestamp on the wire


def scanned(
    params: HbaseParams, client: Any, cells: Sequence[str], first: bytes, end: bytes, most: int | None
) -> Iterator[list[Any]]:
    """The rows (happybase's `TRowResult`) from the key `first` to before `end` that have one of the cells, in chunks of
    at most `most` rows, of about 2 MiB. Without cells, all rows, with their keys alone."""
    from Hbase_thrift import TScan  # registered by happybase

    scan = TScan(startRow=first, columns=[cell.encode() for cell in cells] or None)
    if end:
        scan.stopRow = end
    if not cells:
        scan.filterString = _KEYS_ONLY
    scan.caching = min(most or 1024, 1024)
    scanner = client.scannerOpenWithScan(params.table.encode(), scan, {})
    try:
        size = min(_FIRST_CHUNK, most or _FIRST_CHUNK)
        while rows := client.scannerGetList(scanner, size):
            size = _next_size(rows, most or _MOST_ROWS)
            yield rows
    finally:
        with suppress(Exception):  # a connection that is lost has closed it
            client.scannerClose(scanner)


def _next_size(rows: Sequence[Any], most: int) -> int:
    """Rows to ask for, after what the last ones were like. Rows may grow, so it grows slowly."""
    sample = rows[:: max(1, len(rows) // 32)]
    taken = sum(_bytes_of(row) for row in sample) / len(sample)
    return max(1, min(most, 4 * len(rows), int(CHUNK_BYTES / taken)))


def _bytes_of(row: Any) -> int:
    cells = (row.columns or {}).items()
    return (
        sum(len(name) + len(cell.value or b"") + _CELL_OVERHEAD for name, cell in cells) + len(as_bytes(row.row)) + 16
    )
