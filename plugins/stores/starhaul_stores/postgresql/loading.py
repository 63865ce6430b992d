"""The rows of one task into one table, in a transaction of the caller, by COPY. Rows that the server refuses are
found and rejected, the others arrive."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Generic, Literal, TypeAlias, TypeVar

import pyarrow as pa

from starhaul import Block, Task, reject_rows
from starhaul_stores.postgresql import csv_rows, tuples
from starhaul_stores.postgresql.catalog import Column, Table, column_list
from starhaul_stores.postgresql.connection import Connection, CopyIn, quoted
from starhaul_stores.postgresql.rendering import misfits, rendered
from starhaul_stores.relational.refusal import Refused, deliver

if TYPE_CHECKING:
    from starhaul_stores.postgresql.encode import Encoder

R = TypeVar("R", pa.RecordBatch, Block)
BINARY = "binary"
Mode: TypeAlias = Literal["insert", "ignore", "replace", "update", "overwrite"]

_CHUNK_TABLE = "pg_temp._starhaul_rows"
_RANKED_TABLE = "pg_temp._starhaul_ranked"
_ORDER = "_starhaul_order"
_NOTHING = "DO NOTHING"
_CARDINALITY = "cannot affect row a second time"


@dataclass(frozen=True, slots=True)
class Merge:
    """The statements that bring a chunk of rows from a temporary table into the target (`ignore`, `replace`,
    `update`)."""

    create: str
    insert: str
    """Without its FROM clause's rows: `{rows}` stands for them."""
    conflict: str
    keys: str
    """The conflict target as SQL; empty for `ignore` without one."""

    def whole(self) -> str:
        """All rows of the chunk at once."""
        return f"{self.insert} FROM {_CHUNK_TABLE} {self.conflict}"

    @property
    def skips(self) -> bool:
        """Whether it leaves rows out by itself: those that are there."""
        return self.conflict.endswith(_NOTHING)

    @property
    def rank(self) -> str:
        """Number the rows of the chunk that have the same key, in the order in which they came: ON CONFLICT takes a key
        only once. A key with a null is as a rule like no other."""
        number = f"row_number() OVER (PARTITION BY {self.keys} ORDER BY ctid)"
        return (
            f"CREATE TEMPORARY TABLE _starhaul_ranked ON COMMIT DROP AS SELECT *, "
            f"CASE WHEN ({self.keys}) IS NOT NULL THEN {number} ELSE 1 END AS {_ORDER} FROM {_CHUNK_TABLE}; "
            f"CREATE INDEX ON {_RANKED_TABLE} ({_ORDER})"
        )

    def nth(self, number: int) -> str:
        """Of rows with the same key the one of this number."""
        return f"{self.insert} FROM {_RANKED_TABLE} WHERE {_ORDER} = {number} {self.conflict}"


def merge_into(
    table: Table, columns: Sequence[Column], mode: Mode, keys: Sequence[str], updated: Sequence[str]
) -> Merge:
    """How rows of these columns get into a table. `keys` is the conflict target, `updated` the columns that `update`
    sets; `replace` sets all, those that the rows lack to their defaults."""
    names = [column.name for column in columns]
    listed = column_list(names)
    overriding = " OVERRIDING SYSTEM VALUE" if any(column.always_identity for column in columns) else ""
    sets = [f"{quoted(name)} = excluded.{quoted(name)}" for name in updated]
    if mode == "replace":
        sets = [
            f"{quoted(column.name)} = excluded.{quoted(column.name)}"
            for column in columns
            if column.name not in keys or (column.is_spelled_in_several_ways and not column.always_identity)
        ]
        sets += [
            f"{quoted(column.name)} = DEFAULT"
            for column in table.columns
            if column.name not in names and not column.generated
        ]
    target = f" ({column_list(keys)})" if keys and mode != "ignore" else ""
    action = f"DO UPDATE SET {', '.join(sets)}" if sets and mode != "ignore" else _NOTHING
    return Merge(
        f"CREATE TEMPORARY TABLE _starhaul_rows ON COMMIT DROP AS SELECT {listed} FROM {table.sql} WITH NO DATA",
        f"INSERT INTO {table.sql} ({listed}){overriding} SELECT {listed}",
        f"ON CONFLICT{target} {action}",
        column_list(keys),
    )


