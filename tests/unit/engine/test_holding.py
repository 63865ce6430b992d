"""Sources that are held still, and rows that pass in an encoding."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pyarrow as pa
import pytest

from starhaul.api.errors import PermanentError, TransientError
from starhaul.api.task import Task
from starhaul.plan.build import make_plan
from starhaul.testing.memory import ENCODING, MemoryReader, MemoryStore, MemoryWriter
from tests.unit.engine.conftest import Bench, FaultyReader, FaultyWriter

ALL = list(range(12))


@pytest.fixture
def held(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What became of the holds, in order."""
    told: list[str] = []
    holding = MemoryReader._holding

    @contextmanager
    def telling(self: MemoryReader) -> Iterator[MemoryReader]:
        with holding(self) as reader:
            told.append("held")
            try:
                yield reader
            finally:
                told.append("let go")

    monkeypatch.setattr(FaultyReader, "_holding", telling)
    return told


def test_rows_written_during_the_run_do_not_arrive(bench: Bench, held: list[str]) -> None:
    def write_more(task: Task, number: int) -> None:
        bench.source.visible["more", "", 0] = pa.table({"id": [99], "text": ["late"]}).to_batches()

    bench.faults.before_batch = write_more
    report = bench.run(channel=3)
    assert (report.state, bench.ids, held) == ("done", ALL, ["held", "let go"])


def test_a_source_is_let_go_of_before_the_stream_is_published(bench: Bench, held: list[str]) -> None:
    bench.faults.in_commit = lambda: held.append("commit")
    bench.run(channel=2)
    assert held == ["held", "let go", "commit"]


def test_a_source_in_one_slice_is_not_held(bench: Bench, held: list[str]) -> None:
    bench.run(channel=1)
    assert (bench.ids, held) == (ALL, [])


def test_a_source_is_let_go_of_when_the_run_fails_and_held_anew_when_it_resumes(bench: Bench, held: list[str]) -> None:
    def fail(task: Task, number: int) -> None:
        raise PermanentError("source", "disk gone")

    bench.faults.before_batch = fail
    report = bench.run(channel=3)
    assert (report.state, held) == ("failed", ["held", "let go"])
    bench.faults.before_batch = None
    assert bench.resume(report.run, channel=3).state == "done"
    assert (bench.ids, held) == (ALL, ["held", "let go"] * 2)


def test_a_source_is_let_go_of_when_the_plan_fails(
    bench: Bench, held: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    split = MemoryReader.split
    monkeypatch.setattr(FaultyReader, "split", lambda self, target: split(self, target // (1 - len(held))))
    with pytest.raises(PermanentError, match="ZeroDivisionError"):
        bench.run(channel=3)
    assert held == ["held", "let go"]


# ---------------------------------------------------------------------- encodings


@pytest.fixture
def passed(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The encodings in which rows were written; both sides offer one."""
    told: list[str] = []
    write = MemoryWriter.write_encoded

    def telling(self: MemoryWriter, task: Task, encoding: str, blocks: Any) -> Any:
        told.append(encoding)
        return write(self, task, encoding, blocks)

    monkeypatch.setattr(FaultyWriter, "write_encoded", telling)
    monkeypatch.setattr(FaultyReader, "encodings", lambda self: ("other", ENCODING))
    monkeypatch.setattr(FaultyWriter, "encodings", lambda self, source: (ENCODING, "third"))
    return told


def test_rows_pass_in_the_encoding_that_both_know(bench: Bench, passed: list[str]) -> None:
    report = bench.run(channel=2)
    assert (report.state, bench.ids, passed) == ("done", ALL, [ENCODING] * 2)
    assert (report.read, report.written, report.rejected) == (12, 12, 0)
    assert report.streams[0].bytes > 0


def test_a_writer_is_not_asked_where_the_reader_has_no_encoding(
    bench: Bench, passed: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(FaultyReader, "encodings", lambda self: ())
    monkeypatch.setattr(FaultyWriter, "encodings", lambda self, source: 1 / 0)
    assert (bench.run().state, bench.ids, passed) == ("done", ALL, [])


def test_rows_pass_as_arrow_where_a_transformer_needs_their_values(bench: Bench, passed: list[str]) -> None:
    from starhaul.engine.library import run

    target = MemoryStore("target")
    document = {
        "reader": {"name": "faultyreader", "store": "source"},
        "transformers": [{"name": "rename", "columns": {"text": "words"}}],
        "writer": {"name": "faultywriter", "store": "target"},
    }
    report = run(document, registry=bench.registry, state=bench.state)
    assert (report.state, target.table().num_rows, passed) == ("done", 12, [])


def test_rows_pass_as_arrow_where_a_column_is_converted(
    bench: Bench, passed: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(FaultyWriter, "accept", lambda self, source: source.set(0, pa.field("id", pa.int32())))
    assert (bench.run().state, bench.ids, passed) == ("done", ALL, [])


def test_texts_pass_as_they_are_where_every_column_becomes_text(
    bench: Bench, passed: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(FaultyReader, "encodings", lambda self: (ENCODING, "text/plain"))
    monkeypatch.setattr(FaultyWriter, "encodings", lambda self, source: (ENCODING, "text/plain"))

    def spelled(self: FaultyWriter, source: pa.Schema) -> pa.Schema:
        return pa.schema([pa.field(name, pa.string()) for name in source.names])

    def agreed() -> str | None:
        with make_plan(bench.job(), bench.registry) as plan:
            return plan.streams[0].encoding

    assert agreed() == ENCODING  # nothing becomes text
    monkeypatch.setattr(FaultyWriter, "accept", spelled)
    assert agreed() == "text/plain"
    monkeypatch.setattr(
        FaultyWriter, "accept", lambda self, source: spelled(self, source).set(0, pa.field("id", pa.int32()))
    )
    assert agreed() is None


def test_a_failing_source_fails_the_writer_in_an_encoding_too(bench: Bench, passed: list[str]) -> None:
    def lose(task: Task, number: int) -> None:
        if task.attempt == 1 and number == 1:
            raise TransientError("source", "connection lost")

    bench.faults.before_batch = lose
    report = bench.run(channel=2)
    assert (report.state, bench.ids, len(passed)) == ("done", ALL, 4)


def test_rows_refused_in_an_encoding_are_rejected_one_by_one(bench: Bench, passed: list[str]) -> None:
    report = bench.run(writer={"refuse": 5}, channel=2, errorLimit={"record": 1})
    assert (report.state, report.rejected, bench.ids) == ("done", 1, [each for each in ALL if each != 5])
    assert passed


def test_a_plan_tells_the_encoding(bench: Bench, passed: list[str]) -> None:

    with make_plan(bench.job(), bench.registry) as plan:
        assert plan.as_dict()["streams"][0]["encoding"] == ENCODING


def test_rows_that_an_encoding_loses_fail_the_run(
    bench: Bench, passed: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    write = MemoryWriter.write_encoded

    def lossy(self: MemoryWriter, task: Task, encoding: str, blocks: Any) -> Any:
        return write(self, task, encoding, list(blocks)[:-1])

    monkeypatch.setattr(FaultyWriter, "write_encoded", lossy)
    report = bench.run(channel=2)
    assert report.state == "failed"
    assert "accounts for" in str(report.error)
