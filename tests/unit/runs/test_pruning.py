"""Forgetting old runs."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from starhaul.api.errors import ConfigError
from starhaul.cli.group import starhaul
from starhaul.runs.pruning import prune
from starhaul.runs.records import RunState
from starhaul.runs.store import RunStore
from tests.unit.runs.test_store import plan

DAY = 86_400.0


@pytest.fixture
def store(tmp_path: Path) -> Any:
    """With a run in each state, and files of each."""
    with RunStore(tmp_path) as store:
        ends: list[RunState] = ["done", "failed", "stopped"]
        for state in ends:
            store.begin(state, plan())
            store.end(state, state, {"seconds": 1.0, "written": 5, "rejected": 1})
        store.begin("killed", plan())
        for run in ("done", "failed", "stopped", "killed"):
            store.reject_folder(run).mkdir(parents=True)
            (store.reject_folder(run) / "0.t0.1.part").touch()
            for path in store.reject_files(run):
                path.touch()
        yield store


def pruned(store: RunStore, before: float, **options: Any) -> set[str]:
    return {run.id for run in prune(store, before, **options)}


def test_runs_that_are_done_are_forgotten_with_their_files(store: RunStore) -> None:
    assert pruned(store, time.time() - DAY) == set()
    assert pruned(store, time.time() + DAY) == {"done"}
    with pytest.raises(ConfigError, match="no such run"):
        store.run("done")
    assert store.tasks("done") == []
    assert store.streams("done") == []
    left = {path.name.partition(".")[0] for path in (store.folder / "rejects").iterdir()}
    assert left == {"failed", "stopped", "killed"}
    assert len(store.tasks("failed")) == 2
    assert pruned(store, time.time() + DAY) == set()


def test_unfinished_runs_are_forgotten_only_on_demand(store: RunStore) -> None:
    assert pruned(store, time.time() + DAY, unfinished=True) == {"done", "failed", "stopped", "killed"}
    assert list((store.folder / "rejects").iterdir()) == []
    assert store.count() == 0


def test_runs_under_way_are_kept(store: RunStore) -> None:
    with store.claim("killed"):
        assert pruned(store, time.time() + DAY, unfinished=True) == {"done", "failed", "stopped"}
    assert (store.reject_folder("killed") / "0.t0.1.part").exists()
    assert store.run("killed").state == "running"


def test_the_command(store: RunStore) -> None:
    def call(*arguments: str) -> str:
        done = CliRunner().invoke(starhaul, ["runs", *arguments, "--state", str(store.folder)])
        assert done.exit_code == 0, done.output
        return done.output

    assert "4 runs" not in call("prune")
    assert call("prune") == f"0 runs forgotten, 4 kept in {store.folder}\n"
    assert call("prune", "--older-than", "0") == f"1 runs forgotten, 3 kept in {store.folder}\n"
    assert "failed" in call()
    assert call("prune", "--older-than", "0", "--unfinished") == f"3 runs forgotten, 0 kept in {store.folder}\n"
    assert "no runs in" in call("list")
