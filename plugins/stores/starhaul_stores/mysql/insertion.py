"""Rows into a table, inside a transaction of the caller; the rows that MySQL refuses are found and rejected.

LOAD DATA LOCAL cannot be stopped by the server: it takes what it can and tells by counts and warnings that something
was left out, cut or altered. Nothing of that kind is accepted: the statement is rolled back, and the rows are sent
again in halves, the last ones by INSERT, until those that are to blame stand alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

import pyarrow as pa

from starhaul import Task, reject_rows
from starhaul_stores.mysql.catalog import Column, column_list
from starhaul_stores.mysql.connection import Connection, quoted
from starhaul_stores.mysql.encode import Form, Sent, as_file, as_rows, lines_as_rows, load_sql, sent
from starhaul_stores.mysql.failure import DUPLICATE
from starhaul_stores.relational.gathering import Gathering
from starhaul_stores.relational.refusal import Refused, deliver

if TYPE_CHECKING:
    from starhaul_stores.mysql.wire import Done

Mode: TypeAlias = Literal["insert", "ignore", "replace", "update", "overwrite"]

_ROWS_OF_A_LOAD = 500
"""Fewer rows than that go by INSERT: the server then names the value that it does not like."""
_ROWS_OF_A_PIECE = 8192
"""Rows to encode at once: while the server takes one piece the next one is made."""
_STATEMENT = 1 << 20
_HARMLESS = frozenset({1287, 1592, 1681})
"""Warnings that say nothing of the rows: of syntax that is going away, and of statements in the binary log."""


@dataclass(frozen=True, slots=True)
class Target:
    """Where rows go, and how."""

    table: str
    """As SQL."""
    columns: Sequence[Column]
    mode: Mode
    updated: Sequence[str] = ()
    """For `update`: the columns to set in rows that are there."""
    load: bool = True
    """Whether the server takes LOAD DATA LOCAL."""
    staging: str = ""
    """For `update`: a temporary table with these columns and no key, to load files into. As SQL."""

    @property
    def names(self) -> list[str]:
        """The columns' names."""
        return [column.name for column in self.columns]

    @property
    def takes_files(self) -> bool:
        """Whether there is a table to load files into."""
        return self.load and (self.mode != "update" or bool(self.staging))

    def insert_sql(self) -> tuple[str, str]:
        """What stands before and after the rows of an INSERT, or the SELECT that gives them."""
        verb = {"ignore": "INSERT IGNORE", "replace": "REPLACE"}.get(self.mode, "INSERT")
        head = f"{verb} INTO {self.table} ({column_list(self.names)}) "
        if self.mode != "update":
            return head, ""
        updated = self.updated or self.names[:1]
        assignments = ", ".join(f"{quoted(name)} = VALUES({quoted(name)})" for name in updated)
        return head, f" ON DUPLICATE KEY UPDATE {assignments}"


