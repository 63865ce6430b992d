"""`starhaul check`."""

from __future__ import annotations

from pathlib import Path

import click

from starhaul.cli.invocation import Invocation, command
from starhaul.cli.options import JOB, load, variable_options


@command
@click.argument("job", type=JOB)
@click.option("--connect/--no-connect", default=True, help="Connect to the stores, too.  [default: connect]")
@variable_options
def check(
    invocation: Invocation, job: Path | str, connect: bool, variables: dict[str, str], connections: Path | None
) -> None:
    """Validate a job and connect to its stores; change nothing."""
    from starhaul.plan.build import make_plan

    registry = invocation.registry()
    loaded = load(job, registry, variables, connections)
    if connect:
        with make_plan(loaded, registry):
            pass  # that it could be made is all that was asked
    routes = ", ".join(f"{stream.reader.name} → {stream.writer.name}" for stream in loaded.streams[:5])
    more = ", …" if len(loaded.streams) > 5 else ""
    click.echo(f"{job}: valid{', both sides answer' if connect else ''} ({routes}{more})")
