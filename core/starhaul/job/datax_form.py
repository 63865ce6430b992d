"""The form of job documents that DataX 3 reads, as models, and what its settings mean here.

DataX ignores keys that it does not know. Here they are kept, so that the user is warned of them.
"""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from starhaul.job.datax_framework import DataxChannelSpeed, DataxCore, DataxShared, Lenient, zone_of
from starhaul.job.settings import Conversion, ConversionSetting, ErrorLimit, Exchanger, Rejects, Retry, Settings, Speed


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
    """Tasks that run at the same time, unless `byte` or `record` tells it by `core.transport.channel.speed`."""
    byte: int | None = None
    """Bytes per second."""
    record: int | None = None
    """Rows per second."""

    def channels(self, each: DataxChannelSpeed) -> int:
        """As many channels as the job's speed asks for, if it is known how fast `each` may be."""
        pairs = ((self.byte, each.byte), (self.record, each.record))
        needed = [max(1, job // one) for job, one in pairs if job and one and job > 0 and one > 0]
        return min(*needed, 1024) if needed else self.channel

    def limits(self, each: DataxChannelSpeed) -> Speed:
        """The job's speed; if it tells none, that of all its channels."""
        channels = self.channels(each)

        def limit(job: int | None, one: int | None) -> int | None:
            if job is not None and job > 0:
                return job
            return one * channels if one is not None and one > 0 else None

        return Speed(byte=limit(self.byte, each.byte), record=limit(self.record, each.record))


class DataxErrorLimit(Lenient):
    """How many rows may be rejected. Left out: any number. If both limits are given, each of them holds."""

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
    dry_run: bool = False
    """Check the job and connect to its stores, move nothing."""
    key_version: str | None = None
    """Which of the keys in `.secret.properties` decrypts the parameters whose names begin with `*`."""
    retry: Retry | None = None
    """As in the native `settings`."""
    conversion: ConversionSetting | None = None
    """As in the native `settings`."""
    exchanger: Exchanger | None = None
    """As in the native `settings`."""
    rejects: Rejects = Rejects()
    """As in the native `settings`."""
    verify: Literal["none", "count"] = "none"
    """As in the native `settings`."""
    when_running: Literal["refuse", "wait", "allow"] = "refuse"
    """As in the native `settings`."""


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
    core: DataxCore = DataxCore()
    """DataX's framework."""
    common: DataxShared = DataxShared()
    """What plugins have in common."""

    def settings(self) -> Settings:
        """The same in the terms of the native form."""
        setting, channel = self.job.setting, self.core.transport.channel
        limit = setting.error_limit
        told: dict[str, Any] = {}
        interval = self.core.container.job.report_interval
        if interval is not None:
            told["progress_interval"] = interval / 1000
        dirty = self.core.statistics.collector.plugin.max_dirty_number
        if dirty is not None:
            told["rejects_logged"] = -1 if dirty < 0 else max(0, dirty - 1)
        return Settings(
            channel=setting.speed.channels(channel.speed),
            speed=setting.speed.limits(channel.speed),
            error_limit=ErrorLimit(record=limit.record, percentage=limit.percentage),
            retry=setting.retry or self._retry(),
            conversion=self._conversion(),
            exchanger=setting.exchanger or self._exchanger(),
            rejects=setting.rejects,
            verify=setting.verify,
            when_running=setting.when_running,
            **told,
        )

    def _retry(self) -> Retry:
        fail_over = self.core.container.task.fail_over
        told: dict[str, Any] = {}
        if fail_over.max_retry_times is not None:
            told["attempts"] = fail_over.max_retry_times
        if fail_over.retry_interval_in_msec is not None:
            told["pause"] = told["max_pause"] = fail_over.retry_interval_in_msec / 1000
        return Retry(**told)

    def _exchanger(self) -> Exchanger:
        channel = self.core.transport.channel
        told = {"rows": channel.capacity, "bytes": channel.byte_capacity}
        return Exchanger(**{key: value for key, value in told.items() if value is not None})

    def _conversion(self) -> Conversion:
        """The job's own settings, and under them those of `common.column`."""
        column = self.common.column
        told = column.model_dump(exclude_none=True, exclude=set(column.model_extra or ()))
        if column.time_zone is not None:
            told["time_zone"] = zone_of(column.time_zone)
        own = self.job.setting.conversion
        return Conversion(**told | ({} if own is None else own.model_dump(exclude_unset=True)))
