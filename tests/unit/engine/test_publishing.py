"""Prepare, commit, forget, abort: when each is called, repeated and left out."""

from __future__ import annotations

import pytest

from starhaul.api.errors import PermanentError, TransientError
from starhaul.api.task import Task
from tests.unit.engine.conftest import ALL, Bench


def test_commit_is_repeated_until_it_holds(bench: Bench) -> None:
    calls: list[int] = []

    def fail_twice() -> None:
        calls.append(1)
        if len(calls) < 3:
            raise TransientError("target", "busy")

    bench.faults.in_commit = fail_twice
    assert bench.run().state == "done"
    assert bench.ids == ALL


def test_a_failed_commit_is_never_aborted_and_can_be_resumed(bench: Bench) -> None:
    aborted: list[int] = []

    def fail() -> None:
        raise PermanentError("target", "disk full")

    bench.faults.in_commit = fail
    bench.faults.in_abort = lambda: aborted.append(1)
    report = bench.run()
    assert (report.state, report.resumable, aborted) == ("failed", True, [])
    bench.faults.in_commit = None
    bench.faults.before_batch = lambda task, number: pytest.fail("nothing is to be read again")
    assert bench.resume(report.run).state == "done"
    assert bench.ids == ALL


def test_what_the_target_lost_is_written_again_by_a_resume(bench: Bench) -> None:
    """A server that fails over or crashes may have lost what it acknowledged, and the run may not pass for done."""

    def lose_a_task() -> None:
        (lost,) = [key for key in bench.target.ledger if key[1] == "t1"]
        del bench.target.ledger[lost], bench.target.visible[lost]

    bench.faults.in_commit = lose_a_task
    report = bench.run(mode="exactly_once", channel=3)
    assert (report.state, report.resumable) == ("failed", True)
    assert report.error is not None
    assert "what tasks t1 had delivered is no longer there" in report.error.problem
    assert report.streams[0].tasks_done == 2
    bench.faults.in_commit = None
    read: list[str] = []
    bench.faults.before_batch = lambda task, number: read.append(task.id)
    report = bench.resume(report.run, mode="exactly_once", channel=3)
    assert (report.state, report.read, report.written, set(read)) == ("done", 12, 12, {"t1"})
    assert bench.ids == ALL


def test_a_run_is_forgotten_after_it_was_noted_and_never_committed_again(bench: Bench) -> None:
    def fail() -> None:
        raise PermanentError("target", "gone fishing")

    bench.faults.in_forget = fail
    report = bench.run(mode="exactly_once")
    assert (report.state, report.resumable, bench.ids) == ("failed", True, ALL)
    assert report.streams[0].state == "committed", "its rows are public"
    assert bench.target.committed, "this is how the target knows"
    bench.faults.in_forget = None
    bench.faults.in_commit = lambda: pytest.fail("it went through")
    report = bench.resume(report.run, mode="exactly_once")
    assert (report.state, bench.ids, bench.target.committed) == ("done", ALL, set())


def test_a_failed_prepare_is_aborted_and_nothing_is_read(bench: Bench) -> None:
    aborted: list[int] = []

    def fail() -> None:
        raise PermanentError("target", "preSql: syntax error")

    bench.faults.in_prepare = fail
    bench.faults.in_abort = lambda: aborted.append(1)
    bench.faults.before_batch = lambda task, number: pytest.fail("nothing is to be read")
    report = bench.run()
    assert (report.state, aborted) == ("failed", [1])


def test_an_abort_that_fails_is_a_warning_beside_the_first_error(bench: Bench) -> None:
    def fail_read(task: Task, number: int) -> None:
        raise PermanentError("source", "disk gone")

    def fail_abort() -> None:
        raise OSError("no route")

    bench.faults.before_batch = fail_read
    bench.faults.in_abort = fail_abort
    report = bench.run()
    assert report.error is not None
    assert report.error.problem == "disk gone"
    assert any("could not be cleaned up: no route" in warning for warning in report.warnings)
