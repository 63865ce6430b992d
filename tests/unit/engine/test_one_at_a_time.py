"""Two runs of one job do not meet, unless the job says that they may."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from starhaul.api.errors import Cancelled, ConfigError
from starhaul.api.task import Task
from starhaul.engine.engine import Engine
from starhaul.engine.stop import Stop
from starhaul.report.report import Report
from starhaul.runs.store import RunStore
from tests.unit.engine.conftest import Bench


class Busy:
    """A run of the bench's job on another thread, which ends when it is told to."""

    def __init__(self, bench: Bench, **job: Any) -> None:
        self.reports: list[Report] = []
        self.begun, self.go_on = threading.Event(), threading.Event()
        bench.faults.before_batch = self._hold
        self._thread = threading.Thread(target=lambda: self.reports.append(bench.run(**job)))

    def __enter__(self) -> Busy:
        self._thread.start()
        assert self.begun.wait(20)
        return self

    def __exit__(self, *_: object) -> None:
        self.go_on.set()
        self._thread.join(20)

    def _hold(self, task: Task, number: int) -> None:
        self.begun.set()
        assert self.go_on.wait(20)


def test_the_second_run_is_refused_and_changes_nothing(bench: Bench) -> None:
    with Busy(bench) as busy:
        with pytest.raises(ConfigError, match=r"another run of this job is under way \(wait for it or stop it"):
            bench.run()
        with RunStore(bench.state) as store:
            assert len(store.runs()) == 1
    assert busy.reports[0].state == "done"
    assert bench.ids == list(range(12))


def test_another_job_is_not_refused(bench: Bench) -> None:
    with Busy(bench):
        bench.faults.before_batch = None
        assert bench.run(writer={"refuse": 4711}).state == "done"


def test_the_second_run_waits(bench: Bench) -> None:
    with Busy(bench, whenRunning="wait") as busy:
        timer = threading.Timer(0.2, busy.go_on.set)
        timer.start()
        assert bench.run(whenRunning="wait").state == "done"
        timer.join()
    assert bench.ids == sorted([*range(12)] * 2)


def test_waiting_ends_when_the_run_is_stopped(bench: Bench) -> None:
    with Busy(bench), RunStore(bench.state) as store:
        stop = Stop()
        threading.Timer(0.1, lambda: stop.request("enough")).start()
        with pytest.raises(Cancelled):
            Engine(bench.registry, store, stop=stop).run(bench.job(whenRunning="wait"))


def test_both_run_where_the_job_allows_it(bench: Bench) -> None:
    with Busy(bench, whenRunning="allow"):
        bench.faults.before_batch = None
        assert bench.run(whenRunning="allow").state == "done"


def test_a_run_cannot_be_resumed_beside_another_of_its_job(bench: Bench) -> None:
    def fail() -> None:
        raise ConnectionError("gone")

    bench.faults.in_prepare = fail
    failed = bench.run()
    bench.faults.in_prepare = None
    with Busy(bench), pytest.raises(ConfigError, match="another run of this job"):
        bench.resume(failed.run)
    bench.faults.before_batch = None
    assert bench.resume(failed.run).state == "done"
