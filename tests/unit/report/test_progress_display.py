"""The two live displays, without a terminal."""

from __future__ import annotations

import io
import time

import pytest
from rich.console import Console

from starhaul.api.events import RunFinished, RunStarted
from starhaul.engine.progress import Progress, StreamProgress
from starhaul.job.settings import Settings
from starhaul.report.progress_bars import BARS, ProgressBars
from starhaul.report.progress_lines import ProgressLines


def progress_of(*streams: StreamProgress, interval: float = 10.0) -> Progress:
    progress = Progress()
    progress.begin(list(streams), Settings(progress_interval=max(interval, 0.1)))
    return progress


class TestLines:
    def test_one_stream(self) -> None:
        stream = StreamProgress("orders", tasks=4, tasks_done=1, rows=100, bytes=800, expected_rows=1000)
        progress = progress_of(stream)
        lines = ProgressLines(progress)
        lines.line(0.0)
        progress.moved(0, 100, 800)
        progress.rejected(0, 2)
        assert lines.line(2.0) == (
            "orders: 200 rows, 1.6 kB, 50 rows/s, 400 B/s, 1 of 4 tasks, 20%, 16.0 s left, 2 rejected"
        )

    def test_nothing_is_said_of_what_nobody_knows(self) -> None:
        line = ProgressLines(progress_of(StreamProgress("orders", tasks=1))).line(0.0)
        assert line == "orders: 0 rows, 0 B, 0 rows/s, 0 B/s, 0 of 1 tasks"
        assert ProgressLines(Progress()).line(0.0) == ""

    def test_many_streams_are_one_line(self) -> None:
        streams = [StreamProgress(f"s{index}", tasks=1, started=1.0) for index in range(7)]
        streams += [StreamProgress("old", tasks=1, tasks_done=1, rows=5, started=1.0, finished=2.0)]
        line = ProgressLines(progress_of(*streams)).line(0.0)
        assert line.startswith("1 of 8 streams done, 7 running (s0, s1, s2, s3, s4, …): 5 rows, ")

    def test_lines_begin_with_the_run_and_end_with_it(self, capsys: pytest.CaptureFixture[str]) -> None:
        progress = progress_of(StreamProgress("orders", tasks=1), interval=0.1)
        with ProgressLines(progress) as lines:
            time.sleep(0.15)
            assert capsys.readouterr().err == ""
            lines.observe(RunStarted(run="r", streams=1, tasks=1))
            time.sleep(0.55)
            lines.observe(RunFinished(run="r", state="done"))
        shown = capsys.readouterr().err.splitlines()
        assert 2 <= len(shown) <= 6
        time.sleep(0.15)
        assert capsys.readouterr().err == ""


class TestBars:
    @staticmethod
    def shown(progress: Progress) -> list[str]:
        bars = ProgressBars(progress)
        console = Console(file=io.StringIO(), width=160, force_terminal=False)
        with console.capture() as captured:
            console.print(bars._render())
        return captured.get().splitlines()

    def test_before_the_plan_is_made(self) -> None:
        assert "connecting" in self.shown(Progress())[0]

    def test_a_bar_for_each_of_a_few_streams_and_a_total(self) -> None:
        streams = [StreamProgress("a" * 40, tasks=2, tasks_done=1, rejected=3), StreamProgress("b", tasks=1)]
        shown = self.shown(progress_of(*streams))
        assert [line.split()[0] for line in shown] == ["a" * 23 + "…", "b", "total"]
        assert " 50%" in shown[0]
        assert "3 rejected" in shown[0]

    def test_of_many_streams_only_the_running_ones(self) -> None:
        streams = [StreamProgress(f"s{index}", tasks=1, started=1.0) for index in range(20)]
        streams[0].finished = 2.0
        streams[0].tasks_done = 1
        shown = self.shown(progress_of(*streams))
        assert [line.split()[0] for line in shown[:BARS]] == [f"s{index}" for index in range(1, BARS + 1)]
        assert shown[-1].strip() == "1 of 20 streams done, 19 running"
