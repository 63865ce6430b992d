"""Starhaul as a library: one call runs a job."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, TypedDict, Unpack

from starhaul.api.events import Event
from starhaul.engine.engine import Engine
from starhaul.engine.progress import Progress
from starhaul.engine.stop import Stop
from starhaul.job.job import Job
from starhaul.job.load import load_job
from starhaul.registry import Registry
from starhaul.report.report import Report
from starhaul.runs.store import RunStore, state_folder


class Options(TypedDict, total=False):
    """What `run`, `resume` and `replay` have in common."""

    variables: Mapping[str, str]
    """As `-D` gives them on the command line."""
    connections: Path
    """The file of named connections, instead of the user's own."""
    conversion: Literal["exact", "datax"]
    """The rules of conversion, instead of those that the job names."""
    trusted: bool
    """Whether the job may look into the environment and into files; default: unless STARHAUL_UNTRUSTED_JOBS is set."""
    state: Path | str
    """The folder of the run store; default `STARHAUL_STATE_DIR`, else the user's state directory."""
    registry: Registry
    """The plugins to use; default: all that are installed."""
    stop: Stop
    """Asks the run to stop, from another thread."""
    progress: Progress
    """Shows how far the run is."""
    observers: Sequence[Callable[[Event], None]]
    """Told of every event."""


def run(job: Path | str | Mapping[str, Any], **options: Unpack[Options]) -> Report:
    """Run a job: a file, its address, or a document as a dict. Blocks until it is over; safe to call from several
    threads at once.

    Raises `ConfigError`, `PluginError` or a store's error if the job cannot begin: then nothing was changed. A run
    that began always gives a report; look at its `state`. `Options` tells what else can be given.
    """
    registry = options.get("registry") or Registry()
    loaded = _load(job, registry, options.get("variables", {}), options)
    with RunStore(options.get("state") or state_folder()) as store:
        return _engine(registry, store, options).run(loaded)


def resume(run: str, job: Path | str | Mapping[str, Any] | None = None, **options: Unpack[Options]) -> Report:
    """Take up the run with this id where it ended. `job` is needed only if the run began with a dict.

    The run keeps the variables it was given; those that went into secret parameters were not stored and have to be
    given again. Raises `ConfigError` if the run cannot be resumed; see `run` for the rest and for the options.
    """
    return _again(run, job, Engine.resume, options)


def replay(run: str, job: Path | str | Mapping[str, Any] | None = None, **options: Unpack[Options]) -> Report:
    """Send the rejected rows of a finished run through again, after their cause was mended.

    The parameters are those of `resume`. The replay is a run of its own. Raises `ConfigError` if there is nothing
    to replay.
    """
    return _again(run, job, Engine.replay, options)


def _again(
    run: str,
    job: Path | str | Mapping[str, Any] | None,
    act: Callable[[Engine, str, Job], Report],
    options: Options,
) -> Report:
    registry = options.get("registry") or Registry()
    with RunStore(options.get("state") or state_folder()) as store:
        record = store.run(run)
        variables = {**record.variables, **options.get("variables", {})}
        loaded = _load(record.source if job is None else job, registry, variables, options)
        return act(_engine(registry, store, options), run, loaded)


def _load(
    job: Path | str | Mapping[str, Any], registry: Registry, variables: Mapping[str, str], options: Options
) -> Job:
    return load_job(
        job,
        registry,
        variables=variables,
        connections=options.get("connections"),
        conversion=options.get("conversion"),
        trusted=options.get("trusted"),
    )


def _engine(registry: Registry, store: RunStore, options: Options) -> Engine:
    return Engine(
        registry,
        store,
        stop=options.get("stop"),
        progress=options.get("progress"),
        observers=options.get("observers", ()),
    )
