"""Ctrl-C, SIGTERM and SIGHUP, in processes of their own."""

from __future__ import annotations

import json
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.unit.cli.conftest import MakeJob, Starhaul

Start = Callable[..., subprocess.Popen[str]]


@pytest.fixture(autouse=True)
def _without_nohup() -> Iterator[None]:
    """What these tests start must not inherit that SIGHUP is ignored."""
    before = signal.signal(signal.SIGHUP, signal.SIG_DFL)
    yield
    signal.signal(signal.SIGHUP, before)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_the_first_signal_stops_cleanly_and_the_run_can_be_resumed(
    process: Start, starhaul: Starhaul, make_job: MakeJob, tmp_path: Path, number: signal.Signals
) -> None:
    job = make_job(rows=20, tasks=3, pause="${pause}")
    report = tmp_path / "report.json"
    with process("run", job, "-D", "pause=0.05", "--report", report) as running:
        _wait_until_running(tmp_path)
        running.send_signal(number)
        if number is signal.SIGHUP:  # of which a terminal that goes away sends several
            running.send_signal(number)
        shown, told = running.communicate(timeout=30)
    assert running.returncode == 143
    assert told == f"{number.name}: stopping, running tasks are taken back; a second one stops at once\n"
    run = shown.split()[1]
    assert f"resume  starhaul resume {run}" in shown
    assert json.loads(report.read_text())["state"] == "stopped"

    resumed = starhaul("resume", "--last")
    assert resumed.exit_code == 0, resumed.output
    assert resumed.stdout.startswith(f"run {run} of job job: done")
    assert " 60 " in resumed.stdout


def test_nohup_is_heeded(process: Start, make_job: MakeJob, tmp_path: Path) -> None:
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    with process("run", make_job(rows=5, pause=0.1)) as running:
        _wait_until_running(tmp_path)
        running.send_signal(signal.SIGHUP)
        assert running.wait(timeout=30) == 0


def test_the_second_signal_ends_the_process_at_once(
    process: Start, starhaul: Starhaul, make_job: MakeJob, tmp_path: Path
) -> None:
    with process("run", make_job(rows=2, pause=20, stubborn=True)) as running:
        _wait_until_running(tmp_path)
        running.send_signal(signal.SIGTERM)
        assert running.stderr is not None
        assert "stopping" in running.stderr.readline()
        began = time.monotonic()
        running.send_signal(signal.SIGTERM)
        assert running.wait(timeout=10) == 143
    assert time.monotonic() - began < 5
    assert " killed " in starhaul("runs").stdout


def test_a_killed_run_is_shown_and_resumed(
    process: Start, starhaul: Starhaul, make_job: MakeJob, tmp_path: Path
) -> None:
    job = make_job(rows=5, tasks=2, pause=0.2)
    with process("run", job) as running:
        _wait_until_running(tmp_path)
        assert " running " in starhaul("runs").stdout
        assert starhaul("resume", "--last").exit_code == 2
        running.kill()
    assert " killed " in starhaul("runs").stdout
    resumed = starhaul("resume", "--last")
    assert resumed.exit_code == 0, resumed.output
    assert " 10 " in resumed.stdout


def _wait_until_running(folder: Path) -> None:
    """Wait for the first task to be given out."""
    import sqlite3
    from contextlib import closing

    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        if (folder / "state" / "runs.db").exists():
            with closing(sqlite3.connect(folder / "state" / "runs.db")) as store:
                try:
                    if store.execute("SELECT count(*) FROM tasks WHERE attempt > 0").fetchone()[0]:
                        time.sleep(0.2)
                        return
                except sqlite3.OperationalError:
                    pass  # the tables are being made
        time.sleep(0.02)
    raise AssertionError("the run does not begin")
