"""What DataX prints about a run, byte for byte where wrapper scripts look: progress, rejected rows, closing block.

Each is a log record `yyyy-MM-dd HH:mm:ss.SSS [thread] LEVEL logger - message` on standard output. The format strings
are those of DataX 3 (`CommunicationTool.Stringify`, `JobContainer.logStatistics`), with their typing errors.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from starhaul.api.events import Event, RunFinished, RunStarted
from starhaul.engine.progress import Counts, Progress
from starhaul.report.datax_block import Transformed, closing_blocks, stringify, transformed
from starhaul.report.datax_dirty import DirtyRecords
from starhaul.report.output import show
from starhaul.report.report import Report

LEVELS = {"debug": 0, "info": 1, "warning": 2, "error": 3}


@dataclass(frozen=True)
class _Figures:
    """What a progress line tells."""

    rows: int
    bytes: int
    rejected: int
    waits: tuple[float, float]
    """Seconds: readers for room, writers for rows."""
    transformed: Transformed
    share: float


class DataxLog:
    """Prints a run as DataX would. A context manager, to be left after the run, and an observer of its events.

    `job` is the number in the names of DataX's threads. Records below `level` are left out: progress and closing
    block are of level `info`, rejected rows and failures of level `error`. `values`: show the values of rejected rows.
    """

    def __init__(self, progress: Progress, *, job: int = 0, level: str = "info", values: bool = False) -> None:
        self._progress = progress
        self._job = job
        self._level = LEVELS[level]
        self._dirty = DirtyRecords(values=values)
        self._over = threading.Event()
        self._thread: threading.Thread | None = None
        self._last = (time.monotonic(), 0, 0)
        progress.listen(self.rejected)

    def __enter__(self) -> DataxLog:
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        if self._thread is not None:
            self._thread.join()

    def observe(self, event: Event) -> None:
        """Begin with the run, end with it."""
        if isinstance(event, RunStarted) and self._level <= LEVELS["info"]:
            self._last = (time.monotonic(), 0, 0)
            self._thread = threading.Thread(target=self._print_progress, name="progress", daemon=True)
            self._thread.start()
        elif isinstance(event, RunFinished):
            self._over.set()

    def rejected(self, line: Mapping[str, Any]) -> None:
        """Print a rejected row, unless there were enough of them. From any thread."""
        record = self._dirty.record(line, self._progress.settings.rejects_logged)
        if record is not None:
            side, message = record
            names = [stream.name for stream in self._progress.snapshot()]
            thread = f"{self._job}-{names.index(line['stream'])}-{line['task'].removeprefix('t')}-{side}"
            self._log("error", "StdoutPluginCollector", message, thread)

    def say(self, message: str) -> None:
        """Tell the user something at once. From any thread."""
        self._log("warning", "Engine", message)

    def restore(self) -> None:
        """Leave the terminal as it was found, right before the process ends."""

    def finish(self, report: Report) -> None:
        """Print what follows a run: the last progress line and the closing block, or the reason why it failed."""
        if report.rejects is not None:
            self._log("warning", "JobContainer", f"rejected rows are in {report.rejects}")
        for warning in report.warnings:
            self._log("warning", "JobContainer", warning)
        if report.state != "done":
            self.failed("stopped" if report.error is None else _reason(report))
        elif report.run:
            line = self._line(time.monotonic(), _closing_figures(report))
            self._log("info", "StandAloneJobContainerCommunicator", line)
            for block in closing_blocks(report):
                self._log("info", "JobContainer", block)
        else:
            self._log("info", "JobContainer", "dryRun: the job is valid, all stores answer; nothing was moved")

    def failed(self, reason: str) -> None:
        """Print why a job failed, or could not begin."""
        self._log("error", "Engine", f"\n\n经DataX智能分析,该任务最可能的错误原因是:\n{reason}")

    def _print_progress(self) -> None:
        while not self._over.wait(self._progress.settings.progress_interval):
            self._log("info", "StandAloneJobContainerCommunicator", self.line(time.monotonic()))

    def line(self, now: float) -> str:
        """The progress of the whole run, at a time of a clock that never goes back. The bytes of rejected rows are
        told as zero."""
        return self._line(now, _live_figures(self._progress))

    def _line(self, now: float, figures: _Figures) -> str:
        before, rows_before, size_before = self._last
        self._last = (now, figures.rows, figures.bytes)
        seconds = max(1, int(now - before))
        size_rate = max(0, figures.bytes - size_before) // seconds
        rate = max(0, figures.rows - rows_before) // seconds
        for_writer, for_reader = figures.waits
        return (
            f"Total {figures.rows} records, {figures.bytes} bytes | Speed {stringify(size_rate)}/s, {rate} records/s | "
            f"Error {figures.rejected} records, 0 bytes |  All Task WaitWriterTime {for_writer:,.3f}s |  "
            f"All Task WaitReaderTime {for_reader:,.3f}s | {figures.transformed.told()}"
            f"Percentage {figures.share * 100:.2f}%"
        )

    def _log(self, level: str, logger: str, message: str, thread: str | None = None) -> None:
        if LEVELS[level] < self._level:
            return
        now = datetime.now()
        clock = f"{now:%Y-%m-%d %H:%M:%S}.{now.microsecond // 1000:03d}"
        name = "WARN" if level == "warning" else level.upper()
        # One write for each record, as several threads print.
        show(f"{clock} [{thread or f'job-{self._job}'}] {name:<5} {logger} - {message}\n", newline=False)


def _live_figures(progress: Progress) -> _Figures:
    streams = progress.snapshot()
    counts = Counts()
    for stream in streams:
        counts.add(stream.counts)
    done, tasks = sum(each.tasks_done for each in streams), sum(each.tasks for each in streams)
    return _Figures(
        rows=sum(each.rows for each in streams),
        bytes=sum(each.bytes for each in streams),
        rejected=sum(each.rejected for each in streams),
        waits=(counts.seconds_reader_waited, counts.seconds_writer_waited),
        transformed=Transformed(counts.transformed, counts.untransformed, counts.filtered, counts.seconds_transforming),
        share=done / tasks if tasks else 0.0,
    )


def _closing_figures(report: Report) -> _Figures:
    return _Figures(
        rows=report.read,
        bytes=sum(each.bytes for each in report.streams),
        rejected=report.rejected,
        waits=(
            sum(each.seconds_reader_waited for each in report.streams),
            sum(each.seconds_writer_waited for each in report.streams),
        ),
        transformed=transformed(report),
        share=1.0,
    )


def _reason(report: Report) -> str:
    from starhaul.report.console import failure_line

    return "" if report.error is None else failure_line(report.error)
