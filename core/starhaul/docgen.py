"""`python -m starhaul.docgen`: writes the parts of the documentation that follow from the code.

A page per plugin, a JSON Schema per plugin, for job documents and for reports, and the blocks between
`<!-- begin generated: NAME -->` and `<!-- end generated: NAME -->` in pages written by hand. `--check` writes
nothing, names the files that are stale and exits with 1. The same code gives the same bytes on every machine.

Only plugins of this distribution have pages. Each brings a job that shows its smallest use, in
`docs/examples/KIND/NAME.yaml`.
"""

from __future__ import annotations

import argparse
import inspect
import json
import re
import sys
from collections.abc import Iterator, Mapping
from importlib import metadata
from pathlib import Path
from typing import Any

from starhaul.api import errors
from starhaul.api.capability import Capability
from starhaul.api.docstrings import attribute_docs
from starhaul.job.schema import job_schema
from starhaul.job.settings import Settings
from starhaul.registry import ENTRY_POINT_GROUP, KINDS, Kind, Registry
from starhaul.report.build import EXIT_STOPPED
from starhaul.report.report import ErrorReport, Report, StreamReport

GENERATED = "<!-- Generated from the code by `make docs`; do not edit. -->\n"
DIALECT = "https://json-schema.org/draft/2020-12/schema"
_FOLDERS = ("docs/plugins", "docs/schemas")
"""Wholly generated: whatever else lies there is stale."""
_BLOCKS = ("README.md", "docs/job-file.md", "docs/operations.md")
"""Written by hand, with generated blocks."""
_BLOCK = re.compile(r"(<!-- begin generated: (\S+) -->\n).*?(<!-- end generated: \2 -->\n)", re.DOTALL)


