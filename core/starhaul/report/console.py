"""The closing report of a run, as text."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path

import click

from starhaul.report.figures import count, counted, duration, printable
from starhaul.report.report import ErrorReport, Report, StreamReport
from starhaul.runs.rejects import read_rejects

REJECTS_SHOWN = 3
WAIT_SHARE = 0.05
"""Waits of less than this part of the time say nothing about which side is slower."""

_COLOURS = {
    "done": "green",
    "failed": "red",
    "stopped": "yellow",
    "error": "red",
    "warning": "yellow",
    "rejects": "yellow",
}
_WORDS = ("stream", "state", "slower side")
"""The columns that hold words."""


def closing(report: Report, *, resumed: bool = False) -> str:
    """What a run prints at its end: some lines, styled for a terminal; `click.echo` drops the styles elsewhere.

    `resumed`: the rows are those of earlier sittings too and the time is not, so no rates can be told.
    """
    state = click.style(report.state, fg=_COLOURS[report.state], bold=True)
    if not report.run:
        return f"job {printable(report.job)}: valid, all stores answer; nothing was moved, as it says 'dryRun'"
    lines = [f"run {report.run} of job {printable(report.job)}: {state} in {duration(report.seconds)}", ""]
    lines += _columns([_heading(report), *_streams(report, resumed=resumed)])
    facts = list(_facts(report))
    if facts:
        width = max(len(name) for name, _ in facts)
        lines += ["", *(f"{_coloured(name, width)}  {text}" for name, text in facts)]
    return "\n".join(lines)


def _coloured(name: str, width: int) -> str:
    text = name.ljust(width)
    return click.style(text, fg=_COLOURS[name]) if name in _COLOURS else text


def _columns(rows: Sequence[Sequence[str]]) -> list[str]:
    """Lines of text with the cells of all rows aligned: figures to the right, as their headings, words to the left."""
    widths = [max(map(len, cells)) for cells in zip(*rows, strict=True)]
    words = [rows[0][index] in _WORDS for index in range(len(widths))]
    return [
        "  ".join(
            cell.ljust(width) if is_word else cell.rjust(width)
            for cell, width, is_word in zip(row, widths, words, strict=True)
        ).rstrip()
        for row in rows
    ]


def failure_line(error: ErrorReport) -> str:
    """`where: problem (hint)`."""
    text = f"{error.where}: {error.problem}" if error.where else error.problem
    return f"{text} ({error.hint})" if error.hint else text


def _heading(report: Report) -> list[str]:
    rates = ["rows/s", "MB/s", "slower side"]
    return ["stream", "state", "tasks", "read", "written", "skipped", "rejected", "filtered", *rates]


def _streams(report: Report, *, resumed: bool) -> Iterator[list[str]]:
    for stream in report.streams:
        yield [
            printable(stream.name),
            stream.state,
            f"{stream.tasks_done}/{stream.tasks}",
            *_rows(stream),
            *_rates(stream.read, stream.bytes, 0 if resumed else report.seconds),
            slower_side(stream, report.seconds),
        ]
    if len(report.streams) > 1:
        done, tasks, size = (
            sum(figures)
            for figures in zip(*((each.tasks_done, each.tasks, each.bytes) for each in report.streams), strict=True)
        )
        rates = _rates(report.read, size, 0 if resumed else report.seconds)
        yield ["total", "", f"{done}/{tasks}", *_rows(report), *rates, ""]


def _rows(figures: StreamReport | Report) -> list[str]:
    rows = (figures.read, figures.written, figures.skipped, figures.rejected, figures.filtered)
    return [count(number) for number in rows]


def _rates(rows: int, size: int, seconds: float) -> list[str]:
    return [count(rows / seconds), f"{size / seconds / 1e6:,.1f}"] if seconds > 0 else ["-", "-"]


def slower_side(stream: StreamReport, seconds: float) -> str:
    """Which side of a stream the other one waited for: `source`, `target`, or `-` if neither waited for long."""
    for_source, for_target = stream.seconds_writer_waited, stream.seconds_reader_waited
    if max(for_source, for_target) < seconds * WAIT_SHARE or for_source == for_target:
        return "-"
    return "source" if for_source > for_target else "target"


def _facts(report: Report) -> Iterator[tuple[str, str]]:
    for stream in report.streams:
        for note, rows in sorted(stream.notes.items()):
            yield "note", f"{printable(stream.name)}: {printable(note)}: {count(rows)}"
    for warning in report.warnings:
        yield "warning", printable(warning)
    if report.rejects is not None:
        told = counted(report.rejected, "row") if report.rejected else "those of the attempt that failed are"
        yield "rejects", f"{told} set aside in {report.rejects}"
        for line in islice((each for each in read_rejects(Path(report.rejects)) if "reason" in each), REJECTS_SHOWN):
            place = line["at"] or f"{line['stream']} {line['task']}"
            yield "", printable(f"{place}: {line['reason']}")
    if report.error is not None:
        place = ", ".join(each for each in (report.error.stream, report.error.task) if each)
        yield "error", printable(f"{report.error.kind} in {place}" if place else report.error.kind)
        yield "", printable(failure_line(report.error))
    if report.resumable:
        yield "resume", f"starhaul resume {report.run}"
    elif report.state != "done":
        yield "resume", "not possible: the target may hold some of the rows; clear it, then run the job anew"
