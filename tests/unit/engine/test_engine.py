"""How a run goes: to its end, and to every other end."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from starhaul.api.errors import ConfigError, PermanentError, PluginError, TransientError
from starhaul.api.events import RunFinished, RunStarted, StreamCommitted, TaskFailed, TaskFinished
from starhaul.api.task import Receipt, Task
from starhaul.runs.rejects import read_rejects
from starhaul.runs.store import RunStore
from starhaul.testing.memory import MemoryWriterParams
from tests.unit.engine.conftest import Bench

ALL = list(range(12))
MODES = ["atomic", "exactly_once", "idempotent"]


def test_every_row_arrives_once_and_the_report_says_so(bench: Bench) -> None:
    report = bench.run(channel=3)
    assert bench.ids == ALL
    assert (report.state, report.exit_code, report.error) == ("done", 0, None)
    assert (report.read, report.written, report.rejected, report.filtered, report.skipped) == (12, 12, 0, 0, 0)
    (stream,) = report.streams
    assert (stream.state, stream.tasks, stream.tasks_done) == ("committed", 3, 3)
    assert bench.target.leftovers() == []
    assert not report.resumable


def test_events_tell_the_story_in_order(bench: Bench) -> None:
    report = bench.run(channel=2)
    kinds = [type(event) for event in bench.events]
    assert kinds == [RunStarted, TaskFinished, TaskFinished, StreamCommitted, RunFinished]
    assert {event.run for event in bench.events} == {report.run}


def test_progress_ends_where_the_report_does(bench: Bench) -> None:
    bench.run(channel=2)
    (stream,) = bench.progress.snapshot()
    assert (stream.rows, stream.tasks_done, stream.tasks, stream.expected_rows) == (12, 2, 2, 12)


def test_several_streams_share_the_channels(bench: Bench) -> None:
    from starhaul.engine.library import run
    from starhaul.testing.memory import MemoryStore

    targets = [MemoryStore(f"t{number}") for number in range(5)]
    document = {
        "streams": [
            {
                "name": f"s{number}",
                "reader": {"name": "memoryreader", "store": "source"},
                "writer": {"name": "memorywriter", "store": f"t{number}"},
            }
            for number in range(5)
        ],
        "settings": {"channel": 2},
    }
    report = run(document, registry=bench.registry, state=bench.state)
    assert report.state == "done"
    assert [sorted(target.table()["id"].to_pylist()) for target in targets] == [ALL] * 5
    assert [stream.name for stream in report.streams] == [f"s{number}" for number in range(5)]


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
    bench.faults.before_batch = None
    resumed = bench.resume(report.run, mode=mode, channel=3)
    assert resumed.state == "done"
    assert bench.ids == ALL
    assert (resumed.read, resumed.written) == (12, 12)


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


def test_a_native_panic_is_an_error_like_any_other(bench: Bench) -> None:
    class Panic(BaseException):
        pass

    def panic(task: Task, number: int) -> None:
        raise Panic("index out of bounds")

    bench.faults.before_batch = panic
    report = bench.run()
    assert report.error is not None
    assert report.error.problem == "Panic: index out of bounds"
    assert report.error.where == "reader faultyreader"


# ---------------------------------------------------------------------- rejects


def test_rejects_within_the_limit_leave_the_others_alone(bench: Bench) -> None:
    report = bench.run(writer={"refuse": 5}, errorLimit={"record": 1}, channel=2)
    assert (report.state, report.read, report.written, report.rejected) == ("done", 12, 11, 1)
    assert bench.ids == [n for n in ALL if n != 5]
    assert report.rejects is not None
    (line,) = read_rejects(Path(report.rejects))
    assert line["row"] == {"id": "5", "text": "row 5"}
    assert (line["stage"], line["reason"]) == ("write", "the store refuses 5")


def test_one_reject_too_many_fails_the_run_and_shows_the_row(bench: Bench) -> None:
    report = bench.run(writer={"refuse": 5})
    assert (report.state, report.exit_code) == ("failed", 4)
    assert bench.ids == []
    assert report.rejects is not None, "the rows that broke the limit are there to be looked at"


def test_the_share_of_rejects_is_judged_before_anything_is_published(bench: Bench) -> None:
    report = bench.run(writer={"refuse": 5}, errorLimit={"percentage": 0.05})
    assert (report.state, report.exit_code) == ("failed", 4)
    assert bench.ids == []
    assert bench.run(writer={"refuse": 5}, errorLimit={"percentage": 0.1}).state == "done"


def test_too_large_a_share_of_rejects_stops_the_run_early(bench: Bench) -> None:
    bench.source.visible = {("", "", 0): pa.table({"id": range(100_000), "text": ["x"] * 100_000}).to_batches()}
    read: list[int] = []
    bench.faults.before_batch = lambda task, number: read.append(number)

    def refuse(task: Task, batches: Iterable[pa.RecordBatch]) -> Receipt:
        for batch in batches:
            for row in range(batch.num_rows):
                task.reject(batch, row, "no")
        raise AssertionError("the run should have stopped")

    bench.faults.in_write = refuse
    report = bench.run(reader={"batchRows": 100}, errorLimit={"percentage": 0.5}, channel=1, exchanger={"rows": 200})
    assert (report.state, report.exit_code) == ("failed", 4)
    assert report.error is not None
    assert "a share of 0.5 allowed" in report.error.problem
    assert len(read) <= 16, "a thousand rows, what the exchanger holds, and one batch in either hand"


def test_rejected_rows_are_told_at_once(bench: Bench) -> None:
    told: list[str] = []
    bench.progress.listen(lambda line: told.append(line["row"]["id"]))
    seen: list[int] = []

    def written(task: Task, receipt: Receipt) -> Receipt:
        seen.append(len(told))
        return receipt

    bench.faults.after_write = written
    assert bench.run(writer={"refuse": 5}, errorLimit={"record": 1}).state == "done"
    assert (told, seen) == (["5"], [1])


def test_live_figures_end_where_the_report_does(bench: Bench) -> None:
    report = bench.run(writer={"refuse": 5}, errorLimit={"record": 1}, channel=2)
    counts = bench.progress.snapshot()[0].counts
    assert (counts.read, counts.written, counts.rejected) == (report.read, report.written, report.rejected)


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


# ---------------------------------------------------------------------- stopping


@pytest.mark.parametrize("mode", MODES)
def test_a_stopped_run_keeps_what_arrived_and_resumes(bench: Bench, mode: str) -> None:
    def stop_in_t1(task: Task, number: int) -> None:
        if task.id == "t1":
            bench.stop.request("SIGTERM")

    bench.faults.before_batch = stop_in_t1
    report = bench.run(mode=mode, channel=3)
    assert (report.state, report.exit_code, report.resumable) == ("stopped", 143, True)
    bench.faults.before_batch = None
    resumed = bench.resume(report.run, mode=mode, channel=3)
    assert resumed.state == "done"
    assert bench.ids == ALL
    assert (resumed.read, resumed.written) == (12, 12)


def test_a_stop_between_the_last_task_and_the_commit_publishes_nothing(bench: Bench) -> None:
    def stop_at_the_end(task: Task, receipt: Receipt) -> Receipt:
        bench.stop.request("SIGTERM")
        return receipt

    bench.faults.after_write = stop_at_the_end
    report = bench.run()
    assert report.state == "stopped"
    assert bench.ids == []
    bench.faults.after_write = None
    assert bench.resume(report.run).state == "done"
    assert bench.ids == ALL


def test_a_reader_that_sleeps_is_woken(bench: Bench) -> None:
    bench.faults.before_batch = lambda task, number: task.pause(60)
    threading.Timer(0.1, bench.stop.request, ["SIGTERM"]).start()
    since = time.monotonic()
    assert bench.run().state == "stopped"
    assert time.monotonic() - since < 5


def test_a_reader_that_hangs_is_left_behind(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("starhaul.engine.transfer.HANG_SECONDS", 0.1)
    release = threading.Event()

    def hang(task: Task, number: int) -> None:
        release.wait(30)

    bench.faults.before_batch = hang
    threading.Timer(0.1, bench.stop.request, ["SIGTERM"]).start()
    report = bench.run()
    release.set()
    assert report.state == "stopped"


def test_a_writer_that_hangs_is_left_behind(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("starhaul.engine.delivery.GRACE_SECONDS", 0.1)
    release = threading.Event()

    def hang(task: Task, batches: Iterable[pa.RecordBatch]) -> None:
        release.wait(30)

    bench.faults.in_write = hang
    threading.Timer(0.1, bench.stop.request, ["SIGTERM"]).start()
    report = bench.run()
    release.set()
    assert (report.state, report.exit_code) == ("stopped", 143)


# ---------------------------------------------------------------------- prepare, commit, abort


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


# ---------------------------------------------------------------------- contracts


def broken_receipt(rows: int, task: str = "t0") -> Any:
    def write(of: Task, batches: Iterable[pa.RecordBatch]) -> Receipt:
        list(batches)
        return Receipt(task, rows, attempt=of.attempt)

    return write


def returns_early(task: Task, batches: Iterable[pa.RecordBatch]) -> Receipt:
    return Receipt(task.id, next(iter(batches)).num_rows, attempt=task.attempt)


@pytest.mark.parametrize(
    ("write", "message"),
    [
        (broken_receipt(11), "of 12 rows it accounts for 11"),
        (broken_receipt(13), "of 12 rows it accounts for 13"),
        (broken_receipt(12, "t7"), "did not return the receipt of t0"),
        (returns_early, "before the end of the data"),
    ],
)
def test_a_writer_that_breaks_its_contract_fails_the_run(bench: Bench, write: Any, message: str) -> None:
    bench.faults.in_write = write
    report = bench.run()
    assert (report.state, report.exit_code) == ("failed", 3)
    assert report.error is not None
    assert message in report.error.problem


def test_a_writer_that_swallows_the_failure_of_its_source_fails_the_run(bench: Bench) -> None:
    def fail(task: Task, number: int) -> None:
        raise OSError("read error")

    def swallow(task: Task, batches: Iterable[pa.RecordBatch]) -> Receipt:
        rows = 0
        try:
            for batch in batches:
                rows += batch.num_rows
        except Exception:
            pass
        return Receipt(task.id, rows, attempt=task.attempt)

    bench.faults.before_batch = fail
    bench.faults.in_write = swallow
    report = bench.run()
    assert report.state == "failed"
    assert bench.ids == []


def test_a_reader_that_changes_its_schema_fails_the_run(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    from tests.unit.engine.conftest import FaultyReader

    def other(self: Any, split: Any, task: Task) -> Any:
        yield pa.record_batch({"id": ["text"]})

    monkeypatch.setattr(FaultyReader, "read", other)
    report = bench.run()
    assert report.exit_code == 3
    assert report.error is not None
    assert "rows have the schema id: string" in report.error.problem


# ---------------------------------------------------------------------- resume is refused


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


# ---------------------------------------------------------------------- the process


def test_runs_in_one_process_do_not_mix(bench: Bench) -> None:
    from starhaul.engine.library import run
    from starhaul.testing.memory import MemoryStore

    targets = [MemoryStore(f"parallel{number}") for number in range(4)]
    reports = {}

    def one(number: int) -> None:
        document = {
            "reader": {"name": "memoryreader", "store": "source"},
            "writer": {"name": "memorywriter", "store": f"parallel{number}", "refuse": number},
            "settings": {"channel": 2, "errorLimit": {"record": 1}},
        }
        reports[number] = run(document, registry=bench.registry, state=bench.state)

    threads = [threading.Thread(target=one, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [(reports[n].written, reports[n].rejected) for n in range(4)] == [(11, 1)] * 4
    assert [sorted(t.table()["id"].to_pylist()) for t in targets] == [[i for i in ALL if i != n] for n in range(4)]


def test_no_thread_outlives_its_run(bench: Bench) -> None:
    before = threading.active_count()
    bench.run(channel=3)
    deadline = time.monotonic() + 2
    while threading.active_count() > before and time.monotonic() < deadline:
        time.sleep(0.01)
    assert threading.active_count() == before


def test_speed_limit_is_job_wide(bench: Bench) -> None:
    since = time.monotonic()
    report = bench.run(channel=3, speed={"record": 20})
    assert report.state == "done"
    assert time.monotonic() - since >= 12 / 20 - 0.1


def test_the_run_store_remembers_the_report(bench: Bench) -> None:
    report = bench.run()
    with RunStore(bench.state) as store:
        record = store.run(report.run)
        assert record.state == "done"
        assert record.report == report.as_dict()
        assert not store.alive(report.run)


def test_a_job_that_cannot_begin_leaves_no_run(bench: Bench) -> None:
    with pytest.raises((ConfigError, PluginError)):
        bench.run(writer={"store": "nobody"})
    with RunStore(bench.state) as store:
        assert store.runs() == []


# ---------------------------------------------------------------------- secrets


def test_a_secret_in_a_drivers_message_is_told_to_nobody(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Whoever raises it, wherever it would show: report, events, log, run store."""
    monkeypatch.setattr(MemoryWriterParams, "secrets", lambda self: frozenset({"hunter2"}))

    def fail(*_: object) -> None:
        raise TransientError("postgres://me:hunter2@db", "login hunter2 refused", "is hunter2 right?")

    for place in ("before_batch", "in_prepare", "in_commit"):
        setattr(bench.faults, place, fail)
        report = bench.run()
        setattr(bench.faults, place, None)
        assert report.state == "failed"
        assert report.error is not None
        assert report.error.problem == "login *** refused"
        assert "hunter2" not in repr(report) + repr(bench.events) + caplog.text
    assert b"hunter2" not in b"".join(path.read_bytes() for path in bench.state.rglob("*") if path.is_file())


def test_any_exception_of_a_plugin_is_a_failed_run_not_a_crash(bench: Bench) -> None:
    def fail() -> None:
        raise KeyError("oops")

    bench.faults.in_prepare = fail
    report = bench.run()
    assert (report.state, report.exit_code) == ("failed", 1)
    assert report.error is not None
    assert report.error.problem == "KeyError: 'oops'"
