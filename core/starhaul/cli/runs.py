"""`starhaul runs`."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING

import click

from starhaul.cli.invocation import Invocation, command
from starhaul.cli.options import state_option

if TYPE_CHECKING:
    from starhaul.runs.store import RunRecord, RunStore

_COLOURS = {"done": "green", "failed": "red", "killed": "red", "stopped": "yellow", "running": "cyan"}


@command
@click.option("--limit", type=click.IntRange(min=1), default=20, show_default=True, help="How many runs to list.")
@state_option
def runs(invocation: Invocation, limit: int, state: Path | None) -> None:
    """List the newest runs.

    `killed` are those whose process ended without a word; like stopped and failed ones they may be resumed.
    """
    from starhaul.cli.table import show_table
    from starhaul.runs.store import RunStore, state_folder

    with RunStore(state or state_folder()) as store:
        rows = [_row(store, run) for run in store.runs(limit)]
        if not rows:
            click.echo(f"no runs in {store.folder}")
            return
    show_table(["run", "job", "state", "started", "time", "written", "rejected"], rows, colours=_COLOURS)


def _row(store: RunStore, run: RunRecord) -> list[str]:
    from starhaul.report.figures import count, duration

    state = "killed" if run.state == "running" and not store.alive(run.id) else run.state
    report = run.report if run.ended is not None else None
    return [
        run.id,
        run.job,
        state,
        time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(run.started)),
        "" if report is None else duration(report["seconds"]),
        "" if report is None else count(report["written"]),
        "" if report is None else count(report["rejected"]),
    ]
