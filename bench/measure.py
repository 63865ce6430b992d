"""Measures whole processes: wall time, seconds of CPU and peak resident memory.

This process stays small and imports no library of weight: Linux counts the memory of the process that forks towards the
peak of its child.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

from bench.comparison import Comparison, Contender, Figures


def compare(
    comparison: Comparison, repeat: int, folder: Path, servers: Callable[[], float] = lambda: 0.0
) -> tuple[Figures, Figures]:
    """Run both contenders in turns, once unmeasured and then `repeat` times. `servers` tells what the servers have
    spent of CPU so far. Raises `RuntimeError` if one fails."""
    ours, theirs = Figures(), Figures()
    for turn in range(repeat + 1):
        for contender, figures in ((comparison.ours, ours), (comparison.theirs, theirs)):
            contender.before()
            spent = servers()
            seconds, peak, cpu = measure(contender, folder)
            if turn:
                figures.seconds.append(seconds)
                figures.peak_bytes.append(peak)
                figures.cpu_seconds.append(cpu)
                figures.server_cpu_seconds.append(servers() - spent)
    return ours, theirs


def measure(contender: Contender, folder: Path) -> tuple[float, int, float]:
    """Seconds, peak bytes and seconds of CPU of one run, its children's included. Does not call `before`."""
    log = folder / "last.log"
    with log.open("wb") as output:
        since = time.perf_counter()
        process = subprocess.Popen(
            contender.command, cwd=folder, env=_installed(), stdin=subprocess.DEVNULL, stdout=output, stderr=output
        )
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - since
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        said = log.read_text(errors="replace")[-2000:]
        raise RuntimeError(f"{contender.label} exits with {process.returncode}:\n{said}")
    return seconds, usage.ru_maxrss * 1024, usage.ru_utime + usage.ru_stime


def _installed() -> dict[str, str]:
    """An environment in which Python keeps what it has compiled: packages are compiled when they are installed, and
    this checkout, which is not, is by the turn that does not count."""
    return {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}


def ratio(comparison: Comparison, ours: Figures, theirs: Figures) -> float:
    """The ratio of the medians that is judged; see `Comparison.figure`."""
    if comparison.figure == "memory":
        return statistics.median(ours.peak_bytes) / statistics.median(theirs.peak_bytes)
    time_ratio = statistics.median(ours.seconds) / statistics.median(theirs.seconds)
    return 1 / time_ratio if comparison.figure == "speed" else time_ratio


def failures(comparison: Comparison, ours: Figures, theirs: Figures) -> list[str]:
    """What should hold and does not, a sentence each."""
    found = []
    value, bound = ratio(comparison, ours, theirs), comparison.bound
    if bound is not None and (value < bound if comparison.figure == "speed" else value > bound):
        found.append(
            f"the ratio is {value:.2f}, it must be {bound} or {'more' if comparison.figure == 'speed' else 'less'}"
        )
    seconds = statistics.median(ours.seconds)
    if comparison.most_seconds is not None and seconds > comparison.most_seconds:
        found.append(f"it takes {seconds:.2f} s, {comparison.most_seconds} are allowed")
    if comparison.least_rows_per_second is not None and comparison.rows:
        speed = comparison.rows / seconds
        if speed < comparison.least_rows_per_second:
            found.append(f"{speed:,.0f} rows/s, {comparison.least_rows_per_second:,.0f} are asked for")
    peak = max(statistics.median(ours.peak_bytes), statistics.median(theirs.peak_bytes))
    if comparison.most_bytes is not None and peak > comparison.most_bytes:
        found.append(f"the peak is {peak / 1e6:.0f} MB, {comparison.most_bytes / 1e6:.0f} are allowed")
    return found
