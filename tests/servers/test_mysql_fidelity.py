"""Values of MySQL that take more than a row of the table in `tests/fidelity`."""

from __future__ import annotations

from typing import Any

import pyarrow as pa
import pytest

from starhaul.testing import RecordingTask
from starhaul.testing.delivery import Delivery
from starhaul_readers.mysql import MysqlReader, MysqlReaderParams
from starhaul_writers.mysql import MysqlWriter, MysqlWriterParams
from tests.conftest import MysqlDatabase


def copy(mysql: MysqlDatabase, source: str, target: str, **more: Any) -> tuple[RecordingTask, RecordingTask]:
    """Move a table whole; the tasks of both sides."""
    reader = MysqlReader(MysqlReaderParams.model_validate({"url": mysql.url, "table": source}))
    writer = MysqlWriter(MysqlWriterParams.model_validate({"url": mysql.url, "table": target, **more}))
    reader.check()
    delivery = Delivery(writer, reader.schema())
    delivery.prepare()
    reading, writing = RecordingTask(reader.schema()), delivery.task()
    batches = [batch for split in reader.split(1) for batch in reader.read(split, reading)]
    table = pa.Table.from_batches(batches, schema=reader.schema())
    delivery.commit(delivery.write(writing, delivery.converted(table)))
    return reading, writing


def test_zero_dates_are_rejected_or_asked_to_be_null(mysql: MysqlDatabase) -> None:
    mysql.execute(
        "SET SESSION sql_mode = ''",
        "CREATE TABLE source (id int PRIMARY KEY, d date, t datetime, s timestamp NULL)",
        "INSERT INTO source VALUES (1, '0000-00-00', NULL, NULL), (2, NULL, '0000-00-00', NULL), "
        "(3, NULL, NULL, '0000-00-00'), (4, '2026-00-10', NULL, NULL), (5, '2026-01-01', NULL, NULL)",
        "CREATE TABLE copied LIKE source",
    )
    reading, _ = copy(mysql, "source", "copied")
    assert [row["id"] for row, _, _ in reading.rejected] == ["1", "2", "3", "4"]
    assert "0000-00-00" in reading.rejected[0][1]
    assert mysql.execute("SELECT id FROM copied") == [(5,)]
    params = {"url": mysql.url, "table": "source", "zeroDate": "null"}
    reader = MysqlReader(MysqlReaderParams.model_validate(params))
    task = RecordingTask(reader.schema())
    rows = pa.Table.from_batches([b for s in reader.split(1) for b in reader.read(s, task)])
    assert rows["id"].to_pylist() == [1, 2, 3, 5]
    assert [row["id"] for row, _, _ in task.rejected] == ["4"]
    assert task.notes == {"zero date made NULL": 3}


def test_a_query_keeps_its_types(mysql: MysqlDatabase) -> None:
    mysql.execute("CREATE TABLE t (a int unsigned, f float, d decimal(12,3))", "INSERT INTO t VALUES (7, 0.1, 1.5)")
    sql = "SELECT a, f, sum(d) AS total, 'x' AS word, NULL AS nothing, 1.50 AS c, now(3) > 0 AS yes FROM t;"
    reader = MysqlReader(MysqlReaderParams.model_validate({"url": mysql.url, "querySql": sql}))
    kinds = [pa.uint32(), pa.float32(), pa.decimal128(34, 3), pa.string(), pa.binary(), pa.decimal128(3, 2)]
    assert reader.schema().types[:6] == kinds
    (batch,) = [b for s in reader.split(1) for b in reader.read(s, RecordingTask(reader.schema()))]
    assert batch.to_pylist()[0]["f"] == pytest.approx(0.1)
    assert batch["word"].to_pylist() == ["x"]


def test_a_row_of_more_than_a_packet(mysql: MysqlDatabase) -> None:
    """Rows of 16 MiB and more come in several packets."""
    mysql.execute("CREATE TABLE source (id int PRIMARY KEY, v longblob)", "CREATE TABLE copied LIKE source")
    for number, size in enumerate((5, (1 << 24) - 20, 1 << 24, 5)):
        mysql.execute(f"INSERT INTO source VALUES ({number}, repeat('ab', {size // 2}))")
    reader = MysqlReader(MysqlReaderParams.model_validate({"url": mysql.url, "table": "source"}))
    task = RecordingTask(reader.schema())
    rows = [row for s in reader.split(1) for b in reader.read(s, task) for row in b.to_pylist()]
    assert [len(row["v"]) for row in rows] == [4, (1 << 24) - 20, 1 << 24, 4]
    assert all(set(row["v"]) == set(b"ab") for row in rows)
