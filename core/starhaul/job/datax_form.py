"""The form of job documents that DataX 3 reads, as models, and what its settings mean here.

DataX ignores keys that it does not know. Here they are kept, so that the user is warned of them.
"""

from __future__ import annotations

from typing import Any, Literal

from pydantic import ConfigDict, Field

from starhaul.api.params import Params
from starhaul.job.settings import Conversion, ErrorLimit, Exchanger, Retry, Settings, Speed


class Lenient(Params):
    """Keeps unknown keys in `model_extra`."""

    model_config = ConfigDict(extra="allow")


class DataxEntry(Lenient):
    """One plugin as a job uses it."""

    name: str = Field(min_length=1)
    """The plugin's name or an alias, in any case."""
    parameter: dict[str, Any] = Field(default={})
    """The plugin's parameters."""


class DataxStream(Lenient):
    """One element of `job.content`: one stream."""

    reader: DataxEntry
    """Where rows come from."""
    writer: DataxEntry
    """Where rows go to."""
    transformer: list[DataxEntry] | None = None
    """What happens to the rows in between, in this order."""


class DataxSpeed(Lenient):
    """Speed of the whole job. `byte` and `record` of zero or less mean no limit."""

    channel: int = Field(1, ge=1, le=1024)
    """Tasks that run at the same time."""
    byte: int | None = None
    """Bytes per second."""
    record: int | None = None
    """Rows per second."""


class DataxErrorLimit(Lenient):
    """How many rows may be rejected. Left out: any number. `percentage` counts only without `record`."""

    record: int | None = Field(None, ge=0)
    """Rejected rows that are still tolerated."""
    percentage: float | None = Field(None, ge=0, le=1)
    """Rejected rows as a part of all rows read, between 0 and 1."""


class DataxSetting(Lenient):
    """How the job runs. DataX's keys, and of the native `settings` those that DataX lacks."""

    speed: DataxSpeed = DataxSpeed()
    """How fast the job may run."""
    error_limit: DataxErrorLimit = DataxErrorLimit()
    """How many rows may be rejected before the run fails."""
    dry_run: Literal[False] = False
    """What `true` did in DataX is done by `starhaul check`."""
    retry: Retry = Retry()
    """As in the native `settings`."""
    conversion: Conversion = Conversion()
    """As in the native `settings`."""
    exchanger: Exchanger = Exchanger()
    """As in the native `settings`."""

    def settings(self) -> Settings:
        """The same in the terms of the native form."""
        limit = self.error_limit
        return Settings(
            channel=self.speed.channel,
            speed=Speed(byte=_positive(self.speed.byte), record=_positive(self.speed.record)),
            error_limit=ErrorLimit(record=limit.record, percentage=limit.percentage if limit.record is None else None),
            retry=self.retry,
            conversion=self.conversion,
            exchanger=self.exchanger,
        )


class DataxJob(Lenient):
    """The job itself."""

    content: list[DataxStream] = Field(min_length=1)
    """The streams. (DataX runs the first one only.)"""
    setting: DataxSetting = DataxSetting()
    """How the job runs."""


class DataxDocument(Lenient):
    """A job document as DataX reads it."""

    job: DataxJob
    """The job."""


def _positive(limit: int | None) -> int | None:
    return limit if limit is not None and limit > 0 else None
