"""The first rows of a stream as its writer would get them, for `starhaul preview`."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa

from starhaul.plan.plan import StreamPlan


@dataclass(frozen=True, slots=True)
class Rejected:
    """A row that a run would set aside."""

    row: dict[str, Any]
    """Column → value; the column names of the stage that rejected it."""
    reason: str
    at: str


@dataclass(frozen=True, slots=True)
class Sample:
    """Rows as the writer would get them, and those that it would not get."""

    rows: pa.Table
    rejected: Sequence[Rejected]
    converted: bool
    """False if the target's columns are not known yet: then the rows are as the transformers leave them."""

    def values(self) -> Iterator[tuple[Any, ...]]:
        """The rows as Python values; those that Python has no type for as text."""
        yield from zip(*(_values(column) for column in self.rows.columns), strict=True)


def take_sample(stream: StreamPlan, rows: int) -> Sample:
    """Read until `rows` rows came through or as many were rejected. Raises whatever the reader raises."""
    task = _SampleTask(stream.target)
    taken: list[pa.RecordBatch] = []
    for batch in _batches(stream, task, rows):
        taken.append(batch)
        if sum(each.num_rows for each in taken) >= rows or len(task.rejected) >= rows:
            break
    table = pa.Table.from_batches(taken, schema=stream.target).slice(0, rows)
    return Sample(table, task.rejected[:rows], converted=stream.conversion is not None)


def _batches(stream: StreamPlan, task: _SampleTask, rows: int) -> Iterator[pa.RecordBatch]:
    """Few rows at a time, so that no more of them are converted than are wanted."""
    for split in stream.splits:
        batches: Any = stream.reader.read(split, task)
        with closing(batches):
            for batch in batches:
                for start in range(0, batch.num_rows, rows):
                    yield _through(stream, batch.slice(start, rows), task)


def _through(stream: StreamPlan, batch: pa.RecordBatch, task: _SampleTask) -> pa.RecordBatch:
    for transformer in stream.transformers:
        batch = transformer.apply(batch, task)
    if stream.conversion is None:
        return batch
    converted = stream.conversion.apply(batch)
    for bad in converted.bad:
        task.reject(batch, bad.row, bad.reason)
    return converted.batch


@dataclass
class _SampleTask:
    """The `Task` of a sample: it has no run, no attempts and no limits."""

    schema: pa.Schema
    rejected: list[Rejected] = field(default_factory=list)
    run: str = "sample"
    id: str = "t0"
    attempt: int = 1
    cancelled: bool = False

    def reject(self, batch: pa.RecordBatch, row: int, reason: str, *, at: str = "") -> None:
        columns = zip(batch.schema.names, batch.slice(row, 1).columns, strict=True)
        self.rejected.append(Rejected({name: _values(column)[0] for name, column in columns}, reason, at))

    def note(self, counter: str, rows: int = 1) -> None:
        """Nobody counts."""

    def pause(self, seconds: float) -> None:
        time.sleep(seconds)


def _values(column: pa.Array | pa.ChunkedArray) -> list[Any]:
    try:
        return column.to_pylist()
    except (ValueError, OverflowError):  # nanoseconds, years beyond 9999
        return column.cast(pa.string()).to_pylist()
