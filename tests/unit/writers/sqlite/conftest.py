"""`sqlitewriter` beyond the contract, with both drivers, on one table `t` of a file that a test begins with."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from starhaul import Receipt
from starhaul.testing import RecordingTask
from starhaul_writers.sqlite import SqliteWriter, SqliteWriterParams
from tests.sqlite_drivers import driver as driver

KEYED = "CREATE TABLE t (id INTEGER PRIMARY KEY, name TEXT NOT NULL DEFAULT 'none' CHECK (name <> 'bad'))"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "target.db"


def sql(path: Path, *statements: str) -> list[tuple[Any, ...]]:
    """Run statements one by one; the rows of the last one."""
    with closing(sqlite3.connect(path, isolation_level=None)) as db:
        rows: list[tuple[Any, ...]] = []
        for statement in statements:
            rows = db.execute(statement).fetchall()
        return rows


def writer(path: Path, **more: Any) -> SqliteWriter:
    return SqliteWriter(SqliteWriterParams.model_validate({"path": str(path), "table": "t", **more}))


def prepared(target: SqliteWriter, run: str = "r1") -> pa.Schema:
    """Prepare a target for `rows_of`; what it accepts."""
    schema = target.accept(rows_of().schema)
    assert schema is not None
    target.prepare(schema, run)
    return schema


def run(target: SqliteWriter, table: pa.Table, run: str = "r1") -> tuple[Receipt, RecordingTask]:
    """A whole run of one task; the batches must already have the types that the target accepts."""
    accepted = target.accept(table.schema)
    target.check(table.schema if accepted is None else accepted)
    target.prepare(table.schema if accepted is None else accepted, run)
    accepted = accepted or target.accept(table.schema)
    assert accepted is not None
    assert accepted.types == table.schema.types
    task = RecordingTask(accepted, "t0", run)
    batches = [pa.RecordBatch.from_arrays(b.columns, schema=accepted) for b in table.to_batches()]
    receipt = target.write(task, batches)
    target.commit(run, [receipt])
    target.forget(run)
    return receipt, task


def rows_of(*rows: tuple[Any, Any]) -> pa.Table:
    return pa.table(
        {"id": pa.array([r[0] for r in rows], pa.int64()), "name": pa.array([r[1] for r in rows], pa.string())}
    )


def reasons(task: RecordingTask) -> list[str]:
    return [reason for _, reason, _ in task.rejected]
