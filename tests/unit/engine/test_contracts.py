"""A plugin that breaks its contract, or breaks down, fails the run and does no other harm."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pyarrow as pa
import pytest

from starhaul.api.errors import TransientError
from starhaul.api.task import Receipt, Task
from starhaul.testing.memory import MemoryWriterParams
from tests.unit.engine.conftest import Bench, FaultyReader


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

    def other(self: Any, split: Any, task: Task) -> Any:
        yield pa.record_batch({"id": ["text"]})

    monkeypatch.setattr(FaultyReader, "read", other)
    report = bench.run()
    assert report.exit_code == 3
    assert report.error is not None
    assert "rows have the schema id: string" in report.error.problem


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


def test_any_exception_of_a_plugin_is_a_failed_run_not_a_crash(bench: Bench) -> None:
    def fail() -> None:
        raise KeyError("oops")

    bench.faults.in_prepare = fail
    report = bench.run()
    assert (report.state, report.exit_code) == ("failed", 1)
    assert report.error is not None
    assert report.error.problem == "KeyError: 'oops'"


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
