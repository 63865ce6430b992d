"""What happens in a run, as it is told to observers (`starhaul_event`) and to the console."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, kw_only=True)
class Event:
    """One thing that happened. `run` is the run's id, as `starhaul runs` shows it."""

    run: str


@dataclass(frozen=True, kw_only=True)
class RunStarted(Event):
    """The job is valid and planned; the first store is about to be changed."""

    streams: int
    tasks: int


@dataclass(frozen=True, kw_only=True)
class TaskFinished(Event):
    """A task has its receipt. `rows` is what the target acknowledged."""

    stream: str
    task: str
    attempt: int
    rows: int
    rejected: int


@dataclass(frozen=True, kw_only=True)
class TaskFailed(Event):
    """An attempt failed; `retry` tells whether another follows."""

    stream: str
    task: str
    attempt: int
    error: str
    retry: bool


@dataclass(frozen=True, kw_only=True)
class StreamCommitted(Event):
    """All tasks of a stream are delivered and published."""

    stream: str


@dataclass(frozen=True, kw_only=True)
class RunFinished(Event):
    """The run is over; the report follows."""

    state: Literal["done", "failed", "stopped"]
