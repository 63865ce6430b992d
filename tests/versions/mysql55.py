"""MySQL 5.5: times have no fractions there, and the server alters values in silence unless it is told not to."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pytest

from starhaul import PermanentError, TransientError
from starhaul.testing import RecordingTask
from starhaul.testing.compare import assert_same_rows
from starhaul.testing.delivery import Delivery
from starhaul_readers.mysql import MysqlReader, MysqlReaderParams
from starhaul_writers.mysql import MysqlWriter, MysqlWriterParams
from tests.conftest import MysqlDatabase
from tests.servers.mariadb import MariadbServer
from tests.servers.mysql_database import new_database


@pytest.fixture
def mysql(mysql55_server: MariadbServer) -> Iterator[MysqlDatabase]:
    with new_database(mysql55_server) as database:
        yield database


def reader(mysql: MysqlDatabase, table: str) -> MysqlReader:
    return MysqlReader(MysqlReaderParams.model_validate({"url": mysql.url, "table": table}))


def writer(mysql: MysqlDatabase, **more: Any) -> MysqlWriter:
    return MysqlWriter(MysqlWriterParams.model_validate({"url": mysql.url, "table": "t", **more}))


def deliver(target: MysqlWriter, table: pa.Table) -> tuple[int, RecordingTask]:
    delivery = Delivery(target, table.schema)
    delivery.prepare()
    task = delivery.task()
    receipt = delivery.write(task, delivery.converted(table))
    assert target.delivered(delivery.task(attempt=2)) == receipt
    delivery.commit(receipt)
    return receipt.rows, task


def read(source: MysqlReader, channels: int = 2) -> pa.Table:
    source.check()
    schema = source.schema()
    task = RecordingTask(schema)
    batches = [batch for split in source.split(channels) for batch in source.read(split, task)]
    assert not task.rejected
    return pa.Table.from_batches(batches, schema=schema)


ROWS = pa.table(
    {
        "id": pa.array(range(2000), pa.int64()),
        "text": ["é😀\t\\N\n'", None] * 1000,
        "price": pa.array([Decimal("-12.50"), Decimal("99999999.99")] * 1000, pa.decimal128(10, 2)),
        "day": pa.array([date(2026, 1, 31), date(1000, 1, 1)] * 1000),
        "at": pa.array([datetime(2026, 1, 31, 23, 59, 59), None] * 1000, pa.timestamp("s")),
        "raw": pa.array([b"\0\xff'\\", b""] * 1000),
        "ratio": pa.array([0.1, -1e300] * 1000),
        "huge": pa.array([2**64 - 1, 0] * 1000, pa.uint64()),
    }
)


@pytest.mark.parametrize("mode", ["insert", "update", "replace", "overwrite"])
def test_every_mode_creates_fills_and_leaves_nothing_else(mysql: MysqlDatabase, mode: str) -> None:
    target = writer(mysql, createTable="ifMissing", keys=["id"], writeMode=mode)
    rows, _ = deliver(target, ROWS)
    assert rows == 2000
    assert "LOAD DATA LOCAL" in target.describe()[0]
    assert mysql.execute("SHOW TABLES") == [("t",)]
    found = read(reader(mysql, "t"))
    assert found.schema.types == ROWS.schema.types
    assert_same_rows(found, ROWS, "other rows arrive")


def test_what_the_server_would_alter_is_rejected(mysql: MysqlDatabase) -> None:
    mysql.execute("CREATE TABLE t (id int PRIMARY KEY, v varchar(3), e enum('a', 'b'))")
    values = ["ok"] * 600
    values[17] = "long"
    members = ["a"] * 600
    members[99] = "c"
    keys = [*range(599), 5]
    rows, task = deliver(writer(mysql), pa.table({"id": keys, "v": values, "e": members}))
    assert rows == 597
    assert mysql.execute("SELECT count(*), max(v), max(e) FROM t") == [(597, "ok", "a")]
    assert sorted(row["id"] for row, _, _ in task.rejected) == [5, 17, 99]


def test_slices_are_of_one_moment(mysql: MysqlDatabase) -> None:
    mysql.execute("CREATE TABLE t (id int PRIMARY KEY, v varchar(9))")
    with mysql.db.cursor() as cursor:
        cursor.executemany("INSERT INTO t VALUES (%s, 'old')", [(number,) for number in range(5000)])
    with reader(mysql, "t").hold(2) as held:
        assert "of one moment" in held.describe()[1]
        splits = held.split(2)
        assert len(splits) > 1
        mysql.execute("UPDATE t SET v = 'new'", "DELETE FROM t WHERE id % 2 = 0")
        task = RecordingTask(held.schema())
        found = [row for split in splits for batch in held.read(split, task) for row in batch.to_pylist()]
    assert sorted(row["id"] for row in found) == list(range(5000))
    assert {row["v"] for row in found} == {"old"}


def test_an_attempt_that_loses_its_connection_leaves_nothing(mysql: MysqlDatabase) -> None:
    mysql.execute("CREATE TABLE t (id int PRIMARY KEY, text varchar(20))")
    target = writer(mysql)
    two = ROWS.select(["id", "text"])
    delivery = Delivery(target, two.schema)
    delivery.prepare()

    def killing() -> Iterator[pa.RecordBatch]:
        yield from delivery.converted(two)
        for (number,) in mysql.execute(
            f"SELECT id FROM information_schema.processlist WHERE db = '{mysql.name}' AND id <> connection_id()"
        ):
            mysql.execute(f"KILL {number}")
        yield from delivery.converted(pa.table({"id": [-1], "text": ["y"]}))

    with pytest.raises(TransientError):
        target.write(delivery.task(), killing())
    assert target.delivered(delivery.task(attempt=2)) is None
    assert mysql.execute("SELECT count(*) FROM t") == [(0,)]
    delivery.commit(delivery.write(delivery.task(attempt=2), delivery.converted(two)))
    assert mysql.execute("SELECT count(*) FROM t") == [(2000,)]
    with pytest.raises(PermanentError, match="not open"):
        target.write(delivery.task(attempt=3), delivery.converted(two))
