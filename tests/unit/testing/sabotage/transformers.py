"""Transformers that are good but for one thing. Collected by `test_sabotage.py` alone, which expects each to fail."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

import pyarrow as pa
import pytest

from starhaul import ConfigError, Params, Task, Transformer
from starhaul.testing import TransformerConformance


class UpperParams(Params):
    column: str = "name"
    """The column to change."""


class Upper(Transformer[UpperParams]):
    """Puts a text into upper case; drops rows whose text is `drop`, rejects those whose text is `bad`."""

    name = "upper"
    params_type = UpperParams

    def accept(self, source: pa.Schema) -> pa.Schema:
        if self.params.column not in source.names:
            raise ConfigError("column", f"no column {self.params.column!r}", f"there are {', '.join(source.names)}")
        return source

    def apply(self, batch: pa.RecordBatch, task: Task) -> pa.RecordBatch:
        import pyarrow.compute as pc

        index = batch.schema.get_field_index(self.params.column)
        bad = pc.equal(batch.column(index), "bad").fill_null(False)
        for row in pc.indices_nonzero(bad).to_pylist():
            task.reject(batch, row, "it is bad")
        drop = pc.equal(batch.column(index), "drop").fill_null(False)
        upper = batch.set_column(index, batch.schema.field(index), pc.utf8_upper(batch.column(index)))
        return upper.filter(pc.invert(pc.or_(bad, drop)))


class Spoiled(TransformerConformance):
    """The kit over one spoiled transformer."""

    spoiled: ClassVar[type[Upper]]

    @pytest.fixture
    def transformer(self) -> Upper:
        return self.spoiled(UpperParams())

    @pytest.fixture
    def source(self) -> pa.Table:
        return pa.table({"id": range(7), "name": ["a", None, "", "bad", "über", "drop", "b"]})

    @pytest.fixture
    def expected(self) -> pa.Table:
        return pa.table({"id": [0, 1, 2, 4, 6], "name": ["A", None, "", "ÜBER", "B"]})

    @pytest.fixture
    def unacceptable(self) -> pa.Schema:
        return pa.schema([("id", pa.int64())])


class AnswersAnotherSchema(Upper):
    def apply(self, batch: pa.RecordBatch, task: Task) -> pa.RecordBatch:
        return super().apply(batch, task).append_column("more", pa.nulls(super().apply(batch, task).num_rows))


class PassesRejectedRows(Upper):
    def apply(self, batch: pa.RecordBatch, task: Task) -> pa.RecordBatch:
        super().apply(batch, task)
        return batch


class CountsRows(Upper):
    """Keeps the first row of each batch as it was."""

    def apply(self, batch: pa.RecordBatch, task: Task) -> pa.RecordBatch:
        rest = super().apply(batch.slice(1), task)
        whole = pa.Table.from_batches([batch.slice(0, 1), rest]).combine_chunks().to_batches()
        return whole[0] if whole else rest


class FailsOnNulls(Upper):
    def apply(self, batch: pa.RecordBatch, task: Task) -> pa.RecordBatch:
        [value.upper() for value in batch.column("name").to_pylist()]
        return super().apply(batch, task)


class RejectsWhatItMade(Upper):
    def apply(self, batch: pa.RecordBatch, task: Task) -> pa.RecordBatch:
        good = [value != "bad" for value in batch.column("name").to_pylist()]
        for row in (row for row, fine in enumerate(good) if not fine):
            task.reject(batch.select(["name"]), row, "it is bad")
        return super().apply(batch.filter(pa.array(good)), task)


class FindsOutTooLate(Upper):
    def accept(self, source: pa.Schema) -> pa.Schema:
        return source


class SharesItsBatch(Upper):
    def apply(self, batch: pa.RecordBatch, task: Task) -> pa.RecordBatch:
        previous: pa.RecordBatch = self.__dict__.get("previous", batch)
        self.__dict__["previous"] = batch
        return super().apply(previous, task)


CAUGHT_BY: Mapping[type[Upper], str] = {
    AnswersAnotherSchema: "test_result",
    PassesRejectedRows: "test_rows_add_up",
    CountsRows: "test_batches_may_be_cut_anywhere",
    FailsOnNulls: "test_nulls",
    RejectsWhatItMade: "test_rejects_rows_as_they_were",
    FindsOutTooLate: "test_unacceptable_schema_is_refused",
    SharesItsBatch: "test_batches_may_be_cut_anywhere",
}
"""Each sabotage and the test that must find it; others may find it too."""

globals().update({f"Test{each.__name__}": type(each.__name__, (Spoiled,), {"spoiled": each}) for each in CAUGHT_BY})


class TestUpper(Spoiled):
    """The good one."""

    spoiled = Upper
