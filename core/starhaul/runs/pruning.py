"""Forgetting old runs, with the files that belong to them."""

from __future__ import annotations

import shutil
from collections.abc import Iterator

from starhaul.api.errors import ConfigError
from starhaul.runs.records import RunRecord
from starhaul.runs.store import RunStore


def prune(store: RunStore, before: float, *, unfinished: bool = False) -> Iterator[RunRecord]:
    """Forget the runs that ended before a moment (seconds since the epoch), one by one, and yield each when it is gone:
    its record, its tasks, its reject file. Runs that are not done are kept, as they may be resumed, unless
    `unfinished`; those that a process carries out right now are kept in any case.

    A kill at any point leaves runs that the next call forgets.
    """
    for run in store.runs_before(before):
        if run.state != "done" and not unfinished:
            continue
        try:
            with store.claim(run.id):
                for path in store.reject_files(run.id):
                    path.unlink(missing_ok=True)
                shutil.rmtree(store.reject_folder(run.id), ignore_errors=True)
                store.forget(run.id)
        except ConfigError:  # somebody carries it out, or forgets it, too
            continue
        yield run
