"""Rows in the shape of a `parquetSchema`: JSON at its limits, and nulls wherever they may stand."""

from __future__ import annotations

from typing import Any

import pyarrow as pa
import pyarrow.parquet
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from starhaul_stores.files.formats.parquet_shape import Shape, from_json, loose
from starhaul_stores.files.parquet_schema import message
from starhaul_stores.files.parquet_types import arrow_field

_JSON_GROUP = (
    "message m { optional group g { optional binary s (UTF8); optional double x; optional int64 t "
    "(TIMESTAMP(NANOS,true)); optional int64 c (TIME(NANOS,true)); } }"
)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ('{"s":"\\ud800"}', ".s has half of a surrogate pair, which is no text"),
        ('{"s":"\\ud83d\\ude00"}', None),
        ('{"\\ud800":1}', "it has '\\ud800', which the group has not"),
        ('{"x":1e9999999999999999999999}', "1e9999999999999999999999 is out of every range"),
        ('{"x":1e400}', "'1E+400' does not fit double"),
        ('{"t":"2024-02-29T00:00:00.123456789Z","c":"23:59:59.999999999"}', None),
    ],
)
def test_json_at_the_limits(text: str, reason: str | None) -> None:
    """None of it ends the run."""
    (node,) = message(_JSON_GROUP)
    values, misfits = from_json(pa.array([text, '{"x":1}']), loose(arrow_field(node).type))
    assert values[1].as_py()["x"] == 1
    assert list(misfits) == [0] * (reason is not None)
    if reason is None:
        found = values.field("t").view(pa.int64())[0].as_py(), values.field("c").view(pa.int64())[0].as_py()
        assert values[0]["s"].as_py() == "😀" or found == (1709164800123456789, 86399999999999)
    else:
        assert reason in misfits[0]
        misfits[0].encode()


_NESTED = (
    "message m { optional group s { optional group l (LIST) { repeated group list { required int64 element; } }"
    " required int64 n; } optional group m (MAP) { repeated group key_value { required group key { required int64 k; }"
    " optional group value (LIST) { repeated group list { required int64 element; } } } } }"
)
_MAYBE = st.none() | st.integers(0, 9)
_LISTS = st.lists(_MAYBE, max_size=3)


@settings(deadline=None)
@given(st.lists(st.tuples(_LISTS, _MAYBE, st.lists(st.tuples(_MAYBE, _LISTS), max_size=2)), max_size=6), st.data())
def test_what_is_required_is_looked_for_where_it_is_and_nowhere_else(rows: list[Any], data: st.DataObject) -> None:
    """Whatever stands in memory beneath nulls, and before and behind a slice."""
    shape, kinds = _shape(_NESTED)
    masks = [pa.array(data.draw(st.lists(st.booleans(), min_size=len(rows), max_size=len(rows)))) for _ in range(4)]
    lists = _masked(pa.array([row[0] for row in rows], kinds[0].field("l").type), masks[0])
    members = [lists, pa.array([row[1] for row in rows], pa.int64())]
    groups = pa.StructArray.from_arrays(members, fields=list(kinds[0]), mask=pa.array(masks[1], pa.bool_()))
    maps = _masked(pa.array([[({"k": key}, value) for key, value in row[2]] for row in rows], kinds[1]), masks[3])
    start = data.draw(st.integers(0, len(rows)))
    batch = pa.RecordBatch.from_arrays([groups, maps], ["s", "m"]).slice(start, data.draw(st.integers(0, 6)))
    shaped, refused = shape.shaped(batch)
    told = batch.to_pylist()
    assert set(refused) == {row for row, each in enumerate(told) if _lacks(each)}
    good = [each for row, each in enumerate(told) if row not in refused]
    sink = pa.BufferOutputStream()
    pyarrow.parquet.write_table(pa.Table.from_batches([shaped]), sink)
    assert pyarrow.parquet.read_table(pa.BufferReader(sink.getvalue())).to_pylist() == good


def _shape(text: str) -> tuple[Shape, list[pa.DataType]]:
    nodes = message(text)
    kinds = [loose(arrow_field(node).type) for node in nodes]
    return Shape(nodes, pa.schema([(node.name, kind) for node, kind in zip(nodes, kinds, strict=True)])), kinds


def _masked(values: pa.Array, mask: pa.Array) -> pa.Array:
    """With nulls, beneath which the items stay where they are."""
    valid = pa.py_buffer(bytes([sum(1 << place for place, null in enumerate(mask.to_pylist()) if not null)]))
    if pa.types.is_map(values.type):
        fields = [values.type.key_field, values.type.item_field]
        child = pa.StructArray.from_arrays([values.keys, values.items], fields=fields)
    else:
        child = values.values
    return pa.Array.from_buffers(values.type, len(values), [valid, values.buffers()[1]], children=[child])


def _lacks(row: dict[str, Any]) -> bool:
    group, entries = row["s"], row["m"] or []
    lists = [group["l"] if group else None, *(value for _, value in entries)]
    return (
        bool(group and group["n"] is None)
        or any(item is None for items in lists for item in items or [])
        or any(key["k"] is None for key, _ in entries)
    )
