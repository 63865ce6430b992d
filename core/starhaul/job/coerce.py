"""Makes a value the type that a schema asks for, where that is exact.

Job files say `"3"` for 3, `"true"` for true, 5 for `"5"` and a single value for a list of one, and variables are
always text. A value that fits as it is stays as it is.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from starhaul.job.document import exact_float, exact_int

_INT = re.compile(r"[-+]?(?:0|[1-9][0-9]*)")
_NUMBER = re.compile(r"[-+]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][-+]?[0-9]+)?")
_WORDS = {"true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False}


def coerce(value: Any, schema: Mapping[str, Any], root: Mapping[str, Any]) -> Any:
    """The value as `schema` wants it, or as it is if there is no exact way. Objects and arrays are changed in place.
    `root` holds the schema's `$defs`."""
    alternatives = list(_alternatives(schema, root))
    fitting = [each for each in alternatives if json_type(value) in types_of(each)]
    if fitting:
        possible = fitting if len(fitting) == 1 else [each for each in fitting if not _contradicts(value, each)]
        if len(possible) == 1:  # with several, one might undo what another has done
            _coerce_children(value, possible[0], root)
        return value
    return _exactly(value, alternatives, root)


def json_type(value: Any) -> str:
    """The JSON Schema type of a value; a whole float is a `number`."""
    if value is None:
        return "null"
    for python, name in _TYPES:
        if isinstance(value, python):
            return name
    return "object"


def types_of(schema: Mapping[str, Any]) -> set[str]:
    """The types that one alternative of a schema allows; all of them if it names none."""
    named = schema.get("type")
    if named is None:
        return {*_ALL}
    names = {named} if isinstance(named, str) else {*named}
    return names | {"integer"} if "number" in names else names


_TYPES: tuple[tuple[type, str], ...] = (
    (bool, "boolean"), (int, "integer"), (float, "number"), (str, "string"), (list, "array"),
)  # fmt: skip
_ALL = ("null", "boolean", "integer", "number", "string", "array", "object")


def _alternatives(schema: Mapping[str, Any], root: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    if "$ref" in schema:
        yield from _alternatives(root["$defs"][schema["$ref"].rpartition("/")[2]], root)
    elif "anyOf" in schema or "oneOf" in schema:
        for each in (*schema.get("anyOf", ()), *schema.get("oneOf", ())):
            yield from _alternatives(each, root)
    elif len(schema.get("allOf", ())) == 1:
        yield from _alternatives(schema["allOf"][0], root)
    else:
        yield schema


def _contradicts(value: Any, schema: Mapping[str, Any]) -> bool:
    """Whether an object says in a constant property that it is of another alternative."""
    properties = schema.get("properties", {}) if isinstance(value, dict) else {}
    for key, wanted in properties.items():
        constants = [wanted["const"]] if "const" in wanted else wanted.get("enum")
        if constants is not None and key in value and value[key] not in constants:
            return True
    return False


def _coerce_children(value: Any, schema: Mapping[str, Any], root: Mapping[str, Any]) -> None:
    if isinstance(value, list):
        for index, child in enumerate(value):
            first = schema.get("prefixItems", ())
            items = first[index] if index < len(first) else schema.get("items")
            if isinstance(items, Mapping):
                value[index] = coerce(child, items, root)
    elif isinstance(value, dict):
        properties, others = schema.get("properties", {}), schema.get("additionalProperties")
        for key, child in value.items():
            wanted = properties.get(key, others)
            if isinstance(wanted, Mapping):
                value[key] = coerce(child, wanted, root)


def _exactly(value: Any, alternatives: list[Mapping[str, Any]], root: Mapping[str, Any]) -> Any:
    wanted = {name for each in alternatives for name in types_of(each)}
    if isinstance(value, str):
        if "boolean" in wanted and value in _WORDS:
            return _WORDS[value]
        if "integer" in wanted and _INT.fullmatch(value):
            return exact_int(value)
        if "number" in wanted and _NUMBER.fullmatch(value):
            return exact_float(value)
    if isinstance(value, float) and "integer" in wanted and value.is_integer() and abs(value) <= 2**53:
        return int(value)
    if type(value) is int and "string" in wanted:
        return str(value)
    if "array" in wanted and isinstance(value, str | bool | int | float):
        for each in alternatives:
            if "array" in types_of(each):
                items = each.get("items")
                return [coerce(value, items, root) if isinstance(items, Mapping) else value]
    return value
