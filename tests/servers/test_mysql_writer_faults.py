"""`mysqlwriter` where connections break, attempts meet, and rows are too long for a packet."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from concurrent.futures import TimeoutError as FutureTimeout

import pyarrow as pa
import pytest

from starhaul import PermanentError, TransientError
from starhaul.testing import RecordingTask
from starhaul.testing.delivery import Delivery
from tests.conftest import MysqlDatabase
from tests.servers.mysql_writing import writer
from tests.servers.whole_runs import write


def test_a_connection_killed_in_the_midst_is_transient(mysql: MysqlDatabase) -> None:
    mysql.execute("CREATE TABLE t (id int PRIMARY KEY, v text)")
    delivery = Delivery(writer(mysql), pa.schema([("id", pa.int64()), ("v", pa.string())]))
    delivery.prepare()
    batches = delivery.converted(pa.table({"id": range(100_000), "v": ["x"] * 100_000}))

    def killing() -> Iterator[pa.RecordBatch]:
        yield from batches
        ours = mysql.execute("SELECT connection_id()")[0][0]
        mine = f"SELECT id FROM information_schema.processlist WHERE db = '{mysql.name}' AND id <> {ours}"
        for (number,) in mysql.execute(mine):
            mysql.execute(f"KILL {number}")
        yield from delivery.converted(pa.table({"id": [-1], "v": ["y"]}))

    with pytest.raises(TransientError):
        delivery.writer.write(delivery.task(), killing())
    assert delivery.writer.delivered(delivery.task(attempt=2)) is None
    assert mysql.execute("SELECT count(*) FROM t") == [(0,)]
    receipt = delivery.write(delivery.task(attempt=2), batches)
    delivery.commit(receipt)
    assert mysql.execute("SELECT count(*) FROM t") == [(100_000,)]


def test_a_deadlock_is_transient(mysql: MysqlDatabase) -> None:
    mysql.execute("CREATE TABLE t (id int PRIMARY KEY, v int)", "INSERT INTO t VALUES (1, 0), (2, 0)")
    delivery = Delivery(writer(mysql, writeMode="update"), pa.schema([("id", pa.int64()), ("v", pa.int64())]))
    delivery.prepare()
    mysql.execute("START TRANSACTION", "UPDATE t SET v = 9 WHERE id = 2")
    # So that the server sacrifices the writer, whose transaction is the smaller one.
    mysql.execute("INSERT INTO t SELECT seq, 0 FROM seq_100_to_2000")

    def waiting() -> Iterator[pa.RecordBatch]:
        yield from delivery.converted(pa.table({"id": [1], "v": [1]}))
        yield from delivery.converted(pa.table({"id": [2], "v": [1]}))

    def update() -> None:
        time.sleep(0.5)
        with mysql.db.cursor() as cursor:
            cursor.execute("UPDATE t SET v = 9 WHERE id = 1")
            cursor.execute("ROLLBACK")

    other = threading.Thread(target=update)
    target = writer(mysql, writeMode="update", batchByteSize=1)
    other.start()
    with pytest.raises(TransientError, match="Deadlock"):
        target.write(delivery.task(), waiting())
    other.join()
    assert mysql.execute("SELECT v FROM t WHERE id = 1") == [(0,)]


def test_a_run_that_is_over_is_fenced(mysql: MysqlDatabase) -> None:
    mysql.execute("CREATE TABLE t (id int)")
    delivery = Delivery(writer(mysql), pa.schema([("id", pa.int64())]))
    delivery.prepare()
    batches = delivery.converted(pa.table({"id": [1]}))
    delivery.commit(delivery.write(delivery.task(), batches))
    with pytest.raises(PermanentError, match="not open"):
        delivery.writer.write(delivery.task(attempt=2), batches)
    assert mysql.execute("SELECT count(*) FROM t") == [(1,)]


@pytest.mark.parametrize("key", ["id int PRIMARY KEY", "id int"])
def test_an_earlier_attempt_that_commits_late_is_waited_for(mysql: MysqlDatabase, key: str) -> None:
    """Its rows neither come twice nor are rejected as duplicates; the engine finds its receipt."""
    mysql.execute(f"CREATE TABLE t ({key})")
    delivery = Delivery(writer(mysql), pa.schema([("id", pa.int64())]))
    delivery.prepare()
    batches = delivery.converted(pa.table({"id": [1, 2]}))
    written, late = threading.Event(), threading.Event()

    def slow() -> Iterator[pa.RecordBatch]:
        yield from batches
        written.set()
        assert late.wait(30)

    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(writer(mysql).write, delivery.task(), slow())
        assert written.wait(30)
        again = delivery.task(attempt=2)
        second = pool.submit(writer(mysql).write, again, batches)
        with pytest.raises(FutureTimeout):
            second.result(1)
        late.set()
        receipt = first.result(30)
        with pytest.raises(TransientError, match="was delivered by another attempt"):
            second.result(30)
    assert isinstance(again, RecordingTask)
    assert again.rejected == []
    assert delivery.writer.delivered(delivery.task(attempt=3)) == receipt
    with pytest.raises(TransientError, match="was delivered by another attempt"):
        delivery.writer.write(delivery.task(attempt=3), batches)
    delivery.commit(receipt)
    assert mysql.execute("SELECT id FROM t ORDER BY 1") == [(1,), (2,)]


@pytest.mark.parametrize("files", [True, False])
def test_a_row_beyond_the_packet_size_goes_by_file_or_is_rejected(mysql: MysqlDatabase, files: bool) -> None:
    mysql.execute("CREATE TABLE t (id int PRIMARY KEY, v longtext)")
    rows = pa.table({"id": [1, 2, 3], "v": ["a", "x" * (33 << 20), "c"]})
    mysql.execute(f"SET GLOBAL local_infile = {int(files)}")
    try:
        (receipt,), (task,) = write(writer(mysql), rows)
    finally:
        mysql.execute("SET GLOBAL local_infile = 1")
    found = mysql.execute("SELECT id, length(v), v REGEXP '^x+$' FROM t ORDER BY id")
    long = [(2, 33 << 20, 1)] if files else []
    assert found == [(1, 1, 0), *long, (3, 1, 0)]
    assert receipt.rows == len(found)
    assert ["max_allowed_packet" in reason for _, reason, _ in task.rejected] == [True] * (not files)


def test_a_row_that_just_misses_the_packet_as_a_statement_goes_by_file(mysql: MysqlDatabase) -> None:
    """Twice its bytes fit, but not with the statement around them."""
    mysql.execute("CREATE TABLE t (id int PRIMARY KEY, v longtext)")
    packet = int(str(mysql.execute("SELECT @@max_allowed_packet")[0][0]))
    rows = pa.table({"id": [1], "v": ["\\" * (packet // 2 - 100)]})
    (receipt,), (task,) = write(writer(mysql), rows)
    assert (receipt.rows, task.rejected) == (1, [])
    assert mysql.execute("SELECT length(v) FROM t") == [(packet // 2 - 100,)]
