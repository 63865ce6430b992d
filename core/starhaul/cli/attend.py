"""Carries out a run in front of the user: progress, signals, closing report, exit code."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn, Protocol, Self

import click

from starhaul.api.events import Event
from starhaul.cli.allocator import keep_freed_memory
from starhaul.cli.failure import tell
from starhaul.cli.invocation import Invocation
from starhaul.cli.signals import stop_on_signals
from starhaul.engine.library import Options
from starhaul.engine.progress import Progress
from starhaul.engine.stop import Stop
from starhaul.report.console import closing, failure_line
from starhaul.report.output import show
from starhaul.report.report import Report

if TYPE_CHECKING:
    from starhaul.cli.report_file import ReportFile


class Display(Protocol):
    """What shows a run while it lasts: `ProgressLines`, `ProgressBars`, `DataxLog`."""

    def __enter__(self) -> Self: ...

    def __exit__(self, *_: object) -> None: ...

    def observe(self, event: Event) -> None:
        """Look at an event of the run."""

    def say(self, message: str) -> None:
        """Tell the user something at once. From any thread."""

    def restore(self) -> None:
        """Leave the terminal as it was found, right before the process ends."""


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

    `progress` is how to show it: `auto`, `bar`, `plain`, `none` or `datax`. Raises whatever keeps the job from
    beginning.
    """
    destination = None if report_file is None else _report_file(report_file)
    options["progress"] = Progress()
    display = _display(progress, options["progress"], invocation)
    report = watch(invocation, carry_out, options, display, silent=progress == "none")
    if destination is not None:
        destination.write(report)
    if progress == "datax":
        from starhaul.report.datax_log import DataxLog

        assert isinstance(display, DataxLog)  # noqa: S101 - what `_display` made
        display.finish(report)
    else:
        show(closing(report, resumed=resumed))
        if report.error is not None and not sys.stdout.isatty():
            tell("error", failure_line(report.error))  # for whoever looks at standard error alone
    click.get_current_context().exit(report.exit_code)


def watch(
    invocation: Invocation,
    carry_out: Callable[[Options], Report],
    options: Options,
    display: Display,
    *,
    silent: bool = False,
) -> Report:
    """Call `carry_out` with `options`, completed by the registry and by what stops the run, while `display` shows it
    (unless it is to be `silent`)."""
    keep_freed_memory()
    options["registry"] = invocation.registry()
    options["stop"] = Stop()
    with display, stop_on_signals(options["stop"], display.say, display.restore):
        options["observers"] = [] if silent else [display.observe]
        return carry_out(options)


def _report_file(path: Path) -> ReportFile:
    from starhaul.cli.report_file import ReportFile

    return ReportFile(path)


def _display(style: str, progress: Progress, invocation: Invocation) -> Display:
    if style == "bar" or (style == "auto" and sys.stderr.isatty() and os.environ.get("TERM") != "dumb"):
        from starhaul.report.progress_bars import ProgressBars  # rich takes a while to import

        return ProgressBars(progress)
    if style == "datax":
        from starhaul.report.datax_log import DataxLog

        return DataxLog(progress)
    from starhaul.report.progress_lines import ProgressLines

    return ProgressLines(progress)
