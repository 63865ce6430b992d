"""The ledger: which tasks of which runs went through, in the same transaction as their rows.

A run has one row with an empty task from `prepare` until `commit` or `abort`, so that each of these happens once and an
attempt that outlives its run finds itself fenced; and one row for each task that went through. A run that died leaves
its rows, which `resume` needs.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime

from starhaul import PermanentError, Receipt, Task
from starhaul_stores.sqlite.catalog import find_table, quoted
from starhaul_stores.sqlite.connection import Connection

_THE_RUN = ""


class Ledger:
    """The ledger table of one database, over one connection. Writing calls belong into a transaction of the caller."""

    def __init__(self, db: Connection, table: str) -> None:
        self._db = db
        self._name = table
        self._table = quoted(table)

    def exists(self) -> bool:
        """Whether there is a ledger table."""
        return find_table(self._db, self._name) is not None

    def open_run(self, run: str, note: str = "") -> None:
        """Enter a run, making the ledger if need be. `note` is the run's own, for `notes`."""
        self._db.execute(
            f"CREATE TABLE IF NOT EXISTS {self._table} (run TEXT NOT NULL, task TEXT NOT NULL, "
            "attempt INTEGER NOT NULL, receipt TEXT NOT NULL, at TEXT NOT NULL, PRIMARY KEY (run, task)) WITHOUT ROWID"
        )
        self._insert(run, _THE_RUN, 0, note)

    def is_open(self, run: str) -> bool:
        """Whether the run was prepared and neither committed nor aborted."""
        return self.exists() and bool(self._find(run, _THE_RUN))

    def fence(self, task: Task) -> None:
        """Raise `PermanentError` if this attempt must not write: its run is over, or another attempt went through."""
        if not self.is_open(task.run):
            raise PermanentError(self._db.path, f"run {task.run} is not open", "it was committed or given up meanwhile")
        if self._find(task.run, task.id):
            raise PermanentError(self._db.path, f"task {task.id} of run {task.run} was delivered by another attempt")

    def record(self, receipt: Receipt, run: str) -> None:
        """Enter a task that will have gone through when the transaction commits."""
        data = {"rows": receipt.rows, "skipped": receipt.skipped, "data": dict(receipt.data)}
        self._insert(run, receipt.task, receipt.attempt, json.dumps(data))

    def receipt(self, task: Task) -> Receipt | None:
        """The receipt of the attempt that went through; None if none did."""
        found = self._find(task.run, task.id) if self.exists() else []
        if not found:
            return None
        attempt, text = found[0]
        data = json.loads(text)
        return Receipt(task.id, data["rows"], data["skipped"], int(attempt), data["data"])

    def notes(self) -> dict[str, tuple[str, str]]:
        """Run → its note and when it was last heard of (UTC, ISO 8601), for every open run."""
        sql = f"SELECT run, max(CASE task WHEN '' THEN receipt END), max(at) FROM {self._table} GROUP BY run"
        return {
            str(run): (str(note or ""), str(at)) for run, note, at in (self._db.execute(sql) if self.exists() else ())
        }

    def forget_tasks(self, run: str) -> None:
        """Remove what is known of a run's tasks; the run stays open."""
        self._db.execute(f"DELETE FROM {self._table} WHERE run = ? AND task <> ''", [run])

    def close_run(self, run: str) -> None:
        """Forget a run, and the table itself once it is empty."""
        if self.exists():
            self._db.execute(f"DELETE FROM {self._table} WHERE run = ?", [run])
            if not self._db.value(f"SELECT count(*) FROM {self._table}"):
                self._db.execute(f"DROP TABLE {self._table}")

    def _find(self, run: str, task: str) -> list[tuple[int, str]]:
        rows = self._db.execute(f"SELECT attempt, receipt FROM {self._table} WHERE run = ? AND task = ?", [run, task])
        return [(int(attempt), str(receipt)) for attempt, receipt in rows]

    def _insert(self, run: str, task: str, attempt: int, receipt: str) -> None:
        now = datetime.now(UTC).isoformat(timespec="seconds")
        values = (run, task, attempt, receipt, now)
        self._db.execute(f"INSERT INTO {self._table} (run, task, attempt, receipt, at) VALUES (?, ?, ?, ?, ?)", values)