def main(arguments: list[str] | None = None) -> int:
    """Write, or check, everything below the project's root. Returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m starhaul.docgen", description="Write the generated documentation.")
    parser.add_argument("--check", action="store_true", help="write nothing; exit with 1 if a file is stale")
    parser.add_argument("--root", type=Path, default=Path(), help="the project's root; default: the current directory")
    options = parser.parse_args(arguments)
    wanted = generate(options.root, Registry())
    superfluous = sorted(_present(options.root) - wanted.keys())
    stale = sorted(path for path, text in wanted.items() if _text(options.root / path) != text)
    for path in [*stale, *superfluous]:
        print(f"{path}: {'stale' if options.check else 'written' if path in wanted else 'removed'}")
    if options.check:
        if stale or superfluous:
            print("run `make docs` and commit what it changes", file=sys.stderr)
        return int(bool(stale or superfluous))
    for path in stale:
        (options.root / path).parent.mkdir(parents=True, exist_ok=True)
        (options.root / path).write_text(wanted[path], encoding="utf-8", newline="\n")
    for path in superfluous:
        (options.root / path).unlink()
    return 0


def generate(root: Path, registry: Registry) -> dict[str, str]:
    """The text of every file that is generated, wholly or in part, by its path below `root`.

    Raises `OSError` if a hand-written page or a plugin's example is missing.
    """
    plugins = {kind: list(_plugins(registry, kind)) for kind in KINDS}
    files: dict[str, str] = {}
    for kind in KINDS:
        for plugin in plugins[kind]:
            example = (root / f"docs/examples/{kind}s/{plugin.name}.yaml").read_text(encoding="utf-8")
            aliases = registry.aliases(kind, plugin.name)
            files[f"docs/plugins/{kind}s/{plugin.name}.md"] = plugin_page(kind, plugin, aliases, example)
            files[f"docs/schemas/{kind}s/{plugin.name}.schema.json"] = _json(plugin_schema(plugin))
    files["docs/schemas/job.schema.json"] = _json(job_schema(registry))
    files["docs/schemas/report.schema.json"] = _json(report_schema())
    blocks = {
        "plugins": _plugin_overview(plugins, registry),
        "settings": "\n".join(parameter_tables(Settings.json_schema())),
        "exit-codes": _exit_codes(),
    }
    for path in _BLOCKS:
        files[path] = fill_blocks((root / path).read_text(encoding="utf-8"), blocks)
    return files


def plugin_page(kind: Kind, plugin: type[Any], aliases: list[str], example: str) -> str:
    """The page of one plugin, as Markdown."""
    summary, _, rest = inspect.cleandoc(plugin.__doc__ or "").partition("\n\n")
    lines = [GENERATED, f"# {plugin.name}\n", f"{summary}\n"]
    if aliases:
        lines.append(f"Also called {', '.join(f'`{alias}`' for alias in aliases)}. Case does not matter.\n")
    if rest:
        lines.append(f"{rest}\n")
    lines += ["## Parameters\n", *parameter_tables(plugin.params_type.json_schema())]
    lines.append(f"As JSON Schema: [{plugin.name}.schema.json](../../schemas/{kind}s/{plugin.name}.schema.json)\n")
    if kind != "transformer":
        lines += ["## Promises\n", *_promises(kind, plugin.capabilities)]
    lines += ["## Smallest job\n", f"```yaml\n{example.strip()}\n```\n"]
    return "\n".join(lines)


def plugin_schema(plugin: type[Any]) -> dict[str, Any]:
    """JSON Schema of the `parameter` object of one plugin."""
    return {"$schema": DIALECT, **plugin.params_type.json_schema(), "title": plugin.name}


def report_schema() -> dict[str, Any]:
    """JSON Schema of `starhaul run --report FILE`."""
    from pydantic import TypeAdapter

    schema = TypeAdapter(Report).json_schema(mode="serialization")
    models = {"Report": schema, **schema["$defs"]}
    for cls in (Report, StreamReport, ErrorReport):
        for name, text in attribute_docs(cls).items():
            models[cls.__name__]["properties"][name]["description"] = _one_line(text)
    return {"$schema": DIALECT, **schema}


def fill_blocks(text: str, blocks: Mapping[str, str]) -> str:
    """The page with each generated block renewed. Raises `KeyError` if it asks for a block that there is not."""
    return _BLOCK.sub(lambda match: match[1] + "\n" + blocks[match[2]].strip() + "\n\n" + match[3], text)


def _plugins(registry: Registry, kind: Kind) -> Iterator[type[Any]]:
    """The plugins of a kind that are part of this distribution."""
    own = {point.value for point in metadata.distribution("starhaul").entry_points if point.group == ENTRY_POINT_GROUP}
    targets = {listed.target: name for name, listed in registry.listed(kind).items() if listed.provider in own}
    yield from sorted((registry.plugin(kind, name) for name in targets.values()), key=lambda plugin: str(plugin.name))


def _promises(kind: Kind, capabilities: frozenset[Capability]) -> list[str]:
    if not capabilities:
        return ["None.\n"]
    said = {name: _one_line(text).partition(": ")[2] for name, text in attribute_docs(Capability).items()}
    lines = [f"- **{each.name}**: {said[each.name]}" for each in Capability if each in capabilities]
    note = "What holds for a job depends on its parameters; `starhaul plan` says it.\n"
    return [*lines, "", *([note] if kind == "writer" else [])]


def _one_line(text: str) -> str:
    return " ".join(text.split())


def _plugin_overview(plugins: Mapping[Kind, list[type[Any]]], registry: Registry) -> str:
    rows = []
    for kind in KINDS:
        for plugin in plugins[kind]:
            page = f"[`{plugin.name}`](docs/plugins/{kind}s/{plugin.name}.md)"
            aliases = ", ".join(f"`{alias}`" for alias in registry.aliases(kind, plugin.name))
            rows.append([kind, page, aliases, cell(inspect.cleandoc(plugin.__doc__ or "").partition("\n\n")[0])])
    return table(["kind", "name", "aliases", "what it does"], rows)


def _exit_codes() -> str:
    classes = [each for each in vars(errors).values() if inspect.isclass(each) and hasattr(each, "exit_code")]
    rows = [["0", "Done: every row is delivered, or set aside within the limits of the job.", ""]]
    for code in sorted({each.exit_code for each in classes}):
        members = [each for each in classes if each.exit_code == code]
        named = [each for each in members if each is not errors.StarhaulError]
        meaning = " ".join(inspect.cleandoc(each.__doc__ or "").partition("\n\n")[0] for each in named)
        rows.append([str(code), cell(meaning), ", ".join(f"`{each.__name__}`" for each in named)])
    rows.append([str(EXIT_STOPPED), "Stopped by SIGINT, SIGTERM or SIGHUP. Unfinished tasks are rolled back.", ""])
    return table(["code", "meaning", "errors"], rows)


def _present(root: Path) -> set[str]:
    """Every file that lies in the generated folders."""
    found = (path for folder in _FOLDERS for path in (root / folder).rglob("*") if path.is_file())
    return {path.relative_to(root).as_posix() for path in found}


def _text(path: Path) -> str | None:
    return path.read_text(encoding="utf-8") if path.exists() else None


def _json(value: Mapping[str, Any]) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False) + "\n"


# ---------------------------------------------------------------------- tables


def parameter_tables(schema: Mapping[str, Any]) -> list[str]:
    """A model as Markdown: a table of its parameters, then one for each model that is used in them."""
    lines = [_parameters(schema)] if schema.get("properties") else ["None.\n"]
    for name, model in _models_within(schema, schema):
        lines += [f"### {name}\n", f"{model.get('description', '')}\n", _parameters(model)]
    return lines


def _models_within(model: Mapping[str, Any], root: Mapping[str, Any], at: str = "") -> Iterator[tuple[str, Any]]:
    """Each nested model with the dotted name of the parameter that holds it, in order. Each model once."""
    seen: set[str] = set()
    waiting = [(at, model)]
    while waiting:
        at, model = waiting.pop(0)
        for name, field in model.get("properties", {}).items():
            for reference, suffix in _references(field):
                nested = root["$defs"][reference]
                if reference not in seen and "properties" in nested:
                    seen.add(reference)
                    waiting.append((f"{at}{name}{suffix}.", nested))
                    yield f"{at}{name}{suffix}", nested


def _references(field: Mapping[str, Any], suffix: str = "") -> Iterator[tuple[str, str]]:
    if "$ref" in field:
        yield field["$ref"].rpartition("/")[2], suffix
    for part in (*field.get("anyOf", ()), *field.get("allOf", ())):
        yield from _references(part, suffix)
    if isinstance(field.get("items"), Mapping):
        yield from _references(field["items"], f"{suffix}[]")
    if isinstance(field.get("additionalProperties"), Mapping):
        yield from _references(field["additionalProperties"], f"{suffix}.NAME")


def _parameters(model: Mapping[str, Any]) -> str:
    required = model.get("required", ())
    rows = [
        [f"`{name}`", _type(field), _default(field, name in required), cell(field.get("description", ""))]
        for name, field in model["properties"].items()
    ]
    return table(["parameter", "type", "default", "meaning"], rows)


def _type(field: Mapping[str, Any]) -> str:
    """What a value looks like, in words: `integer (1 or more)`, `list of string`, `"insert" or "replace"`."""
    if "$ref" in field:
        return "object"
    if choices := field.get("enum", [field["const"]] if "const" in field else None):
        return " or ".join(f"`{_value(choice)}`" for choice in choices)
    for key in ("anyOf", "allOf"):
        if parts := [part for part in field.get(key, ()) if part.get("type") != "null"]:
            return " or ".join(dict.fromkeys(_type(part) for part in parts))
    name = field.get("type", "any")
    if field.get("writeOnly"):
        return "string, secret"
    if name == "array" and field.get("items"):
        return f"list of {_type(field['items'])}"
    low, high = field.get("minimum"), field.get("maximum")
    if low is not None and high is not None:
        return f"{name}, {low} to {high}"
    return name + (f", {low} or more" if low is not None else f", {high} or less" if high is not None else "")


def _default(field: Mapping[str, Any], required: bool) -> str:
    if required:
        return "**required**"
    default = field.get("default")
    return "" if default is None or "$ref" in field else f"`{_value(default)}`"


def _value(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False).replace("|", "\\|")


def table(head: list[str], rows: list[list[str]]) -> str:
    """A Markdown table. The cells are Markdown already."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines) + "\n"


def cell(text: str) -> str:
    """A text as the content of one cell."""
    return " ".join(text.split()).replace("|", "\\|")


if __name__ == "__main__":
    sys.exit(main())
