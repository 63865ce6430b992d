"""Rows of one task into one file, or into one for each partition, or into several where one becomes too large."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, nullcontext, suppress
from dataclasses import dataclass

import pyarrow as pa

from starhaul import Block
from starhaul_stores.files.formats.output import EncodedSink, OutputFormat, RowSink
from starhaul_stores.files.partitions import folder_of, parted, unnamable
from starhaul_stores.files.places.place import Place, Session, Staged, Staging

_MEMORY = 64 << 20
"""Bytes that the open files of one task may hold back together."""


@dataclass(frozen=True, slots=True)
class Target:
    """Where the files of one attempt go."""

    place: Place
    directory: str
    start: str
    """What their names begin with; no other task has it."""
    end: str
    attempt: int


class Fan:
    """The files that one attempt at a task writes. As many are open at a time as the place allows; that which was idle
    longest is finished for another. Leaving the block finishes them, or drops those that are open if it failed. Used by
    one thread."""

    def __init__(
        self,
        target: Target,
        form: OutputFormat,
        schema: pa.Schema,
        partitions: Sequence[str],
        most_bytes: int | None = None,
        *,
        even_empty: bool = True,
    ) -> None:
        """`schema` is that of the rows without the columns in `partitions`. A file that has as much as `most_bytes` is
        finished, and rows that come later go to another. `even_empty`: without partitions there is a file even if there
        are no rows."""
        self._target = target
        self._format = form
        self._schema = schema
        self._partitions = partitions
        self._open: dict[str, _File] = {}
        self._most_bytes = most_bytes
        self._even_empty = even_empty
        self._numbered = 0
        self._sessions = ExitStack()
        self._shared: Session | None = None
        self.staged: list[Staged] = []
        """The files; complete when the block was left."""

    def __enter__(self) -> Fan:
        try:
            if not self._partitions and self._even_empty:
                self._file("")
        except BaseException:
            self._sessions.close()
            raise
        return self

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        try:
            while error is None and self._open:
                self._finish(next(iter(self._open)))
        except BaseException as failure:
            error = failure
            raise
        finally:
            if error is not None:
                self._drop(error)
            self._sessions.close()

    def write(self, batch: pa.RecordBatch) -> Mapping[int, str]:
        """Write a batch; row → why it cannot be written, for the rows that were not."""
        if not batch.num_rows:
            return {}
        if not self._partitions:
            return self._file("").sink.write(batch)
        refused: dict[int, str] = {}
        for key, rows in parted(batch, self._partitions):
            if why := unnamable(self._partitions, key):
                refused |= dict.fromkeys(rows, why)
                continue
            part = batch.take(pa.array(rows, pa.int64())).select(self._schema.names)
            written = self._file(folder_of(self._partitions, key) + "/").sink.write(part)
            refused |= {rows[row]: reason for row, reason in written.items()}
        return refused

    def write_encoded(self, block: Block) -> Mapping[int, tuple[pa.RecordBatch, str]]:
        """The same with rows in an encoding of the format's; row → its values and why. Not with partitions."""
        if not block.num_rows:
            return {}
        sink = self._file("").sink
        assert isinstance(sink, EncodedSink)  # noqa: S101 - a format that names encodings gives one
        return sink.write_encoded(block.data)

    def _file(self, folder: str) -> _File:
        if folder in self._open and self._most_bytes is not None and self._open[folder].size >= self._most_bytes:
            self._finish(folder)
        file = self._open.pop(folder, None)
        if file is None:
            if len(self._open) >= self._target.place.most_open:
                self._finish(next(iter(self._open)))
            file = _File(self._session(), self._target, self._name(folder), self._format, self._schema, self._memory)
        self._open[folder] = file  # the last one used stands last
        return file

    def _session(self) -> AbstractContextManager[Session]:
        """A session for one file; where files can share one, that of all."""
        place = self._target.place
        if not place.shares_sessions:
            return place.session()
        if self._shared is None:
            self._shared = self._sessions.enter_context(place.session())
        return nullcontext(self._shared)

    def _name(self, folder: str) -> str:
        number = f"_{self._numbered}" if self._partitions or self._numbered else ""
        self._numbered += 1
        return f"{folder}{self._target.start}{number}{self._target.end}"

    @property
    def _memory(self) -> int:
        return _MEMORY // self._target.place.most_open if self._partitions else _MEMORY

    def _finish(self, folder: str) -> None:
        self.staged.append(self._open.pop(folder).finished())

    def _drop(self, error: BaseException) -> None:
        for file in self._open.values():
            with suppress(Exception):  # what is told is why the block failed
                file.failed(error)
        self._open.clear()


class _File:
    """One file that is open: a session, a staged file in it, and a format's rows in that."""

    def __init__(
        self,
        session: AbstractContextManager[Session],
        target: Target,
        name: str,
        form: OutputFormat,
        schema: pa.Schema,
        memory: int,
    ) -> None:
        with ExitStack() as stack:
            within = stack.enter_context(session)
            self._staging: Staging = stack.enter_context(within.stage(target.directory, name, target.attempt))
            self.sink: RowSink = stack.enter_context(form.open(self._staging, schema, memory))
            self._stack = stack.pop_all()

    @property
    def size(self) -> int:
        """Bytes that have been written; what the format still holds back is not among them."""
        return self._staging.written

    def finished(self) -> Staged:
        """Finish it. If that fails, it is gone."""
        self._stack.close()
        return self._staging.staged

    def failed(self, error: BaseException) -> None:
        """Drop it."""
        self._stack.__exit__(type(error), error, error.__traceback__)
