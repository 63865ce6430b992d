"""Rows in the shape that a Parquet schema gives them: groups from JSON, what is required, the fields' own types."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from decimal import Decimal, InvalidOperation
from typing import Any

import pyarrow as pa

from starhaul import cast
from starhaul_stores.files.parquet_schema import Node
from starhaul_stores.files.parquet_types import arrow_field

_UNPAIRED = frozenset(map(chr, range(0xD800, 0xE000)))


def loose(kind: pa.DataType) -> pa.DataType:
    """The type without a word on what is required, which is no matter of the hub's."""
    if pa.types.is_map(kind):
        return pa.map_(loose(kind.key_type), loose(kind.item_type))
    if pa.types.is_list(kind):
        return pa.list_(loose(kind.value_type))
    if pa.types.is_struct(kind):
        return pa.struct([(member.name, loose(member.type)) for member in kind])
    return kind


class Shape:
    """The fields of a Parquet schema for rows of a schema that the format has accepted."""

    def __init__(self, nodes: Sequence[Node], accepted: pa.Schema) -> None:
        fields = [arrow_field(node) for node in nodes]
        self.schema = pa.schema([
            field.with_type(have.type) if pa.types.is_timestamp(field.type) else field  # of int96, the rows' own unit
            for field, have in zip(fields, accepted, strict=True)
        ])  # fmt: skip

    def shaped(self, batch: pa.RecordBatch) -> tuple[pa.RecordBatch, Mapping[int, str]]:
        """The rows that have the shape, and row → why not, for the others."""
        refused: dict[int, str] = {}
        columns = []
        for values, field in zip(batch.columns, self.schema, strict=True):
            name = f"column {field.name!r}"
            if pa.types.is_nested(field.type) and pa.types.is_string(values.type):
                values, misfits = from_json(values, loose(field.type))
                for row, reason in misfits.items():
                    refused.setdefault(row, f"{name}: {reason}")
            for row in lacking(values, field):
                refused.setdefault(row, f"{name}: is null where `parquetSchema` has `required`")
            columns.append(values)
        loosely = pa.RecordBatch.from_arrays(columns, [field.name for field in self.schema])
        if refused:
            loosely = loosely.take(pa.array([row for row in range(batch.num_rows) if row not in refused], pa.int64()))
        arrays = [strict(values, field) for values, field in zip(loosely.columns, self.schema, strict=True)]
        return pa.RecordBatch.from_arrays(arrays, schema=self.schema), refused


def strict(values: pa.Array, field: pa.Field) -> pa.Array:
    """The same values where they and their members have the field's word on what is required. Where something required
    is null within a null, which `pyarrow` would not write, whatever stands there in memory takes its place."""
    kind, (valid, *buffers) = field.type, values.buffers()
    if not field.nullable:
        valid = None
    if pa.types.is_struct(kind):
        members = [strict(values.field(place), member) for place, member in enumerate(kind)]
        mask = values.is_null() if field.nullable and values.null_count else None
        return pa.StructArray.from_arrays(members, fields=list(kind), mask=mask)
    children = None
    if pa.types.is_map(kind):
        entries = [strict(values.keys, kind.key_field), strict(values.items, kind.item_field)]
        children = [pa.StructArray.from_arrays(entries, fields=[kind.key_field, kind.item_field])]
    elif pa.types.is_list(kind):
        children = [strict(values.values, kind.value_field)]
    elif field.nullable or not values.null_count:
        return values
    own = [valid, *(buffers[:1] if children else buffers)]
    return pa.Array.from_buffers(kind, len(values), own, offset=values.offset, children=children)


def lacking(values: pa.Array, field: pa.Field) -> set[int]:
    """The rows with a null where the field, or one inside it, is required. (`pyarrow` would write a value there.)"""
    import pyarrow.compute as pc

    kind = field.type
    found: set[int] = set()
    if not field.nullable and values.null_count:
        found |= set(pc.indices_nonzero(values.is_null()).to_pylist())
    if pa.types.is_struct(kind):
        inside = [lacking(part, member) for part, member in zip(values.flatten(), kind, strict=True)]
        if any(inside) and values.null_count:
            there = values.is_valid().to_pylist()
            inside = [{row for row in rows if there[row]} for rows in inside]
        found = found.union(*inside)
    elif pa.types.is_map(kind) or pa.types.is_list(kind):
        rows = pc.indices_nonzero(values.is_valid())
        there = values.drop_null()  # items may stand in memory for a null, too
        if pa.types.is_list(kind):
            parts = [(there, kind.value_field)]
        else:
            parts = [(there.keys, kind.key_field), (there.items, kind.item_field)]
            parts = [(pa.ListArray.from_arrays(there.offsets, each), field) for each, field in parts]
        for part, field in parts:
            found |= set(rows.take(_lacking_inside(part, field)).to_pylist())
    return found


