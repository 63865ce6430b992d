"""What tests of HBase's plugins share."""

from __future__ import annotations

import struct
from typing import Any

import pyarrow as pa

from starhaul.testing import RecordingTask
from starhaul_readers.hbase import Hbase11xReader, HbaseReaderParams
from starhaul_stores.hbase.write_params import HbaseWriterParams
from starhaul_writers.hbase import Hbase11xWriter
from tests.servers.hbase import HbaseTables

RUN = "20261126_101112_abcdef"
"""A run's name, as the engine gives it; it began in this second."""


def place(tables: HbaseTables, table: str, kind: str = "binary") -> dict[str, Any]:
    """Where a plugin finds a table, through a Thrift server of one kind."""
    return {
        "thriftServers": [*tables.thrift_servers(kind)],
        "thriftTransport": "framed" if "framed" in kind else "buffered",
        "thriftProtocol": "compact" if "compact" in kind else "binary",
        "table": table,
    }


def reading(where: dict[str, Any], *columns: dict[str, Any], **more: Any) -> Hbase11xReader:
    """A reader."""
    return Hbase11xReader(HbaseReaderParams.model_validate({**where, "column": list(columns), **more}, by_alias=True))


def writing(where: dict[str, Any], **more: Any) -> Hbase11xWriter:
    """A writer whose key is the source's first column."""
    given = {"rowkeyColumn": [{"index": 0, "type": "string"}], **where, **more}
    return Hbase11xWriter(HbaseWriterParams.model_validate(given, by_alias=True))


def rows_of(reader: Hbase11xReader, task: RecordingTask | None = None) -> list[dict[str, Any]]:
    """All rows, in the order of their keys."""
    task = task or RecordingTask(reader.schema())
    batches = [batch for split in reader.split(3) for batch in reader.read(split, task)]
    return pa.Table.from_batches(batches, reader.schema()).to_pylist()


def write(writer: Hbase11xWriter, table: pa.Table, run: str = RUN) -> RecordingTask:
    """Write a table as one task of a run. It needs no conversion."""
    schema = writer.accept(table.schema)
    writer.check(schema)
    writer.prepare(schema, run)
    task = RecordingTask(schema)
    task.run = run
    receipt = writer.write(task, table.cast(schema).to_batches())
    assert receipt.rows + len(task.rejected) == table.num_rows
    return task


def contents(tables: HbaseTables, table: str, **options: Any) -> dict[bytes, dict[bytes, Any]]:
    """What a table holds, past the plugins."""
    connection = tables.server.connect()
    try:
        return dict(connection.table(table).scan(**options))
    finally:
        connection.close()


def filled(hbase: HbaseTables, rows: int) -> str:
    """A table of two regions with so many rows."""
    table = hbase.create(b"n3")
    connection = hbase.server.connect()
    with connection.table(table).batch(batch_size=2000) as batch:
        for n in range(rows):
            batch.put(f"n{n % 6}/{n}", {b"cf:n": struct.pack(">i", n)}, wal=False)
    connection.close()
    return table
