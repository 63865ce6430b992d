"""What DataX prints about a run, byte for byte where wrapper scripts look: progress, rejected rows, closing block.

Each is a log record `yyyy-MM-dd HH:mm:ss.SSS [thread] LEVEL logger - message` on standard output. The format strings
are those of DataX 3 (`CommunicationTool.Stringify`, `JobContainer.logStatistics`), with their typing errors.
"""

from __future__ import annotations

import json
import threading
import time
from collections import Counter
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

from starhaul.api.events import Event, RunFinished, RunStarted
from starhaul.engine.progress import Progress
from starhaul.report.output import show
from starhaul.report.report import Report
from starhaul.runs.rejects import decode, read_rejects

LEVELS = {"debug": 0, "info": 1, "warning": 2, "error": 3}
HIDDEN = "***"
_READING = ("read", "transform")


class DataxLog:
    """Prints a run as DataX would. A context manager, to be left after the run, and an observer of its events.

    `job` is the number in the name of DataX's main thread. Records below `level` are left out: progress and closing
    block are of level `info`, rejected rows and failures of level `error`. `values`: show the values of rejected rows.
    """

    def __init__(self, progress: Progress, *, job: int = 0, level: str = "info", values: bool = False) -> None:
        self._progress = progress
        self._thread_name = f"job-{job}"
        self._level = LEVELS[level]
        self._values = values
        self._over = threading.Event()
        self._thread: threading.Thread | None = None
        self._last = (time.monotonic(), 0, 0)

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

    def say(self, message: str) -> None:
        """Tell the user something at once. From any thread."""
        self._log("warning", "Engine", message)

    def restore(self) -> None:
        """Leave the terminal as it was found, right before the process ends."""

    def finish(self, report: Report) -> None:
        """Print what follows a run: rejected rows, then the last progress line and the closing block, or the reason
        why it failed."""
        for thread, message in dirty_records(report, self._progress.rejects_logged, values=self._values):
            self._log("error", "StdoutPluginCollector", message, thread)
        for warning in report.warnings:
            self._log("warning", "JobContainer", warning)
        if report.state != "done":
            self.failed("stopped" if report.error is None else _reason(report))
        elif report.run:
            self._log("info", "StandAloneJobContainerCommunicator", self._final_line(report))
            for block in closing_blocks(report):
                self._log("info", "JobContainer", block)
        else:
            self._log("info", "JobContainer", "dryRun: the job is valid, all stores answer; nothing was moved")

    def failed(self, reason: str) -> None:
        """Print why a job failed, or could not begin."""
        self._log("error", "Engine", f"\n\n经DataX智能分析,该任务最可能的错误原因是:\n{reason}")

    def _print_progress(self) -> None:
        while not self._over.wait(self._progress.interval):
            self._log("info", "StandAloneJobContainerCommunicator", self.line(time.monotonic()))

    def line(self, now: float) -> str:
        """The progress of the whole run, at a time of a clock that never goes back. Waits are not known before the
        end, nor are bytes of rejected rows."""
        streams = self._progress.snapshot()
        rows, size = sum(each.rows for each in streams), sum(each.bytes for each in streams)
        done, tasks = sum(each.tasks_done for each in streams), sum(each.tasks for each in streams)
        rejected = sum(each.rejected for each in streams)
        share = done / tasks if tasks else 0.0
        return self._line(now, rows=rows, size=size, rejected=rejected, waits=(0.0, 0.0), share=share)

    def _final_line(self, report: Report) -> str:
        transformed = "".join(
            f"{label} {figure} records | "
            for label, figure in zip(
                ("Transfermor Success", "Transformer Error", "Transformer Filter"),
                transformer_figures(report) or (),
                strict=False,
            )
        )
        return self._line(
            time.monotonic(),
            rows=report.read,
            size=sum(each.bytes for each in report.streams),
            rejected=report.rejected,
            waits=(
                sum(each.seconds_reader_waited for each in report.streams),
                sum(each.seconds_writer_waited for each in report.streams),
            ),
            share=1.0,
            transformed=f"{transformed}Transformer usedTime 0.000s | " if transformed else "",
        )

    def _line(
        self,
        now: float,
        *,
        rows: int,
        size: int,
        rejected: int,
        waits: tuple[float, float],
        share: float,
        transformed: str = "",
    ) -> str:
        before, rows_before, size_before = self._last
        self._last = (now, rows, size)
        seconds = max(1, int(now - before))
        size_rate, rate = max(0, size - size_before) // seconds, max(0, rows - rows_before) // seconds
        for_writer, for_reader = waits
        return (
            f"Total {rows} records, {size} bytes | Speed {stringify(size_rate)}/s, {rate} records/s | "
            f"Error {rejected} records, 0 bytes |  All Task WaitWriterTime {for_writer:,.3f}s |  "
            f"All Task WaitReaderTime {for_reader:,.3f}s | {transformed}Percentage {share * 100:.2f}%"
        )

    def _log(self, level: str, logger: str, message: str, thread: str | None = None) -> None:
        if LEVELS[level] < self._level:
            return
        now = datetime.now()
        clock = f"{now:%Y-%m-%d %H:%M:%S}.{now.microsecond // 1000:03d}"
        name = "WARN" if level == "warning" else level.upper()
        # One write for each record, as several threads print.
        show(f"{clock} [{thread or self._thread_name}] {name:<5} {logger} - {message}\n", newline=False)


