"""Rows into a table, inside a transaction of the caller; the rows that SQLite refuses are found and rejected."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

import pyarrow as pa

from starhaul import Task, reject_rows
from starhaul_stores.sqlite.catalog import Column, Table, quoted
from starhaul_stores.sqlite.connection import Connection
from starhaul_stores.sqlite.failure import Refused
from starhaul_stores.sqlite.storage import Stored, stored

Mode: TypeAlias = Literal["insert", "ignore", "replace", "update", "overwrite"]

_SAVEPOINT = "_starhaul_chunk"


def insert_sql(table: str, columns: Sequence[str], mode: Mode, keys: Sequence[str], updated: Sequence[str]) -> str:
    """The INSERT of one row. `keys` are the conflict target of `update`, `updated` the columns that it sets.

    Conflict clauses of the table's own (`UNIQUE ON CONFLICT IGNORE`) would drop or alter rows in silence: OR ABORT goes
    before them.
    """
    names = ", ".join(quoted(name) for name in columns)
    verb = "INSERT OR REPLACE" if mode == "replace" else "INSERT OR ABORT"
    sql = f"{verb} INTO {quoted(table)} ({names}) VALUES ({', '.join('?' for _ in columns)})"
    if mode == "ignore":
        return f"{sql} ON CONFLICT DO NOTHING"
    if mode == "update":
        assignments = ", ".join(f"{quoted(name)} = excluded.{quoted(name)}" for name in updated)
        return f"{sql} ON CONFLICT ({', '.join(quoted(key) for key in keys)}) DO UPDATE SET {assignments}"
    return sql


@dataclass(slots=True)
class Insertion:
    """The rows of one task on their way into one table."""

    db: Connection
    sql: str
    columns: Sequence[Column]
    """Those of the INSERT, in its order."""
    required: frozenset[str]
    """Columns in which SQLite would put something else for NULL, in silence: REPLACE the default, and any INSERT the
    next number in an INTEGER PRIMARY KEY."""
    count: bool
    """Whether changes of triggers and foreign keys must be told from those of the INSERT."""
    may_skip: bool
    """Whether the write mode leaves rows out by itself."""
    chunk: int
    """Most rows to insert, and to roll back, at once."""
    task: Task
    written: int = 0
    skipped: int = 0

    def write(self, batch: pa.RecordBatch) -> None:
        """Insert a batch of `task.schema`."""
        for start in range(0, batch.num_rows, self.chunk):
            self._write_chunk(batch.slice(start, self.chunk))

    def _write_chunk(self, rows: pa.RecordBatch) -> None:
        ready = [
            stored(values, column.type.affinity, self.task.note)
            for column, values in zip(self.columns, rows, strict=True)
        ]
        keep = reject_rows(self.task, rows, self._unfit(rows, ready))
        bound = pa.RecordBatch.from_arrays(
            [values.values for values in ready], names=[str(i) for i in range(len(ready))]
        )
        if keep is not None:
            rows, bound = rows.filter(keep), bound.filter(keep)
        if rows.num_rows:
            self._insert(bound, rows)

    def _unfit(self, rows: pa.RecordBatch, ready: Sequence[Stored]) -> dict[int, str]:
        """The rows that SQLite would take and alter, with the reasons."""
        bad: dict[int, str] = {}
        for column, source, values in zip(self.columns, rows.columns, ready, strict=True):
            for row in _rows_where(values.bad) if values.bad is not None else ():
                shown = f"{values.values[row].as_py()!r:.100}"
                bad.setdefault(row, f"column {column.name!r}: {values.reason}: {shown}")
            if column.name in self.required and source.null_count:
                for row in _rows_where(source.is_null()):
                    bad.setdefault(row, f"column {column.name!r} takes no NULL")
        return bad

    def _insert(self, bound: pa.RecordBatch, rows: pa.RecordBatch) -> None:
        """Insert all rows, or find by halving which ones SQLite refuses. The order of rows stays: of two with one key
        the first arrives. `bound` holds `rows` as they are stored."""
        self.db.execute(f"SAVEPOINT {_SAVEPOINT}")
        try:
            written = self.db.insert(self.sql, bound, count=self.count)
        except Refused as refused:
            self.db.execute(f"ROLLBACK TO {_SAVEPOINT}")
            self.db.execute(f"RELEASE {_SAVEPOINT}")
            if rows.num_rows == 1:
                self.task.reject(rows, 0, refused.problem)
                return
            half = rows.num_rows // 2
            self._insert(bound.slice(0, half), rows.slice(0, half))
            self._insert(bound.slice(half), rows.slice(half))
            return
        self.db.execute(f"RELEASE {_SAVEPOINT}")
        self.written += written
        self.skipped += rows.num_rows - written
        if written < rows.num_rows and not self.may_skip:
            self.task.note("left out by a trigger of the table", rows.num_rows - written)


def required_columns(table: Table, columns: Sequence[Column], mode: Mode) -> frozenset[str]:
    """`Insertion.required` of a write mode."""
    alias = table.rowid_alias
    return frozenset(
        column.name for column in columns if column.name == alias or (mode == "replace" and column.not_null)
    )


def changes_elsewhere(db: Connection, table: Table) -> bool:
    """Whether an INSERT into the table may change other rows too, by triggers or foreign keys."""
    triggers = db.value("SELECT count(*) FROM sqlite_master WHERE type = 'trigger' AND tbl_name = ?", [table.name])
    return bool(triggers) or bool(db.value("PRAGMA foreign_keys"))


def _rows_where(mask: pa.BooleanArray) -> list[int]:
    import pyarrow.compute as pc

    found: list[int] = pc.indices_nonzero(mask).to_pylist()
    return found
