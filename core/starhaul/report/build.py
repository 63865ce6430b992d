"""Makes the report of a run from its books."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Literal

from starhaul.api.errors import StarhaulError
from starhaul.engine.books import StreamBooks
from starhaul.engine.work import Work
from starhaul.job.job import Job
from starhaul.plan.plan import Plan
from starhaul.report.report import ErrorReport, Report, StreamReport
from starhaul.runs.records import RunState
from starhaul.unexpected import how_to_find

EXIT_STOPPED = 143
"""128 + SIGTERM, whichever signal it was: what DataX's wrappers look for."""


@dataclass(frozen=True)
class Ending:
    """How a sitting ended. Times are seconds since the epoch."""

    state: RunState
    started: float
    ended: float
    failure: BaseException | None
    failed: Work | None
    rejects: Path | None
    warnings: Sequence[str]


def make_report(
    run: str, job: Job, streams: Sequence[StreamBooks], ending: Ending, redact: Callable[[str], str]
) -> Report:
    """The report of one sitting; `redact` takes secrets out of texts that stores and drivers made."""
    each = [_stream(stream) for stream in streams]
    state: Literal["done", "failed", "stopped"] = "stopped" if ending.state == "running" else ending.state
    return Report(
        run=run,
        job=job.name,
        state=state,
        started=_iso(ending.started),
        ended=_iso(ending.ended),
        seconds=round(ending.ended - ending.started, 3),
        streams=each,
        read=sum(stream.read for stream in each),
        written=sum(stream.written for stream in each),
        skipped=sum(stream.skipped for stream in each),
        rejected=sum(stream.rejected for stream in each),
        filtered=sum(stream.filtered for stream in each),
        rejects=None if ending.rejects is None else str(ending.rejects),
        error=None if ending.failure is None else _error(ending.failure, streams, ending.failed, redact),
        exit_code=_exit_code(ending),
        resumable=ending.state != "done" and all(stream.resumable for stream in streams),
        warnings=list(ending.warnings),
    )


def make_check_report(plan: Plan, started: float, ended: float) -> Report:
    """The report of a job that was to be checked only, and is right. Times are seconds since the epoch."""
    return Report(
        run="",
        job=plan.job.name,
        state="done",
        started=_iso(started),
        ended=_iso(ended),
        seconds=round(ended - started, 3),
        streams=[_stream(StreamBooks(stream, "", "planned", ())) for stream in plan.streams],
        read=0,
        written=0,
        skipped=0,
        rejected=0,
        filtered=0,
        warnings=[str(warning) for warning in plan.job.warnings],
    )


def _stream(books: StreamBooks) -> StreamReport:
    counts = books.counts
    return StreamReport(
        name=books.plan.name,
        reader=books.plan.reader.name,
        writer=books.plan.writer.name,
        state=_state(books),
        promises=sorted(books.plan.promises),
        tasks=len(books.tasks),
        tasks_done=len(books.receipts),
        read=counts.read,
        written=counts.written,
        skipped=counts.skipped,
        rejected=counts.rejected,
        filtered=counts.filtered,
        bytes=counts.bytes,
        seconds_reader_waited=round(counts.seconds_reader_waited, 3),
        seconds_writer_waited=round(counts.seconds_writer_waited, 3),
        notes=dict(counts.notes),
        transformers=[transformer.name for transformer in books.plan.transformers],
        transformed=counts.transformed,
        untransformed=counts.untransformed,
        seconds_transforming=round(counts.seconds_transforming, 3),
    )


def _state(books: StreamBooks) -> Literal["pending", "delivered", "committed", "aborted"]:
    if books.state in ("forgetting", "committed"):
        return "committed"
    if books.state == "aborted":
        return "aborted"
    return "pending" if books.pending else "delivered"


def _error(
    error: BaseException, streams: Sequence[StreamBooks], failed: Work | None, redact: Callable[[str], str]
) -> ErrorReport:
    where, problem, hint = "", f"{type(error).__name__}: {error}", how_to_find(error)
    if isinstance(error, StarhaulError):
        where, problem, hint = error.where, error.problem, error.hint
    return ErrorReport(
        kind=type(error).__name__,
        where=redact(where),
        problem=redact(problem),
        hint=redact(hint),
        stream=None if failed is None else streams[failed.stream].plan.name,
        task=None if failed is None else failed.task,
    )


def _exit_code(ending: Ending) -> int:
    if ending.state == "done":
        return 0
    if ending.failure is None:
        return EXIT_STOPPED
    return ending.failure.exit_code if isinstance(ending.failure, StarhaulError) else 1


def _iso(seconds: float) -> str:
    return datetime.fromtimestamp(seconds).astimezone().isoformat(timespec="milliseconds")
