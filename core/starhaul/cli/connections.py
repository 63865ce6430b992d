"""`starhaul connections`."""

from __future__ import annotations

import os
from pathlib import Path

import click

from starhaul.cli.invocation import Invocation, command
from starhaul.cli.options import variable_options


@command
@click.argument("action", type=click.Choice(["list", "test"]), default="list")
@click.argument("name", required=False)
@click.option("--with", "extra", metavar="NAME=VALUE", multiple=True, help="A parameter beside the connection's own.")
@variable_options
def connections(
    invocation: Invocation,
    action: str,
    name: str | None,
    extra: tuple[str, ...],
    variables: dict[str, str],
    connections: Path | None,
) -> None:
    """List or test named connections.

    `list` shows names and parameters, never values. `test NAME` has the reader that the connection is for connect
    with its parameters. Where the reader asks for more, say a table, add it: `--with table=orders`.
    """
    if action == "list":
        _list(connections)
    elif name is None:
        raise click.UsageError("Name the connection to test.")
    else:
        _test(invocation, name, extra, variables, connections)


def _list(file: Path | None) -> None:
    from starhaul.cli.failure import tell
    from starhaul.cli.table import show_table
    from starhaul.job.connections import Connections

    known = Connections(file)
    for warning in known.warnings():
        tell("warning", str(warning))
    if not known.names():
        click.echo(f"no connections in {known.path}")
        return
    values = known.document.value
    rows = [
        [name, known.type_of(name) or "", ", ".join(key for key in values[name] if key != "type")]
        for name in known.names()
        if isinstance(values[name], dict)
    ]
    show_table(["connection", "type", "parameters"], rows)


def _test(
    invocation: Invocation, name: str, extra: tuple[str, ...], variables: dict[str, str], file: Path | None
) -> None:
    from starhaul.api.errors import ConfigError
    from starhaul.job.coerce import coerce
    from starhaul.job.connections import Connections
    from starhaul.job.job import PluginUse
    from starhaul.job.load import instantiate
    from starhaul.job.variables import Variables, parse_variable

    known = Connections(file)
    try:
        resolved = known.resolve(name, Variables(variables, os.environ))
    except LookupError as error:
        raise ConfigError(name, "no such connection", known.hint(name)) from error
    if resolved.problems:
        raise ConfigError.of(resolved.problems)
    kind = known.type_of(name)
    if kind is None:
        raise ConfigError(name, "does not say which plugin it is for", "add `type:` to the connection")
    parameters = resolved.value | dict(parse_variable(text, "--with") for text in extra)
    registry = invocation.registry()
    asked = registry.reader(kind).params_type.json_schema()
    coerce(parameters, asked, asked)
    instantiate(registry, "reader", PluginUse(kind, parameters, name)).check()
    click.echo(f"{name}: {kind} answers")
