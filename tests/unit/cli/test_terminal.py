"""The live bar, on a pseudo-terminal."""

from __future__ import annotations

import json
import os
import pty
import re
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.unit.cli.conftest import MakeJob

Start = Callable[..., subprocess.Popen[str]]
SHOW_CURSOR = "\x1b[?25h"


@pytest.fixture
def on_terminal(process: Start) -> Callable[..., tuple[int, str]]:
    """Runs the program with its output on a terminal: exit code and everything that was shown."""

    def call(*arguments: object, signals: int = 0) -> tuple[int, str]:
        controller, terminal = pty.openpty()
        running = process(*arguments, stdin=terminal, stdout=terminal, stderr=terminal)
        os.close(terminal)
        shown = b""
        with running:
            while True:
                try:
                    shown += os.read(controller, 65536)
                except OSError:  # Linux says so when the last one has closed the terminal
                    break
                if signals and (b"stopping" if shown.count(b"stopping") else b"rows/s") in shown:
                    running.send_signal(signal.SIGINT)
                    signals -= 1
        os.close(controller)
        return running.returncode, shown.decode()

    return call


def test_a_bar_is_shown_and_taken_away(on_terminal: Callable[..., tuple[int, str]], make_job: MakeJob) -> None:
    code, shown = on_terminal("run", make_job(rows=20, pause=0.05))
    assert code == 0
    assert re.search(r"\d+%.*\d+ rows .*rows/s", _plain(shown))
    assert SHOW_CURSOR in shown
    assert "\x1b[32m" in shown  # the state is green
    assert _plain(shown).rstrip().splitlines()[-1].startswith("job     committed")


def test_rows_that_are_printed_appear_above_the_bar(
    on_terminal: Callable[..., tuple[int, str]], make_job: MakeJob
) -> None:
    job = make_job(rows=10, pause=0.05, writer={"name": "streamwriter"})
    code, shown = on_terminal("run", job)
    assert code == 0
    assert re.findall(r"(\d) +w(\d)\s*\r\n", _plain(shown)) == [(str(number),) * 2 for number in range(10)]


def test_a_plain_progress_can_be_asked_for(on_terminal: Callable[..., tuple[int, str]], make_job: MakeJob) -> None:
    code, shown = on_terminal("run", make_job(), "--progress", "plain")
    assert code == 0
    assert SHOW_CURSOR not in shown


def test_a_terminal_that_goes_away_stops_nothing(process: Start, make_job: MakeJob, tmp_path: Path) -> None:
    """As where somebody disowns the program and leaves."""
    controller, terminal = pty.openpty()
    report = tmp_path / "report.json"
    job = make_job(rows=20, pause=0.1)
    with process("run", job, "--report", report, stdin=terminal, stdout=terminal, stderr=terminal) as running:
        os.close(terminal)
        shown = b""
        while b"rows/s" not in shown:
            shown += os.read(controller, 65536)
        os.close(controller)
        assert running.wait(timeout=60) == 0
    assert json.loads(report.read_text())["state"] == "done"


@pytest.mark.parametrize("signals", [1, 2])
def test_the_cursor_comes_back_after_ctrl_c(
    on_terminal: Callable[..., tuple[int, str]], make_job: MakeJob, signals: int
) -> None:
    code, shown = on_terminal("run", make_job(rows=20, pause=0.5, stubborn=signals == 2), signals=signals)
    assert code == 143
    assert "SIGINT: stopping" in _plain(shown)
    assert shown.rindex(SHOW_CURSOR) > shown.rindex("\x1b[?25l")
    assert ("resume  starhaul resume" in shown) == (signals == 1)


def _plain(shown: str) -> str:
    return re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", shown)
