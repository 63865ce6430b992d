"""The command `datax`, also `bin/datax.py` in this package: DataX's launcher, with this program behind it.

The arguments, the output and the exit codes (0 done, 1 failed, 143 stopped, 255 wrong usage) are DataX's. What only a
JVM needs is accepted and has no effect.
"""

from __future__ import annotations

import gc
import re
import sys
from typing import TYPE_CHECKING, Any, NoReturn

import click

from starhaul.cli import set_up
from starhaul.cli.options import JOB, PATH

if TYPE_CHECKING:
    from pathlib import Path

    from starhaul.engine.library import Options

EXIT_FAILED = 1
EXIT_USAGE = 255
LEVELS = {"trace": "debug", "debug": "debug", "info": "info", "warn": "warning", "warning": "warning", "error": "error"}
_JOB_ID = re.compile(r"/instance/(\d+)/config\.xml|/inner/job/(\d+)/(?:config|taskGroup/)")


def main() -> NoReturn:
    """What the console script and `bin/datax.py` call. Exits with one of DataX's codes."""
    set_up()
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(encoding="utf-8")  # as DataX writes, whatever the locale says
    try:
        code = datax.main(prog_name="datax", standalone_mode=False)
    except click.ClickException as error:
        error.show()
        code = EXIT_USAGE if isinstance(error, click.UsageError) else EXIT_FAILED
    except click.Abort:
        from starhaul.report.build import EXIT_STOPPED

        code = EXIT_STOPPED
    finally:
        gc.freeze()
    sys.exit(code or 0)


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("jobs", metavar="JOB", type=JOB, nargs=-1)
@click.option("-p", "--params", multiple=True, metavar="TEXT", help='Variables of the job: -p "-DNAME=VALUE …".')
@click.option("-j", "--jvm", metavar="TEXT", help="Without effect: there is no JVM.")
@click.option("-d", "--debug", is_flag=True, help="Show the traceback of an unexpected error.")
@click.option("--jobid", type=int, default=-1, help="Number of the job in log lines.")
@click.option(
    "-m", "--mode", type=click.Choice(["standalone", "local", "distribute"]), default="standalone",
    help="Without effect: a job runs in one process.",
)  # fmt: skip
@click.option("--loglevel", type=click.Choice(list(LEVELS), case_sensitive=False), default="info", help="What to log.")
@click.option("-r", "--reader", metavar="NAME", help="Print a job template for this reader and --writer.")
@click.option("-w", "--writer", metavar="NAME", help="Print a job template for --reader and this writer.")
@click.option(
    "--conversion", type=click.Choice(["exact", "datax"]),
    help="How values change their type, whatever the job says.",
)  # fmt: skip
@click.option("--dirty-values", is_flag=True, help="Log rejected rows with their values.")
@click.option("--connections", metavar="FILE", type=PATH, help="Named connections, instead of the user's own file.")
@click.option("--state", metavar="FOLDER", type=PATH, help="Where runs are remembered.")
def datax(
    jobs: tuple[Path | str, ...], reader: str | None, writer: str | None, mode: str, jobid: int, **given: Any
) -> int:
    """Run the job file JOB (a path, file://… or http(s)://…) as DataX's datax.py does."""
    if reader or writer:
        return _print_template(reader, writer)
    if len(jobs) != 1:
        raise click.UsageError(f"one job is expected, {len(jobs)} are given")
    if mode != "standalone" and jobid == -1:
        raise click.UsageError(f"mode {mode} needs a --jobid")
    return _run(jobs[0], jobid, **given)


def _print_template(reader: str | None, writer: str | None) -> int:
    from starhaul.cli.datax_template import datax_template
    from starhaul.cli.failure import explain
    from starhaul.registry import Registry

    if not (reader and writer):
        raise click.UsageError("a template needs both -r and -w")
    try:
        registry = Registry()
        click.echo(datax_template(registry.reader(reader), registry.writer(writer)))
    except Exception as error:
        explain(error, debug=False)
        return EXIT_FAILED
    return 0


def _run(
    job: Path | str,
    jobid: int,
    *,
    params: tuple[str, ...],
    loglevel: str,
    debug: bool,
    dirty_values: bool,
    jvm: str | None,
    **given: Any,
) -> int:
    from starhaul.cli.attend import watch
    from starhaul.cli.failure import explain, reasons
    from starhaul.cli.invocation import Invocation
    from starhaul.engine.library import run
    from starhaul.engine.progress import Progress
    from starhaul.report.build import EXIT_STOPPED
    from starhaul.report.datax_log import DataxLog

    level = LEVELS[loglevel.lower()]
    invocation = Invocation(log_level="warning" if level == "info" else level, debug=debug)
    progress = Progress()
    log = DataxLog(progress, job=_number_of(job, jobid), level=level, values=dirty_values)
    options: Options = {"progress": progress}
    for name, value in given.items():
        if value is not None:
            options[name] = value  # type: ignore[literal-required]  # named as the options of the library are
    try:
        with invocation.logging():
            options["variables"] = _variables(params)
            report = watch(invocation, lambda options: run(job, **options), options, log)
    except BaseException as error:
        code = explain(error, debug=debug)
        log.failed("\n".join(reasons(error, debug=debug)))
        return code if code == EXIT_STOPPED else EXIT_FAILED
    log.finish(report)
    return report.exit_code if report.exit_code in (0, EXIT_STOPPED) else EXIT_FAILED


def _variables(params: tuple[str, ...]) -> dict[str, str]:
    from starhaul.job.variables import parse_datax_params

    variables: dict[str, str] = {}
    for text in params:
        variables |= parse_datax_params(text)
    return variables


def _number_of(job: Path | str, jobid: int) -> int:
    """The number that was given, else the one in the address of a job on DataX's server, else 0."""
    if jobid != -1:
        return jobid
    match = _JOB_ID.search(str(job))
    return int(match[1] or match[2]) if match else 0
