"""Runs from a table into another that kill themselves (-9) half-way, and are resumed."""

from __future__ import annotations

import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.faults.process import starhaul

ROWS = 6000
STORE = "starhaul.runs.store:RunStore"


def kill_and_resume(
    folder: Path, plugin: str, url: str, query: Callable[[str], list[tuple[Any, ...]]], point: str, mode: str
) -> None:
    """Move table `s` (`id`, `v`; `ROWS` rows) into table `t`, which holds nothing or, for `overwrite`, a row -1; kill
    the run at `point` (see `killer.py`), resume it, and see that nothing is lost and nothing there twice. `query` runs
    one SELECT, past the plugins."""
    job = folder / "job.yaml"
    job.write_text(
        f"""
        reader: {{name: {plugin}, url: "{url}", table: s}}
        writer: {{name: {plugin}, url: "{url}", table: t, writeMode: {mode}}}
        settings: {{channel: 3}}
        """
    )
    state = folder / "state"
    killed = starhaul(state, "run", str(job), kill_at=point)
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    if mode == "overwrite":
        seen = query("SELECT count(*), min(id) FROM t")
        assert seen in ([(1, -1)], [(ROWS, 1)]), "others see the old rows or the new ones"

    resumed = starhaul(state, "resume", "--last")
    assert resumed.returncode == 0, resumed.stderr + resumed.stdout
    assert query("SELECT count(*), count(DISTINCT id) FROM t") == [(ROWS, ROWS)]
    assert query("SELECT count(*) FROM s JOIN t ON s.id = t.id AND s.v = t.v") == [(ROWS,)]
