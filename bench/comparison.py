"""What a case consists of: pairs of commands and what their figures must be."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Literal


@dataclass(frozen=True)
class Contender:
    """A command to measure as a whole process."""

    label: str
    command: Sequence[str]
    before: Callable[[], object] = lambda: None
    """Called before each run, unmeasured: clears the target."""


@dataclass(frozen=True)
class Comparison:
    """Two commands that run in turns, and what must hold between them.

    `figure` says which ratio is judged: `time` is ours / theirs, `speed` is theirs / ours (how many times as fast we
    are), both in seconds of wall time; `memory` is ours / theirs in bytes of peak resident memory.
    """

    name: str
    what: str
    ours: Contender
    theirs: Contender
    figure: Literal["time", "speed", "memory"]
    bound: float | None
    """The largest ratio allowed; for `speed`, the smallest. None: shown for the record."""
    rows: int | None = None
    most_seconds: float | None = None
    """The longest that ours may take."""
    least_rows_per_second: float | None = None
    repeat: int | None = None
    """How often each is measured, unless the command line says so; None for the usual number."""
    most_bytes: int | None = None
    """The peak that neither may exceed."""


@dataclass
class Figures:
    """What was measured of one contender, run by run."""

    seconds: list[float] = field(default_factory=list)
    peak_bytes: list[int] = field(default_factory=list)
    cpu_seconds: list[float] = field(default_factory=list)
    """Of the command and its children."""
    server_cpu_seconds: list[float] = field(default_factory=list)
    """Of the servers of the case meanwhile."""
