"""The ledger: which tasks of which runs went through, in the same transaction as their rows.

A run has one row with an empty task from `prepare` until `forget` or `abort`, so that `prepare` and `commit` happen
once and an attempt that outlives its run finds itself fenced; and one row for each task that went through, until
`commit`. A run that died leaves its rows, which `resume` needs.
"""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, ClassVar, Protocol

from starhaul import ConfigError, PermanentError, Receipt, Task, TasksLost, TransientError
from starhaul_stores.relational.refusal import Refused

LATER = "later"
"""Stands for a task in the row that holds what follows the load."""
_COMMITTED = "committed"
"""The note of a run that is committed."""


class Database(Protocol):
    """What the ledger needs of a store's connection."""

    def execute(self, sql: str, parameters: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """Run one statement to its end; its rows, if it returns any."""


class Ledger(ABC):
    """The ledger table of one database, over one connection. Writing calls belong into a transaction of the caller.

    A store says in a subclass how its SQL creates the table, finds it and drops it: `columns` are the same everywhere.
    """

    placeholder: ClassVar[str] = "%s"
    """How the store's driver marks a parameter."""
    text: ClassVar[str] = "TEXT"
    key_text: ClassVar[str] = "TEXT"
    """The store's types for texts of any length, and for texts of up to 64 ASCII characters in a key."""
    moment: ClassVar[str] = "at"
    """The column that says when a row was written: `at` is a word of some databases' SQL."""
    the_run: ClassVar[str] = ""
    """What stands for a task in the row of a run: no task has that name."""

    def __init__(self, db: Database, where: str, quoted: str) -> None:
        """`where` names the database in errors; `quoted` is the table's name as SQL."""
        self._db = db
        self._where = where
        self._table = quoted

    @property
    def columns(self) -> str:
        """Of CREATE TABLE: columns and key."""
        return (
            f"run {self.key_text} NOT NULL, task {self.key_text} NOT NULL, attempt INTEGER NOT NULL, "
            f"receipt {self.text} NOT NULL, {self.moment} {self.key_text} NOT NULL, PRIMARY KEY (run, task)"
        )

    @abstractmethod
    def exists(self) -> bool:
        """Whether there is a ledger table."""

    def create(self) -> None:
        """Create the table unless it is there. Raises `ConfigError` if the user may not, and says what would do."""
        try:
            self.make()
        except ConfigError as error:
            made = f"CREATE TABLE {self._table} ({self.columns})"
            hint = (
                f"the ledger of the run is kept there: let the user create and drop it, or make it for the user: {made}"
            )
            raise ConfigError(error.where, error.problem, hint) from error

    @abstractmethod
    def make(self) -> None:
        """What `create` does in this store."""

    def drop_if_empty(self) -> None:
        """Drop the table if it holds no row, and the user may. A store whose DDL ends the transaction leaves it to the
        caller to call this at the right moment."""
        if not self._db.execute(f"SELECT count(*) FROM {self._table}")[0][0]:
            self._db.execute(f"DROP TABLE {self._table}")

    def open_run(self, run: str, note: str = "") -> None:
        """Enter a run, making the ledger if need be. `note` is the run's own, for `notes`."""
        self.create()
        self._insert(run, self.the_run, 0, note)

    def is_open(self, run: str) -> bool:
        """Whether the run was prepared and neither committed nor aborted."""
        found = self._find(run, self.the_run) if self.exists() else []
        return bool(found) and found[0][1] != _COMMITTED

    def is_to_commit(self, run: str, receipts: Sequence[Receipt]) -> bool:
        """Whether the run is yet to be committed; False if it was.

        Raises `TasksLost` for tasks that have receipts and are not in the ledger (with the same attempt), and
        `PermanentError` if not even the run is in it.
        """
        sql = f"SELECT task, attempt, receipt FROM {self._table} WHERE run = {self.placeholder}"
        found = self._db.execute(sql, [run]) if self.exists() else []
        known = {str(task): (int(attempt), str(text)) for task, attempt, text in found}
        if self.the_run not in known:
            raise self._unknown(run)
        if known[self.the_run][1] == _COMMITTED:
            return False
        if lost := [each.task for each in receipts if known.get(each.task, (0,))[0] != each.attempt]:
            raise TasksLost.of(self._where, lost)
        return True

    def fence(self, task: Task) -> None:
        """Raise `PermanentError` if this attempt must not write as its run is over, `TransientError` if another attempt
        went through, so that the engine finds its receipt."""
        if not self.is_open(task.run):
            raise self._unknown(task.run)
        if self._find(task.run, task.id):
            raise self._overtaken(task.run, task.id)

    def record(self, receipt: Receipt, run: str) -> None:
        """Enter a task that will have gone through when the transaction commits. Raises `TransientError` if another
        attempt went through meanwhile."""
        try:
            self._insert(run, receipt.task, receipt.attempt, told(receipt))
        except Refused as refused:  # its key is there by now
            raise self._overtaken(run, receipt.task, f": {refused.problem}") from refused

    def receipt(self, task: Task) -> Receipt | None:
        """The receipt of the attempt that went through; None if none did."""
        found = self._find(task.run, task.id) if self.exists() else []
        if not found:
            return None
        attempt, text = found[0]
        data = json.loads(text)
        return Receipt(task.id, data["rows"], data["skipped"], attempt, data["data"])

    def notes(self) -> dict[str, tuple[str, str]]:
        """Run → its note and when it was last heard of (UTC, ISO 8601), for every open run."""
        note = f"max(CASE task WHEN '{self.the_run}' THEN receipt END)"
        sql = f"SELECT run, {note}, max({self.moment}) FROM {self._table} GROUP BY run"
        found = self._db.execute(sql) if self.exists() else []
        return {str(run): (str(note or ""), str(at)) for run, note, at in found}

    def remember(self, run: str, table: str, later: Sequence[Sequence[str]]) -> None:
        """Keep the statements (each perhaps with a name) that are to follow the load of a table that this run creates.
        What dead runs wanted for that table is forgotten."""
        for other, (known, _) in self._later().items():
            if known == table or other == run:
                self._delete(other, LATER)
        if later:
            self.create()
            self._insert(run, LATER, 0, json.dumps([table, [[*each] for each in later]]))

    def is_waiting(self) -> bool:
        """Whether anything is to follow the load of any table."""
        return bool(self._later())

    def remembered(self, run: str, table: str) -> list[list[str]]:
        """What is to follow the load of a table: what this run remembered, or one that died."""
        found = self._later()
        of_table = [later for known, later in found.values() if known == table]
        return found[run][1] if run in found else of_table[0] if of_table else []

    def forget(self, table: str) -> None:
        """It has been done."""
        for other, (known, _) in self._later().items():
            if known == table:
                self._delete(other, LATER)

    def _later(self) -> dict[str, tuple[str, list[list[str]]]]:
        sql = f"SELECT run, receipt FROM {self._table} WHERE task = '{LATER}'"
        found = self._db.execute(sql) if self.exists() else []
        return {str(run): (told[0], told[1]) for run, text in found for told in [json.loads(text)]}

    def _delete(self, run: str, task: str) -> None:
        mark = self.placeholder
        self._db.execute(f"DELETE FROM {self._table} WHERE run = {mark} AND task = {mark}", [run, task])

    def commit_run(self, run: str) -> None:
        """Enter that the run is committed, in place of its tasks."""
        mark = self.placeholder
        self._db.execute(f"DELETE FROM {self._table} WHERE run = {mark} AND task <> '{self.the_run}'", [run])
        self._db.execute(f"UPDATE {self._table} SET receipt = {mark} WHERE run = {mark}", [_COMMITTED, run])

    def give_up(self, run: str) -> None:
        """Forget a run: it cannot be resumed any more."""
        self._db.execute(f"DELETE FROM {self._table} WHERE run = {self.placeholder}", [run])

    def close_run(self, run: str) -> None:
        """Forget a run, and the table itself once it is empty."""
        if self.exists():
            self.give_up(run)
            self.drop_if_empty()

    def _unknown(self, run: str) -> PermanentError:
        hint = "it was committed or given up, or the database lost it (a fail-over, a crash): see what is in the target"
        return PermanentError(self._where, f"run {run} is not open", hint)

    def _overtaken(self, run: str, task: str, why: str = "") -> TransientError:
        return TransientError(self._where, f"task {task} of run {run} was delivered by another attempt{why}")

    def _find(self, run: str, task: str) -> list[tuple[int, str]]:
        mark = self.placeholder
        sql = f"SELECT attempt, receipt FROM {self._table} WHERE run = {mark} AND task = {mark}"
        return [(int(attempt), str(receipt)) for attempt, receipt in self._db.execute(sql, [run, task])]

    def _insert(self, run: str, task: str, attempt: int, receipt: str) -> None:
        now = datetime.now(UTC).isoformat(timespec="seconds")
        values = (run, task, attempt, receipt, now)
        marks = ", ".join([self.placeholder] * len(values))
        self._db.execute(
            f"INSERT INTO {self._table} (run, task, attempt, receipt, {self.moment}) VALUES ({marks})", values
        )


def told(receipt: Receipt) -> str:
    """What the ledger keeps of a receipt."""
    return json.dumps({"rows": receipt.rows, "skipped": receipt.skipped, "data": dict(receipt.data)})
