"""A reader and a writer over tables held in this process: for tests of engines, of transformers and of this kit.

The module is a plugin itself: `registry.register(starhaul.testing.memory)` announces both.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from typing import ClassVar, Literal, TypeAlias
from weakref import WeakValueDictionary

import pyarrow as pa

from starhaul.api.capability import Capability
from starhaul.api.encoding import Block
from starhaul.api.errors import ConfigError, PermanentError, TasksLost
from starhaul.api.hookspecs import hookimpl
from starhaul.api.params import Params
from starhaul.api.reader import Reader
from starhaul.api.task import Receipt, Split, Task
from starhaul.api.writer import Writer

ENCODING = "arrow/ipc"
"""The encoding of the plugins here: one stream of Arrow's IPC format in a block."""

Key: TypeAlias = tuple[str, str, int]
"""Run, task, attempt; attempt 0 stands for whichever came last."""


class MemoryStore:
    """Rows under a name, with what a transactional store has besides: staging and a ledger.

    The plugins find it by its name, as parameters are JSON data. It lives as long as the test that made it holds
    it. Its fields are to be changed under `lock`.
    """

    # Weak, and the only way from a job document to an object of this process.
    _open: ClassVar[WeakValueDictionary[str, MemoryStore]] = WeakValueDictionary()

    def __init__(self, name: str, rows: pa.Table | None = None) -> None:
        self.name = name
        self.lock = threading.Lock()
        self.schema: pa.Schema | None = None if rows is None else rows.schema
        self.visible: dict[Key, list[pa.RecordBatch]] = {} if rows is None else {("", "", 0): rows.to_batches()}
        self.staged: dict[Key, list[pa.RecordBatch]] = {}
        """What attempts wrote, before `commit`."""
        self.ledger: dict[Key, Receipt] = {}
        """The receipts of tasks that went through, until `commit`."""
        self.committed: set[str] = set()
        """Runs, from `commit` until `forget`."""
        self._open[name] = self

    @classmethod
    def named(cls, name: str) -> MemoryStore:
        """The store of this name. Raises `ConfigError` if nobody holds one."""
        store = cls._open.get(name)
        if store is None:
            raise ConfigError("store", f"no MemoryStore named {name!r}", "hold it in the test that uses it")
        return store

    def table(self, schema: pa.Schema | None = None) -> pa.Table:
        """The rows that are visible; none, of `schema`, if the store was never prepared."""
        with self.lock:
            batches = [batch for part in self.visible.values() for batch in part]
            return pa.Table.from_batches(batches, schema=self.schema or schema or pa.schema([]))

    def leftovers(self) -> list[str]:
        """What a dead run left: staged attempts and entries of the ledger."""
        with self.lock:
            return sorted(map(str, (*self.staged, *self.ledger)))


class MemoryReaderParams(Params):
    store: str
    """Name of the `MemoryStore` to read."""
    batch_rows: int = 2
    """Rows per batch."""
    encoded: bool = False
    """Offer the rows in `ENCODING`, too."""


