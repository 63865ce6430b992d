"""Tables on standard output."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence

import click
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text

from starhaul.report.figures import printable

WIDE = 100_000
"""Columns of an output that is no terminal: nothing is wrapped or cut there."""


def show_table(
    heading: Sequence[str], rows: Sequence[Sequence[str]], *, colours: Mapping[str, str] | None = None
) -> None:
    """Print a table. `colours` tells how a cell of exactly this text looks on a terminal."""
    table = Table(box=SIMPLE_HEAD, pad_edge=False, show_edge=False)
    for name in heading:
        table.add_column(Text("\n".join(map(printable, name.split("\n")))), overflow="fold")
    for row in rows:
        table.add_row(*(Text(printable(cell), style=(colours or {}).get(cell, "")) for cell in row))
    console = Console(file=sys.stdout, highlight=False)
    if console.is_terminal:
        console.print(table)
        return
    console.width = WIDE
    with console.capture() as printed:
        console.print(table)
    for line in printed.get().splitlines():
        click.echo(line.rstrip())
