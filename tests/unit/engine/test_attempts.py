"""How often a task is tried, and what its failed attempts leave in the counts."""

from __future__ import annotations

from pathlib import Path

import pytest

from starhaul.api.errors import ConfigError, TransientError
from starhaul.api.events import TaskFailed
from starhaul.api.task import Receipt, Task
from starhaul.runs.rejects import read_rejects
from tests.unit.engine.conftest import ALL, Bench


def test_transient_errors_are_retried(bench: Bench) -> None:
    def break_first_attempts(task: Task, number: int) -> None:
        if task.attempt < 3 and number == 1:
            raise TransientError("source", "connection lost")

    bench.faults.before_batch = break_first_attempts
    report = bench.run(channel=2)
    assert report.state == "done"
    assert bench.ids == ALL
    failures = [event for event in bench.events if isinstance(event, TaskFailed)]
    assert [event.retry for event in failures] == [True] * 4
    assert (report.read, report.written) == (12, 12), "failed attempts do not count"
    assert bench.progress.snapshot()[0].rows == 12


def test_retries_end(bench: Bench) -> None:
    def always(task: Task, number: int) -> None:
        raise TransientError("source", "connection lost")

    bench.faults.before_batch = always
    report = bench.run()
    assert report.state == "failed"
    assert [event.attempt for event in bench.events if isinstance(event, TaskFailed)] == [1, 2, 3]


def test_a_writer_that_promises_nothing_is_neither_retried_nor_resumed(bench: Bench) -> None:
    def once(task: Task, number: int) -> None:
        raise TransientError("source", "connection lost")

    bench.faults.before_batch = once
    report = bench.run(mode="none")
    assert (report.state, report.resumable) == ("failed", False)
    assert len([event for event in bench.events if isinstance(event, TaskFailed)]) == 1
    with pytest.raises(ConfigError, match="cannot tell which rows"):
        bench.resume(report.run, mode="none")


def test_a_commit_whose_answer_was_lost_is_settled_by_the_ledger(bench: Bench) -> None:
    def lose_the_answer(task: Task, receipt: Receipt) -> Receipt:
        raise TransientError("target", "connection lost after COMMIT")

    bench.faults.after_write = lose_the_answer
    report = bench.run(mode="exactly_once", channel=2)
    assert report.state == "done"
    assert bench.ids == ALL
    assert (report.read, report.written) == (12, 12)
    assert not [event for event in bench.events if isinstance(event, TaskFailed)]


def test_rejects_of_a_failed_attempt_are_forgotten(bench: Bench) -> None:
    def fail_late(task: Task, receipt: Receipt) -> Receipt:
        if task.attempt == 1:
            raise TransientError("target", "connection lost")
        return receipt

    bench.faults.after_write = fail_late
    report = bench.run(writer={"refuse": 5}, errorLimit={"record": 1})
    assert (report.state, report.rejected) == ("done", 1)
    assert report.rejects is not None
    assert len(list(read_rejects(Path(report.rejects)))) == 1
