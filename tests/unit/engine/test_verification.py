"""`verify: count`: the target says how many rows it holds."""

from __future__ import annotations

import sqlite3

import pyarrow as pa
import pytest

from starhaul.runs.store import RunStore
from tests.unit.engine.conftest import Bench, FaultyWriter


@pytest.mark.parametrize("mode", ["atomic", "exactly_once", "none"])
def test_rows_are_counted_in_the_target(bench: Bench, mode: str) -> None:
    bench.target.schema = bench.source.schema
    bench.target.visible["older", "", 0] = pa.table({"id": [77], "text": ["there before"]}).to_batches()
    report = bench.run(mode=mode, verify="count", channel=2)
    assert (report.state, report.warnings) == ("done", [])


def test_a_target_that_holds_fewer_rows_fails_the_run_until_it_holds_them(bench: Bench) -> None:
    def lose() -> None:
        lost.extend(part.pop() for part in bench.target.staged.values())

    lost: list[pa.RecordBatch] = []
    bench.faults.in_commit = lose
    report = bench.run(verify="count", channel=1)
    assert report.state == "failed"
    assert report.error is not None
    assert report.error.problem == ("verification failed: the target held 0 rows, 12 were written, and it holds 10")
    bench.faults.in_commit = None
    assert bench.resume(report.run, verify="count").state == "failed", "it verifies again"
    bench.target.visible["mended", "", 0] = lost
    assert bench.resume(report.run, verify="count").state == "done"


def test_a_writer_that_cannot_tell_is_named(bench: Bench) -> None:
    report = bench.run(mode="idempotent", verify="count")
    assert report.state == "done"
    assert report.warnings == ["job: not verified, as faultywriter cannot tell by a count in this mode"]


def test_nobody_counts_unless_the_job_says_so(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(FaultyWriter, "count", lambda self, published: 1 / 0)
    assert bench.run().state == "done"


def test_a_run_of_the_version_before_can_be_resumed(bench: Bench) -> None:
    def fail() -> None:
        raise ConnectionError("gone")

    bench.faults.in_commit = fail
    report = bench.run()
    with sqlite3.connect(bench.state / "runs.db") as db:
        db.execute("ALTER TABLE streams DROP COLUMN rows_before")
        db.execute("PRAGMA user_version = 1")
    db.close()
    bench.faults.in_commit = None
    assert bench.resume(report.run).state == "done"
    assert bench.ids == list(range(12))
    with RunStore(bench.state) as store:
        assert [stream.rows_before for stream in store.streams(report.run)] == [None]
