"""`starhaul run`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from starhaul.cli.invocation import Invocation, command
from starhaul.cli.options import JOB, run_options

if TYPE_CHECKING:
    from starhaul.engine.library import Options


@command
@click.argument("job", type=JOB)
@click.option("-j", "--jvm", hidden=True, expose_value=False, help="DataX's option for the JVM, without effect.")
@click.option("-m", "--mode", hidden=True, expose_value=False, help="DataX's option, without effect.")
@click.option("--jobid", type=int, hidden=True, expose_value=False, help="DataX's option, without effect.")
@run_options
def run(invocation: Invocation, job: Path | str, options: Options, report_file: Path | None, progress: str) -> None:
    """Run a job.

    The first Ctrl-C or SIGTERM stops the run cleanly, so that `starhaul resume` can take it up; a second one ends it
    at once.
    """
    from starhaul.api.errors import ConfigError
    from starhaul.cli.attend import attend
    from starhaul.engine.library import run as run_job

    if report_file is not None and isinstance(job, Path) and report_file.resolve() == job.resolve():
        raise ConfigError("--report", "is the job file itself", "name another file")
    attend(invocation, lambda options: run_job(job, **options), options, report_file=report_file, progress=progress)