def stringify(size: int) -> str:
    """Bytes as DataX writes them: `59B`, `1.50KB`, steps of 1024."""
    for unit, factor in (("TB", 2**40), ("GB", 2**30), ("MB", 2**20), ("KB", 2**10)):
        if size // factor:
            return f"{size / factor:.2f}{unit}"
    return f"{size}B"


def closing_blocks(report: Report) -> Iterator[str]:
    """The messages of DataX's closing report: a line break, then a line for each figure. The second one is only for
    jobs with transformers."""
    started, ended = (datetime.fromisoformat(each) for each in (report.started, report.ended))
    seconds = max(1, int(report.seconds))
    arrived = report.read - report.rejected
    size = sum(stream.bytes for stream in report.streams)
    yield "\n" + "".join(
        [
            f"{'任务启动时刻':<26}: {started:%Y-%m-%d %H:%M:%S}\n",
            f"{'任务结束时刻':<26}: {ended:%Y-%m-%d %H:%M:%S}\n",
            _figure("任务总计耗时", f"{int(report.seconds)}s"),
            _figure("任务平均流量", f"{stringify(size // seconds)}/s"),
            _figure("记录写入速度", f"{arrived // seconds}rec/s"),
            _figure("读出记录总数", report.read),
            _figure("读写失败总数", report.rejected),
        ]
    )
    figures = transformer_figures(report)
    if figures is not None:
        labels = ("Transformer成功记录总数", "Transformer失败记录总数", "Transformer过滤记录总数")
        yield "\n" + "".join(map(_figure, labels, figures))


def transformer_figures(report: Report) -> tuple[int, int, int] | None:
    """Rows that transformers took, could not take, and left out; None without transformers. DataX counts a row that
    was left out among those taken, too."""
    if not any(stream.transformers for stream in report.streams):
        return None
    stages = Counter(str(line["stage"]).partition(":")[0] for line in _rejected(report))
    failed = stages["transform"]
    return report.read - stages["read"] - failed, failed, report.filtered


def dirty_records(report: Report, logged: int, *, values: bool) -> Iterator[tuple[str, str]]:
    """The rejected rows of a run as DataX logs them: thread and message, the first `logged` of each side of each task
    (-1: all). Without `values` neither values nor reasons, which may hold some, are shown."""
    seen: Counter[tuple[str, str, str]] = Counter()
    tasks: dict[tuple[str, str], int] = {}
    for line in _rejected(report):
        side = "reader" if str(line["stage"]).startswith(_READING) else "writer"
        place = (line["stream"], line["task"], side)
        seen[place] += 1
        if logged >= 0 and seen[place] > logged:
            continue
        number = tasks.setdefault(place[:2], len(tasks))
        message = line["reason"] if values else f"hidden; see {report.rejects}"
        record = list(_columns(line, values=values))
        told = {"type": side, "message": message, "exception": message, "record": record}
        yield f"0-0-{number}-{side}", f"脏数据: {json.dumps(told, ensure_ascii=False, separators=(',', ':'))}"


def _rejected(report: Report) -> Iterator[dict[str, Any]]:
    if report.rejects is not None:
        yield from (line for line in read_rejects(Path(report.rejects)) if "reason" in line)


def _columns(line: dict[str, Any], *, values: bool) -> Iterator[dict[str, Any]]:
    if "arrow" not in line:
        return
    schema = decode(line["arrow"]).schema
    for index, (field, value) in enumerate(zip(schema, line["row"].values(), strict=True)):
        size = 0 if value is None else len(value)
        raw = value if values or value is None else HIDDEN
        yield {"byteSize": size, "index": index, "rawData": raw, "type": _kind(str(field.type))}


def _kind(arrow: str) -> str:
    """DataX's name for a type of Arrow's."""
    kinds = {"int": "LONG", "uint": "LONG", "float": "DOUBLE", "double": "DOUBLE", "decimal": "DOUBLE",
             "bool": "BOOL", "date": "DATE", "time": "DATE", "binary": "BYTES", "large_binary": "BYTES",
             "fixed_size_binary": "BYTES", "halffloat": "DOUBLE", "null": "NULL"}  # fmt: skip
    return next((kind for start, kind in kinds.items() if arrow.startswith(start)), "STRING")


def _figure(label: str, value: object) -> str:
    return f"{label:<26}: {value!s:>19}\n"


def _reason(report: Report) -> str:
    from starhaul.report.console import failure_line

    return "" if report.error is None else failure_line(report.error)
