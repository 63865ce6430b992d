"""What tests of `txtfilewriter` share."""

from pathlib import Path
from typing import Any

import pyarrow as pa

from starhaul import Receipt
from starhaul.testing import RecordingTask
from starhaul_writers.txtfile import TxtFileWriter
from tests.txtfile import reader as reader
from tests.txtfile import writer as writer


def write(target: TxtFileWriter, batch: pa.RecordBatch, run: str = "run_1", number: int = 0) -> tuple[Receipt, Any]:
    """One task, staged."""
    schema = target.accept(batch.schema)
    target.check(schema)
    target.prepare(schema, run)
    task = RecordingTask(schema, f"t{number}", run)
    return target.write(task, [batch.cast(schema)]), task.rejected


def publish(target: TxtFileWriter, batch: pa.RecordBatch, run: str = "run_1") -> list[Any]:
    """One whole run; the rejected rows."""
    receipt, rejected = write(target, batch, run)
    target.commit(run, [receipt])
    return rejected


def shown(directory: Path) -> list[str]:
    return sorted(path.name for path in directory.iterdir())


def content(directory: Path) -> bytes:
    (path,) = directory.iterdir()
    return path.read_bytes()


def table(*columns: list[Any]) -> pa.RecordBatch:
    return pa.record_batch({f"c{n}": pa.array(column, pa.string()) for n, column in enumerate(columns)})
