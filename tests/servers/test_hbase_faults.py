"""HBase where regions are split, and servers go away half-way."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator

import pyarrow as pa
import pytest

from starhaul import TransientError
from starhaul.testing import RecordingTask
from tests.servers.hbase import HbaseTables
from tests.servers.hbase_plugins import RUN, contents, filled, place, reading, rows_of, writing

pytestmark = pytest.mark.timeout(300)  # the first test starts HBase


def test_a_region_that_is_split_meanwhile(hbase: HbaseTables) -> None:
    table = filled(hbase, 6000)
    reader = reading(place(hbase, table), {"name": "cf:n", "type": "int"}, scanCacheSize=50)
    splits = reader.split(2)
    assert len(splits) == 2
    numbers: list[int] = []
    for split in splits:
        batches = reader.read(split, RecordingTask(reader.schema()))
        numbers += next(batches)["cf:n"].to_pylist()
        if split is splits[0]:
            hbase.server.command("split", table, b"n1")
        numbers += [n for batch in batches for n in batch["cf:n"].to_pylist()]
    assert sorted(numbers) == list(range(6000))
    assert sorted(row["cf:n"] for row in rows_of(reader)) == list(range(6000))


def test_a_thrift_server_that_restarts(hbase: HbaseTables) -> None:
    """Both sides go on with the next server; without one they tell of it as transient, and may be tried again."""
    table, target = filled(hbase, 3000), hbase.create()
    reader = reading(place(hbase, table, "compact"), {"name": "cf:n", "type": "int"}, scanCacheSize=50)
    splits = reader.split(1)
    batches = reader.read(splits[0], RecordingTask(reader.schema()))
    numbers = next(batches)["cf:n"].to_pylist()
    writer = writing(place(hbase, target, "compact"), columnFamily="cf")
    schema = writer.accept(pa.schema([("n", pa.int32())]))
    task = RecordingTask(schema)
    task.run = RUN

    def source(meanwhile: Callable[[], None]) -> Iterator[pa.RecordBatch]:
        yield pa.record_batch({"n": pa.array(range(1000), pa.int32())})
        meanwhile()
        yield pa.record_batch({"n": pa.array(range(1000, 2000), pa.int32())})

    assert writer.write(task, source(lambda: hbase.server.restart_thrift("compact"))).rows == 2000
    assert len(contents(hbase, target)) == 2000
    rest = [*batches, *(b for split in splits[1:] for b in reader.read(split, RecordingTask(reader.schema())))]
    numbers += [n for batch in rest for n in batch["cf:n"].to_pylist()]
    assert sorted(numbers) == list(range(3000))

    batches = reader.read(splits[0], RecordingTask(reader.schema()))
    next(batches)
    try:
        with pytest.raises(TransientError):
            writer.write(task, source(lambda: hbase.server.stop_thrift("compact")))
        with pytest.raises(TransientError):
            list(batches)
    finally:
        hbase.server.start_thrift("compact")
    task.attempt = 2
    assert writer.write(task, source(lambda: None)).rows == 2000
    assert len(rows_of(reader)) == 3000


def test_another_thrift_server_takes_over(hbase: HbaseTables) -> None:
    table = filled(hbase, 10)
    where = place(hbase, table)
    reader = reading({**where, "thriftServers": ["127.0.0.1:1", *where["thriftServers"]]}, {"name": "rowkey"})
    found: list[int] = []
    threads = [threading.Thread(target=lambda: found.append(len(rows_of(reader)))) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [10] * 3
    with pytest.raises(TransientError, match="Thrift server failed"):
        reading({**where, "thriftServers": ["127.0.0.1:1"]}, {"name": "rowkey"}).check()
