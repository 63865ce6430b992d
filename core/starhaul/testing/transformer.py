"""What every transformer must pass."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pyarrow as pa
import pytest

from starhaul.api.errors import ConfigError
from starhaul.api.transformer import Transformer
from starhaul.testing.compare import assert_same_columns, assert_same_rows
from starhaul.testing.plugin import AnyPlugin, PluginConformance, again
from starhaul.testing.task import RecordingTask


class TransformerConformance(PluginConformance):
    """Every transformer must pass these. Override `transformer` and `source`, and `expected` where it can be told.

    class TestUpper(TransformerConformance):
        @pytest.fixture
        def transformer(self) -> Upper:
            return Upper(UpperParams(column="name"))

        @pytest.fixture
        def source(self) -> pa.Table:
            return pa.table({"id": [1, 2, 3, 4], "name": ["a", None, "", "über"]})

        @pytest.fixture
        def expected(self) -> pa.Table:
            return pa.table({"id": [1, 2, 3, 4], "name": ["A", None, "", "ÜBER"]})
    """

    @pytest.fixture
    def transformer(self) -> Transformer[Any]:
        """The transformer under test."""
        raise NotImplementedError("return the transformer under test")

    @pytest.fixture
    def source(self) -> pa.Table:
        """Rows to transform, four or more, nulls among them."""
        raise NotImplementedError("return rows to transform, four or more, nulls among them")

    @pytest.fixture
    def expected(self) -> pa.Table | None:
        """What becomes of `source`, in the same order; None to test the form alone."""
        return None

    @pytest.fixture
    def unacceptable(self) -> pa.Schema | None:
        """A schema that `accept` must refuse with `ConfigError`; None if it takes every schema."""
        return None

    @pytest.fixture
    def plugin(self, transformer: Transformer[Any]) -> AnyPlugin:
        return transformer

    def connect(self, plugin: AnyPlugin) -> None:
        assert isinstance(plugin, Transformer)
        plugin.accept(pa.schema([("id", pa.int64()), ("name", pa.string())]))

    def test_accept_is_stable(self, transformer: Transformer[Any], source: pa.Table) -> None:
        first = transformer.accept(source.schema)
        for other in (transformer.accept(source.schema), again(transformer).accept(source.schema)):
            assert first.equals(other, check_metadata=True), f"accept() gives another answer: {other} is not {first}"

    def test_result(self, transformer: Transformer[Any], source: pa.Table, expected: pa.Table | None) -> None:
        assert source.num_rows >= 4, "`source` must hold four rows or more"
        result, _ = _transformed(transformer, source.to_batches())
        if expected is not None:
            assert_same_rows(result, expected, "apply() does not give `expected`", by_order=True)

    def test_rows_add_up(self, transformer: Transformer[Any], source: pa.Table) -> None:
        """In = out + rejected + filtered, where what is filtered cannot be negative."""
        result, task = _transformed(transformer, source.to_batches())
        surplus = result.num_rows + len(task.rejected) - source.num_rows
        assert surplus <= 0, f"{surplus} rows came from nowhere, or were rejected and passed on as well"

    def test_rejects_rows_as_they_were(self, transformer: Transformer[Any], source: pa.Table) -> None:
        _, task = _transformed(transformer, source.to_batches())
        for row in task.batches:
            assert_same_columns(row.schema, source.schema, "task.reject takes the row as it was before")

    def test_no_rows(self, transformer: Transformer[Any], source: pa.Table) -> None:
        result, task = _transformed(transformer, [_whole(source).slice(0, 0)])
        assert (result.num_rows, len(task.rejected)) == (0, 0), "a batch without rows gives a batch without rows"

    def test_batches_may_be_cut_anywhere(self, transformer: Transformer[Any], source: pa.Table) -> None:
        """Rows are independent of one another, and a slice of an array does not begin at its start."""
        whole = _whole(source)
        result, _ = _transformed(transformer, [whole])
        for size in (1, 2, 3):
            slices = [whole.slice(start, size) for start in range(0, whole.num_rows, size)]
            cut, _ = _transformed(transformer, slices)
            assert_same_rows(cut, result, f"batches of {size} rows give other rows than one batch", by_order=True)

    def test_nulls(self, transformer: Transformer[Any], source: pa.Table) -> None:
        """A row of nulls is passed on, filtered or rejected. It never breaks the run."""
        columns = [
            pa.nulls(2, field.type) if field.nullable else column.combine_chunks().slice(0, 2)
            for field, column in zip(source.schema, source.columns, strict=True)
        ]
        columns = [c.combine_chunks() if isinstance(c, pa.ChunkedArray) else c for c in columns]
        _transformed(transformer, [pa.RecordBatch.from_arrays(columns, schema=source.schema)])

    def test_input_is_left_alone(self, transformer: Transformer[Any], source: pa.Table) -> None:
        whole = _whole(source)
        copy = pa.ipc.open_stream(_bytes_of(whole)).read_all()
        _transformed(transformer, [whole])
        assert_same_rows(pa.Table.from_batches([whole]), copy, "apply() changes the batch it is given", by_order=True)

    def test_works_from_four_threads(self, transformer: Transformer[Any], source: pa.Table) -> None:
        whole = _whole(source)
        result, task = _transformed(transformer, [whole])
        barrier = threading.Barrier(4)

        def use(_: int) -> list[pa.RecordBatch]:
            barrier.wait(30)
            return [transformer.apply(whole, RecordingTask(task.schema)) for _ in range(20)]

        with ThreadPoolExecutor(4) as pool:
            for batches in pool.map(use, range(4)):
                for batch in batches:
                    rows = pa.Table.from_batches([batch], schema=task.schema)
                    assert_same_rows(rows, result, "four threads at once give other rows", by_order=True)

    def test_unacceptable_schema_is_refused(
        self, transformer: Transformer[Any], unacceptable: pa.Schema | None
    ) -> None:
        if unacceptable is None:
            pytest.skip("no `unacceptable`: the transformer takes every schema")
        with pytest.raises(ConfigError):
            transformer.accept(unacceptable)


def _whole(source: pa.Table) -> pa.RecordBatch:
    """The rows as one batch."""
    batches = source.combine_chunks().to_batches()
    return batches[0] if batches else pa.RecordBatch.from_pylist([], schema=source.schema)


def _transformed(transformer: Transformer[Any], batches: Sequence[pa.RecordBatch]) -> tuple[pa.Table, RecordingTask]:
    """The rows that come out, each batch held against the schema that `accept` announced."""
    schema = transformer.accept(batches[0].schema)
    task = RecordingTask(schema)
    result = []
    for batch in batches:
        out = transformer.apply(batch, task)
        assert isinstance(out, pa.RecordBatch), f"apply() returns {type(out).__name__}, not RecordBatch"
        assert out.schema.equals(schema, check_metadata=False), (
            f"apply() returns another schema than accept() said: {out.schema} is not {schema}"
        )
        out.validate(full=True)
        result.append(out)
    return pa.Table.from_batches(result, schema=schema), task


def _bytes_of(batch: pa.RecordBatch) -> bytes:
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, batch.schema) as stream:
        stream.write_batch(batch)
    return sink.getvalue().to_pybytes()
