"""Job templates: a YAML text with every parameter of a reader and a writer."""

from __future__ import annotations

import json
import re
import textwrap
from collections.abc import Iterator, Mapping
from typing import Any

from starhaul.api.reader import Reader
from starhaul.api.writer import Writer
from starhaul.job.settings import Settings

WIDTH = 100
_SENTENCE_END = re.compile(r"(?<=\.)\s")


def job_template(reader: type[Reader[Any]], writer: type[Writer[Any]]) -> str:
    """A job document in the native form. Required parameters hold placeholders, `<…>` where no value is better than
    another; the others are comments with their defaults.

    What the first of the `examples` in a model's JSON Schema says is taken for the parameters it names.
    """
    lines = [
        f"# A job from {reader.name} to {writer.name}. Fill in what stands in <…>; the other parameters are",
        "# comments with their defaults: take '# ' away to change them. Then: starhaul check, preview, run.",
        "",
        "reader:",
        f"  name: {reader.name}",
        *_parameters(reader.params_type.json_schema()),
        "",
        "writer:",
        f"  name: {writer.name}",
        *_parameters(writer.params_type.json_schema()),
        "",
        "# settings:",
        *_parameters(Settings.json_schema()),
    ]
    return "\n".join(line.rstrip() for line in lines) + "\n"


def _parameters(schema: Mapping[str, Any]) -> Iterator[str]:
    example: Mapping[str, Any] = next(iter(schema.get("examples", ())), {})
    for name, asked in schema.get("properties", {}).items():
        yield from textwrap.wrap(_first_sentence(asked), WIDTH, initial_indent="  # ", subsequent_indent="  # ")
        if name in example or name in schema.get("required", ()):
            value = example[name] if name in example else placeholder(name, asked, schema)
            yield f"  {name}: {_yaml(value)}"
        else:
            yield f"  # {name}: {_yaml(asked.get('default'))}"


def placeholder(name: str, asked: Mapping[str, Any], root: Mapping[str, Any]) -> Any:
    """Something in the place of a value that only the user knows."""
    if "$ref" in asked:
        return placeholder(name, root["$defs"][asked["$ref"].rpartition("/")[2]], root)
    for key in ("default", "const"):
        if key in asked:
            return asked[key]
    if "enum" in asked:
        return asked["enum"][0]
    alternatives = asked.get("anyOf") or asked.get("oneOf") or asked.get("allOf")
    if alternatives:
        return placeholder(name, alternatives[0], root)
    if asked.get("type") == "array":
        return [placeholder(name, asked.get("items", {}), root)]
    if asked.get("type") == "object":
        properties = asked.get("properties", {})
        return {each: placeholder(each, properties[each], root) for each in asked.get("required", ())}
    kind = asked.get("type", "string")
    return f"<{name}>" if kind == "string" else f"<{name}: {kind}>"


def _yaml(value: Any) -> str:
    """A value on one line: JSON, which is YAML too; texts without quotes where that is safe."""
    if isinstance(value, str) and re.fullmatch(r"[A-Za-z<][A-Za-z0-9_<>./-]*", value):
        return value if value.lower() not in ("null", "true", "false") else json.dumps(value)
    return json.dumps(value, ensure_ascii=False)


def _first_sentence(asked: Mapping[str, Any]) -> str:
    return _SENTENCE_END.split(" ".join(asked.get("description", "").split()), maxsplit=1)[0]
