"""Writers that are good but for one thing about the values that arrive."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import ClassVar

import pyarrow as pa
import pyarrow.compute as pc

from starhaul import Receipt, Task
from starhaul.testing.memory import MemoryWriter
from tests.unit.testing.sabotage.spoiled_writer import Spoiled, tests_of


class AltersValues(MemoryWriter):
    """Changes the columns of some type on their way."""

    kind: ClassVar[Callable[[pa.DataType], bool]]

    def write(self, task: Task, batches: Iterable[pa.RecordBatch]) -> Receipt:
        return super().write(task, map(self._altered, batches))

    def altered(self, column: pa.Array) -> pa.Array:
        raise NotImplementedError

    def _altered(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        changed = [self.altered(c).cast(c.type) if type(self).kind(c.type) else c for c in batch.columns]
        return pa.RecordBatch.from_arrays(changed, schema=batch.schema)


class TrimsStrings(AltersValues):
    kind = pa.types.is_string

    def altered(self, column: pa.Array) -> pa.Array:
        return pc.utf8_rtrim_whitespace(column)


class EmptyBecomesNull(AltersValues):
    kind = pa.types.is_string

    def altered(self, column: pa.Array) -> pa.Array:
        return pc.if_else(pc.equal(column, ""), None, column)


class NullBecomesText(AltersValues):
    kind = pa.types.is_string

    def altered(self, column: pa.Array) -> pa.Array:
        return column.fill_null("NULL")


class NanBecomesNull(AltersValues):
    kind = pa.types.is_float64

    def altered(self, column: pa.Array) -> pa.Array:
        return pc.if_else(pc.is_nan(column), None, column)


class ZeroLosesItsSign(AltersValues):
    kind = pa.types.is_float64

    def altered(self, column: pa.Array) -> pa.Array:
        return pc.add(column, 0.0)


class RoundsDecimals(AltersValues):
    kind = pa.types.is_decimal

    def altered(self, column: pa.Array) -> pa.Array:
        return pc.round(column, 17)


class CutsFractionsOfSeconds(AltersValues):
    kind = pa.types.is_timestamp

    def altered(self, column: pa.Array) -> pa.Array:
        return column.cast(pa.timestamp("s"), safe=False)


class LosesLastBatch(MemoryWriter):
    def write(self, task: Task, batches: Iterable[pa.RecordBatch]) -> Receipt:
        whole = list(batches)
        receipt = super().write(task, whole[:-1] or whole)
        return replace(receipt, rows=sum(batch.num_rows for batch in whole))


class StopsPulling(MemoryWriter):
    def write(self, task: Task, batches: Iterable[pa.RecordBatch]) -> Receipt:
        return super().write(task, (batch for batch, _ in zip(batches, range(2), strict=False)))


class CountsWhatItSent(MemoryWriter):
    """The store ignores rows without a name, in silence."""

    def write(self, task: Task, batches: Iterable[pa.RecordBatch]) -> Receipt:
        whole = list(batches)
        stored = (batch.filter(batch.column(1).is_valid()) for batch in whole)
        return replace(super().write(task, stored), rows=sum(batch.num_rows for batch in whole))


class SortsColumns(MemoryWriter):
    def accept(self, source: pa.Schema) -> pa.Schema:
        return pa.schema(sorted(source, key=lambda field: field.name, reverse=True))


class HoldsWholeTask(MemoryWriter):
    """Good, but for what it declares: see the class of its tests."""


CAUGHT_BY: Mapping[type[MemoryWriter], tuple[str, str]] = {
    TrimsStrings: ("atomic", "test_round_trip[string]"),
    EmptyBecomesNull: ("atomic", "test_round_trip[string]"),
    NullBecomesText: ("atomic", "test_round_trip[string]"),
    NanBecomesNull: ("atomic", "test_round_trip[double]"),
    ZeroLosesItsSign: ("atomic", "test_round_trip[double]"),
    RoundsDecimals: ("atomic", "test_round_trip[decimal128(38, 18)]"),
    CutsFractionsOfSeconds: ("atomic", "test_round_trip[timestamp[us]]"),
    LosesLastBatch: ("atomic", "test_round_trip[string]"),
    StopsPulling: ("atomic", "test_round_trip[small batches]"),
    CountsWhatItSent: ("atomic", "test_round_trip[string]"),
    SortsColumns: ("atomic", "test_accept_is_stable"),
    HoldsWholeTask: ("atomic", "test_streams_its_batches"),
}

globals().update(tests_of(CAUGHT_BY))


class TestHoldsWholeTask(Spoiled):
    """Holds a whole task in memory and does not declare it."""

    spoiled = HoldsWholeTask
    holds_whole_tasks = ""
