"""The closing report."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import click
import pytest

from starhaul.report.console import closing, failure_line, slower_side
from starhaul.report.report import ErrorReport, Report, StreamReport


def stream(name: str = "orders", **figures: Any) -> StreamReport:
    given: dict[str, Any] = {
        "name": name, "reader": "r", "writer": "w", "state": "committed", "promises": [], "tasks": 4, "tasks_done": 4,
        "read": 2_000_000, "written": 1_999_990, "skipped": 7, "rejected": 3, "filtered": 0, "bytes": 250_000_000,
        "seconds_reader_waited": 1.5, "seconds_writer_waited": 0.25,
    }  # fmt: skip
    return StreamReport(**(given | figures))


def report(*streams: StreamReport, **facts: Any) -> Report:
    each = list(streams or [stream()])
    given: dict[str, Any] = {
        "run": "20260101_000000_abcdef",
        "job": "nightly",
        "state": "done",
        "started": "",
        "ended": "",
        "seconds": 10.0,
        "streams": each,
    } | {
        name: sum(getattr(one, name) for one in each) for name in ("read", "written", "skipped", "rejected", "filtered")
    }
    return Report(**(given | facts))


def lines(*arguments: Any, **options: Any) -> list[str]:
    return click.unstyle(closing(*arguments, **options)).splitlines()


def cells(line: str) -> list[str]:
    return re.split(r"  +", line.strip())


def test_a_run_that_is_done() -> None:
    first, _, heading, figures = lines(report())
    assert first == "run 20260101_000000_abcdef of job nightly: done in 10.0 s"
    assert dict(zip(cells(heading), cells(figures), strict=True)) == {
        "stream": "orders", "state": "committed", "tasks": "4/4", "read": "2,000,000", "written": "1,999,990",
        "skipped": "7", "rejected": "3", "filtered": "0", "rows/s": "200,000", "MB/s": "25.0", "slower side": "target",
    }  # fmt: skip


def test_several_streams_have_a_total() -> None:
    shown = lines(report(stream("a"), stream("b", read=10, bytes=0)))
    assert [cells(line)[0] for line in shown[2:]] == ["stream", "a", "b", "total"]
    assert cells(shown[-1])[1:3] == ["8/8", "2,000,010"]


def test_no_rates_are_told_where_the_rows_are_of_several_sittings() -> None:
    assert cells(lines(report(), resumed=True)[3])[8:10] == ["-", "-"]
    assert cells(lines(report(seconds=0.0))[3])[8:10] == ["-", "-"]


@pytest.mark.parametrize(
    ("reader", "writer", "side"),
    [(3.0, 0.1, "target"), (0.1, 3.0, "source"), (0.4, 0.1, "-"), (0.0, 0.0, "-"), (2.0, 2.0, "-")],
)
def test_the_slower_side_is_the_one_that_was_waited_for(reader: float, writer: float, side: str) -> None:
    assert slower_side(stream(seconds_reader_waited=reader, seconds_writer_waited=writer), 10.0) == side


def test_a_failure_tells_where_why_and_what_next(tmp_path: Path) -> None:
    rejects = tmp_path / "rejects.jsonl"
    origin = {"v": 1, "stream": "orders", "task": "t3", "attempt": 1}
    written = [
        *({**origin, "at": f"a.csv:{row}", "stage": "read", "reason": f"row {row}\x1b[2J"} for row in range(4)),
        {**origin, "filtered": 5},
    ]
    rejects.write_text("".join(json.dumps(line) + "\n" for line in written))
    error = ErrorReport("RejectLimitExceeded", "job", "too many", "raise the limit", "orders", "t3")
    shown = lines(
        report(
            stream(notes={"zero date made NULL": 12}), state="failed", rejects=str(rejects), error=error,
            warnings=["something\nodd"], resumable=True,
        )
    )  # fmt: skip
    assert shown[5:] == [
        "note     orders: zero date made NULL: 12",
        "warning  something\\nodd",
        f"rejects  3 rows set aside in {rejects}",
        "         a.csv:0: row 0\\x1b[2J",
        "         a.csv:1: row 1\\x1b[2J",
        "         a.csv:2: row 2\\x1b[2J",
        "error    RejectLimitExceeded in orders, t3",
        "         job: too many (raise the limit)",
        "resume   starhaul resume 20260101_000000_abcdef",
    ]


def test_rejects_of_an_attempt_that_failed_are_told_without_a_number(tmp_path: Path) -> None:
    """They do not count, as the attempt does not."""
    rejects = tmp_path / "run.jsonl"
    line = {"v": 1, "stream": "orders", "task": "t3", "attempt": 1, "at": "", "stage": "read", "reason": "no number"}
    rejects.write_text(json.dumps(line) + "\n")
    shown = lines(report(stream(rejected=0), state="failed", rejects=str(rejects)))
    assert f"rejects  those of the attempt that failed are set aside in {rejects}" in shown
    assert "         orders t3: no number" in shown


def test_a_run_that_cannot_be_resumed_says_so() -> None:
    assert lines(report(state="stopped"))[-1].startswith("resume  not possible")


def test_failure_line_leaves_out_what_is_missing() -> None:
    assert failure_line(ErrorReport("E", "", "broken", "")) == "broken"
