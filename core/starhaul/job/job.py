"""A job as the planner and the engine see it: valid, resolved, plain data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from starhaul.api.errors import Problem
from starhaul.job.settings import Settings


@dataclass(frozen=True, slots=True)
class PluginUse:
    """One plugin as a job uses it. Its parameters have passed the plugin's model; see `instantiate`."""

    name: str
    """As the job writes it: canonical name or alias, in any case."""
    parameters: Mapping[str, Any] = field(repr=False)
    """JSON values under the names of a job document, variables and connection resolved. Holds secrets: never
    logged, never stored."""
    path: str
    """Its place in the document: `reader`, `job.content[0].reader`, `streams[2].transformers[0]`."""


@dataclass(frozen=True, slots=True)
class StreamSpec:
    """One reader, its transformers and one writer."""

    name: str
    """Unique in the job; shown to the user and stored with the run."""
    reader: PluginUse
    writer: PluginUse
    transformers: tuple[PluginUse, ...] = ()
    columns: Literal["position", "name"] = "position"
    """How source columns find their target columns."""


@dataclass(frozen=True, slots=True)
class Job:
    """What `load_job` makes of a document. Immutable; may be shared by threads and pickled."""

    name: str
    """The document's `name`, or the file's name without its suffix."""
    source: str
    """The job file or its address as it was given, or `<dict>`."""
    streams: tuple[StreamSpec, ...]
    settings: Settings
    fingerprint: str
    """SHA-256 (hex) of the resolved document without its secret values: equal for two jobs that do the same.
    A run is resumed only with the fingerprint it began with."""
    variables: Mapping[str, str] = field(default_factory=dict)
    """The given (`-D`) variables that the job uses outside secret parameters; kept with the run, to resume it."""
    secret_variables: frozenset[str] = frozenset()
    """Names of the given variables that went into secret parameters; they must be given again to resume."""
    dry_run: bool = False
    """Whether the document says to check the job and to move nothing (DataX's `dryRun`)."""
    warnings: tuple[Problem, ...] = ()
    """What the user should know though the job is valid: keys without effect, a connections file open to all."""
