"""`starhaul plan`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click

from starhaul.cli.invocation import Invocation, command
from starhaul.cli.options import JOB, load, variable_options

SPLITS_SHOWN = 10
_FIT_COLOURS = {"checked": "yellow", "lossy": "red", "impossible": "red"}


@command
@click.argument("job", type=JOB)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@variable_options
def plan(
    invocation: Invocation, job: Path | str, as_json: bool, variables: dict[str, str], connections: Path | None
) -> None:
    """Show what a job is going to do.

    Connects to its stores and changes nothing. For each stream: how it reads and writes, what is certain if the run
    fails, how each column is converted, and into which tasks the source is cut.
    """
    from starhaul.plan.build import make_plan

    registry = invocation.registry()
    with make_plan(load(job, registry, variables, connections), registry) as made:
        planned = made.as_dict()
    if as_json:
        click.echo(json.dumps(planned, ensure_ascii=False, indent=2))
        return
    show_plan(planned)


def show_plan(planned: dict[str, Any]) -> None:
    """Print what `Plan.as_dict` tells."""
    from starhaul.report.figures import counted, printable

    streams, channels = counted(len(planned["streams"]), "stream"), counted(planned["channels"], "channel")
    click.echo(f"job {printable(planned['job'])}: {streams}, {channels}")
    for stream in planned["streams"]:
        _show(stream)


def _show(stream: dict[str, Any]) -> None:
    from starhaul.cli.table import show_table
    from starhaul.report.figures import count, counted, printable, size

    route = " → ".join([stream["reader"], *stream["transformers"], stream["writer"]])
    click.echo(f"\n{click.style(printable(stream['name']), bold=True)}: {route}")
    click.echo(f"guarantee  {stream['guarantee']}")
    for index, fact in enumerate(stream["facts"]):
        click.echo(f"{'' if index else 'facts':9}  {printable(fact)}")
    if stream["creation"] is not None:
        _show_creation(stream["creation"])
    if stream["columns"] is None:
        click.echo("columns    known once the target is prepared")
    else:
        show_table(
            ["source", "type", "target", "type", "fit", "note"],
            [[each["source"], each["source_type"], each["target"], each["target_type"], each["fit"], each["note"]]
             for each in stream["columns"]],
            colours=_FIT_COLOURS,
        )  # fmt: skip
    if stream["encoding"] is not None:
        click.echo(f"passes     as {stream['encoding']}, without a detour by Arrow")
    splits = stream["splits"]
    click.echo(counted(len(splits), "task"))
    if len(splits) > 1:
        rows = [
            [each["id"],
             "" if each["rows"] is None else count(each["rows"]),
             "" if each["bytes"] is None else size(each["bytes"])]
            for each in splits[:SPLITS_SHOWN]
        ]  # fmt: skip
        if len(splits) > SPLITS_SHOWN:
            rows.append([f"… {len(splits) - SPLITS_SHOWN} more", "", ""])
        show_table(["split", "rows", "size"], rows)


def _show_creation(creation: dict[str, list[str]]) -> None:
    """The statements as they are, so that they can be copied; what they leave out."""
    from starhaul.report.figures import printable

    for statement in creation["statements"]:
        for index, line in enumerate(statement.split("\n")):
            click.echo(f"{'' if index else 'creates':9}  {printable(line)}")
    for index, each in enumerate(creation["left_out"]):
        click.echo(f"{'' if index else 'left out':9}  {printable(each)}")
