"""Every hook a plugin can implement. Data never passes through a hook."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

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
def starhaul_reader_urls() -> Mapping[str, str]:  # type: ignore[empty-body]
    """Kind of URL → name of the reader whose `from_url` understands it. A kind is a scheme (`ftp`) or, with its dot,
    the end of a file's name (`.log.gz`; the longest one that fits counts)."""


@hookspec
def starhaul_writer_urls() -> Mapping[str, str]:  # type: ignore[empty-body]
    """The same for writers."""


@hookspec
def starhaul_event(event: Event) -> None:
    """Observe one event of a run. Must be quick; an exception here is logged, never fatal."""


@hookspec(firstresult=True)
def starhaul_advice(kind: str, name: str, parameters: Mapping[str, Any], known: Collection[str]) -> str | None:
    """What to do about a `reader`, `writer` or `transformer` (`kind`) that a job names and nobody provides, though
    users may know it from elsewhere; None if nothing is known of it. Shown as a hint.

    `parameters` are those that the job gives it, as far as they are known; never to be shown. `known` are the names of
    that kind which can be used.
    """
