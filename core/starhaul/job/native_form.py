"""The native form of a job document, as models. Plugins' parameters are checked by the plugins' own models.

    name: orders                     # or several streams:
    reader: {name: csv, path: …}     #   streams:
    writer: {name: sqlite, …}        #   - {name: a, reader: …, writer: …, transformers: …, columns: …}
    transformers: [{name: …}]        #   - …
    settings: {channel: 2}

Before it comes to these models each use of a plugin is written `{name, parameter}`; see `starhaul.job.uses`.
"""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from starhaul.api.params import Params
from starhaul.job.settings import Settings


class Entry(Params):
    """One plugin as a job uses it."""

    name: str = Field(min_length=1)
    """The plugin's name or an alias, in any case."""
    parameter: dict[str, Any] = Field(default={})
    """The plugin's parameters. In the native form they may as well stand beside `name`."""


class Stream(Params):
    """One reader, its transformers and one writer."""

    name: str | None = Field(None, min_length=1)
    """How the stream is called in reports. Left out: `stream1`, `stream2` and so on."""
    reader: Entry
    """Where rows come from."""
    writer: Entry
    """Where rows go to."""
    transformers: list[Entry] = Field(default=[])
    """What happens to the rows in between, in this order."""
    columns: Literal["position", "name"] = "position"
    """Which source column goes to which target column: the one at the same position, or the one of the same name."""


class Head(Params):
    """What a native document says about the whole job."""

    schema_: str | None = Field(None, alias="$schema")
    """Where editors find the JSON Schema of job documents."""
    settings: Settings = Settings()
    """How the job runs."""


class OneStream(Head, Stream):
    """A job of one stream."""

    name: str | None = Field(None, min_length=1)
    """The job's name in reports. Left out: the file's name without its suffix."""


class ManyStreams(Head):
    """A job of several streams. They share its channels."""

    name: str | None = Field(None, min_length=1)
    """The job's name in reports. Left out: the file's name without its suffix."""
    streams: list[Stream] = Field(min_length=1)
    """The streams."""