def _lacking_inside(values: pa.ListArray, item: pa.Field) -> pa.Array:
    """The same for lists of which none is null."""
    import pyarrow.compute as pc

    found = pa.array(sorted(lacking(pc.list_flatten(values), item)), pa.int64())
    return pc.list_parent_indices(values).take(found)


def from_json(texts: pa.Array, kind: pa.DataType) -> tuple[pa.Array, Mapping[int, str]]:
    """JSON text as lists, maps and structs; and row → why not, for texts that are none of the type."""
    values: list[Any] = []
    misfits: dict[int, str] = {}
    for row, text in enumerate(texts.to_pylist()):
        try:
            values.append(None if text is None else _value(_parsed(text), kind, ""))
        except (ValueError, RecursionError) as error:
            values.append(None)
            misfits[row] = f"{text[:100]!r} is not of the type: {error}"
    return pa.array(values, kind), misfits


def _parsed(text: str) -> Any:
    return json.loads(text, parse_float=_number, parse_constant=_no_number, object_pairs_hook=_object)


def _number(text: str) -> Decimal:
    try:
        return Decimal(text)
    except InvalidOperation:  # the exponent has 19 digits or more
        raise ValueError(f"{text[:100]} is out of every range") from None


def _no_number(text: str) -> Any:
    raise ValueError(f"{text} is no JSON")


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("an object has a name twice")
    return found


def _value(found: Any, kind: pa.DataType, at: str) -> Any:
    """A value as `pa.array` takes it."""
    if found is None:
        return None
    if pa.types.is_map(kind):
        entries = _expect(found, dict, "an object", at).items()
        return [(_leaf(key, kind.key_type, at), _value(each, kind.item_type, f"{at}.{key}")) for key, each in entries]
    if pa.types.is_list(kind):
        items = _expect(found, list, "an array", at)
        return [_value(each, kind.value_type, f"{at}[{place}]") for place, each in enumerate(items)]
    if pa.types.is_struct(kind):
        members = {member.name: member.type for member in kind}
        unknown = [name for name in _expect(found, dict, "an object", at) if name not in members]
        if unknown:
            raise ValueError(f"{at or 'it'} has {unknown[0]!r}, which the group has not")
        return {name: _value(found.get(name), member, f"{at}.{name}") for name, member in members.items()}
    return _leaf(found, kind, at)


def _expect(found: Any, form: type, what: str, at: str) -> Any:
    if not isinstance(found, form):
        raise ValueError(f"{at or 'it'} is not {what}")
    return found


def _leaf(found: Any, kind: pa.DataType, at: str) -> Any:
    if isinstance(found, str) and not _UNPAIRED.isdisjoint(found):
        raise ValueError(f"{at or 'it'} has half of a surrogate pair, which is no text")
    if isinstance(found, str) and pa.types.is_string(kind):
        return found
    if isinstance(found, dict | list) or (pa.types.is_string(kind) and not isinstance(found, str)):
        raise ValueError(f"{at} is no {kind}" + ("" if isinstance(found, dict | list) else f": {found}"))
    if isinstance(found, bool) != pa.types.is_boolean(kind) and not isinstance(found, str):
        raise ValueError(f"{at} is no {kind}: {found}")
    result = cast(pa.array([str(found).lower() if isinstance(found, bool) else str(found)], pa.string()), kind)
    if result.bad is not None:
        raise ValueError(f"{at}: {result.explain(0)}")
    if pa.types.is_temporal(kind):  # as Python's own objects they would lose nanoseconds
        return result.values.view(pa.int64() if kind.bit_width == 64 else pa.int32())[0].as_py()
    return result.values[0].as_py()
