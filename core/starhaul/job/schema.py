"""`job.schema.json`: the JSON Schema of job documents, for editors.

Composed from the same models that `load_job` checks with. It allows what loading makes right: variables where a number
is asked for, `"3"` for 3, one value for a list of it. What it cannot say is left to `starhaul check`: whether a
variable, a file or a connection is there, and rules between the parameters of a plugin.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from starhaul.api.params import Params
from starhaul.job.datax_form import DataxDocument
from starhaul.job.native_form import ManyStreams, OneStream
from starhaul.registry import KINDS, Kind, Registry

DIALECT = "https://json-schema.org/draft/2020-12/schema"

_VARIABLE = {"type": "string", "pattern": r"\$\{"}
_TEXTS = {
    "boolean": r"^(true|True|TRUE|false|False|FALSE)$",
    "integer": r"^[-+]?(0|[1-9][0-9]*)$",
    "number": r"^[-+]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][-+]?[0-9]+)?$",
}
_ABOUT = ("description", "default")
_ONE_SCHEMA = ("items", "additionalProperties", "contains", "propertyNames", "not", "if", "then", "else")
_SCHEMAS = ("anyOf", "oneOf", "allOf", "prefixItems")
_NAMED_SCHEMAS = ("properties", "patternProperties", "dependentSchemas")
_NARROWS_TEXT = {"pattern", "maxLength"}
_CONNECTION = {"type": "string", "description": "Name of a connection; its parameters come in under those given here."}


def job_schema(registry: Registry) -> dict[str, Any]:
    """The schema (draft 2020-12) of both forms of job documents with every plugin of `registry`, by all of its names.
    Imports every plugin; those that cannot be imported are left out. Stable: equal plugins, equal schema."""
    definitions: dict[str, Any] = {}
    forms = {
        model.__name__: _add(definitions, model, "", model.__name__)
        for model in (OneStream, ManyStreams, DataxDocument)
    }
    del definitions["Entry"], definitions["DataxEntry"]
    for kind in KINDS:
        uses = list(_plugins(definitions, registry, kind))
        definitions[kind] = _entry([names for names, _ in uses], [_native(target) for _, target in uses])
        definitions[f"datax.{kind}"] = _entry(
            [names for names, _ in uses], [_datax(target, definitions[target]) for _, target in uses]
        )
    for stream in ("Stream", "OneStream"):
        _use_entries(definitions[stream]["properties"], "transformers", "")
    _use_entries(definitions["DataxStream"]["properties"], "transformer", "datax.")
    return {
        "$schema": DIALECT,
        "title": "Starhaul job",
        "description": "A job document, in the native form or in DataX's.",
        "type": "object",
        "if": {"required": ["job"]},
        "then": forms["DataxDocument"],
        "else": {"if": {"required": ["streams"]}, "then": forms["ManyStreams"], "else": forms["OneStream"]},
        "$defs": dict(sorted(definitions.items())),
    }


def _plugins(definitions: dict[str, Any], registry: Registry, kind: Kind) -> Iterator[tuple[list[str], str]]:
    """Each plugin's names and the definition that holds its parameters."""
    for canonical in registry.canonical(kind):
        plugin = registry.plugin(kind, canonical)
        target = f"{kind}.{canonical}"
        _add(definitions, plugin.params_type, f"{target}.", target)
        parameters = definitions[target]
        parameters.pop("additionalProperties", None)  # said by `_closed`, which knows what may stand beside
        parameters["description"] = (plugin.__doc__ or "").strip().partition("\n")[0]
        own = parameters.setdefault("properties", {}).get("connection")
        parameters["properties"]["connection"] = {"anyOf": [own, _CONNECTION]} if own else _CONNECTION
        required = parameters.pop("required", [])
        if required:  # a connection may bring what is required
            named = {"required": ["connection"], "properties": {"connection": {"type": "string"}}}
            parameters |= {"if": {"not": named}, "then": {"required": required}}
        yield sorted({canonical, *registry.aliases(kind, canonical)}), target


def _entry(names: list[list[str]], thens: list[dict[str, Any]]) -> dict[str, Any]:
    """A use of a plugin: which schema holds depends on its name."""
    every = sorted(name for each in names for name in each)
    return {
        "type": "object",
        "required": ["name"],
        "properties": {
            "name": {
                "description": "Name of the plugin.",
                "anyOf": [{"enum": every}, {"type": "string", "pattern": r"[A-Z]|\$\{"}],
            }
        },
        "allOf": [
            {"if": {"required": ["name"], "properties": {"name": {"enum": each}}}, "then": then}
            for each, then in zip(names, thens, strict=True)
        ],
    }


