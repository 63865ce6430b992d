from __future__ import annotations

from typing import Any

import pyarrow as pa
import pytest

from starhaul import ConfigError, Transformer, native_type, with_native_type
from starhaul.testing import RecordingTask
from starhaul_transformers.columns import CastColumns, CastParams, Rename, RenameParams, Select, SelectParams

SCHEMA = pa.schema(
    [with_native_type(pa.field("a", pa.int64(), nullable=False), "BIGINT"), ("b", pa.string()), ("c", pa.bool_())]
)


@pytest.mark.parametrize(
    ("transformer", "told"),
    [
        (Select(SelectParams(columns=["x"])), "there is no column 'x'"),
        (Select(SelectParams(columns=[3])), "there is no column 3"),
        (Select(SelectParams(columns=[-1])), "there is no column -1"),
        (Select(SelectParams(columns=["a", 0])), "'a' is there twice"),
        (Rename(RenameParams(columns={"x": "y"})), "there is no column 'x'"),
        (Rename(RenameParams(columns={"a": "b"})), "two columns would be named 'b'"),
        (Rename(RenameParams(columns={"a": "x", "b": "x"})), "two columns would be named 'x'"),
        (CastColumns(CastParams(columns={"x": "int64"})), "there is no column 'x'"),
    ],
)
def test_what_does_not_fit_the_source_is_found_before_the_run(transformer: Transformer[Any], told: str) -> None:
    with pytest.raises(ConfigError, match=told) as caught:
        transformer.accept(SCHEMA)
    assert caught.value.where == "columns"


def test_a_cast_that_no_value_survives_is_refused() -> None:
    with pytest.raises(ConfigError) as caught:
        CastColumns(CastParams(columns={"c": "date"})).accept(SCHEMA)
    assert caught.value.where == "columns.c"


def test_a_misspelt_type_is_found_at_once() -> None:
    with pytest.raises(ValueError, match="'in64' is not a type"):
        CastParams(columns={"a": "in64"})


def test_fields_keep_what_is_still_true_of_them() -> None:
    (first, *_) = Rename(RenameParams(columns={"a": "x"})).accept(SCHEMA)
    assert (first.name, native_type(first), first.nullable) == ("x", "BIGINT", False)
    assert native_type(Select(SelectParams(columns=["b", "a"])).accept(SCHEMA).field("a")) == "BIGINT"
    cast = CastColumns(CastParams(columns={"a": "int32"})).accept(SCHEMA).field("a")
    assert (cast.type, native_type(cast), cast.nullable) == (pa.int32(), None, False)


def test_cast_rejects_a_row_once_with_the_first_reason() -> None:
    batch = pa.record_batch({"a": ["1", "x", "3"], "b": ["31/12/2024", "bad", "31/02/2024"], "c": [1, 2, 3]})
    transformer = CastColumns(CastParams(columns={"a": "int64", "b": "date"}, format="dd/MM/yyyy"))
    task = RecordingTask(transformer.accept(batch.schema))
    result = transformer.apply(batch, task)
    assert [row["c"] for row in result.to_pylist()] == [1]
    assert str(result.column("b")[0]) == "2024-12-31"
    assert [(row, reason.split(":")[0]) for row, reason, _ in task.rejected] == [
        ({"a": "x", "b": "bad", "c": 2}, "a"),
        ({"a": "3", "b": "31/02/2024", "c": 3}, "b"),
    ]


def test_cast_between_times_and_instants_needs_a_zone() -> None:
    batch = pa.record_batch({"t": pa.array([0], pa.timestamp("s"))})
    transformer = CastColumns(CastParams(columns={"t": "timestamp(s, UTC)"}, time_zone="Asia/Shanghai"))
    result = transformer.apply(batch, RecordingTask(transformer.accept(batch.schema)))
    assert result.column(0).cast(pa.int64()).to_pylist() == [-8 * 3600]
