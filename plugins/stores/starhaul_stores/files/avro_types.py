"""Avro's types as Arrow's and back (Avro 1.12 specification, "Logical Types")."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from decimal import Context, Decimal
from math import isfinite
from typing import Any

import pyarrow as pa

from starhaul import ConfigError
from starhaul_stores.files.columns import plain_decimal
from starhaul_stores.files.json_records import Numeral, Record, json_text

_PRIMITIVE = {
    "null": pa.null(), "boolean": pa.bool_(), "int": pa.int32(), "long": pa.int64(), "float": pa.float32(),
    "double": pa.float64(), "bytes": pa.binary(), "string": pa.string(),
}  # fmt: skip
_LOGICAL = {
    ("int", "date"): pa.date32(),
    ("int", "time-millis"): pa.time32("ms"),
    ("long", "time-micros"): pa.time64("us"),
    **{("long", f"timestamp-{name}"): pa.timestamp(unit, "UTC") for name, unit in
       (("millis", "ms"), ("micros", "us"), ("nanos", "ns"))},
    **{("long", f"local-timestamp-{name}"): pa.timestamp(unit) for name, unit in
       (("millis", "ms"), ("micros", "us"), ("nanos", "ns"))},
}  # fmt: skip
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_CONTEXT = Context(prec=80)
Convert = Callable[[Any], Any]


Named = dict[str, tuple[Any, str]]
"""Full name → schema, and the namespace that names in it are in unless they say another."""


def arrow_fields(schema: Mapping[str, Any]) -> pa.Schema:
    """The fields of a record's schema. `ValueError` with a sentence for what has no Arrow type."""
    named: Named = {}
    if not isinstance(schema, dict) or schema.get("type") != "record":
        raise ValueError(f"its rows are of type {json.dumps(schema)[:50]}, not records")
    space = _remember(schema, named, "")
    try:
        return pa.schema([(field["name"], arrow_type(field["type"], named, space)) for field in schema["fields"]])
    except RecursionError:
        raise ValueError("its schema holds itself, and its rows may be nested to any depth") from None


def arrow_type(schema: Any, named: Named, space: str) -> pa.DataType:
    """The Arrow type of an Avro schema in a namespace; `named` holds those that were defined before. A union of several
    types is JSON text."""
    if isinstance(schema, list):
        others = [each for each in schema if each != "null"]
        return pa.json_() if len(others) > 1 else arrow_type(others[0], named, space) if others else pa.null()
    if isinstance(schema, str):
        if schema in _PRIMITIVE:
            return _PRIMITIVE[schema]
        found, own = _known(schema, named, space)
        return arrow_type(found, named, own)
    space = _remember(schema, named, space)
    kind, logical = schema["type"], schema.get("logicalType")
    if isinstance(kind, (dict, list)):
        return arrow_type(kind, named, space)
    if logical == "decimal" and 1 <= schema.get("precision", 0) <= 76:
        precision, scale = schema["precision"], schema.get("scale", 0)
        return pa.decimal128(precision, scale) if precision <= 38 else pa.decimal256(precision, scale)
    if (kind, logical) in _LOGICAL:
        return _LOGICAL[kind, logical]
    match kind:
        case "record":
            return pa.struct([(field["name"], arrow_type(field["type"], named, space)) for field in schema["fields"]])
        case "array":
            return pa.list_(arrow_type(schema["items"], named, space))
        case "map":
            return pa.map_(pa.string(), arrow_type(schema["values"], named, space))
        case "enum":
            return pa.string()
        case "fixed":
            return pa.binary(schema["size"])
    return arrow_type(kind, named, space)


def converter(kind: pa.DataType) -> Convert | None:
    """What makes a value that `pyarrow.array` takes of one as Avro has it without its logical types; None: nothing."""
    types = pa.types
    if types.is_decimal(kind):
        scale = kind.scale
        return lambda value: Decimal(int.from_bytes(value, "big", signed=True)).scaleb(-scale, _CONTEXT)
    if isinstance(kind, pa.JsonType):
        return lambda value: json_text(_as_json(value))
    if types.is_struct(kind):
        inner = {field.name: each for field in kind if (each := converter(field.type)) is not None}
        return _of_struct(inner) if inner else None
    if types.is_map(kind):
        items = converter(kind.item_type) or _same
        return lambda value: [(key, None if each is None else items(each)) for key, each in value.items()]
    if types.is_list(kind) and (each := converter(kind.value_type)) is not None:
        convert = each
        return lambda value: [None if item is None else convert(item) for item in value]
    return None