@dataclass(slots=True)
class Insertion(Gathering):
    """The rows of one task (batches of `task.schema`) on their way into one table."""

    db: Connection
    target: Target
    task: Task
    packet: int
    """The server's `max_allowed_packet`."""
    written: int = 0
    skipped: int = 0

    def _write_chunk(self, rows: pa.RecordBatch) -> None:
        columns = [
            sent(values, column, self.task.note)
            for column, values in zip(self.target.columns, rows.columns, strict=True)
        ]
        bad = self._unfit(rows, columns)
        keep = reject_rows(self.task, rows, bad)
        if keep is not None:
            rows, columns = rows.filter(keep), [column.only(keep) for column in columns]
        skipped = 0

        def attempt(start: int, count: int) -> int:
            nonlocal skipped
            with self.db.savepoint():
                written = self._send(columns, start, count)
            skipped += count - written
            return written

        self.written += deliver(rows.num_rows, attempt, lambda row, reason: self.task.reject(rows, row, reason))
        self.skipped += skipped

    def _unfit(self, rows: pa.RecordBatch, columns: Sequence[Sent]) -> dict[int, str]:
        """The rows that MySQL would take and alter, with the reasons."""
        bad: dict[int, str] = {}
        for column, values, ready in zip(self.target.columns, rows.columns, columns, strict=True):
            if column.not_null and values.null_count:
                for row in _where_true(values.is_null()):
                    bad.setdefault(row, f"column {column.name!r} takes no NULL")
            for row in _where_true(ready.bad) if ready.bad is not None else ():
                bad.setdefault(row, f"column {column.name!r}: {ready.reason}: {ready.texts[row].as_py()!r:.100}")
        return bad

    def _send(self, columns: Sequence[Sent], start: int, count: int) -> int:
        """Send rows by whatever is best; how many were written. Raises `Refused` if anything is amiss."""
        if self.target.takes_files and (count >= _ROWS_OF_A_LOAD or self._is_long(columns, start, count)):
            pieces = (
                as_file([column.slice(each, min(_ROWS_OF_A_PIECE, start + count - each)) for column in columns])
                for each in range(start, start + count, _ROWS_OF_A_PIECE)
            )
            return self._load(pieces, [column.form for column in columns], count)
        return self._insert([column.slice(start, count) for column in columns])

    def _is_long(self, columns: Sequence[Sent], start: int, count: int) -> bool:
        """Whether a row of these may be too long for a statement, which is one packet. A file may have any number."""
        octets = sum(column.texts.slice(start, count).nbytes for column in columns)
        return octets > self.packet // 4  # a backslash before each, and names and commas around them

    def load(self, pieces: Iterable[Any], forms: Sequence[Form], count: int) -> None:
        """Send this file of `count` rows, with values of these forms in all columns, in one piece; what is waiting goes
        first. Raises `Refused` if anything is amiss, and none of its rows is there then."""
        self.flush()
        with self.db.savepoint():
            written = self._load(pieces, forms, count)
        self.written += written
        self.skipped += count - written

    def insert_lines(self, pieces: Iterable[Any], forms: Sequence[Form]) -> None:
        """Send the same lines in statements, to a server that takes no files, all or none of them."""
        self.flush()
        written = rows = 0
        with self.db.savepoint():
            for piece in pieces:
                for lines in _parted(bytes(piece), min(_STATEMENT, self.packet // 4)):
                    count = lines.count(b"\n")
                    written += self._inserted(lines_as_rows(lines[:-1], forms), count)
                    rows += count
        self.written += written
        self.skipped += rows - written

    def _inserted(self, rows: bytes, count: int) -> int:
        head, tail = (part.encode() for part in self.target.insert_sql())
        sql = b"%sVALUES %s%s" % (head, rows, tail)
        if len(sql) > self.packet - 1024:
            raise self._too_long(len(sql))
        return self._judged(self.db.changed(sql), count)

    def _too_long(self, octets: int) -> Refused:
        limit = f"the server's max_allowed_packet is {self.packet}"
        return Refused(self.db.where, f"the row takes {octets} bytes to send; {limit}")

    def _load(self, pieces: Iterable[Any], forms: Sequence[Form], count: int) -> int:
        target = self.target
        duplicates = {"ignore": "IGNORE", "replace": "REPLACE"}.get(target.mode, "")
        sql = load_sql(target.staging or target.table, target.names, forms, duplicates)
        written = self._judged(self.db.load(sql, pieces), count, whole=bool(target.staging))
        if not target.staging:
            return written
        head, tail = target.insert_sql()
        merged = self.db.changed(f"{head}SELECT {column_list(target.names)} FROM {target.staging}{tail}")
        self.db.execute(f"DELETE FROM {target.staging}")
        return self._judged(merged, count)

    def _insert(self, columns: Sequence[Sent]) -> int:
        head, tail = self.target.insert_sql()
        written = 0
        for values in self._statements(as_rows(columns), len(f"{head}VALUES {tail}".encode())):
            written += self._judged(self.db.changed(f"{head}VALUES {','.join(values)}{tail}"), len(values))
        return written

    def _statements(self, values: Sequence[str], frame: int) -> Iterator[list[str]]:
        """The rows, as many at once as make a statement of good size."""
        held: list[str] = []
        size = frame
        for value in values:
            more = len(value.encode()) + 1
            if frame + more > self.packet - 1024:
                raise self._too_long(more)
            if held and size + more > min(_STATEMENT, self.packet - 1024):
                yield held
                held, size = [], frame
            held.append(value)
            size += more
        if held:
            yield held

    def _judged(self, done: Done, rows: int, *, whole: bool = False) -> int:
        """How many of `rows` rows a statement wrote; `Refused` with the server's words if it altered or lost one.
        `whole` says that each must have become a new row, as in the modes that know nothing else."""
        mode = self.target.mode
        told = self.db.execute("SHOW WARNINGS") if done.warnings else []
        amiss = [(int(code), str(message)) for _, code, message in told if int(code) not in _HARMLESS]
        if mode == "ignore":
            amiss = [each for each in amiss if each[0] != DUPLICATE]
        if amiss or len(told) < done.warnings:
            raise Refused(self.db.where, amiss[0][1] if amiss else "the server warns of more than it tells")
        if (whole or mode in ("insert", "overwrite")) and done.affected != rows:
            raise Refused(self.db.where, f"the server took {done.affected} of {rows} rows and does not say why")
        return done.affected if mode == "ignore" else rows


def _parted(lines: bytes, most: int) -> Iterator[bytes]:
    """Lines in parts of about so many bytes, of one line at least."""
    start = 0
    while start < len(lines):
        end = lines.rfind(b"\n", start, start + most) + 1 or lines.index(b"\n", start) + 1
        yield lines[start:end]
        start = end


def _where_true(mask: pa.BooleanArray) -> list[int]:
    import pyarrow.compute as pc

    found: list[int] = pc.indices_nonzero(mask).to_pylist()
    return found
