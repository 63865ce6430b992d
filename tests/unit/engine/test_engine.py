"""How a run goes to its end, alone and beside others."""

from __future__ import annotations

import threading
import time

import pytest

from starhaul.api.errors import ConfigError, PluginError
from starhaul.api.events import RunFinished, RunStarted, StreamCommitted, TaskFinished
from starhaul.engine.library import run
from starhaul.runs.store import RunStore
from starhaul.testing.memory import MemoryStore
from tests.unit.engine.conftest import ALL, Bench


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


def test_runs_in_one_process_do_not_mix(bench: Bench) -> None:
    targets = [MemoryStore(f"parallel{number}") for number in range(4)]
    reports = {}

    def one(number: int) -> None:
        document = {
            "reader": {"name": "memoryreader", "store": "source"},
            "writer": {"name": "memorywriter", "store": f"parallel{number}", "refuse": number},
            "settings": {"channel": 2, "errorLimit": {"record": 1}},
        }
        reports[number] = run(document, registry=bench.registry, state=str(bench.state))

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


@pytest.mark.parametrize("limit", ["record", "byte"])
def test_a_large_batch_passes_in_pieces_of_a_second(bench: Bench, limit: str) -> None:
    """So that the target is not hit by all of it at once, and then by nothing for long."""
    (whole,) = bench.source.table().combine_chunks().to_batches()
    half = {"record": whole.num_rows, "byte": whole.nbytes}[limit] // 2 + 1
    since = time.monotonic()
    assert bench.run(reader={"batchRows": 100}, speed={limit: half}).written == len(ALL)
    assert 1.5 < time.monotonic() - since < 5
    pieces = [batch.num_rows for part in bench.target.visible.values() for batch in part]
    assert len(pieces) in (2, 3)
    assert max(pieces) <= 7


def test_speed_limit_is_job_wide(bench: Bench) -> None:
    since = time.monotonic()
    report = bench.run(channel=3, speed={"record": 20})
    assert report.state == "done"
    assert time.monotonic() - since >= 12 / 20 - 0.1


def test_a_clock_that_is_set_back_does_not_end_a_run_before_it_began(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = [1_700_000_000.0]

    def clock() -> float:
        now[0] -= 3600
        return now[0]

    monkeypatch.setattr(time, "time", clock)
    first, second = bench.run(), bench.run(mode="exactly_once")
    assert 0 <= first.seconds < 60
    assert first.started <= first.ended
    with RunStore(bench.state) as store:
        assert [run.id for run in store.runs()] == [second.run, first.run]


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
