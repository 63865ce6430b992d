"""`starhaul runs`."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING

import click

from starhaul.cli.invocation import Invocation, command
from starhaul.cli.options import state_option

if TYPE_CHECKING:
    from starhaul.runs.records import RunRecord
    from starhaul.runs.store import RunStore

_COLOURS = {"done": "green", "failed": "red", "killed": "red", "stopped": "yellow", "running": "cyan"}


@command
@click.argument("action", type=click.Choice(["list", "prune"]), default="list")
@click.option("--limit", type=click.IntRange(min=1), default=20, show_default=True, help="How many runs to list.")
@click.option(
    "--older-than", "days", type=click.FloatRange(min=0), default=30, show_default=True, metavar="DAYS",
    help="For prune: forget runs that ended longer ago.",
)  # fmt: skip
@click.option("--unfinished", is_flag=True, help="For prune: forget stopped, failed and killed runs as well.")
@state_option
def runs(invocation: Invocation, action: str, limit: int, days: float, unfinished: bool, state: Path | None) -> None:
    """List the newest runs, or forget old ones.

    `killed` are those whose process ended without a word; like stopped and failed ones they may be resumed.

    `prune` forgets runs that are done, and deletes their reject files. Those that may be resumed are kept, unless
    `--unfinished`; what they left in their targets stays there. Runs that are under way are never touched.
    """
    from starhaul.runs.store import RunStore, state_folder

    with RunStore(state or state_folder()) as store:
        if action == "prune":
            _prune(store, days, unfinished)
        else:
            _list(store, limit)


def _list(store: RunStore, limit: int) -> None:
    from starhaul.cli.table import show_table

    rows = [_row(store, run) for run in store.runs(limit)]
    if rows:
        show_table(["run", "job", "state", "started", "time", "written", "rejected"], rows, colours=_COLOURS)
    else:
        click.echo(f"no runs in {store.folder}")


def _prune(store: RunStore, days: float, unfinished: bool) -> None:
    from starhaul.runs.pruning import prune

    gone = sum(1 for _ in prune(store, time.time() - days * 86_400, unfinished=unfinished))
    click.echo(f"{gone} runs forgotten, {store.count()} kept in {store.folder}")


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
