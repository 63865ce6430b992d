"""`starhaul plugins`."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import click

from starhaul.cli.invocation import Invocation, command

if TYPE_CHECKING:
    from starhaul.registry import Kind, Registry


@command
@click.argument("name", required=False)
def plugins(invocation: Invocation, name: str | None) -> None:
    """List the plugins, or describe one.

    Those that cannot be used are listed with the reason.
    """
    registry = invocation.registry()
    if name is None:
        _list(registry)
    else:
        _describe(registry, name)


def _list(registry: Registry) -> None:
    from starhaul.api.errors import PluginError
    from starhaul.cli.failure import tell
    from starhaul.cli.table import show_table
    from starhaul.registry import KINDS

    rows: list[list[str]] = []
    broken: dict[str, str] = {}
    for kind in KINDS:
        for name in registry.canonical(kind):
            plugin = registry.plugin(kind, name)
            rows.append([kind, name, ", ".join(registry.aliases(kind, name)), _promises(plugin), _summary(plugin)])
        for name, listed in registry.listed(kind).items():
            try:
                registry.plugin(kind, name)
            except PluginError as error:
                broken.setdefault(listed.target, str(error))
    show_table(["kind", "name", "also", "promises", ""], rows)
    for message in [*(f"{name}: {problem}" for name, problem in registry.broken.items()), *broken.values()]:
        tell("warning", message)


def _describe(registry: Registry, name: str) -> None:
    from starhaul.registry import KINDS

    kinds = [kind for kind in KINDS if name.lower() in registry.listed(kind)]
    for kind in kinds:
        _describe_one(registry, kind, name)
    if not kinds:
        from starhaul.api.errors import PluginError
        from starhaul.job.spelling import did_you_mean

        known = {each for kind in KINDS for each in registry.listed(kind)}
        raise PluginError("", f"no plugin named '{name}'", did_you_mean(name, sorted(known)))


def _describe_one(registry: Registry, kind: Kind, name: str) -> None:
    import inspect

    from starhaul.cli.table import show_table

    plugin = registry.plugin(kind, name)
    also = registry.aliases(kind, plugin.name)
    aliases = f", also {', '.join(also)}" if also else ""
    click.echo(f"{click.style(plugin.name, bold=True)}, {kind}{aliases}\n")
    click.echo(inspect.cleandoc(plugin.__doc__ or ""))
    if promises := _promises(plugin):
        click.echo(f"\npromises: {promises}")
    click.echo()
    schema = plugin.params_type.json_schema()
    rows = []
    for parameter, asked in schema.get("properties", {}).items():
        default = "required" if parameter in schema.get("required", ()) else json.dumps(asked.get("default"))
        rows.append([parameter, _type(asked), default, " ".join(asked.get("description", "").split())])
    show_table(["parameter", "type", "default", ""], rows)


def _promises(plugin: Any) -> str:
    return ", ".join(sorted(getattr(plugin, "capabilities", ())))


def _summary(plugin: Any) -> str:
    return (plugin.__doc__ or "").strip().partition("\n")[0]


def _type(asked: dict[str, Any]) -> str:
    """`integer`, `array of string`, `"a" or "b"`: what a schema asks for, in short."""
    if "$ref" in asked:
        return "object"
    if "enum" in asked or "const" in asked:
        return " or ".join(json.dumps(each) for each in asked.get("enum", [asked.get("const")]))
    for combination in ("anyOf", "oneOf", "allOf"):
        if combination in asked:
            return " or ".join(dict.fromkeys(_type(each) for each in asked[combination] if each != {"type": "null"}))
    if asked.get("type") == "array":
        return f"array of {_type(asked.get('items', {}))}"
    if asked.get("format") == "password":
        return "secret"
    return str(asked.get("type", "any"))
