"""What a reader does with rows that are wrong, and with a source that ends too early."""

from __future__ import annotations

from typing import Any

import pyarrow as pa
import pytest

from starhaul.api.errors import RejectLimitExceeded
from starhaul.api.reader import Reader
from starhaul.testing.compare import assert_same_rows
from starhaul.testing.task import RecordingTask


class ReaderFailures:
    """A bad row is named and the others arrive; half a source is never taken for a whole one. Part of
    `ReaderConformance`."""

    @pytest.fixture
    def bad_reader(self) -> Reader[Any] | None:
        """A reader of the rows of `expected` and one more, which cannot be read; None if there is no such row."""
        return None

    @pytest.fixture
    def cut_reader(self) -> Reader[Any] | None:
        """A reader of a source that breaks off, as a file without its end or a connection that is lost; None if that
        cannot be told from a source with fewer rows."""
        return None

    def test_bad_row_is_rejected(self, bad_reader: Reader[Any] | None, expected: pa.Table) -> None:
        if bad_reader is None:
            pytest.skip("no `bad_reader`: every row can be read")
        task = RecordingTask(bad_reader.schema())
        batches = _read(bad_reader, task)
        reasons = [reason for _, reason, _ in task.rejected]
        assert len(reasons) == 1, f"one row of `bad_reader` is bad; the reader rejected {len(reasons)}: {reasons}"
        rows = pa.Table.from_batches(batches, schema=task.schema)
        assert_same_rows(rows, expected, "beside a row that was rejected, the others do not arrive")

    def test_reject_limit_passes_through(self, bad_reader: Reader[Any] | None) -> None:
        if bad_reader is None:
            pytest.skip("no `bad_reader`: every row can be read")
        task = RecordingTask(bad_reader.schema(), reject_limit=0)
        with pytest.raises(RejectLimitExceeded):
            _read(bad_reader, task)

    def test_half_a_source_is_an_error(self, cut_reader: Reader[Any] | None) -> None:
        if cut_reader is None:
            pytest.skip("no `cut_reader`: it cannot be told")
        try:
            task = RecordingTask(cut_reader.schema())
            rows = sum(batch.num_rows for batch in _read(cut_reader, task))
        except Exception:  # which one, and how soon, is the reader's own business
            return
        told = f"the source breaks off, and read() ends after {rows} rows as if that were all"
        assert task.rejected, told  # what is left of a row tells as well


def _read(reader: Reader[Any], task: RecordingTask) -> list[pa.RecordBatch]:
    return [batch for split in reader.split(2) for batch in reader.read(split, task)]