@dataclass(slots=True)
class Loading(ABC, Generic[R]):
    """The rows of one task on their way, in pieces of a kind that a subclass knows."""

    db: Connection
    task: Task
    target: str
    """Where COPY writes to: full name as SQL."""
    columns: Sequence[Column]
    """Those of `task.schema`, in its order."""
    merge: Merge | None
    most_rows: int
    most_bytes: int
    written: int = 0
    skipped: int = 0
    _pending: R | None = None

    @property
    @abstractmethod
    def _form(self) -> str:
        """The format of the COPY: csv or binary."""

    @abstractmethod
    def _cut(self, piece: R, start: int, count: int) -> R:
        """Some rows of a piece."""

    @abstractmethod
    def _fit(self, piece: R) -> R:
        """The rows of a piece that can be sent; the others are rejected."""

    @abstractmethod
    def _bytes(self, piece: R) -> Iterable[Any]:
        """A piece as the COPY takes it."""

    @abstractmethod
    def _reject(self, piece: R, row: int, reason: str) -> None:
        """Set a row aside."""

    def load(self, first: R | None, pieces: Iterator[R]) -> None:
        """Write all rows, in chunks of about `most_bytes`. What the source raises passes through."""
        if self.merge is not None and first is not None:
            self.db.execute(self.merge.create)
        self._pending = first
        while self._pending is not None:
            self._load_chunk(pieces)

    def _load_chunk(self, pieces: Iterator[R]) -> None:
        """Send rows as they come until the chunk is full. They are held until the server has taken them all."""
        held: list[R] = []
        try:
            with self.db.savepoint():
                with self._copying() as copy:
                    for piece in self._chunk(pieces):
                        held.append(piece)
                        self._send(copy, piece)
                self._count(sum(piece.num_rows for piece in held), self._merged(copy.rows))
        except Refused:
            for piece in held:
                self._deliver(piece)

    def _chunk(self, pieces: Iterator[R]) -> Iterator[R]:
        """Rows fit to be sent, until there are enough for one chunk; `_pending` is what comes after them. A piece is
        cut only if it is a chunk by itself."""
        rows = size = 0
        while self._pending is not None and size < self.most_bytes:
            piece = self._pending
            if rows and rows + piece.num_rows > self.most_rows:
                return
            some = self._cut(piece, 0, self.most_rows) if piece.num_rows > self.most_rows else piece
            rows, size = rows + some.num_rows, size + some.nbytes
            rest = piece.num_rows - some.num_rows
            self._pending = self._cut(piece, some.num_rows, rest) if rest else next(pieces, None)
            fit = self._fit(some)
            if fit.num_rows:
                yield fit

    def _deliver(self, piece: R) -> None:
        def attempt(start: int, count: int) -> int:
            with self.db.savepoint():
                with self._copying() as copy:
                    self._send(copy, self._cut(piece, start, count))
                written = self._merged(copy.rows)
            self._count(count, written)
            return written

        deliver(piece.num_rows, attempt, lambda row, reason: self._reject(piece, row, reason))

    def _merged(self, copied: int) -> int:
        """Bring a chunk into the target; how many rows it wrote. Nothing to do where COPY wrote there itself."""
        if self.merge is None or not copied:
            return copied
        try:
            written = self._merge_statement(self.merge.whole())
        except Refused as refused:
            if _CARDINALITY not in refused.problem:
                raise
            self.db.execute(self.merge.rank)
            times = int(self.db.value(f"SELECT max({_ORDER}) FROM {_RANKED_TABLE}"))
            written = sum(self.db.changed(self.merge.nth(number)) for number in range(1, times + 1))
            self.db.execute(f"DROP TABLE {_RANKED_TABLE}")
        self.db.execute(f"TRUNCATE {_CHUNK_TABLE}")
        return written

    def _merge_statement(self, sql: str) -> int:
        self.db.execute("SAVEPOINT _starhaul_merge")
        try:
            written = self.db.changed(sql)
        except Refused:
            self.db.execute("ROLLBACK TO _starhaul_merge")
            raise
        self.db.execute("RELEASE _starhaul_merge")
        return written

    def _count(self, sent: int, written: int) -> None:
        self.written += written
        self.skipped += sent - written
        if written < sent and not (self.merge and self.merge.skips):
            self.task.note("left out by a trigger or rule of the table", sent - written)

    @contextmanager
    def _copying(self) -> Iterator[CopyIn]:
        """A COPY for the time of a `with` block."""
        into = self.target if self.merge is None else _CHUNK_TABLE
        names = column_list([column.name for column in self.columns])
        with self.db.copy_in(f"COPY {into} ({names}) FROM STDIN (FORMAT {self._form})") as copy:
            if self._form == BINARY:
                copy.write(tuples.HEADER)
            yield copy
            if self._form == BINARY:
                copy.write(tuples.TRAILER)

    def _send(self, copy: CopyIn, piece: R) -> None:
        for data in self._bytes(piece):
            copy.write(data)


