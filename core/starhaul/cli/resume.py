"""`starhaul resume`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from starhaul.cli.invocation import Invocation, command
from starhaul.cli.options import run_options

if TYPE_CHECKING:
    from starhaul.engine.library import Options


@command
@click.argument("run", required=False)
@click.option("--last", is_flag=True, help="The newest run that did not come to its end.")
@run_options
def resume(
    invocation: Invocation, run: str | None, last: bool, options: Options, report_file: Path | None, progress: str
) -> None:
    """Take up a run that was stopped, failed or was killed.

    It keeps the variables it began with; those that went into secret parameters are not stored and must be given
    again.
    """
    from starhaul.cli.attend import attend
    from starhaul.engine.library import resume as resume_run

    if (run is None) != last:
        raise click.UsageError("Name a RUN, or say --last.")
    chosen = run or _last(options.get("state"))
    attend(
        invocation, lambda options: resume_run(chosen, **options), options,
        report_file=report_file, progress=progress, resumed=True,
    )  # fmt: skip


def _last(state: Path | str | None) -> str:
    """The newest run that is neither done nor under way. Raises `ConfigError` if there is none."""
    from starhaul.api.errors import ConfigError
    from starhaul.runs.store import RunStore, state_folder

    with RunStore(state or state_folder()) as store:
        for run in store.runs():
            if run.state != "done" and not store.alive(run.id):
                return run.id
        raise ConfigError("--last", f"no run in {store.folder} is to be resumed", "`starhaul runs` lists them")
