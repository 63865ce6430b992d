"""Scans of a range of rows, in chunks of bounded size."""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from contextlib import closing, suppress
from typing import Any

from starhaul_stores.hbase.connection import Link, as_bytes, driver, passing, told
from starhaul_stores.hbase.params import HbaseParams

CHUNK_BYTES = 2 << 20
_FIRST_CHUNK = 32
_MOST_ROWS = 8192
_KEYS_ONLY = b"FirstKeyOnlyFilter() AND KeyOnlyFilter()"
_CELL_OVERHEAD = 40  # of a cell's name and timestamp on the wire
_ATTEMPTS = 4
"""At the rows that are next."""


def scanned(
    params: HbaseParams,
    turn: str,
    cells: Sequence[str],
    first: bytes,
    end: bytes,
    most: int | None,
    pause: Callable[[float], None],
) -> Generator[list[Any], None, None]:
    """The rows (`answers.Row`) from the key `first` to before `end` that have one of the cells, in chunks of
    at most `most` rows, of about 2 MiB. Without cells, all rows, with their keys alone.

    Takes a connection of its own. When that is lost, or a server gives the scan up because nothing was asked of it for
    a minute (the other side of the run is slow), another goes on after the last row, on a new connection: at once, then
    after pauses, by `pause`. `TransientError` if that fails time and again without a row.
    """
    driver()
    failures = 0
    with closing(Link(params, turn)) as link, told(params):
        while True:
            try:
                for rows in _scan(params, link.client, cells, first, end, most):
                    failures = 0
                    first = as_bytes(rows[-1].row) + b"\0"
                    yield rows
                return
            except Exception as error:
                failures += 1
                if failures == _ATTEMPTS or not _may_go_on(error):
                    raise
                link.close()
                pause(failures - 1.0)


def _may_go_on(error: Exception) -> bool:
    """Whether another scan may get further. A server that gives a scan up just while it is asked for rows says no more
    than `Internal error`."""
    from thriftpy2.thrift import TApplicationException

    return passing(error) or isinstance(error, TApplicationException)


def _scan(
    params: HbaseParams, client: Any, cells: Sequence[str], first: bytes, end: bytes, most: int | None
) -> Generator[list[Any], None, None]:
    """One scan. Each chunk is asked for before the last one is given out, so that the server makes it meanwhile."""
    from Hbase_thrift import TScan  # registered by happybase

    from starhaul_stores.hbase.answers import answer, ask

    scan = TScan(startRow=first, columns=[cell.encode() for cell in cells] or None)
    if end:
        scan.stopRow = end
    if not cells:
        scan.filterString = _KEYS_ONLY
    scan.caching = min(most or 1024, 1024)
    scanner = client.scannerOpenWithScan(params.table.encode(), scan, {})
    size = min(_FIRST_CHUNK, most or _FIRST_CHUNK)
    asked = False
    try:
        while True:
            if not asked:
                ask(client, scanner, size)
            asked = False
            rows = answer(client)
            if not rows:
                return
            size = _next_size(rows, most or _MOST_ROWS)
            ask(client, scanner, size)
            asked = True
            yield rows
    finally:
        with suppress(Exception):  # where the connection is lost, or the scan was given up, it is closed
            if asked:
                answer(client)
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
