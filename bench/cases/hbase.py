"""HBase beside a loop with happybase, written by hand, at its best batch size."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as parquet

from bench.comparison import Comparison, Contender
from bench.servers import Hbase
from bench.setup import Setup

ROWS = 200_000
COLUMNS = 20
WRITE_BATCH, READ_BATCH = 2000, 1000
"""Rows that the hand-written loop sends or asks for at once. Of few that were tried, these were the quickest."""
REPEAT = 3
_KINDS = (("long", pa.int64()), ("double", pa.float64()), ("int", pa.int32()), ("string", pa.string()))
_LOOP = str(Path(__file__).parents[1] / "happybase_loop.py")


def comparisons(setup: Setup) -> Iterator[Comparison]:
    """Both directions on one channel; and on two, which need the table in several regions to read."""
    rows = setup.rows(ROWS)
    data, server = _data(setup, rows), setup.servers.hbase
    yield Comparison(
        name="hbase_write",
        what=f"Parquet → HBase, {rows:,} rows of {COLUMNS} columns, 1 channel",
        ours=_writing(setup, server, data, 1),
        theirs=Contender(
            f"happybase, batches of {WRITE_BATCH}",
            setup.python(_LOOP, "write", str(server.port), "theirs", str(data), str(WRITE_BATCH)),
            partial(server.target, "theirs", rows),
        ),
        figure="speed",
        bound=1.0,
        rows=rows,
        repeat=REPEAT,
    )
    yield _compared(setup, server, data, rows, "channels_hbase_write", "Parquet → HBase", _writing)
    server.target("source", rows)
    _fill(setup, server, data)
    yield Comparison(
        name="hbase_read",
        what=f"HBase → nowhere, {rows:,} rows of {COLUMNS} columns, 1 channel",
        ours=_reading(setup, server, data, 1),
        theirs=Contender(
            f"happybase, scan of {READ_BATCH} a batch",
            setup.python(_LOOP, "read", str(server.port), "source", str(data), str(READ_BATCH)),
        ),
        figure="speed",
        bound=1.0,
        rows=rows,
        repeat=REPEAT,
    )
    yield _compared(setup, server, data, rows, "channels_hbase_read", "HBase → nowhere", _reading)


def _compared(setup: Setup, server: Hbase, data: Path, rows: int, name: str, route: str, side: Any) -> Comparison:
    return Comparison(
        name=name,
        what=f"{route}, {rows:,} rows of {COLUMNS} columns, 2 channels and 1",
        ours=side(setup, server, data, 2),
        theirs=side(setup, server, data, 1),
        figure="speed",
        bound=None,
        rows=rows,
        repeat=REPEAT,
    )


def _writing(setup: Setup, server: Hbase, data: Path, channels: int) -> Contender:
    table = f"ours_{channels}"
    return Contender(
        f"starhaul run, {channels} channel{'s' * (channels > 1)}",
        setup.run(f"hbase_write_{channels}", _write_job(server, data, table, channels)),
        partial(server.target, table, parquet.read_metadata(data).num_rows),
    )


def _reading(setup: Setup, server: Hbase, data: Path, channels: int) -> Contender:
    job = {
        "reader": {**server.place("source"), "column": [{"name": "rowkey"}, *_cells()]},
        "writer": {"name": "stream", "print": False},
        "settings": {"channel": channels},
    }
    label = f"starhaul run, {channels} channel{'s' * (channels > 1)}"
    return Contender(label, setup.run(f"hbase_read_{channels}", job))


def _write_job(server: Hbase, data: Path, table: str, channels: int) -> Mapping[str, Any]:
    return {
        "reader": {"name": "txtfile", "path": str(data), "fileFormat": "parquet", "column": ["*"]},
        "writer": {
            **server.place(table),
            "rowkeyColumn": [{"index": 0}],
            "column": [{"index": number, **cell} for number, cell in enumerate(_cells(), 1)],
        },
        "settings": {"channel": channels},
    }


def _fill(setup: Setup, server: Hbase, data: Path) -> None:
    """The table to read from, by the loop, so that what is read was not written by the code under test."""
    arguments = ("write", str(server.port), "source", str(data), str(WRITE_BATCH))
    subprocess.run(setup.python(_LOOP, *arguments), check=True)


def _cells() -> list[dict[str, str]]:
    return [{"name": f"cf:c{number}", "type": _KINDS[number % 4][0]} for number in range(COLUMNS)]


def _data(setup: Setup, rows: int) -> Path:
    """Keys in order, and numbers and texts at random, the same each time."""
    path = setup.folder / f"hbase-{rows}.parquet"
    if not path.exists():
        print(f"making {path.name}", file=sys.stderr)
        random = np.random.default_rng(1)
        columns: dict[str, pa.Array] = {"key": pa.array([f"{number:010d}" for number in range(rows)])}
        for number in range(COLUMNS):
            kind = _KINDS[number % 4][1]
            values = random.integers(0, 10**9, rows)
            columns[f"c{number}"] = (
                pa.array([f"text {value}" for value in values])
                if pa.types.is_string(kind)
                else pa.array(values).cast(kind)
            )
        parquet.write_table(pa.table(columns), path, row_group_size=rows // 4 or 1)
    return path
