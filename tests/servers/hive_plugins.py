"""Readers and writers of Hive, and rows of every type, as tests have them."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from itertools import count
from typing import Any

import pyarrow as pa
import pyarrow.orc
import pyarrow.parquet

from starhaul.testing.delivery import Delivery
from starhaul.testing.task import RecordingTask
from starhaul_readers.hdfs import HdfsReader
from starhaul_readers.hive import HiveReader, HiveReaderParams
from starhaul_writers.hive import HiveWriter, HiveWriterParams
from tests.servers.hive import HiveTables

COLUMNS = (
    "tiny tinyint, small smallint, n int, big bigint, f float, d double, amount decimal(20,4), yes boolean, "
    "word string, short varchar(10), day date, at timestamp, raw binary"
)


ROWS: list[tuple[Any, ...]] = [
    (1, 2, 3, 4, 1.5, 2.25, Decimal("12.3400"), True, "wörd, \"x\" 'y'", "v", dt.date(2024, 2, 29),
     dt.datetime(2024, 3, 31, 2, 30, 0, 123456), b"\x00\xffbin"),
    (-128, -32768, -(2**31), -(2**63), -0.1, 1e300, Decimal("-9999999999999999.9999"), False, "", "ten letters"[:10],
     dt.date(1970, 1, 1), dt.datetime(1969, 12, 31, 23, 59, 59), b""),
    (None,) * 13,
    (0, 0, 0, 0, 0.0, 0.0, Decimal("0.0000"), False, "NULL", "x", dt.date(9999, 12, 31),
     dt.datetime(9999, 12, 31, 23, 59, 59, 999999), b"\\"),
]  # fmt: skip


TEXT_ROWS = [row[:-1] for row in ROWS]


def sql(value: Any) -> str:
    match value:
        case None:
            return "NULL"
        case bool():
            return str(value).lower()
        case bytes():
            return f"unhex('{value.hex()}')"
        case str():
            return "'" + value.replace("\\", "\\\\").replace("'", "\\'") + "'"
        case dt.datetime():
            return f"timestamp '{value}'"
        case dt.date():
            return f"date '{value}'"
        case Decimal():
            return f"{value}BD"
        case -9223372036854775808:
            return "-9223372036854775807L - 1L"
    return repr(value)


def inserted(hive: HiveTables, table: str, rows: list[tuple[Any, ...]], partition: str = "") -> None:
    values = " UNION ALL ".join(f"SELECT {', '.join(map(sql, row))}" for row in rows)
    hive.ask(f"INSERT INTO {hive.name(table)} {partition} {values}")


def reader(hive: HiveTables, **parameters: Any) -> HiveReader:
    given = hive.parameters(**parameters)
    return HiveReader(HiveReaderParams.parse(given))


def read(source: HiveReader | HdfsReader, target: int = 3) -> list[tuple[Any, ...]]:
    schema = source.schema()
    task = RecordingTask(schema)
    batches = [batch for split in source.split(target) for batch in source.read(split, task)]
    assert not task.rejected
    assert all(batch.schema.equals(schema) for batch in batches)
    return [tuple(row.values()) for batch in batches for row in batch.to_pylist()]


def single(value: float | None) -> float | None:
    return None if value is None else pa.scalar(value, pa.float32()).as_py()


def ordered(rows: list[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
    return sorted(rows, key=repr)


def writer(hive: HiveTables, mode: str = "append", **parameters: Any) -> HiveWriter:
    given = hive.parameters(writeMode=mode, **parameters)
    return HiveWriter(HiveWriterParams.parse(given))


def batch_of(rows: list[tuple[Any, ...]], source: HiveWriter, schema: pa.Schema) -> pa.RecordBatch:
    columns = zip(*rows, strict=True)
    return pa.RecordBatch.from_arrays(
        [pa.array(values, field.type) for values, field in zip(columns, schema, strict=True)], schema=schema
    )


_runs = count(1)


def new_run() -> str:
    """A name that no run has yet."""
    return f"run_{next(_runs)}"


def delivered(target: HiveWriter, table: pa.Table, rejects: int = 0) -> None:
    """Rows by a run of their own."""
    delivery = Delivery(target, table.schema, run=new_run())
    delivery.prepare()
    task = delivery.task()
    delivery.commit(target.write(task, iter(delivery.converted(table))))
    assert len(task.rejected) == rejects


def stray(hive: HiveTables, table: str) -> list[str]:
    """Directories of runs that have files."""
    cluster, base = hive.server.cluster, f"/warehouse/{hive.name(table)}"
    return cluster.names(f"{base}/_starhaul") if "_starhaul" in cluster.names(base) else []
