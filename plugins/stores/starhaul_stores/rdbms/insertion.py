"""Rows into a table, inside a transaction of the caller; those that the database refuses are found and rejected."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from starhaul import Task, reject_rows
from starhaul_stores.rdbms import statements
from starhaul_stores.rdbms.binding import bound, empty_texts, unfit
from starhaul_stores.rdbms.connection import Connection
from starhaul_stores.rdbms.statements import Target
from starhaul_stores.relational.gathering import Gathering
from starhaul_stores.relational.refusal import Refused, deliver


@dataclass(slots=True)
class Insertion(Gathering):
    """The rows of one task (batches of `task.schema`) on their way into one table."""

    db: Connection
    target: Target
    mode: str
    unique_keys: Sequence[Sequence[str]]
    """For `ignore`: the columns by any of which a row can be there already."""
    task: Task
    written: int = 0
    skipped: int = 0

    def _write_chunk(self, rows: pa.RecordBatch) -> None:
        dialect = self.target.dialect
        bad = unfit(rows, self.target.columns, dialect)
        values, misfits = bound(rows, dialect)
        bad |= misfits
        keep = reject_rows(self.task, rows, bad)
        if keep is not None:
            rows = rows.filter(keep)
            values = [value for row, value in enumerate(values) if row not in bad]
        skipped = 0

        def attempt(start: int, count: int) -> int:
            nonlocal skipped
            with self.db.savepoint():
                left_out = self._send(values[start : start + count])
            skipped += left_out
            return count - left_out

        def reject(row: int, reason: str) -> None:
            self.task.reject(rows, row, reason)

        self.written += deliver(len(values), attempt, reject)
        self.skipped += skipped
        if self.db.traits.empty_is_null and (empty := empty_texts(rows)):
            self.task.note("empty text stored as NULL, which it is to this database", empty)

    def _send(self, rows: list[dict[str, Any]]) -> int:
        """Write rows; how many were left out because they were there. Raises `Refused`."""
        target = self.target
        if self.mode == "replace":
            self.db.run_many(statements.delete(target), rows)
            self.db.run_many(statements.insert(target), rows)
            return 0
        if self.mode == "ignore":
            return self._insert_new(rows)
        if self.mode == "update":
            self._insert_or_update(rows)
            return 0
        written = self.db.run_many(statements.insert(target), rows)
        if self.db.counts_many and 0 <= written < len(rows):
            raise Refused(self.db.where, f"the database took {written} of {len(rows)} rows and does not say why")
        return 0

    def _insert_new(self, rows: list[dict[str, Any]]) -> int:
        sql = statements.insert_unless_there(self.target)
        if not sql:
            return self._insert_or(rows, "")
        if self.db.counts_many:
            return len(rows) - self.db.run_many(sql, rows)
        return len(rows) - sum(self.db.run_many(sql, [row]) for row in rows)

    def _insert_or_update(self, rows: list[dict[str, Any]]) -> None:
        sql = statements.insert_or_update(self.target)
        if sql:
            self.db.run_many(sql, rows)
        else:
            self._insert_or(rows, statements.update(self.target))

    def _insert_or(self, rows: list[dict[str, Any]], otherwise: str) -> int:
        """Insert rows; of one that is refused alone and is there already, do `otherwise`, or nothing. How many were
        there. The savepoint is the caller's: after a refusal the last one row is tried within it."""
        insert = statements.insert(self.target)
        if len(rows) > 1:
            self.db.run_many(insert, rows)  # if one is refused, they come back one by one
            return 0
        if not self._is_there(rows[0]):
            self.db.run_many(insert, rows)
            return 0
        if otherwise:
            self.db.run_many(otherwise, rows)
        return 1

    def _is_there(self, row: dict[str, Any]) -> bool:
        names = {column.name for column in self.target.columns}
        return any(
            self.db.counted(statements.is_there(self.target, keys), row) > 0
            for keys in ([self.target.keys] if self.target.keys else self.unique_keys)
            if keys and names.issuperset(keys)
        )