def plain(schema: Any) -> Any:
    """A schema without its logical types, so that values come as they stand in the file; but for unions of several
    types, whose values become JSON."""
    if isinstance(schema, list):
        several = sum(each != "null" for each in schema) > 1
        return schema if several else [plain(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    kept = {key: value for key, value in schema.items() if key != "logicalType"}
    if "fields" in kept:
        kept["fields"] = [plain(field) for field in kept["fields"]]
    return {key: plain(value) if key in ("type", "items", "values") else value for key, value in kept.items()}


def avro_schema(schema: pa.Schema) -> dict[str, Any]:
    """The record that rows of this schema are, each field null or its type. `ConfigError` for names that Avro lacks."""
    return {"type": "record", "name": "row", "fields": _fields(list(schema), "row")}


def _fields(fields: Sequence[pa.Field], path: str) -> list[dict[str, Any]]:
    made = []
    for field in fields:
        if not _NAME.fullmatch(field.name):
            raise ConfigError("column", f"Avro has no name {field.name!r}", "give the columns other names by `column`")
        made.append({"name": field.name, "type": ["null", _avro(field.type, f"{path}_{field.name}")], "default": None})
    return made


def _avro(kind: pa.DataType, name: str) -> Any:
    types = pa.types
    if types.is_struct(kind):
        return {"type": "record", "name": name, "fields": _fields(list(kind), name)}
    if types.is_list(kind):
        return {"type": "array", "items": ["null", _avro(kind.value_type, name)]}
    if types.is_map(kind):
        return {"type": "map", "values": ["null", _avro(kind.item_type, name)]}
    if types.is_decimal(kind):
        return {"type": "bytes", "logicalType": "decimal", "precision": kind.precision, "scale": kind.scale}
    for (physical, logical), arrow in _LOGICAL.items():
        if kind == arrow:
            return {"type": physical, "logicalType": logical}
    return next(avro for avro, arrow in _PRIMITIVE.items() if arrow == kind)


def accepted(kind: pa.DataType) -> pa.DataType:
    """The type in which Avro takes values of this one without loss."""
    types = pa.types
    kind = plain_decimal(kind)
    wider = {pa.int8(): pa.int32(), pa.int16(): pa.int32(), pa.uint8(): pa.int32(), pa.uint16(): pa.int32(),
             pa.uint32(): pa.int64(), pa.uint64(): pa.decimal128(20, 0), pa.float16(): pa.float32(),
             pa.date64(): pa.date32(), pa.time32("s"): pa.time32("ms"), pa.large_binary(): pa.binary()}  # fmt: skip
    if kind in wider:
        return wider[kind]
    if types.is_dictionary(kind) or types.is_run_end_encoded(kind):
        return accepted(kind.value_type)
    if types.is_struct(kind):
        return pa.struct([(field.name, accepted(field.type)) for field in kind])
    if types.is_list(kind) or types.is_large_list(kind) or types.is_fixed_size_list(kind):
        return pa.list_(accepted(kind.value_type))
    if types.is_map(kind) and types.is_string(kind.key_type):
        return pa.map_(pa.string(), accepted(kind.item_type))
    if types.is_fixed_size_binary(kind):
        return pa.binary()
    if types.is_timestamp(kind):
        return pa.timestamp("ms" if kind.unit == "s" else kind.unit, None if kind.tz is None else "UTC")
    kept = (*_PRIMITIVE.values(), *_LOGICAL.values())
    known = (kind in kept and not types.is_null(kind)) or types.is_decimal(kind)
    return kind if known else pa.string()


def _remember(schema: Any, named: Named, space: str) -> str:
    """The namespace of the names in a schema that stands in one; the schema is known by its name from now on."""
    if not isinstance(schema, dict) or "name" not in schema:
        return space
    name = str(schema["name"])
    space = name.rpartition(".")[0] if "." in name else schema.get("namespace", space)
    named[_full(name, space)] = schema, space
    return space


def _known(name: str, named: Named, space: str) -> tuple[Any, str]:
    found = named.get(_full(name, space), named.get(name))
    if found is None:
        raise ValueError(f"its schema names the unknown type {name!r}")
    return found


def _full(name: str, space: str) -> str:
    return name if "." in name or not space else f"{space}.{name}"


def _of_struct(inner: Mapping[str, Convert]) -> Convert:
    def convert(value: Any) -> Any:
        made = dict(value)
        for name, each in inner.items():
            if made[name] is not None:
                made[name] = each(made[name])
        return made

    return convert


def _same(value: Any) -> Any:
    return value


def _as_json(value: Any) -> Any:
    """A value of a union as `json_text` takes it: decimals as numbers with all their digits, times as the hub spells
    them, bytes as Avro's own JSON has them. `ValueError` for a number that JSON has not."""
    match value:
        case Decimal():
            return Numeral(f"{value:f}")
        case bytes():
            return value.decode("latin-1")
        case datetime():
            return value.isoformat(" ").replace("+00:00", "Z")
        case dict():
            return Record((name, _as_json(each)) for name, each in value.items())
        case list():
            return [_as_json(each) for each in value]
        case float() if not isfinite(value):
            raise ValueError(f"a union holds {value}, for which JSON has no number")
        case None | bool() | int() | float() | str():
            return value
    return str(value)
