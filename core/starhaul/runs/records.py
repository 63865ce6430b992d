"""Runs, streams and tasks as the run store knows them, and how they look there."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

from starhaul.api.task import Receipt, Split

RunState: TypeAlias = Literal["running", "done", "failed", "stopped"]
StreamState: TypeAlias = Literal["planned", "preparing", "prepared", "committing", "forgetting", "committed", "aborted"]


@dataclass(frozen=True)
class RunRecord:
    """A run as the store knows it. `state` is `running` also for a run whose process died: see `alive`."""

    id: str
    job: str
    source: str
    fingerprint: str
    variables: Mapping[str, str]
    secret_variables: frozenset[str]
    state: RunState
    started: float
    """Seconds since the epoch."""
    ended: float | None
    report: Mapping[str, Any] | None
    replays: str | None = None
    """The run whose rejects this one sends again, if that is what it does."""


@dataclass(frozen=True)
class StreamRecord:
    """A stream of a run: `source` is the fingerprint of the source's schema when the run was planned."""

    index: int
    name: str
    source: str
    state: StreamState
    rows_before: int | None
    """What the target held when it was prepared, if the job wants that verified and the writer can tell."""


@dataclass(frozen=True)
class TaskRecord:
    """A task of a run. `attempt` is the last one that was given out; 0 before the first."""

    stream: int
    number: int
    split: Split
    attempt: int
    receipt: Receipt | None
    counts: Mapping[str, Any] | None

    @property
    def id(self) -> str:
        """`Task.id`."""
        return f"t{self.number}"


def split_to_json(split: Split) -> str:
    """A split as the store keeps it."""
    return json.dumps({"id": split.id, "args": dict(split.args), "rows": split.rows, "bytes": split.bytes})


def receipt_to_json(receipt: Receipt) -> str:
    """A receipt as the store keeps it."""
    return json.dumps({
        "task": receipt.task, "rows": receipt.rows, "skipped": receipt.skipped,
        "attempt": receipt.attempt, "data": dict(receipt.data),
    })  # fmt: skip


def run_record(row: tuple[Any, ...]) -> RunRecord:
    """A row of the table `runs`."""
    run, job, source, fingerprint, variables, secret, state, started, ended, report, replays = row
    return RunRecord(
        run, job, source, fingerprint, json.loads(variables), frozenset(json.loads(secret)), state, started, ended,
        None if report is None else json.loads(report), replays,
    )  # fmt: skip


def task_record(row: tuple[Any, ...]) -> TaskRecord:
    """Stream, number, split, attempt, receipt and counts of a row of the table `tasks`."""
    stream, number, split, attempt, receipt, counts = row
    return TaskRecord(
        stream, number, Split(**json.loads(split)), attempt,
        None if receipt is None else Receipt(**json.loads(receipt)),
        None if counts is None else json.loads(counts),
    )  # fmt: skip
