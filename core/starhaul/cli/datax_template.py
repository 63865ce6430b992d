"""Job templates in DataX's form: what `datax -r READER -w WRITER` prints."""

from __future__ import annotations

import json
from typing import Any

from starhaul.api.reader import Reader
from starhaul.api.writer import Writer
from starhaul.cli.template import placeholder


def datax_template(reader: type[Reader[Any]], writer: type[Writer[Any]]) -> str:
    """A job with the parameters of both sides that have no default, as indented JSON with sorted keys, between what
    DataX writes around it."""
    document = {
        "job": {
            "content": [{"reader": _entry(reader), "writer": _entry(writer)}],
            "setting": {"speed": {"channel": ""}},
        }
    }
    return (
        f"Please refer to the {reader.name} document:\n     starhaul plugins {reader.name}\n\n"
        f"Please refer to the {writer.name} document:\n     starhaul plugins {writer.name}\n\n"
        "Please save the following configuration as a json file and  use\n     datax {JSON_FILE_NAME}.json\n"
        "to run the job.\n\n" + json.dumps(document, indent=4, sort_keys=True, ensure_ascii=False)
    )


def _entry(plugin: type[Reader[Any]] | type[Writer[Any]]) -> dict[str, Any]:
    schema = plugin.params_type.json_schema()
    example: dict[str, Any] = next(iter(schema.get("examples", ())), {})
    wanted = {*schema.get("required", ()), *example}
    parameters = {
        name: example[name] if name in example else placeholder(name, asked, schema)
        for name, asked in schema.get("properties", {}).items()
        if name in wanted
    }
    return {"name": plugin.name, "parameter": parameters}
