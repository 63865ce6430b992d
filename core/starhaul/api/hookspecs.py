"""Every hook a plugin can implement. Data never passes through a hook."""

from __future__ import annotations

from collections.abc import Mapping

import pluggy

from starhaul.api.events import Event

PROJECT = "starhaul"

hookspec = pluggy.HookspecMarker(PROJECT)
hookimpl = pluggy.HookimplMarker(PROJECT)


@hookspec
def starhaul_readers() -> Mapping[str, str]:  # type: ignore[empty-body]
    """Name or alias → 'module:Class' of each reader. Nothing is imported until a job uses it."""


@hookspec
def starhaul_writers() -> Mapping[str, str]:  # type: ignore[empty-body]
    """Name or alias → 'module:Class' of each writer. Nothing is imported until a job uses it."""


@hookspec
def starhaul_transformers() -> Mapping[str, str]:  # type: ignore[empty-body]
    """Name or alias → 'module:Class' of each transformer. Nothing is imported until a job uses it."""


@hookspec
def starhaul_event(event: Event) -> None:
    """Observe one event of a run. Must be quick; an exception here is logged, never fatal."""
