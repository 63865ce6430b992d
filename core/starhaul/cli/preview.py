"""`starhaul preview`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from starhaul.cli.invocation import Invocation, command
from starhaul.cli.options import JOB, load, variable_options

if TYPE_CHECKING:
    from starhaul.cli.sample import Sample

CELL_WIDTH = 60


@command
@click.argument("job", type=JOB)
@click.option("--rows", type=click.IntRange(min=1), default=10, show_default=True, help="Rows of each stream.")
@variable_options
def preview(
    invocation: Invocation, job: Path | str, rows: int, variables: dict[str, str], connections: Path | None
) -> None:
    """Show the first rows that a job would write.

    They come after the transformers and in the types of the target; rows that would be rejected are listed with the
    reason. Changes nothing.
    """
    from starhaul.cli.sample import take_sample
    from starhaul.plan.build import make_plan

    registry = invocation.registry()
    with make_plan(load(job, registry, variables, connections), registry) as plan:
        for stream in plan.streams:
            _show(stream.name, take_sample(stream, rows))


def _show(name: str, sample: Sample) -> None:
    from starhaul.cli.table import show_table
    from starhaul.report.figures import counted, printable

    click.echo(click.style(f"{printable(name)}: {counted(sample.rows.num_rows, 'row')}", bold=True))
    heading = [f"{field.name}\n{field.type}" for field in sample.rows.schema]
    show_table(heading, [[_cell(value) for value in row] for row in sample.values()], colours={NULL: "dim"})
    if not sample.converted:
        click.echo("not converted: the target's columns are known once it is prepared")
    for rejected in sample.rejected:
        place = f"{rejected.at}: " if rejected.at else ""
        click.echo(f"{click.style('rejected', fg='yellow')}  {printable(place + rejected.reason)}")
        click.echo(f"          {printable(', '.join(f'{key}={_cell(value)}' for key, value in rejected.row.items()))}")


NULL = "NULL"


def _cell(value: Any) -> str:
    text = NULL if value is None else value.hex() if isinstance(value, bytes) else str(value)
    return text if len(text) <= CELL_WIDTH else f"{text[: CELL_WIDTH - 1]}…"