class MemoryReader(Reader[MemoryReaderParams]):
    """Reads the rows of a `MemoryStore`."""

    name = "memoryreader"
    params_type = MemoryReaderParams
    capabilities = frozenset({Capability.SPLIT})
    _held: pa.Table | None = None

    def check(self) -> None:
        self.schema()

    def schema(self) -> pa.Schema:
        store = MemoryStore.named(self.params.store)
        if store.schema is None:
            raise ConfigError("store", f"MemoryStore {store.name!r} holds no table", "give it rows, or write it first")
        return store.schema

    def split(self, target: int) -> Sequence[Split]:
        total = self._rows().num_rows
        size = max(1, -(-total // target))
        starts = range(0, total, size)
        return [Split(f"{start}", {"start": start, "count": size}, min(size, total - start)) for start in starts]

    def read(self, split: Split, task: Task) -> Iterator[pa.RecordBatch]:
        rows = self._rows().slice(split.args["start"], split.args["count"])
        yield from rows.to_batches(max_chunksize=self.params.batch_rows)

    def hold(self, channels: int) -> AbstractContextManager[MemoryReader]:
        return self._holding()

    def encodings(self) -> Sequence[str]:
        return (ENCODING,) if self.params.encoded else ()

    def read_encoded(self, split: Split, task: Task, encoding: str) -> Iterator[Block]:
        for batch in self.read(split, task):
            yield Block(encode(batch), batch.num_rows, batch.schema, decode)

    def describe(self) -> Sequence[str]:
        return (f"Reads {self.params.store!r} in the memory of this process.",)

    @contextmanager
    def _holding(self) -> Iterator[MemoryReader]:
        held = type(self)(self.params)
        held._held = self._rows()  # batches do not change: later ones are not in it
        yield held

    def _rows(self) -> pa.Table:
        return MemoryStore.named(self.params.store).table() if self._held is None else self._held


class MemoryWriterParams(Params):
    store: str
    """Name of the `MemoryStore` to write."""
    mode: Literal["atomic", "exactly_once", "idempotent", "none"] = "atomic"
    """What to promise."""
    refuse: int | None = None
    """The store refuses rows that hold this number in their first column."""
    encoded: bool = False
    """Take the rows in `ENCODING`, too."""


class MemoryWriter(Writer[MemoryWriterParams]):
    """Appends rows to a `MemoryStore`."""

    name = "memorywriter"
    params_type = MemoryWriterParams
    capabilities = frozenset({Capability.ATOMIC, Capability.IDEMPOTENT, Capability.EXACTLY_ONCE})

    def promises(self) -> frozenset[Capability]:
        return self.capabilities & {self.params.mode}

    def accept(self, source: pa.Schema) -> pa.Schema:
        return source

    def check(self, schema: pa.Schema) -> None:
        store = MemoryStore.named(self.params.store)
        if not len(schema):
            raise ConfigError("store", "a table without columns cannot be written", "select a column at least")
        if store.schema is not None and not store.schema.equals(schema):
            raise ConfigError("store", f"MemoryStore {store.name!r} holds other columns", "use another store")

    def prepare(self, schema: pa.Schema, run: str) -> None:
        MemoryStore.named(self.params.store).schema = schema

    def write(self, task: Task, batches: Iterable[pa.RecordBatch]) -> Receipt:
        store = MemoryStore.named(self.params.store)
        good = (self._accepted(batch, task) for batch in batches)
        if self.params.mode == "none":
            part = store.visible.setdefault((task.run, task.id, task.attempt), [])
            for batch in good:
                part.append(batch)
            return _receipt(task, part)
        part = list(good)
        receipt = _receipt(task, part)
        with store.lock:
            if self.params.mode == "atomic":
                store.staged[task.run, task.id, task.attempt] = part
                return receipt
            key = (task.run, task.id, 0)
            if self.params.mode == "exactly_once":
                if key in store.ledger:
                    raise PermanentError(f"task {task.id}", "another attempt went through", "use its receipt")
                store.ledger[key] = receipt
            store.visible[key] = part
        return receipt

    def encodings(self, source: pa.Schema) -> Sequence[str]:
        return (ENCODING,) if self.params.encoded else ()

    def write_encoded(self, task: Task, encoding: str, blocks: Iterable[Block]) -> Receipt:
        return self.write(task, (block.decode(block.data) for block in blocks))

    def delivered(self, task: Task) -> Receipt | None:
        return MemoryStore.named(self.params.store).ledger.get((task.run, task.id, 0))

    def commit(self, run: str, receipts: Sequence[Receipt]) -> None:
        store = MemoryStore.named(self.params.store)
        with store.lock:
            if self.params.mode == "exactly_once" and run not in store.committed:
                lost = [each.task for each in receipts if (run, each.task, 0) not in store.ledger]
                if lost:
                    raise TasksLost.of(f"MemoryStore {store.name!r}", lost)
                store.committed.add(run)
            for receipt in receipts:
                key = (run, receipt.task, receipt.attempt)
                if key in store.staged:
                    store.visible[key] = store.staged[key]
            _forget(store, run)

    def forget(self, run: str) -> None:
        MemoryStore.named(self.params.store).committed.discard(run)

    def count(self, *, published: bool) -> int | None:
        rows = MemoryStore.named(self.params.store).table().num_rows
        return None if self.params.mode == "idempotent" else rows

    def abort(self, run: str, receipts: Sequence[Receipt]) -> None:
        if self.params.mode == "atomic":
            store = MemoryStore.named(self.params.store)
            with store.lock:
                _forget(store, run)

    def describe(self) -> Sequence[str]:
        return (f"Appends to {self.params.store!r} in the memory of this process.",)

    def _accepted(self, batch: pa.RecordBatch, task: Task) -> pa.RecordBatch:
        """The rows that the store does not refuse."""
        if self.params.refuse is None:
            return batch
        keep = [value != self.params.refuse for value in batch.column(0).to_pylist()]
        for row, good in enumerate(keep):
            if not good:
                task.reject(batch, row, f"the store refuses {self.params.refuse}")
        return batch.filter(pa.array(keep, pa.bool_()))


def encode(batch: pa.RecordBatch) -> bytes:
    """A batch in `ENCODING`."""
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, batch.schema) as stream:
        stream.write_batch(batch)
    return sink.getvalue().to_pybytes()


def decode(data: bytes | bytearray | memoryview) -> pa.RecordBatch:
    """The batch that `encode` encoded."""
    with pa.ipc.open_stream(pa.py_buffer(data)) as stream:
        return stream.read_next_batch()


def _receipt(task: Task, part: Sequence[pa.RecordBatch]) -> Receipt:
    return Receipt(task.id, sum(batch.num_rows for batch in part), attempt=task.attempt)


def _forget(store: MemoryStore, run: str) -> None:
    """Clear staging and ledger of a run."""
    store.staged = {key: part for key, part in store.staged.items() if key[0] != run}
    store.ledger = {key: receipt for key, receipt in store.ledger.items() if key[0] != run}


@hookimpl
def starhaul_readers() -> Mapping[str, str]:
    """The reader of this module."""
    return {MemoryReader.name: f"{__name__}:MemoryReader"}


@hookimpl
def starhaul_writers() -> Mapping[str, str]:
    """The writer of this module."""
    return {MemoryWriter.name: f"{__name__}:MemoryWriter"}
