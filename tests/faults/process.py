"""Starhaul as a process of its own, that is hit where a test wants it to be."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from tests.faults.points import Blow

KILLER = Path(__file__).parent / "killer.py"
SECONDS = 300
"""Most for one process, on a busy machine."""


def starhaul(
    state: Path, *arguments: str, kill_at: str = "", full_at: str = "", locked_at: str = ""
) -> subprocess.CompletedProcess[str]:
    """Run the command line to its end, natural or not. The points are as `killer.py` reads them."""
    given = {"KILL_AT": kill_at, "FULL_AT": full_at, "LOCKED_AT": locked_at}
    environment = {name: point for name, point in given.items() if point}
    return subprocess.run(
        _command(arguments), env=_environment(state, environment), capture_output=True, text=True, timeout=SECONDS,
        check=False,
    )  # fmt: skip


def clean_seconds(state: Path, job: Path) -> float:
    """How long a run of the job takes from the moment that it is stored."""
    return _run(state, ["run", str(job)], {}, None)[1]


def hit(state: Path, arguments: Sequence[str], blow: Blow, clean: float) -> subprocess.CompletedProcess[str]:
    """Run the command line to its end and hit it on its way: where `blow` says, or at its share of `clean` seconds."""
    environment = {"FAIL_AT": blow.fail_at} if blow.fail_at else {}
    if blow.at:
        return _run(state, arguments, {**environment, "KILL_AT": blow.at, "KILL_WITH": blow.how}, None, blow.calm)[0]
    return _run(state, arguments, environment, (blow.moment * clean, signal.Signals[blow.how]), blow.calm)[0]


def _run(
    state: Path,
    arguments: Sequence[str],
    environment: dict[str, str],
    blow: tuple[float, signal.Signals] | None,
    calm: float = 0,
) -> tuple[subprocess.CompletedProcess[str], float]:
    """The process's end, and the seconds since its run was stored. `blow`: when from then on to send which signal."""
    state.mkdir(exist_ok=True)
    begun, output = state.parent / "begun", state.parent / "output"
    begun.unlink(missing_ok=True)
    command, begins = _command(arguments), time.monotonic()
    with output.open("w+") as out:
        process = subprocess.Popen(
            command, env=_environment(state, {**environment, "BEGUN": str(begun)}), stdout=out, stderr=out
        )
        try:
            while not begun.exists() and process.poll() is None:
                time.sleep(0.002)
            begins = time.monotonic()
            if blow is not None:
                time.sleep(blow[0])
                if process.poll() is None:
                    process.send_signal(blow[1])
            if calm and blow is None:
                state_now = os.waitid(os.P_PID, process.pid, os.WSTOPPED | os.WEXITED | os.WNOWAIT)
                if state_now is not None and state_now.si_code == os.CLD_STOPPED:
                    time.sleep(calm)
                    process.send_signal(signal.SIGCONT)
            process.wait(SECONDS)
        finally:
            process.kill()
            process.wait()
        seconds = time.monotonic() - begins
        out.seek(0)
        return subprocess.CompletedProcess(command, process.returncode, out.read(), ""), seconds


def _command(arguments: Sequence[str]) -> list[str]:
    return [sys.executable, "-m", "starhaul", "--plugin", str(KILLER), *arguments]


def _environment(state: Path, more: dict[str, str]) -> dict[str, str]:
    return {**os.environ, "STARHAUL_STATE_DIR": str(state), **more}
