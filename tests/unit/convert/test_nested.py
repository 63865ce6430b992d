"""Lists, structs and maps as JSON text."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from starhaul import ConfigError, cast
from starhaul.api.formats import Formats
from starhaul.convert.classify import Fit, classify
from tests.unit.convert.reference import Misfit, to_json

TYPE = pa.struct(
    [
        pa.field("n", pa.list_(pa.int64())),
        pa.field('quo"te', pa.large_list(pa.string())),
        pa.field("m", pa.map_(pa.string(), pa.decimal128(9, 2))),
        pa.field("f", pa.list_(pa.bool_(), 2)),
    ]
)
_texts = st.one_of(st.none(), st.text(max_size=5), st.sampled_from(['"', "\\", "\x00", "\n\t", "\x1f\x7f", "é"]))
_decimals = st.integers(-(10**9) + 1, 10**9 - 1).map(lambda one: Decimal(one).scaleb(-2))
_rows = st.one_of(
    st.none(),
    st.fixed_dictionaries(
        {
            "n": st.one_of(st.none(), st.lists(st.one_of(st.none(), st.integers(-(2**63), 2**63 - 1)), max_size=3)),
            'quo"te': st.one_of(st.none(), st.lists(_texts, max_size=3)),
            "m": st.one_of(
                st.none(), st.lists(st.tuples(st.text(max_size=2), st.one_of(st.none(), _decimals)), max_size=3)
            ),
            "f": st.one_of(st.none(), st.lists(st.one_of(st.none(), st.booleans()), min_size=2, max_size=2)),
        }
    ),
)


@settings(max_examples=60, deadline=None)
@given(st.lists(_rows, max_size=6), st.integers(0, 3))
def test_nested_values_are_the_json_text_of_the_reference(rows: list[Any], start: int) -> None:
    column = pa.array(rows, TYPE).slice(min(start, len(rows)))
    wanted: list[str | None] = []
    for row in rows[min(start, len(rows)) :]:
        try:
            wanted.append(None if row is None else to_json(row, TYPE, None, Formats()))
        except Misfit:
            wanted.append(None)
    result = cast(column, pa.string())
    assert result.values.to_pylist() == wanted
    assert cast(column, pa.json_()).values.storage.to_pylist() == wanted
    for text in wanted:
        assert text is None or json.loads(text) is not None


def test_items_that_do_not_fit_make_their_row_bad() -> None:
    column = pa.array([[1.5], [float("nan")], None, [], [2.0, float("inf")]], pa.list_(pa.float64()))
    result = cast(column, pa.json_())
    assert result.values.storage.to_pylist() == ["[1.5]", None, None, "[]", None]
    assert result.bad is not None
    assert result.bad.to_pylist() == [False, True, False, False, True]


def test_a_map_with_a_key_twice_does_not_fit() -> None:
    column = pa.array([[("a", 1), ("a", 2)], [("a", 1), ("b", 2)]], pa.map_(pa.string(), pa.int8()))
    assert cast(column, pa.string()).values.to_pylist() == [None, '{"a":1,"b":2}']


def test_what_lies_beneath_a_null_list_does_not_matter() -> None:
    items = pa.array([1.0, float("nan"), 2.0])
    column = pa.ListArray.from_arrays(pa.array([0, 1, 2, 3], pa.int32()), items, mask=pa.array([False, True, False]))
    assert cast(column, pa.string()).values.to_pylist() == ["[1]", None, "[2]"]


def test_nested_types_stay_what_they_are_or_become_text() -> None:
    nested = pa.list_(pa.int8())
    assert classify(nested, nested, Formats()) is Fit.SAME
    assert classify(nested, pa.string(), Formats()) is Fit.WIDENS
    assert classify(pa.list_(pa.float64()), pa.json_(), Formats()) is Fit.CHECKED
    assert classify(nested, pa.int8(), Formats()) is Fit.IMPOSSIBLE
    with pytest.raises(ConfigError, match="become text or JSON"):
        cast(pa.array([[1]], nested), pa.list_(pa.int16()))


def test_dictionaries_and_runs_are_decoded() -> None:
    words = pa.array(["1", "x", None, "1"]).dictionary_encode()
    result = cast(words, pa.int64())
    assert result.values.to_pylist() == [1, None, None, 1]
    assert result.explain(1).startswith("'x' does not fit int64")
    assert classify(words.type, pa.string(), Formats()) is Fit.WIDENS
    assert cast(words.slice(1, 2), pa.string()).values.to_pylist() == ["x", None]
    runs = pa.RunEndEncodedArray.from_arrays(pa.array([2, 3], pa.int32()), pa.array([7, 300]))
    assert cast(runs, pa.int8()).values.to_pylist() == [7, 7, None]
    assert classify(pa.string(), words.type, Formats()) is Fit.IMPOSSIBLE
    assert cast(pa.nulls(2), pa.list_(pa.int8())).values.to_pylist() == [None, None]
