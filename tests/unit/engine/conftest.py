"""A bench for engine tests: tables in memory, and plugins that misbehave where a test wants them to."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

import pyarrow as pa
import pytest

import starhaul.testing.memory
from starhaul.api.events import Event
from starhaul.api.hookspecs import hookimpl
from starhaul.api.task import Receipt, Split, Task
from starhaul.engine.engine import Engine
from starhaul.engine.progress import Progress
from starhaul.engine.stop import Stop
from starhaul.job.job import Job
from starhaul.job.load import load_job
from starhaul.registry import Registry
from starhaul.report.report import Report
from starhaul.runs.store import RunStore
from starhaul.testing.memory import MemoryReader, MemoryStore, MemoryWriter

ALL = list(range(12))
"""The ids of the rows of `Bench.source`."""

MODES = ["atomic", "exactly_once", "idempotent"]
"""What makes a run that failed one that can be resumed."""


class Faults:
    """What goes wrong, and where. A test sets the fields; the plugins below call them if they are set."""

    before_batch: Callable[[Task, int], None] | None = None
    """(task, number of the batch) before the reader yields it."""
    in_write: Callable[[Task, Iterable[pa.RecordBatch]], Receipt | None] | None = None
    """Instead of writing; None goes on as usual."""
    after_write: Callable[[Task, Receipt], Receipt] | None = None
    """When the attempt went through, before its receipt is handed over."""
    in_prepare: Callable[[], None] | None = None
    in_commit: Callable[[], None] | None = None
    in_forget: Callable[[], None] | None = None
    in_abort: Callable[[], None] | None = None


class FaultyReader(MemoryReader):
    """A memory reader that fails as told."""

    name = "faultyreader"
    faults: ClassVar[Faults]

    def read(self, split: Split, task: Task) -> Iterator[pa.RecordBatch]:
        for number, batch in enumerate(super().read(split, task)):
            if self.faults.before_batch is not None:
                self.faults.before_batch(task, number)
            yield batch


class FaultyWriter(MemoryWriter):
    """A memory writer that fails as told."""

    name = "faultywriter"
    faults: ClassVar[Faults]

    def prepare(self, schema: pa.Schema, run: str) -> None:
        if self.faults.in_prepare is not None:
            self.faults.in_prepare()
        super().prepare(schema, run)

    def write(self, task: Task, batches: Iterable[pa.RecordBatch]) -> Receipt:
        if self.faults.in_write is not None and (receipt := self.faults.in_write(task, batches)) is not None:
            return receipt
        receipt = super().write(task, batches)
        return receipt if self.faults.after_write is None else self.faults.after_write(task, receipt)

    def commit(self, run: str, receipts: Sequence[Receipt]) -> None:
        if self.faults.in_commit is not None:
            self.faults.in_commit()
        super().commit(run, receipts)

    def forget(self, run: str) -> None:
        if self.faults.in_forget is not None:
            self.faults.in_forget()
        super().forget(run)

    def abort(self, run: str, receipts: Sequence[Receipt]) -> None:
        if self.faults.in_abort is not None:
            self.faults.in_abort()
        super().abort(run, receipts)


@hookimpl
def starhaul_readers() -> Mapping[str, str]:
    return {"faultyreader": f"{__name__}:FaultyReader"}


@hookimpl
def starhaul_writers() -> Mapping[str, str]:
    return {"faultywriter": f"{__name__}:FaultyWriter"}


class Bench:
    """Runs jobs from the store `source` (12 rows, ids 0 to 11: `ALL`) to the store `target`."""

    def __init__(self, state: Path, faults: Faults) -> None:
        self.state = state
        self.faults = faults
        self.source = MemoryStore("source", pa.table({"id": ALL, "text": [f"row {n}" for n in ALL]}))
        self.target = MemoryStore("target")
        self.registry = Registry()
        self.registry.register(starhaul.testing.memory)
        self.registry.register(_this_module(), "faulty")
        self.events: list[Event] = []
        self.stop = Stop()
        self.progress = Progress()

    def job(
        self,
        *,
        mode: str = "atomic",
        reader: Mapping[str, Any] | None = None,
        writer: Mapping[str, Any] | None = None,
        **settings: Any,
    ) -> Job:
        document = {
            "reader": {"name": "faultyreader", "store": "source", **(reader or {})},
            "writer": {"name": "faultywriter", "store": "target", "mode": mode, **(writer or {})},
            "settings": {"retry": {"attempts": 3, "pause": 0.001}, **settings},
        }
        return load_job(document, self.registry, environment={})

    def engine(self, store: RunStore) -> Engine:
        return Engine(self.registry, store, stop=self.stop, progress=self.progress, observers=[self.events.append])

    def run(self, **job: Any) -> Report:
        with RunStore(self.state) as store:
            return self.engine(store).run(self.job(**job))

    def resume(self, run: str, **job: Any) -> Report:
        self.stop = Stop()
        with RunStore(self.state) as store:
            return self.engine(store).resume(run, self.job(**job))

    def finish(self, run: str, **job: Any) -> None:
        """Resume a run without the fault at a batch that ended it: every row arrives, and is counted, once."""
        self.faults.before_batch = None
        resumed = self.resume(run, **job)
        assert resumed.state == "done"
        assert self.ids == ALL
        assert (resumed.read, resumed.written) == (12, 12)

    @property
    def ids(self) -> list[int]:
        """The ids that the target shows, in order."""
        table = self.target.table(self.source.schema)
        return sorted(table["id"].to_pylist()) if table.num_rows else []


def _this_module() -> object:
    import sys

    return sys.modules[__name__]


@pytest.fixture
def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Bench:
    faults = Faults()
    monkeypatch.setattr(FaultyReader, "faults", faults, raising=False)
    monkeypatch.setattr(FaultyWriter, "faults", faults, raising=False)
    return Bench(tmp_path / "state", faults)
