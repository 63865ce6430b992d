"""Values of MySQL that take more than a row of the table in `tests/fidelity`."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from starhaul import run
from starhaul.runs.rejects import read_rejects
from starhaul.testing import RecordingTask
from starhaul.testing.delivery import Delivery
from starhaul_readers.mysql import MysqlReader, MysqlReaderParams
from starhaul_writers.mysql import MysqlWriter, MysqlWriterParams
from tests.conftest import MysqlDatabase
from tests.fidelity.databases import Mysql
from tests.fidelity.mysql_values import TYPES
from tests.fidelity.passage import Passage


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


def test_zero_dates_in_a_job_that_converts_as_datax(mysql: MysqlDatabase, tmp_path: Path) -> None:
    mysql.execute(
        "SET SESSION sql_mode = ''",
        "CREATE TABLE source (id int PRIMARY KEY, d date, t datetime(3))",
        "INSERT INTO source VALUES (1, '0000-00-00', '0000-00-00'), (2, '2026-01-01', NULL)",
        "CREATE TABLE copied LIKE source",
    )
    place = {"jdbcUrl": [f"jdbc:{mysql.url}"], "table": ["source"]}
    target = {"jdbcUrl": f"jdbc:{mysql.url}", "table": ["copied"]}
    common = {"username": "root", "password": "", "column": ["*"]}
    content = {
        "reader": {"name": "mysqlreader", "parameter": {**common, "connection": [place]}},
        "writer": {"name": "mysqlwriter", "parameter": {**common, "connection": [target]}},
    }
    job = {"job": {"content": [content], "setting": {"speed": {"channel": 1}, "conversion": "datax"}}}
    report = run(job, state=tmp_path / "state")
    assert (report.state, report.written, report.rejected) == ("done", 2, 0), report.error
    assert mysql.execute("SELECT id, d IS NULL, t FROM copied ORDER BY id") == [(1, 1, None), (2, 0, None)]


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


@pytest.fixture
def without_files(mysql: MysqlDatabase) -> Iterator[MysqlDatabase]:
    """A server that takes no LOAD DATA LOCAL, and days 0."""
    mysql.execute("SET GLOBAL local_infile = 0", "SET SESSION sql_mode = ''")
    yield mysql
    mysql.execute("SET GLOBAL local_infile = 1")


def test_every_value_arrives_equal_without_files(without_files: MysqlDatabase, tmp_path: Path) -> None:
    """Days 0 among them, and in great number."""
    mysql = without_files
    kinds = [replace(kind, values=[value for value in kind.values if not value.alone]) for kind in TYPES]
    base = Mysql(mysql.db, mysql.server.port, name=mysql.name)
    passage = Passage(base, kinds, tmp_path)
    passage.fill()
    for table in ("origin", "many"):
        passage.like_origin(f"{table}_copy")
        rejected = passage.move("same", base, table, base, f"{table}_copy", "")
        outcomes = passage.outcomes("same", base, f"{table}_copy", rejected, table, "", strict=True)
        assert [(each.type.sql, each.value.literal, each.seen) for each in outcomes if each.seen != "equal"] == []
        assert len(outcomes) >= 130


@pytest.mark.parametrize("mode", ["insert", "ignore", "update", "overwrite"])
def test_rows_that_are_refused_among_days_0_without_files(
    without_files: MysqlDatabase, tmp_path: Path, mode: str
) -> None:
    mysql = without_files
    mysql.execute(
        "CREATE TABLE source (id int NOT NULL, d date NULL, v varchar(20))",
        "INSERT INTO source SELECT seq, IF(seq % 3, '2026-00-10', '2026-01-10'), concat(seq, char(39, 92)) "
        "FROM seq_1_to_3000",
        "INSERT INTO source VALUES (7, '0000-00-00', 'again'), (5000, '0000-00-00', 'bad'), (5001, NULL, 'bad')",
        "CREATE TABLE target (id int PRIMARY KEY, d date NULL, v varchar(20), CHECK (v <> 'bad'))",
    )
    job = {
        "reader": {"name": "mysql", "url": mysql.url, "table": "source"},
        "writer": {"name": "mysql", "url": mysql.url, "table": "target", "writeMode": mode},
        "settings": {"errorLimit": {"record": 10}},
    }
    report = run(job, state=tmp_path)
    assert report.state == "done", report.error
    rejected = [line["row"]["id"] for line in read_rejects(Path(report.rejects or ""))]
    again = ["7"] if mode in ("insert", "overwrite") else []
    assert sorted(rejected) == ["5000", "5001", *again]
    lost = mysql.execute(
        "SELECT s.id, s.v FROM source s LEFT JOIN target t ON t.id = s.id AND t.v = s.v AND t.d <=> s.d "
        "WHERE t.id IS NULL ORDER BY s.id, s.v"
    )
    assert lost == [(7, "7'\\" if mode == "update" else "again"), (5000, "bad"), (5001, "bad")]
    assert mysql.execute("SELECT count(*) FROM target") == [(3000,)]
