"""What a resume carries out, and when it is refused."""

from __future__ import annotations

import pyarrow as pa
import pytest

from starhaul.api.errors import ConfigError, PermanentError
from starhaul.api.task import Task
from tests.unit.engine.conftest import MODES, Bench


@pytest.mark.parametrize("mode", MODES)
def test_a_failed_run_resumes_without_loss_or_doubles(bench: Bench, mode: str) -> None:
    def break_t2(task: Task, number: int) -> None:
        if task.id == "t2" and number == 1:
            raise PermanentError("source", "disk gone", "mend it")

    bench.faults.before_batch = break_t2
    report = bench.run(mode=mode, channel=3)
    assert (report.state, report.exit_code, report.resumable) == ("failed", 1, True)
    assert report.error is not None
    assert (report.error.where, report.error.problem, report.error.hint) == ("source", "disk gone", "mend it")
    assert (report.error.stream, report.error.task) == (report.streams[0].name, "t2")
    if mode == "atomic":
        assert bench.ids == [], "all or nothing"
        assert bench.target.leftovers() == []
        assert report.streams[0].state == "aborted"
    bench.finish(report.run, mode=mode, channel=3)


def test_resume_does_not_read_again_what_arrived(bench: Bench) -> None:
    read: list[str] = []

    def watch(task: Task, number: int) -> None:
        read.append(task.id)
        if task.id == "t2":
            raise PermanentError("source", "disk gone")

    bench.faults.before_batch = watch
    bench.faults.after_write = lambda task, receipt: receipt
    report = bench.run(mode="exactly_once", channel=3)
    done = report.streams[0].tasks_done
    read.clear()
    bench.faults.before_batch = lambda task, number: read.append(task.id)
    bench.resume(report.run, mode="exactly_once", channel=3)
    assert len(set(read)) == 3 - done


def test_a_run_that_is_done_is_not_resumed(bench: Bench) -> None:
    report = bench.run()
    with pytest.raises(ConfigError, match="nothing to resume"):
        bench.resume(report.run)


def test_another_job_is_not_resumed_under_the_runs_name(bench: Bench) -> None:
    bench.faults.in_prepare = lambda: bench.stop.request("SIGTERM")
    report = bench.run()
    assert report.state == "stopped"
    bench.faults.in_prepare = None
    with pytest.raises(ConfigError, match="is not the job"):
        bench.resume(report.run, writer={"refuse": 99})


def test_a_changed_source_is_not_resumed(bench: Bench) -> None:
    bench.faults.in_prepare = lambda: bench.stop.request("SIGTERM")
    report = bench.run()
    bench.faults.in_prepare = None
    bench.source.schema = pa.schema([("id", pa.int32()), ("text", pa.string())])
    with pytest.raises(ConfigError, match="columns changed"):
        bench.resume(report.run)
