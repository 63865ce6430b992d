"""Carries out a run in front of the user: progress, signals, closing report, exit code."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import click

from starhaul.cli.failure import tell
from starhaul.cli.invocation import Invocation
from starhaul.cli.signals import stop_on_signals
from starhaul.engine.library import Options
from starhaul.engine.progress import Progress
from starhaul.engine.stop import Stop
from starhaul.report.console import closing, failure_line
from starhaul.report.progress_lines import ProgressLines
from starhaul.report.report import Report

if TYPE_CHECKING:
    from starhaul.cli.report_file import ReportFile
    from starhaul.report.progress_bars import ProgressBars


def attend(
    invocation: Invocation,
    carry_out: Callable[[Options], Report],
    options: Options,
    *,
    report_file: Path | None,
    progress: str,
    resumed: bool = False,
) -> NoReturn:
    """Call `carry_out` with `options`, completed by the registry and by what shows and stops the run; then end the
    command with the exit code of its report.

    `progress` is how to show it: `auto`, `bar`, `plain` or `none`. Raises whatever keeps the job from beginning.
    """
    destination = None if report_file is None else _report_file(report_file)
    options["registry"] = invocation.registry()
    options["stop"], options["progress"] = Stop(), Progress()
    with (
        _display(progress, options["progress"]) as display,
        stop_on_signals(options["stop"], display.say, display.restore),
    ):
        options["observers"] = [] if progress == "none" else [display.observe]
        report = carry_out(options)
    if destination is not None:
        destination.write(report)
    _print(closing(report, resumed=resumed))
    if report.error is not None and not sys.stdout.isatty():
        tell("error", failure_line(report.error))  # for whoever looks at standard error alone
    click.get_current_context().exit(report.exit_code)


def _report_file(path: Path) -> ReportFile:
    from starhaul.cli.report_file import ReportFile

    return ReportFile(path)


def _display(style: str, progress: Progress) -> ProgressLines | ProgressBars:
    if style == "bar" or (style == "auto" and sys.stderr.isatty() and os.environ.get("TERM") != "dumb"):
        from starhaul.report.progress_bars import ProgressBars  # rich takes a while to import

        return ProgressBars(progress)
    return ProgressLines(progress)


def _print(text: str) -> None:
    """Print, unless nobody reads: the exit code still tells how the run ended."""
    try:
        click.echo(text)
    except BrokenPipeError:
        # As the Python documentation advises: or else the flush at exit fails in turn.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
