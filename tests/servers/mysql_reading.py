"""What tests of `mysqlreader` share."""

from __future__ import annotations

from typing import Any

from starhaul.testing import RecordingTask
from starhaul_readers.mysql import MysqlReader, MysqlReaderParams
from tests.conftest import MysqlDatabase


def reader(mysql: MysqlDatabase, **more: Any) -> MysqlReader:
    return MysqlReader(MysqlReaderParams.model_validate({"url": mysql.url, **more}))


def slices(source: MysqlReader, target: int) -> list[list[dict[str, Any]]]:
    """The rows of each slice. The source must reject none."""
    task = RecordingTask(source.schema())
    found = [[row for batch in source.read(split, task) for row in batch.to_pylist()] for split in source.split(target)]
    assert task.rejected == []
    return found


KEYS = {
    "int": [*range(-50, 50), 10**9, 2 * 10**9],
    "bigint unsigned": [0, 1, 2**63, 2**64 - 1, *range(1000, 1090)],
    "decimal(40,5)": [f"{n}12345678901234567890123456789.00001" for n in range(1, 90)],
    "varchar(20)": ["", " ", "a", "A", "a ", "b", "B", "ä", "ß", "ss", "é", "e", "😀", "\\", "'", "日本", "z\t", "Z"]
    * 5,
    "varchar(20) collate utf8mb4_bin": ["", "a", "A", "b", "B", "ä", "ß", "😀", "\\", "'", "日本", "z\t", "Z"] * 7,
    "varchar(20) collate utf8mb4_unicode_ci": ["", "a", "A", "b", "B", "ä", "ß", "ss", "😀", "ö", "oe", "日本"] * 8,
    "varchar(20) character set latin1": ["", "a", "A", "ä", "ß", "é", "\\", "'", "Z"] * 9,
    "char(8)": [f"k{n}" for n in range(90)],
    "date": [f"2026-01-{n:02}" for n in range(1, 30)] * 3,
    "datetime(6)": [f"2026-01-01 00:00:00.{n:06}" for n in range(90)],
    "timestamp": [f"2026-01-01 00:00:{n:02}" for n in range(60)],
    "varbinary(9)": ["a", "b"] * 10,
    "double": [0.1, 0.2, -0.3] * 20,
}


def counted(mysql: MysqlDatabase, rows: int) -> None:
    mysql.execute(
        "CREATE TABLE t (n int PRIMARY KEY, v varchar(20))", f"INSERT INTO t SELECT seq, 'old' FROM seq_1_to_{rows}"
    )
