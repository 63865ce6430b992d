"""A run that is asked to stop does so, whatever its plugins are at."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable

import pyarrow as pa
import pytest

from starhaul.api.errors import Cancelled
from starhaul.api.task import Receipt, Task
from starhaul.job.load import load_job
from starhaul.runs.store import RunStore
from tests.unit.engine.conftest import ALL, MODES, Bench, FaultyReader


@pytest.mark.parametrize("mode", MODES)
def test_a_stopped_run_keeps_what_arrived_and_resumes(bench: Bench, mode: str) -> None:
    def stop_in_t1(task: Task, number: int) -> None:
        if task.id == "t1":
            bench.stop.request("SIGTERM")

    bench.faults.before_batch = stop_in_t1
    report = bench.run(mode=mode, channel=3)
    assert (report.state, report.exit_code, report.resumable) == ("stopped", 143, True)
    bench.finish(report.run, mode=mode, channel=3)


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


@pytest.mark.parametrize("channel", [1, 2])
def test_a_stop_while_many_streams_are_planned(bench: Bench, monkeypatch: pytest.MonkeyPatch, channel: int) -> None:
    """It does not wait until the last of them is planned."""
    asked = set()

    def schema(reader: FaultyReader) -> pa.Schema:
        asked.add(reader)
        bench.stop.request("SIGTERM")
        return bench.source.schema or pa.schema([])

    monkeypatch.setattr(FaultyReader, "schema", schema)
    one = {"reader": {"name": "faultyreader", "store": "source"}, "writer": {"name": "faultywriter", "store": "target"}}
    job = load_job({"streams": [one] * 50, "settings": {"channel": channel}}, bench.registry)
    with RunStore(bench.state) as store, pytest.raises(Cancelled):
        bench.engine(store).run(job)
    assert len(asked) <= channel


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
