from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import pyarrow as pa
import pytest

from starhaul import Transformer
from starhaul.testing import RecordingTask


class Outcome(NamedTuple):
    kept: dict[int, Any]
    """Number of the row → its value, for the rows that come out."""
    rejected: list[int]
    reasons: list[str]


@pytest.fixture(scope="session")
def transform() -> Callable[[Transformer[Any], Sequence[Any], pa.DataType], Outcome]:
    """Transforms a column `value`, given as its values and its type, beside the number of each row. The batch does
    not begin where its buffers begin."""

    def run(transformer: Transformer[Any], values: Sequence[Any], kind: pa.DataType) -> Outcome:
        columns = [pa.array(range(-1, len(values) + 1), pa.int64()), pa.array([None, *values, None], kind)]
        batch = pa.RecordBatch.from_arrays(columns, names=["id", "value"]).slice(1, len(values))
        task = RecordingTask(transformer.accept(batch.schema))
        result = transformer.apply(batch, task)
        result.validate(full=True)
        assert result.schema == task.schema
        ids, column = result.columns
        ticks = pa.types.is_timestamp(column.type)  # not as `datetime`, which has no nanoseconds
        kept = dict(zip(ids.to_pylist(), (column.view(pa.int64()) if ticks else column).to_pylist(), strict=True))
        assert list(kept) == sorted(kept)
        return Outcome(kept, [row["id"] for row, _, _ in task.rejected], [reason for _, reason, _ in task.rejected])

    return run
