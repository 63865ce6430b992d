"""Values as JSON text: lists, structs and maps, and the scalars within them. Vectorised from the inside out."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import TypeAlias

import pyarrow as pa
import pyarrow.compute as pc

from starhaul.convert.attempt import Kernel, MisfitError, refuse_where
from starhaul.convert.classify import Fit
from starhaul.convert.route import Route, impossible

Leaf: TypeAlias = Callable[[pa.DataType], Route]
"""Finds the route from a scalar type to its canonical text (`pa.string()`)."""

_CONTROL = [chr(code) for code in range(0x20)]


def to_json_text(source: pa.DataType, leaf: Leaf) -> Route:
    """Any value as compact JSON text (RFC 8259). Null stays null at the top and is `null` further down.

    Numbers and truth values are JSON's, decimals keep their digits, NaN and infinity do not fit; everything else is a
    string of the canonical text. A list is an array, a struct an object, and a map an object too, with the canonical
    text of its keys; a map with a key twice does not fit.
    """
    types = pa.types
    if types.is_null(source):
        return Route(Fit.WIDENS, lambda values: values.cast(pa.string()))
    if types.is_dictionary(source):
        return Route(Fit.WIDENS, lambda values: values.dictionary_decode()).then(to_json_text(source.value_type, leaf))
    if types.is_list(source) or types.is_large_list(source) or types.is_fixed_size_list(source):
        return _on_items(to_json_text(source.value_type, leaf), _list_kernel)
    if types.is_map(source):
        return _map_route(source, leaf)
    if types.is_struct(source):
        return _struct_route(source, leaf)
    if types.is_nested(source):
        return impossible(f"{source} is not supported")
    return _scalar_route(source, leaf)


def _scalar_route(source: pa.DataType, leaf: Leaf) -> Route:
    text = leaf(source)
    if isinstance(source, pa.JsonType) or pa.types.is_boolean(source) or pa.types.is_integer(source):
        return text
    if pa.types.is_decimal(source):
        return text
    if pa.types.is_floating(source):
        return Route(Fit.CHECKED, _finite, "a finite number").then(text)
    return text.then(Route(Fit.WIDENS, quote))


def quote(values: pa.Array) -> pa.Array:
    """Text as JSON strings."""
    for character in ("\\", '"'):
        values = pc.replace_substring(values, character, "\\" + character)
    if pc.any(pc.match_substring_regex(values, r"[\x00-\x1f]"), min_count=0).as_py():
        for character in _CONTROL:
            values = pc.replace_substring(values, character, json.dumps(character)[1:-1])
    return pc.binary_join_element_wise('"', values, '"', "")


def _finite(values: pa.Array) -> pa.Array:
    refuse_where(pc.invert(pc.is_finite(values)))
    return values


def _on_items(items: Route, build: Callable[[Kernel], Kernel]) -> Route:
    """A route for a nested type, built from the kernel of what is in it."""
    return items if items.fit is Fit.IMPOSSIBLE else Route(items.fit, build(_unmasked(items.kernel)), items.rule)


def _unmasked(kernel: Kernel) -> Kernel:
    """A kernel for the items of a list. Its mask would be one of items, where one of rows is wanted."""

    def run(values: pa.Array) -> pa.Array:
        try:
            return kernel(values)
        except MisfitError as refusal:
            raise pa.ArrowInvalid("an item does not fit") from refusal

    return run


def _list_kernel(items: Kernel) -> Kernel:
    def kernel(values: pa.Array) -> pa.Array:
        lengths = pc.fill_null(pc.list_value_length(values), 0).cast(pa.int64())
        texts = pc.fill_null(items(values.flatten()), "null")
        return _joined(values, lengths, texts, "[", "]")

    return kernel


def _struct_route(source: pa.DataType, leaf: Leaf) -> Route:
    fields = [source.field(index) for index in range(source.num_fields)]
    if len({field.name for field in fields}) < len(fields):
        return impossible("a struct with two fields of one name is no JSON object")
    routes = [to_json_text(field.type, leaf) for field in fields]
    fit = max((route.fit for route in routes), key=lambda one: one.severity, default=Fit.WIDENS)
    if fit is Fit.IMPOSSIBLE:
        return next(route for route in routes if route.fit is fit)
    names = [json.dumps(field.name, ensure_ascii=False) + ":" for field in fields]
    rules = dict.fromkeys(route.rule for route in routes if route.rule)

    def kernel(values: pa.Array) -> pa.Array:
        parts: list[pa.Array | str] = []
        for name, route, child in zip(names, routes, values.flatten(), strict=True):
            text = pc.fill_null(route.kernel(child), "null")
            parts += [("{" if not parts else ",") + name, text]
        opened = parts or [pa.array(["{"] * len(values), pa.string())]
        joined = pc.binary_join_element_wise(*opened, "}", "")
        return pc.if_else(pc.is_valid(values), joined, pa.scalar(None, pa.string()))

    return Route(fit, kernel, ", and ".join(rules))


def _map_route(source: pa.DataType, leaf: Leaf) -> Route:
    key = leaf(source.key_type)
    item = to_json_text(source.item_type, leaf)
    if Fit.IMPOSSIBLE in (key.fit, item.fit):
        return key if key.fit is Fit.IMPOSSIBLE else item
    entries = pa.list_(pa.field("entries", pa.struct([source.key_field, source.item_field]), nullable=False))
    keys, items = _unmasked(key.kernel), _unmasked(item.kernel)

    def kernel(values: pa.Array) -> pa.Array:
        pairs = values.view(entries)
        flat = pairs.flatten()
        names = keys(flat.field(0))
        lengths = pc.fill_null(pc.list_value_length(pairs), 0).cast(pa.int64())
        _refuse_twice(pairs, names)
        texts = pc.fill_null(items(flat.field(1)), "null")
        return _joined(values, lengths, pc.binary_join_element_wise(quote(names), texts, ":"), "{", "}")

    rules = dict.fromkeys(rule for rule in (key.rule, item.rule, "no key twice") if rule)
    return Route(Fit.CHECKED, kernel, ", and ".join(rules))


def _refuse_twice(pairs: pa.Array, names: pa.Array) -> None:
    """Raise `MisfitError` for maps with a key twice."""
    parents = pc.list_parent_indices(pairs)
    table = pa.table({"parent": parents, "name": names}).group_by(["parent", "name"]).aggregate([([], "count_all")])
    twice = table.filter(pc.greater(table["count_all"], 1))["parent"]
    if len(twice):
        rows = set(twice.to_pylist())
        raise MisfitError(pa.array([row in rows for row in range(len(pairs))], pa.bool_()))


def _joined(values: pa.Array, lengths: pa.Array, texts: pa.Array, left: str, right: str) -> pa.Array:
    """The texts of the items of each list, joined with commas between brackets; null for a null list."""
    offsets = pa.concat_arrays([pa.array([0], pa.int64()), pc.cumulative_sum(lengths)])
    lists = pa.LargeListArray.from_arrays(offsets, texts)
    joined = pc.binary_join_element_wise(left, pc.binary_join(lists, ","), right, "")
    return pc.if_else(pc.is_valid(values), joined, pa.scalar(None, pa.string()))
