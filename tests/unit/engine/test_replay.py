"""Rejected rows are sent again once their cause is mended."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from starhaul.api.errors import ConfigError
from starhaul.report.report import Report
from starhaul.runs.rejects import read_rejects
from starhaul.runs.store import RunStore
from tests.unit.engine.conftest import Bench, FaultyWriter

ALL = list(range(12))


def replay(bench: Bench, run: str, **job: Any) -> Report:
    with RunStore(bench.state) as store:
        return bench.engine(store).replay(run, bench.job(**job))


@pytest.fixture
def appending(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(FaultyWriter, "appending", lambda self: self)


@pytest.mark.usefixtures("appending")
def test_rows_refused_by_the_target_arrive_once_it_takes_them(bench: Bench) -> None:
    first = bench.run(writer={"refuse": 5}, errorLimit={"record": 1})
    again = replay(bench, first.run)
    assert (again.state, again.read, again.written) == ("done", 1, 1)
    assert bench.ids == ALL
    with pytest.raises(ConfigError, match="no rejected rows"):
        replay(bench, first.run)


@pytest.mark.usefixtures("appending")
def test_what_is_refused_again_is_a_reject_of_the_replay(bench: Bench) -> None:
    first = bench.run(writer={"refuse": 5}, errorLimit={"record": 1})
    again = replay(bench, first.run, writer={"refuse": 5}, errorLimit={"record": 1})
    assert (again.written, again.rejected) == (0, 1)
    assert again.rejects is not None
    assert [line["row"]["id"] for line in read_rejects(Path(again.rejects))] == ["5"]
    assert replay(bench, again.run).written == 1
    assert bench.ids == ALL


@pytest.mark.usefixtures("appending")
def test_a_replay_that_is_stopped_can_be_resumed(bench: Bench) -> None:
    first = bench.run(mode="exactly_once", writer={"refuse": 5}, errorLimit={"record": 1})
    bench.faults.in_commit = lambda: bench.stop.request("SIGTERM")
    bench.faults.in_prepare = lambda: bench.stop.request("SIGTERM")
    stopped = replay(bench, first.run, mode="exactly_once")
    assert stopped.state == "stopped"
    bench.faults.in_prepare = bench.faults.in_commit = None
    resumed = bench.resume(stopped.run, mode="exactly_once")
    assert (resumed.state, resumed.written) == ("done", 1)
    assert bench.ids == ALL


def test_a_target_that_cannot_be_added_to_is_named(bench: Bench) -> None:
    first = bench.run(writer={"refuse": 5}, errorLimit={"record": 1})
    with pytest.raises(ConfigError, match="faultywriter cannot add rows"):
        replay(bench, first.run)


def test_a_run_that_is_not_done_is_not_replayed(bench: Bench) -> None:
    first = bench.run(writer={"refuse": 5})
    assert first.state == "failed"
    with pytest.raises(ConfigError, match="is not done"):
        replay(bench, first.run)
