from __future__ import annotations

import io
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from starhaul import Cancelled, Capability, ConfigError, PermanentError
from starhaul.testing import RecordingTask
from starhaul_writers import stream
from starhaul_writers.stream import StreamWriter, StreamWriterParams

TEXTS = pa.record_batch({"a": pa.array(["1", None, "é😀"]), "b": pa.array(["x\ty", "", None])})


@pytest.fixture(autouse=True, params=[0, 100], ids=["joined by Arrow", "joined by Python"])
def _both_ways(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Few rows are joined in another way than many, with the same result."""
    monkeypatch.setattr(stream, "FEW_ROWS", request.param)


def writer(**parameters: Any) -> StreamWriter:
    return StreamWriter(StreamWriterParams.model_validate(parameters))


def to_file(folder: Path, **parameters: Any) -> StreamWriter:
    return writer(path=str(folder), fileName="out.txt", **parameters)


def test_prints_lines(capsysbinary: pytest.CaptureFixture[bytes]) -> None:
    receipt = writer().write(RecordingTask(), [TEXTS, TEXTS.slice(1, 1), TEXTS.slice(0, 0)])
    assert capsysbinary.readouterr().out == "1\tx\ty\nnull\t\né😀\tnull\nnull\t\n".encode()
    assert (receipt.rows, receipt.task, receipt.attempt) == (4, "t0", 1)


def test_prints_with_other_signs(capsysbinary: pytest.CaptureFixture[bytes]) -> None:
    writer(fieldDelimiter="||", nullFormat="\\N").write(RecordingTask(), [TEXTS])
    assert capsysbinary.readouterr().out.decode().splitlines() == ["1||x\ty", "\\N||", "é😀||\\N"]
    writer().write(RecordingTask(), [TEXTS.select(["a"])])
    assert capsysbinary.readouterr().out.decode() == "1\nnull\né😀\n"


def test_prints_to_whatever_stdout_is(monkeypatch: pytest.MonkeyPatch) -> None:
    there = io.StringIO()
    monkeypatch.setattr(sys, "stdout", there)
    writer().write(RecordingTask(), [TEXTS.slice(2)])
    assert there.getvalue() == "é😀\tnull\n"


def test_large_batches_are_printed_in_parts(
    capsysbinary: pytest.CaptureFixture[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stream, "LARGEST_TEXT", 100)
    batch = pa.record_batch({"a": [f"{number}" * 10 for number in range(50)]})
    writer().write(RecordingTask(), [batch])
    assert capsysbinary.readouterr().out.decode().splitlines() == batch.column(0).to_pylist()


def test_lines_of_tasks_that_print_at_once_stay_whole(capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    batches = [pa.record_batch({"a": [sign * 99] * 500, "b": [sign] * 500}) for sign in "abcd"]
    threads = [threading.Thread(target=writer().write, args=(RecordingTask(), [batch] * 10)) for batch in batches]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    lines = capfdbinary.readouterr().out.splitlines()
    assert sorted(lines) == sorted(f"{sign * 99}\t{sign}".encode() for sign in "abcd" for _ in range(5000))


def test_stdout_that_is_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    class Closed(io.RawIOBase):
        def writable(self) -> bool:
            return True

        def write(self, data: object) -> int:
            raise BrokenPipeError(32, "Broken pipe")

    class Stdout:
        buffer = Closed()

        def flush(self) -> None: ...

    monkeypatch.setattr(sys, "stdout", Stdout())
    with pytest.raises(PermanentError, match="standard output: cannot be written: Broken pipe"):
        writer().write(RecordingTask(), [TEXTS])


def test_drops_rows_of_any_type(capsysbinary: pytest.CaptureFixture[bytes]) -> None:
    schema = pa.schema([("a", pa.int64()), ("b", pa.list_(pa.int8()))])
    sink = writer(print=False)
    assert sink.accept(schema) == schema
    batch = pa.record_batch([[1, 2], [[1], None]], schema=schema)
    assert sink.write(RecordingTask(), [batch, batch]).rows == 4
    assert capsysbinary.readouterr().out == b""


def test_promises() -> None:
    assert writer().promises() == frozenset()
    assert writer(print=False).promises() == {Capability.IDEMPOTENT}
    assert to_file(Path("somewhere")).promises() == {Capability.ATOMIC}


def test_describes_what_it_does(tmp_path: Path) -> None:
    told = [each.describe()[0].split()[0] for each in (writer(), writer(print=False), to_file(tmp_path))]
    assert told == ["Prints", "Counts", "Writes"]


def test_replaces_the_file_when_the_run_has_succeeded(tmp_path: Path) -> None:
    (tmp_path / "out.txt").write_text("old")
    target = to_file(tmp_path)
    target.prepare(TEXTS.schema, "run_1")
    tasks = [RecordingTask(TEXTS.schema, f"t{number}") for number in range(2)]
    receipts = [target.write(task, [TEXTS.slice(2)]) for task in tasks]
    assert (tmp_path / "out.txt").read_text() == "old"
    target.commit("run_1", receipts)
    assert (tmp_path / "out.txt").read_text() == "é😀\tnull\n" * 2
    assert [path.name for path in tmp_path.iterdir()] == ["out.txt"]


@pytest.mark.parametrize(
    ("delimiter", "values", "good"),
    [
        ("\t", ["a", "a\tb", "a\nb", "a\r", "null", "NULL", None, ""], ["a", "NULL", None, ""]),
        ("||", ["a|b", "a|", "|a", "a||b", "|"], ["a|b", "|a"]),
        ("é", ["éa", "e", "\u0301"], ["e", "\u0301"]),
    ],
)
def test_rows_that_the_file_could_not_give_back_are_rejected(
    tmp_path: Path, delimiter: str, values: list[str | None], good: list[str | None]
) -> None:
    target = to_file(tmp_path, fieldDelimiter=delimiter)
    batch = pa.record_batch(
        {"id": [str(number) for number in range(len(values))], "v": values, "w": ["z"] * len(values)}
    )
    task = RecordingTask(batch.schema)
    target.prepare(batch.schema, task.run)
    receipt = target.write(task, [batch])
    target.commit(task.run, [receipt])
    lines = (tmp_path / "out.txt").read_bytes().decode().split("\n")[:-1]
    assert [line.split(delimiter)[1:] for line in lines] == [["null" if v is None else v, "z"] for v in good]
    assert [row["v"] for row, _, _ in task.rejected] == [value for value in values if value not in good]
    assert all(reason.startswith("'v': the text holds") for _, reason, _ in task.rejected)
    assert receipt.rows == len(good)


@pytest.mark.parametrize("shown", [True, False])
def test_sleeps_once_after_so_many_rows(shown: bool, capsysbinary: pytest.CaptureFixture[bytes]) -> None:
    class Sleeper(RecordingTask):
        def pause(self, seconds: float) -> None:
            slept.append((seconds, pulled[0]))

    slept: list[tuple[float, int]] = []
    pulled = [0]

    def batches() -> Iterator[pa.RecordBatch]:
        for _ in range(3):
            pulled[0] += TEXTS.num_rows
            yield TEXTS

    receipt = writer(recordNumBeforeSleep=4, sleepTime=0.5, print=shown).write(Sleeper(), batches())
    assert (slept, receipt.rows) == ([(0.5, 6)], 9)
    assert len(capsysbinary.readouterr().out.splitlines()) == (9 if shown else 0)


def test_the_sleep_ends_when_the_run_is_stopped() -> None:
    sink = writer(print=False, recordNumBeforeSleep=1, sleepTime=3600)
    with pytest.raises(Cancelled):
        sink.write(RecordingTask(cancelled=True), [TEXTS])


@pytest.mark.parametrize(
    ("parameters", "told"),
    [
        ({"path": "somewhere"}, "`path` and `fileName` go together"),
        ({"fileName": "x"}, "`path` and `fileName` go together"),
        ({"path": "a", "fileName": "b/c"}, "`fileName` is a name without directories"),
        ({"fieldDelimiter": ""}, "fieldDelimiter"),
        ({"sleepTime": -1}, "sleepTime"),
        ({"recordNumBeforeSleep": -1}, "recordNumBeforeSleep"),
    ],
)
def test_wrong_parameters(parameters: dict[str, Any], told: str) -> None:
    with pytest.raises(ValueError, match=told):
        StreamWriterParams.parse(parameters)


def test_places_that_cannot_hold_the_file(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    (tmp_path / "folder" / "out.txt").mkdir(parents=True)
    with pytest.raises(ConfigError, match="is not a directory"):
        to_file(tmp_path / "file" / "below").check(TEXTS.schema)
    with pytest.raises(ConfigError, match="is a directory"):
        to_file(tmp_path / "folder").check(TEXTS.schema)
    with pytest.raises(PermanentError, match="cannot be written"):
        to_file(tmp_path / "file").prepare(TEXTS.schema, "run_1")
    with pytest.raises(PermanentError, match="cannot be written: No such file"):
        to_file(tmp_path).write(RecordingTask(), [TEXTS])
