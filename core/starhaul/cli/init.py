"""`starhaul init`."""

from __future__ import annotations

from pathlib import Path

import click

from starhaul.cli.invocation import Invocation, command
from starhaul.cli.new_file import write_new
from starhaul.cli.options import PATH


@command
@click.argument("reader")
@click.argument("writer")
@click.option("-o", "--output", metavar="FILE", type=PATH, help="Write to FILE, which must not exist yet.")
def init(invocation: Invocation, reader: str, writer: str, output: Path | None) -> None:
    """Write a job template for a reader and a writer.

    Required parameters wait to be filled in; the others are there as comments, with their defaults.
    """
    from starhaul.cli.template import job_template

    registry = invocation.registry()
    text = job_template(registry.reader(reader), registry.writer(writer))
    if output is None:
        click.echo(text, nl=False)
        return
    write_new(output, text, "--output")
    click.echo(f"wrote {output}; fill it in, then: starhaul check {output}")
