"""The contract of a reader."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any, ClassVar, Generic, TypeVar

import pyarrow as pa

from starhaul.api.address import Address, Found, ReadRequest
from starhaul.api.capability import Capability
from starhaul.api.declaration import check_declaration
from starhaul.api.encoding import Block
from starhaul.api.errors import ConfigError
from starhaul.api.params import Params
from starhaul.api.task import Split, Task

P = TypeVar("P", bound=Params)


class Reader(ABC, Generic[P]):
    """Reads one source.

    The engine builds one instance per stream and calls, one after the other and in this order, `check`,
    `schema`, `split`, `hold`; then `read` once per split and attempt, from several threads at once (or in other
    processes, on an equal instance). An instance therefore holds its parameters only; connections and files
    live inside the calls (`starhaul.lent` passes a connection on to the next). When a run is resumed, `split` is not
    called again: the stored splits are read.

    Any call may raise `ConfigError` (the job is wrong), `TransientError` (may be tried again),
    `PermanentError` (cannot). Any other exception counts as permanent.
    """

    name: ClassVar[str]
    """Canonical name, lower case: DataX's name where DataX has the plugin (`mysqlreader`)."""

    params_type: ClassVar[type[Params]]
    capabilities: ClassVar[frozenset[Capability]] = frozenset()

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        check_declaration(cls, "reader")

    def __init__(self, params: P) -> None:
        self.params = params

    def check(self) -> None:
        """Raise if the source cannot be read: unreachable, missing, no privilege. Changes nothing. May block for
        as long as connecting takes. Called once before a run, and alone by `starhaul check`."""

    @abstractmethod
    def schema(self) -> pa.Schema:
        """The schema that every batch of `read` will have, exactly. May look at the source. Called once or more,
        after `check`; gives the same answer as long as the source's structure is the same.

        The source's own type name goes into the field's metadata (`native_type`), and what else it knows of its
        table into `ColumnFacts` and `TableFacts` (see `starhaul.api.table`), so that a writer can create a faithful
        table; a column that holds no nulls is not nullable. A source without rows has a schema all the same.
        """

    def hold(self, channels: int) -> AbstractContextManager[Reader[P]]:
        """Hold the source still for a run: a context that is entered when `split` gave several slices, and left after
        the last row. It gives the reader that is asked to `split` again, and to `read`, meanwhile.

        A store with snapshots gives a copy of this reader that knows one, so that all slices are of one moment,
        whatever is written to the source. What must live as long as that (the connection that keeps the snapshot
        alive) lives in the context. At most `channels` calls of `read` are under way at once. A source that comes in
        one slice is not held. A run that is resumed enters anew, and reads what is left at a later moment. Entering may
        block and raise as any call may; leaving must not raise. By default nothing is held.
        """
        del channels
        return nullcontext(self)

    def split(self, target: int) -> Sequence[Split]:
        """Cut the source into disjoint slices that together hold every row exactly once. Called once per run, and
        again once the source is held.

        `target` is a hint: the number of slices that keeps the channels busy. Readers that know sizes also
        keep a slice near a million rows, whatever `target` says, so that a retry costs minutes. Without
        `Capability.SPLIT` the answer is exactly one slice. An empty source gives one slice, or none.
        """
        del target
        return [Split("all")]

    @abstractmethod
    def read(self, split: Split, task: Task) -> Iterator[pa.RecordBatch]:
        """Yield the rows of one split as batches of `schema()`. Called once per attempt, in a reader thread.

        Must be a generator: the engine closes it early when the other side fails or the run stops, and `with`
        blocks inside free what was opened. Batches of about 1 to 4 MiB do best; a batch should never need more
        memory than a few times its rows. A row that cannot be read goes to `task.reject`; the others follow. Text is
        valid UTF-8: `checked_text` finds what is not, where a library does not look.
        """

    def encodings(self) -> Sequence[str]:
        """Names of the encodings in which `read_encoded` can give the rows, the best first. Called after `check`, once
        for a run: if the source changes so that an encoding does not fit it any more, `read_encoded` raises."""
        return ()

    def read_encoded(self, split: Split, task: Task, encoding: str) -> Iterator[Block]:
        """`read`, with the rows in one of `encodings()`. Called in its place if the writer takes that encoding for
        this schema and nothing lies between them that needs values: no transformer and no conversion. The same rows
        as `read` would give, those apart that only Arrow has no place for. A generator, as `read` is.
        """
        raise NotImplementedError(f"{self.name} has no encoding {encoding!r}")

    def describe(self) -> Sequence[str]:
        """Facts for `starhaul plan`, a sentence each: how it will read, what the snapshot guarantee is. Called
        after `check`; changes nothing."""
        return ()

    @classmethod
    def from_url(cls, url: str) -> Address:
        """What a URL means to this reader, for `starhaul copy` and `starhaul discover`; `starhaul_reader_urls` says
        which kinds of URL come here. Connects to nothing. `#NAME` alone names something in a place that is known
        already. Raises `ConfigError`, without the URL's password."""
        del url
        raise ConfigError("", f"{cls.name} is not named by a URL", "write a job file: starhaul init")

    @classmethod
    def complete(cls, address: Address, request: ReadRequest) -> Address:
        """The address with all the parameters that read what is asked for. May look at the source. Raises
        `ConfigError` for what this reader cannot do; `where` is the option (`--where`)."""
        del address, request
        raise ConfigError("", f"{cls.name} is not named by a URL", "write a job file: starhaul init")

    @classmethod
    def discover(cls, address: Address, *, details: bool = True) -> Iterator[Found]:
        """Everything at an address that this reader can read, by name: what `address.name` means (a pattern perhaps),
        or all there is. Without `details` only names and kinds are asked for. Changes nothing. Raises `ConfigError` if
        the address names one thing that is not there."""
        del address, details
        raise ConfigError("", f"{cls.name} cannot tell what there is to read")
