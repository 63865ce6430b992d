"""The run store: which runs there were, which tasks they had, and what each task delivered.

A SQLite file in WAL mode in the state directory, used by the coordinator of a run only. It holds no secrets: jobs
are known by their file and fingerprint, splits and receipts are free of secrets by contract.
"""

from __future__ import annotations

import json
import os
import sqlite3
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from functools import partial
from pathlib import Path
from typing import Any

from starhaul.api.errors import ConfigError, PermanentError
from starhaul.api.task import Receipt
from starhaul.job.job import Job
from starhaul.plan.plan import Plan
from starhaul.runs.claims import Claims
from starhaul.runs.records import (
    RunRecord,
    RunState,
    StreamRecord,
    StreamState,
    TaskRecord,
    receipt_to_json,
    run_record,
    split_to_json,
    task_record,
)

STORE_VERSION = 2
_BUSY_SECONDS = 30.0
_LOOK_SECONDS = 0.5
"""How often a run looks whether the one before it is over."""
_SCHEMA = """
CREATE TABLE runs (
    id TEXT PRIMARY KEY, job TEXT NOT NULL, source TEXT NOT NULL, fingerprint TEXT NOT NULL,
    variables TEXT NOT NULL, secret_variables TEXT NOT NULL, state TEXT NOT NULL,
    started REAL NOT NULL, ended REAL, report TEXT, replays TEXT
) STRICT;
CREATE TABLE streams (
    run TEXT NOT NULL REFERENCES runs ON DELETE CASCADE, stream INTEGER NOT NULL, name TEXT NOT NULL,
    source TEXT NOT NULL, state TEXT NOT NULL, rows_before INTEGER, PRIMARY KEY (run, stream)
) STRICT;
CREATE TABLE tasks (
    run TEXT NOT NULL REFERENCES runs ON DELETE CASCADE, stream INTEGER NOT NULL, number INTEGER NOT NULL,
    split TEXT NOT NULL, attempt INTEGER NOT NULL DEFAULT 0, receipt TEXT, counts TEXT,
    PRIMARY KEY (run, stream, number)
) STRICT;
"""


