"""Rows that are set aside, and how many of them fail a run."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import pyarrow as pa

from starhaul.api.task import Receipt, Task
from starhaul.runs.rejects import read_rejects
from tests.unit.engine.conftest import ALL, Bench


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
