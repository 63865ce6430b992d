"""What a run leaves behind: the report, as data."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any, Literal

REPORT_VERSION = 1


@dataclass(frozen=True)
class ErrorReport:
    """Why a run failed."""

    kind: str
    """Class of the error: `ConfigError`, `PermanentError`, …"""
    where: str
    problem: str
    hint: str
    stream: str | None = None
    task: str | None = None


@dataclass(frozen=True)
class StreamReport:
    """What became of one stream. `read = written + skipped + rejected + filtered` for the tasks that are done."""

    name: str
    reader: str
    writer: str
    state: Literal["pending", "delivered", "committed", "aborted"]
    """`delivered`: all rows are with the target, not yet published; `committed`: published; `aborted`: undone."""
    promises: list[str]
    tasks: int
    tasks_done: int
    read: int
    written: int
    skipped: int
    rejected: int
    filtered: int
    bytes: int
    """Bytes of Arrow data that went through the exchanger."""
    seconds_reader_waited: float
    """Summed over the channels: how long readers waited for the target."""
    seconds_writer_waited: float
    """Summed over the channels: how long writers waited for the source."""
    notes: dict[str, int] = field(default_factory=dict)
    """Values altered on purpose, by kind."""
    transformers: list[str] = field(default_factory=list)
    """Names of the transformers, in order."""
    transformed: int = 0
    """Rows that went through all transformers or were left out by one; zero without transformers."""
    untransformed: int = 0
    """Rows among the rejected that a transformer could not take."""
    seconds_transforming: float = 0.0
    """Summed over the channels: how long transformers worked."""


@dataclass(frozen=True)
class Report:
    """The result of one run, of `starhaul.run` and of `starhaul run --report FILE`."""

    run: str
    """Empty if the job was to be checked only (`dryRun`)."""
    job: str
    state: Literal["done", "failed", "stopped"]
    started: str
    """ISO 8601 with offset."""
    ended: str
    seconds: float
    """Of this sitting; a resumed run counts anew."""
    streams: list[StreamReport]
    read: int
    written: int
    skipped: int
    rejected: int
    filtered: int
    rejects: str | None = None
    """Path of the reject file, if a row was rejected."""
    error: ErrorReport | None = None
    exit_code: int = 0
    resumable: bool = False
    """Whether `starhaul resume` can take this run further."""
    warnings: list[str] = field(default_factory=list)
    version: int = REPORT_VERSION

    def as_dict(self) -> dict[str, Any]:
        """Plain JSON data; its schema is `docs/schemas/report.schema.json`."""
        return asdict(self)