@dataclass(slots=True)
class BatchLoading(Loading[pa.RecordBatch]):
    """Arrow batches, in binary where all columns can be sent so: it spares the server a quarter of its work."""

    _encoders: Sequence[Encoder] | None = field(init=False)

    def __post_init__(self) -> None:
        from starhaul_stores.postgresql.encode import encoders  # needs numpy

        binary = self.db.has_integer_datetimes
        self._encoders = encoders(self.columns, self.task.schema) if binary else None

    @property
    def _form(self) -> str:
        return "csv" if self._encoders is None else BINARY

    def _cut(self, piece: pa.RecordBatch, start: int, count: int) -> pa.RecordBatch:
        return piece.slice(start, count)

    def _fit(self, piece: pa.RecordBatch) -> pa.RecordBatch:
        keep = reject_rows(self.task, piece, misfits(piece, self.columns))
        return piece if keep is None else piece.filter(keep)

    def _bytes(self, piece: pa.RecordBatch) -> Iterable[Any]:
        from starhaul_stores.postgresql.encode import encoded

        return [rendered(piece, self.columns)] if self._encoders is None else encoded(piece, self._encoders)

    def _reject(self, piece: pa.RecordBatch, row: int, reason: str) -> None:
        self.task.reject(piece, row, reason)


@dataclass(slots=True)
class BlockLoading(Loading[Block]):
    """Rows as another server sent them, in binary (`tuples.ENCODING`)."""

    @property
    def _form(self) -> str:
        return BINARY

    def _ends(self, piece: Block) -> list[int]:
        return tuples.row_ends(piece.data)

    def _cut(self, piece: Block, start: int, count: int) -> Block:
        if count == piece.num_rows:
            return piece
        ends = [0, *self._ends(piece)]
        return replace(piece, data=memoryview(piece.data)[ends[start] : ends[start + count]], num_rows=count)

    def _fit(self, piece: Block) -> Block:
        return piece

    def _bytes(self, piece: Block) -> Iterable[Any]:
        return [piece.data]

    def _reject(self, piece: Block, row: int, reason: str) -> None:
        self.task.reject(piece.decode(self._cut(piece, row, 1).data), 0, reason)


@dataclass(slots=True)
class TextLoading(BlockLoading):
    """Rows as another server sent them, as text (`csv_rows.ENCODING`)."""

    @property
    def _form(self) -> str:
        return "csv"

    def _ends(self, piece: Block) -> list[int]:
        return csv_rows.row_ends(piece.data)
