"""`run_job`: the engine as the author of a plugin uses it."""

from __future__ import annotations

import gc
from collections.abc import Iterator, Mapping

import pyarrow as pa
import pytest

from starhaul import ConfigError, PermanentError, PluginError, Split, Task, hookimpl
from starhaul.testing.engine import run_job
from starhaul.testing.memory import MemoryReader, MemoryReaderParams, MemoryStore

ROWS = pa.table({"id": pa.array(range(10), pa.int64()), "name": [f"n{i}" if i % 3 else None for i in range(10)]})


class FailingReader(MemoryReader):
    """Fails in the midst."""

    name = "failingreader"

    def read(self, split: Split, task: Task) -> Iterator[pa.RecordBatch]:
        yield next(super().read(split, task))
        raise PermanentError("source", "the disk is gone", "buy a new one")


class Failing:
    @hookimpl
    def starhaul_readers(self) -> Mapping[str, str]:
        return {"failingreader": f"{__name__}:FailingReader"}


@pytest.mark.parametrize("channel", [1, 3])
@pytest.mark.parametrize("mode", ["atomic", "exactly_once", "idempotent", "none"])
def test_rows_arrive(mode: str, channel: int) -> None:
    target = MemoryStore("target")
    writer = {"name": "memorywriter", "store": target.name, "mode": mode}
    result = run_job(rows=ROWS, writer=writer, settings={"channel": channel})
    assert (result.report.state, result.report.read, result.report.written) == ("done", 10, 10)
    assert target.table().sort_by("id") == ROWS
    assert target.leftovers() == []


def test_to_memory_by_default() -> None:
    assert run_job(rows=ROWS).rows.sort_by("id") == ROWS


def test_rejects_are_read() -> None:
    target = MemoryStore("target")
    writer = {"name": "memorywriter", "store": target.name, "refuse": 4}
    result = run_job(rows=ROWS, writer=writer, settings={"errorLimit": {"record": 1}})
    assert (result.report.state, result.report.rejected, target.table().num_rows) == ("done", 1, 9)
    assert len(result.rejects) == 1
    assert "refuses 4" in str(result.rejects[0])


def test_rejected_row_may_hold_what_python_cannot() -> None:
    """Nanoseconds, the year 150000, NaN, bytes: the reject file shows all, and the run goes on."""
    columns = {
        "id": pa.array([4], pa.int64()),
        "ns": pa.array([1], pa.timestamp("ns")),
        "far": pa.array([2**62], pa.timestamp("us")),
        "list": pa.array([[1]], pa.list_(pa.duration("ns"))),
        "bytes": pa.array([b"\xff"]),
        "real": pa.array([float("nan")]),
        "none": pa.array([None], pa.string()),
    }
    target = MemoryStore("target")
    writer = {"name": "memorywriter", "store": target.name, "refuse": 4}
    result = run_job(rows=pa.table(columns), writer=writer, settings={"errorLimit": {"record": 1}})
    assert (result.report.state, result.report.rejected) == ("done", 1)
    assert result.rejects[0]["row"]["ns"] == "1970-01-01 00:00:00.000000001"
    assert result.rejects[0]["row"]["bytes"] == "ff"
    assert result.rejects[0]["row"]["none"] is None


def test_reject_limit_undoes_all() -> None:
    target = MemoryStore("target")
    result = run_job(rows=ROWS, writer={"name": "memorywriter", "store": target.name, "refuse": 4})
    assert (result.report.state, result.report.exit_code) == ("failed", 4)
    assert (target.table().num_rows, target.leftovers()) == (0, [])


def test_failure_is_reported_and_undone() -> None:
    source = MemoryStore("source", ROWS)
    result = run_job(reader={"name": "failingreader", "store": source.name}, plugins=[Failing()])
    assert result.report.state == "failed"
    assert result.report.error is not None
    assert "the disk is gone" in result.report.error.problem
    assert result.rows.num_rows == 0


def test_plugins_must_be_known() -> None:
    with pytest.raises(PluginError, match="no reader named 'nope'"):
        run_job(reader={"name": "nope"})


def test_either_rows_or_a_reader() -> None:
    with pytest.raises(ValueError, match="either `rows`"):
        run_job()


def test_a_store_lives_as_long_as_its_test() -> None:
    store = MemoryStore("short-lived", ROWS)
    reader = MemoryReader(MemoryReaderParams(store=store.name))
    assert reader.schema() == ROWS.schema
    del store
    gc.collect()
    with pytest.raises(ConfigError, match="no MemoryStore named 'short-lived'"):
        reader.check()
