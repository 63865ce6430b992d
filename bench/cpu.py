"""Seconds of CPU of processes, as Linux counts them."""

from __future__ import annotations

import os
from pathlib import Path


def tree_seconds(pid: int) -> float:
    """What a process has spent with all its children, those that it has waited for and those that live (`proc(5)`)."""
    ticks = os.sysconf("SC_CLK_TCK")
    stats = dict(filter(None, map(_stat, Path("/proc").glob("[0-9]*"))))
    wanted, total = [pid], 0
    while wanted:
        process = wanted.pop()
        if process in stats:
            total += stats[process][1]
        wanted += [other for other, (parent, _) in stats.items() if parent == process]
    return total / ticks


def _stat(process: Path) -> tuple[int, tuple[int, int]] | None:
    """Its number, its parent's, and its ticks of CPU with those of the children that it has waited for."""
    try:
        text = (process / "stat").read_text()
    except OSError:  # it has ended meanwhile
        return None
    fields = text.rpartition(")")[2].split()  # the name may hold anything
    return int(process.name), (int(fields[1]), sum(map(int, fields[11:15])))