class RunStore:
    """Opens (and makes, if need be) the store below `folder`, the state directory. Use it from one thread.

    Raises `PermanentError` if the file is damaged, of another version, or cannot be written.
    """

    def __init__(self, folder: Path | str) -> None:
        self.folder = folder = Path(folder)
        self._path = folder / "runs.db"
        self._claims = Claims(folder / "locks")
        try:
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            self._connection = sqlite3.connect(self._path, timeout=_BUSY_SECONDS, isolation_level=None)
        except (OSError, sqlite3.Error) as error:
            raise self._error(error) from error
        try:
            self._open()
        except (OSError, sqlite3.Error) as error:
            self.close()
            raise self._error(error) from error
        except PermanentError:
            self.close()
            raise

    def _open(self) -> None:
        if self._value("PRAGMA journal_mode") != "wal":
            with self._claims.making():  # SQLite does not wait for others who switch to WAL, it fails
                self._connection.execute("PRAGMA journal_mode = WAL")
        self._connection.execute("PRAGMA foreign_keys = ON")
        # Not FULL: a killed process loses nothing, and what a power cut could take back (the last receipts) is
        # settled with the target on resume.
        self._connection.execute("PRAGMA synchronous = NORMAL")
        if self._version() == 0:
            with self._transaction():
                if self._version() == 0:  # another process may have been quicker
                    for statement in _SCHEMA.split(";\n"):
                        self._connection.execute(statement)
                    self._connection.execute(f"PRAGMA user_version = {STORE_VERSION}")
            self._path.chmod(0o600)
        if self._version() == 1:
            with self._transaction():
                if self._version() == 1:
                    self._connection.execute("ALTER TABLE streams ADD COLUMN rows_before INTEGER")
                    self._connection.execute("PRAGMA user_version = 2")
        if self._version() != STORE_VERSION:
            raise PermanentError(
                str(self._path),
                f"is of version {self._version()}, this program knows {STORE_VERSION}",
                "use the Starhaul that made it, or another state directory",
            )

    def close(self) -> None:
        """Close the file."""
        self._connection.close()

    def __enter__(self) -> RunStore:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # ------------------------------------------------------------------ a run begins, goes on, ends

    def begin(self, run: str, plan: Plan, *, replays: str | None = None) -> None:
        """Store a planned run whole, in one transaction: a run without its tasks never exists."""
        job = plan.job
        with self._transaction():
            self._connection.execute(
                "INSERT INTO runs VALUES (?, ?, ?, ?, ?, ?, 'running', ?, NULL, NULL, ?)",
                (
                    run, job.name, job.source, job.fingerprint, json.dumps(dict(job.variables)),
                    json.dumps(sorted(job.secret_variables)), time.time(), replays,
                ),
            )  # fmt: skip
            self._connection.executemany(
                "INSERT INTO streams VALUES (?, ?, ?, ?, 'planned', NULL)",
                [(run, stream.index, stream.name, stream.fingerprint) for stream in plan.streams],
            )
            self._connection.executemany(
                "INSERT INTO tasks (run, stream, number, split) VALUES (?, ?, ?, ?)",
                [
                    (run, stream.index, number, split_to_json(split))
                    for stream in plan.streams
                    for number, split in enumerate(stream.splits)
                ],
            )

    def reopen(self, run: str) -> None:
        """A run is taken up again."""
        self._write("UPDATE runs SET state = 'running', ended = NULL WHERE id = ?", run)

    def end(self, run: str, state: RunState, report: Mapping[str, Any]) -> None:
        """A run is over, with this report."""
        self._write(
            "UPDATE runs SET state = ?, ended = ?, report = ? WHERE id = ?", state, time.time(), json.dumps(report), run
        )

    def stream_is(self, run: str, stream: int, state: StreamState) -> None:
        """A stream came to a new state. `aborted` takes its receipts back: the work they stand for is undone."""
        with self._transaction():
            self._connection.execute("UPDATE streams SET state = ? WHERE run = ? AND stream = ?", (state, run, stream))
            if state == "aborted":
                self._connection.execute(
                    "UPDATE tasks SET receipt = NULL, counts = NULL WHERE run = ? AND stream = ?", (run, stream)
                )

    def tasks_lost(self, run: str, stream: int, tasks: Iterable[TaskRecord]) -> None:
        """The target does not know these tasks any more: their receipts count no longer, and the stream, which was
        about to be published, is not."""
        with self._transaction():
            state = "UPDATE streams SET state = 'prepared' WHERE run = ? AND stream = ?"
            self._connection.execute(state, (run, stream))
            self._connection.executemany(
                "UPDATE tasks SET receipt = NULL, counts = NULL WHERE run = ? AND stream = ? AND number = ?",
                [(run, stream, task.number) for task in tasks],
            )

    def stream_began_with(self, run: str, stream: int, rows: int | None) -> None:
        """How many rows the target of a stream held when it was prepared."""
        self._write("UPDATE streams SET rows_before = ? WHERE run = ? AND stream = ?", rows, run, stream)

    def give_out(self, run: str, tasks: Iterable[TaskRecord]) -> None:
        """New attempts at these tasks are about to be made. Stored before they are, so no attempt number repeats."""
        with self._transaction():
            self._connection.executemany(
                "UPDATE tasks SET attempt = ? WHERE run = ? AND stream = ? AND number = ?",
                [(task.attempt, run, task.stream, task.number) for task in tasks],
            )

    def task_done(self, run: str, stream: int, receipt: Receipt, counts: Mapping[str, Any]) -> None:
        """A task has its receipt."""
        self._write(
            "UPDATE tasks SET receipt = ?, counts = ? WHERE run = ? AND stream = ? AND number = ?",
            receipt_to_json(receipt), json.dumps(counts), run, stream, int(receipt.task[1:]),
        )  # fmt: skip

    def forget(self, run: str) -> None:
        """Remove a run, with its streams and tasks."""
        self._write("DELETE FROM runs WHERE id = ?", run)

    # ------------------------------------------------------------------ questions

    def runs(self, limit: int = 50) -> list[RunRecord]:
        """The newest runs, the newest first."""
        rows = self._read("SELECT * FROM runs ORDER BY rowid DESC LIMIT ?", limit)  # whatever the clock said
        return [run_record(row) for row in rows]

    def runs_before(self, moment: float) -> list[RunRecord]:
        """The runs that ended, or, if they did not, began before a moment; the oldest first."""
        rows = self._read("SELECT * FROM runs WHERE coalesce(ended, started) < ? ORDER BY started, id", moment)
        return [run_record(row) for row in rows]

    def count(self) -> int:
        """How many runs there are."""
        return int(self._read("SELECT count(*) FROM runs")[0][0])

    def run(self, run: str) -> RunRecord:
        """One run by its id. Raises `ConfigError` if there is none."""
        rows = self._read("SELECT * FROM runs WHERE id = ?", run)
        if not rows:
            raise ConfigError(run, f"no such run in {self._path}", "`starhaul runs` lists them")
        return run_record(rows[0])

    def streams(self, run: str) -> list[StreamRecord]:
        """The streams of a run, in order."""
        rows = self._read(
            "SELECT stream, name, source, state, rows_before FROM streams WHERE run = ? ORDER BY stream", run
        )
        return [StreamRecord(*row) for row in rows]

    def tasks(self, run: str) -> list[TaskRecord]:
        """The tasks of a run, in order of stream and number."""
        rows = self._read(
            "SELECT stream, number, split, attempt, receipt, counts FROM tasks WHERE run = ? ORDER BY stream, number",
            run,
        )
        return [task_record(row) for row in rows]

    # ------------------------------------------------------------------ files beside the store

    def reject_folder(self, run: str) -> Path:
        """Where the parts of the reject file are, as long as the run is not over."""
        return self.folder / "rejects" / run

    def reject_file(self, run: str) -> Path:
        """The run's reject file; it exists once the run is over and rows were rejected."""
        return self.folder / "rejects" / f"{run}.jsonl"

    def reject_files(self, run: str) -> list[Path]:
        """The files of the reject file that are there, and what became of them in a replay."""
        return sorted((self.folder / "rejects").glob(f"{run}.*"))

    def claim(self, run: str) -> AbstractContextManager[None]:
        """Hold a run for this process while the block lasts; see `Claims.hold`."""
        return self._claims.hold(run)

    def claim_job(self, job: Job, pause: Callable[[float], object]) -> AbstractContextManager[None]:
        """Be the only run of a job while the block lasts, as its `when_running` says; `pause(seconds)` is how to wait.
        The operating system frees the claim of a process that dies. Raises `ConfigError` if another run has it."""
        if job.settings.when_running == "allow":
            return nullcontext()
        wait = partial(pause, _LOOK_SECONDS) if job.settings.when_running == "wait" else None
        return self._claims.hold_job(job.fingerprint, job.source, wait=wait)

    def alive(self, run: str) -> bool:
        """Whether a process carries the run out right now. A `running` run that is not alive was killed."""
        return self._claims.held(run)

    # ------------------------------------------------------------------ inside

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        try:
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield
            except BaseException:
                if self._connection.in_transaction:  # SQLite has rolled back by itself where the disk is full
                    self._connection.execute("ROLLBACK")
                raise
            self._connection.execute("COMMIT")
        except sqlite3.Error as error:
            raise self._error(error) from error

    def _write(self, sql: str, *parameters: Any) -> None:
        with self._transaction():
            self._connection.execute(sql, parameters)

    def _read(self, sql: str, *parameters: Any) -> list[tuple[Any, ...]]:
        try:
            return self._connection.execute(sql, parameters).fetchall()
        except sqlite3.Error as error:
            raise self._error(error) from error

    def _version(self) -> int:
        return int(self._value("PRAGMA user_version"))

    def _value(self, sql: str) -> Any:
        return self._connection.execute(sql).fetchone()[0]

    def _error(self, error: Exception) -> PermanentError:
        hint = "free the disk, mend its permissions, or name another state directory with STARHAUL_STATE_DIR"
        if "is locked" in str(error):
            hint = f"another program has held it for {_BUSY_SECONDS:.0f} seconds: look which, and try again"
        elif "not a database" in str(error) or "malformed" in str(error):
            hint = "move the state directory away: with it go the history and what could be resumed, but no data"
        return PermanentError(str(self._path), f"the run store cannot be used: {error}", hint)


def new_run_id() -> str:
    """An id for a run: sortable by start, unique, fit for names of files and tables."""
    return time.strftime("%Y%m%d_%H%M%S", time.gmtime()) + "_" + os.urandom(3).hex()


def state_folder() -> Path:
    """`STARHAUL_STATE_DIR`, else the user's state directory."""
    if named := os.environ.get("STARHAUL_STATE_DIR"):
        return Path(named)
    import platformdirs

    return platformdirs.user_state_path("starhaul")