def _closed(target: str, **beside: Any) -> dict[str, Any]:
    """The parameters of a plugin and nothing else, but for the keys that may stand beside them."""
    return {"$ref": f"#/$defs/{target}", "properties": beside, "unevaluatedProperties": False}


def _native(target: str) -> dict[str, Any]:
    """Parameters in `parameter`, or else beside `name`."""
    nested = {"properties": {"name": True, "parameter": _closed(target)}, "additionalProperties": False}
    return {"if": {"required": ["parameter"]}, "then": nested, "else": _closed(target, name=True)}


def _datax(target: str, parameters: Mapping[str, Any]) -> dict[str, Any]:
    """Parameters in `parameter`; anything else may stand beside it."""
    nested: dict[str, Any] = {"properties": {"parameter": _closed(target)}}
    return {**nested, "required": ["parameter"]} if "then" in parameters else nested


def _use_entries(properties: dict[str, Any], transformers: str, prefix: str) -> None:
    for key in ("reader", "writer"):
        properties[key] = {"$ref": f"#/$defs/{prefix}{key}", "description": properties[key]["description"]}
    properties[transformers] = {
        "type": "array",
        "items": {"$ref": f"#/$defs/{prefix}transformer"},
        "description": properties[transformers]["description"],
    }


def _add(definitions: dict[str, Any], model: type[Params], prefix: str, name: str) -> dict[str, str]:
    """Put a model's schema and those that it refers to into `definitions`; a reference to it."""
    schema = model.json_schema()
    local = schema.pop("$defs", {})
    for each, definition in local.items():
        definitions[prefix + each] = _lenient(definition, prefix, local)
    definitions[name] = _lenient(schema, prefix, local)
    return {"$ref": f"#/$defs/{name}"}


def _lenient(schema: Any, prefix: str, local: Mapping[str, Any]) -> Any:
    """A schema for what may be written where `schema` tells what is wanted in the end, without what tells a reader
    nothing. `local` holds the definitions that `schema` refers to; they will be found under `prefix`."""
    if not isinstance(schema, dict):
        return schema
    out = {key: value for key, value in schema.items() if key not in {"title", "discriminator"}}
    if isinstance(out.get("default", {}), dict | None):
        out.pop("default", None)
    if "$ref" in out:
        out["$ref"] = f"#/$defs/{prefix}{_definition(out)}"
    for key in _ONE_SCHEMA:
        if key in out:
            out[key] = _lenient(out[key], prefix, local)
    for key in _SCHEMAS:
        if key in out:
            out[key] = [_lenient(each, prefix, local) for each in out[key]]
    for key in _NAMED_SCHEMAS:
        if key in out:
            out[key] = {name: _lenient(each, prefix, local) for name, each in out[key].items()}
    kind = out.get("type")
    if "const" in out or "enum" in out or (kind == "string" and _NARROWS_TEXT & out.keys()):
        return _or(out, [_VARIABLE])
    if kind == "string":
        return {**out, "type": ["string", "integer"]}
    if kind in _TEXTS:
        return {**out, "type": [kind, "string"], "pattern": f"{_TEXTS[kind]}|{_VARIABLE['pattern']}"}
    if kind == "array":
        return _or(out, [_lenient(each, prefix, local) for each in _scalars(schema.get("items"), local)])
    return out


def _definition(schema: Mapping[str, Any]) -> str:
    return str(schema["$ref"]).rpartition("/")[2]


def _scalars(schema: Any, local: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """The alternatives of an array's items that are neither objects nor arrays: one of them may stand for a list."""
    if not isinstance(schema, dict):
        return
    branches = [*schema.get("anyOf", ()), *schema.get("oneOf", ())]
    for each in branches:
        yield from _scalars(each, local)
    target = local[_definition(schema)] if "$ref" in schema else schema
    if not branches and target.get("type") not in {"object", "array", "null"}:
        yield schema


def _or(schema: dict[str, Any], others: list[dict[str, Any]]) -> dict[str, Any]:
    if not others:
        return schema
    about = {key: schema[key] for key in _ABOUT if key in schema}
    rest = {key: value for key, value in schema.items() if key not in _ABOUT}
    return {**about, "anyOf": [rest, *others]}
