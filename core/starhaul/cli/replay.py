"""`starhaul replay`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from starhaul.cli.invocation import Invocation, command
from starhaul.cli.options import run_options

if TYPE_CHECKING:
    from starhaul.engine.library import Options


@command
@click.argument("run")
@run_options
def replay(invocation: Invocation, run: str, options: Options, report_file: Path | None, progress: str) -> None:
    """Send the rejected rows of a run through again.

    To be used once their cause is mended, in the job or in the target. The replay is a run of its own.
    """
    from starhaul.cli.attend import attend
    from starhaul.engine.library import replay as replay_run

    attend(invocation, lambda options: replay_run(run, **options), options, report_file=report_file, progress=progress)
