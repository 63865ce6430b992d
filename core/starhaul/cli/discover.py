"""`starhaul discover`."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from starhaul.cli.invocation import Invocation, command
from starhaul.cli.line_options import one_line
from starhaul.cli.options import variable_options

if TYPE_CHECKING:
    from starhaul.api.address import Found


@command
@click.argument("connection")
@click.argument("pattern", required=False)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.option("--ask-password", is_flag=True, help="Ask for the password.")
@variable_options
def discover(
    invocation: Invocation,
    connection: str,
    pattern: str | None,
    as_json: bool,
    ask_password: bool,
    variables: dict[str, str],
    connections: Path | None,
) -> None:
    """List what there is to read: tables, keys, columns.

    CONNECTION is a URL, a file, or a named connection; PATTERN a name in which '*' and '?' stand for any characters. Of
    a single table all columns are shown. Rows are estimates. The password comes from the URL, from
    STARHAUL_SOURCE_PASSWORD, or from --ask-password.
    """
    from dataclasses import replace
    from urllib.parse import quote

    from pydantic import ValidationError

    from starhaul.api.errors import ConfigError

    line = one_line(invocation.registry(), variables, connections, ("source",) if ask_password else ())
    place = line.place("source", connection)
    address = place.address
    if pattern is not None:
        if address.name:
            raise ConfigError("PATTERN", "is given twice: the connection names a table already", "leave one out")
        meant = place.cls.from_url(f"#{quote(pattern)}")
        address = replace(address, name=meant.name, pattern=meant.pattern)
    try:
        found = list(place.cls.discover(address))
    except ValidationError as error:
        raise line.invalid(place, error) from None
    if as_json:
        click.echo(json.dumps([_told(each) for each in found], ensure_ascii=False, indent=2))
    elif not found:
        click.echo("nothing found")
    elif len(found) == 1:
        _show_one(found[0])
    else:
        _show(found)


def _show(found: Sequence[Found]) -> None:
    from starhaul.cli.table import show_table
    from starhaul.report.figures import count

    rows = []
    for told, each in ((_told(each), each) for each in found):
        columns = ", ".join(f"{column['name']} {column['type']}" for column in told["columns"] or ())
        rows.append(
            [told["name"], each.kind, "" if each.rows is None else count(each.rows), ", ".join(told["key"]), columns]
        )
    show_table(["name", "kind", "rows", "key", "columns"], rows)


def _show_one(found: Found) -> None:
    from starhaul.cli.table import show_table
    from starhaul.report.figures import counted, printable

    told = _told(found)
    rows = "" if found.rows is None else f", about {counted(found.rows, 'row')}"
    click.echo(f"{printable(told['name'])}: {found.kind}{rows}")
    show_table(
        ["column", "type", "null", "key", "default", "comment"],
        [[column["name"], column["type"], "" if column["nullable"] else "no",
          str(told["key"].index(column["name"]) + 1) if column["name"] in told["key"] else "",
          column["default"] or column["identity"], column["comment"]]
         for column in told["columns"] or ()],
    )  # fmt: skip
    for index in told["indexes"]:
        kind = "unique" if index["unique"] else "index"
        click.echo(printable(f"{kind} {index['name']} {index['native'] or ', '.join(index['columns'])}"))


def _told(found: Found) -> dict[str, Any]:
    """JSON data."""
    from starhaul.api.table import column_facts, table_facts
    from starhaul.api.types import native_type

    facts = None if found.schema is None else table_facts(found.schema)
    columns = []
    for field in found.schema or ():
        known = column_facts(field)
        columns.append(
            {
                "name": field.name,
                "type": native_type(field) or str(field.type),
                "arrow": str(field.type),
                "nullable": field.nullable,
                "default": known.default.native if known and known.default else "",
                "identity": known.identity if known else "",
                "generated": known.generated if known else "",
                "comment": known.comment if known else "",
            }
        )
    return {
        "name": ".".join(found.name),
        "kind": found.kind,
        "rows": found.rows,
        "key": [] if facts is None or facts.key is None else [*facts.key.columns],
        "comment": facts.comment if facts else "",
        "columns": None if found.schema is None else columns,
        "indexes": [
            {"name": index.name, "columns": [*index.columns], "unique": index.unique, "native": index.native}
            for index in (facts.indexes if facts else ())
        ],
    }
