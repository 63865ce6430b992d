"""`starhaul convert`."""

from __future__ import annotations

from pathlib import Path

import click

from starhaul.cli.invocation import Invocation, command
from starhaul.cli.new_file import write_new
from starhaul.cli.options import JOB, PATH, variable_options


@command
@click.argument("job", type=JOB)
@click.option("-o", "--output", metavar="FILE", type=PATH, help="Write to a new file instead of standard output.")
@variable_options
def convert(
    invocation: Invocation,
    job: Path | str,
    output: Path | None,
    variables: dict[str, str],
    connections: Path | None,
) -> None:
    """Turn a DataX job into a native one.

    Variables stay variables (give those that stand for numbers), secrets become variables, and a remark stands at each
    deliberate difference. Connects to nothing.
    """
    from starhaul.job.datax_to_native import to_native

    text = to_native(job, invocation.registry(), variables=variables)
    if output is None:
        click.echo(text, nl=False)
    else:
        write_new(output, text, "--output")
