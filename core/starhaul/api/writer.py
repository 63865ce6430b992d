"""The contract of a writer."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from typing import Any, ClassVar, Generic, TypeVar

import pyarrow as pa

from starhaul.api.address import Address, Creation, WriteRequest
from starhaul.api.capability import Capability
from starhaul.api.declaration import check_declaration
from starhaul.api.encoding import Block
from starhaul.api.errors import ConfigError
from starhaul.api.params import Params
from starhaul.api.task import Receipt, Task

P = TypeVar("P", bound=Params)


class Writer(ABC, Generic[P]):
    """Writes one target.

    In one run of one stream the engine calls, one after the other, `accept`, `check`, then `prepare` once;
    then `write` once per task attempt, from several threads at once (or in other processes, on an equal
    instance); then exactly one of `commit`, with `forget` after it, or `abort`. A run that is killed or stopped gets
    neither: when it is resumed, only `write` (for the tasks without a receipt), `commit` and `forget` follow, on a new
    instance. So an instance holds its parameters only, and what must be found again is named after `run` (see
    `Task.run`).

    Any call may raise `ConfigError` (the job is wrong), `TransientError` (may be tried again),
    `PermanentError` (cannot). Any other exception counts as permanent.
    """

    name: ClassVar[str]
    """Canonical name, lower case: DataX's name where DataX has the plugin (`mysqlwriter`)."""

    params_type: ClassVar[type[Params]]
    capabilities: ClassVar[frozenset[Capability]] = frozenset()
    """Everything this writer can promise in some configuration; `promises()` says what it promises in this one."""

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        check_declaration(cls, "writer")

    def __init__(self, params: P) -> None:
        self.params = params

    def promises(self) -> frozenset[Capability]:
        """What this writer promises with these parameters; a subset of `capabilities`. Touches no store. The
        engine retries and resumes by it."""
        return self.capabilities

    @abstractmethod
    def accept(self, source: pa.Schema) -> pa.Schema | None:
        """The exact schema that `write` wants for a source of this schema: the target's column names, in the
        target's order, each with the Arrow type that arrives there without loss.

        The engine converts every batch to precisely this, row by row checked, before `write` sees it. Columns
        map by position (or by name, if the job says so), so the answer has as many fields as the source has.
        A mismatch in number is the engine's to report. May look at the target; changes nothing. Returns None if
        there is no target yet and only `prepare` will make it. Called once or more before `prepare`, and again
        after it: what it answers then counts, as preSql may have made the target anew.
        """

    def check(self, schema: pa.Schema) -> None:
        """Raise if `schema` (what `accept` returned, or the source's schema where that was None) cannot be
        written: unreachable, no privilege, no such column. Changes nothing. Called once before a run, and alone
        by `starhaul check`."""

    def prepare(self, schema: pa.Schema, run: str) -> None:
        """Make the target ready: preSql, create the table, make staging. Called once per run, before any row is
        read; again only if the process died inside it. `run` is `Task.run` of the tasks to come. Work left
        behind by dead runs may be removed here."""

    @abstractmethod
    def write(self, task: Task, batches: Iterable[pa.RecordBatch]) -> Receipt:
        """Write one task's batches durably and say what the target acknowledged. Runs in a writer thread.

        Pulling from `batches` blocks until the reader has more. If the source fails or the run stops, the
        iterator raises inside the `with` block of the writer, which undoes the attempt and lets the exception
        pass; the same holds for errors of the target. A row that the target refuses goes to `task.reject`, the
        others arrive: `receipt.rows + receipt.skipped` + rows rejected here = rows pulled.

        With ATOMIC, the rows stay invisible until `commit`. With EXACTLY_ONCE, the rows and a ledger row keyed
        `(task.run, task.id)` go through in one transaction, and a second attempt fails on that key.
        """

    def encodings(self, source: pa.Schema) -> Sequence[str]:
        """Names of the encodings that `write_encoded` takes from a source of this schema, whose columns go to the
        target's by position and have the types that `accept` returned. An encoding holds what its store would send,
        so the source's own types (`native_type`) must fit the target's too: a value that arrives by `write` must
        arrive the same. Called after `accept`, and as often."""
        del source
        return ()

    def write_encoded(self, task: Task, encoding: str, blocks: Iterable[Block]) -> Receipt:
        """`write`, with rows in one of `encodings()`: the same promises, the same receipt. A block that the target
        refuses is cut until the guilty rows are alone; they are decoded (`Block.decode`) and go to `task.reject`."""
        raise NotImplementedError(f"{self.name} takes no encoding {encoding!r}")

    def delivered(self, task: Task) -> Receipt | None:
        """The receipt of an earlier attempt at this task that went through, if there is one. Called before an
        attempt that is not the first, and once after an attempt whose outcome is unknown; only where the writer
        promises EXACTLY_ONCE. Reads the ledger; changes nothing."""
        del task
        return None

    def commit(self, run: str, receipts: Sequence[Receipt]) -> None:
        """Publish the work of all tasks, run postSql, clear staging. Called once, when every task has a receipt;
        again after a crash in its midst, so each step must be safe to repeat.

        With EXACTLY_ONCE, the ledger is compared with the receipts first: a server that fails over or crashes may
        have lost what it acknowledged. Raise `TasksLost` for tasks that are not in it, and `PermanentError` if it does
        not know the run at all. What says that the run is committed stays until `forget`."""

    def forget(self, run: str) -> None:
        """The engine has stored that `commit` went through, which is not called again: remove what was kept to know
        it by, as the run's entry in the ledger. Called once; again after a crash in its midst."""

    def count(self, *, published: bool) -> int | None:
        """How many rows the target holds, so that the engine can see that all have arrived where the job says `verify:
        count`. Called after `prepare` (not `published`: the rows that those of this run are added to; 0 if they take
        the place of all) and after `commit` (`published`: all rows). The difference must be what the receipts say was
        written. None if that cannot be told, as where rows replace others. Changes nothing."""
        del published
        return None

    def abort(self, run: str, receipts: Sequence[Receipt]) -> None:
        """The run failed: with ATOMIC, undo everything and clear staging. Without it, tasks that have a receipt
        stay delivered, and so does the ledger, since the run can be resumed; only what no task accounts for is
        cleared. `receipts` are those of the tasks that had finished. Safe to call twice, and after a `prepare`
        that failed half-way. After an ATOMIC abort, a resumed run begins with `prepare` again."""

    def appending(self) -> Writer[P] | None:
        """A writer for the same target that adds to what is there: no preSql, nothing truncated or replaced.
        `starhaul replay` sends mended rejects through it. None if this target cannot be added to."""
        return None

    def describe(self) -> Sequence[str]:
        """Facts for `starhaul plan`, a sentence each: which write path, what guarantee. Called after `check`;
        changes nothing."""
        return ()

    def creation(self, schema: pa.Schema) -> Creation | None:
        """How `prepare(schema)` and `commit` are going to create the target, for `starhaul plan`; None if it is there,
        or nobody asked for it. Called after `check`; changes nothing."""
        del schema
        return None

    @classmethod
    def from_url(cls, url: str) -> Address:
        """What a URL means to this writer, for `starhaul copy`; `starhaul_writer_urls` says which kinds of URL come
        here. Connects to nothing. `#NAME` alone names something in a place that is known already. Raises `ConfigError`,
        without the URL's password."""
        del url
        raise ConfigError("", f"{cls.name} is not named by a URL", "write a job file: starhaul init")

    @classmethod
    def complete(cls, address: Address, request: WriteRequest) -> Address:
        """The address with all the parameters that write there as is asked for. Raises `ConfigError` for what this
        writer cannot do; `where` is the option (`--mode`)."""
        del address, request
        raise ConfigError("", f"{cls.name} is not named by a URL", "write a job file: starhaul init")
