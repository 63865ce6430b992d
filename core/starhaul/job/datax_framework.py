"""The blocks `core`, `common` and `entry` of a DataX job, with which it overrides DataX's own configuration.

The keys that mean something here are fields of these models. Those that mean nothing, because what they tune is not
there, are in `NO_MEANING` with the reason; any other key is one that DataX does not know either.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType

from pydantic import ConfigDict, Field

from starhaul.api.params import Params

_JAVA_OFFSET = re.compile(r"(?:GMT|UTC)([+-])([0-9]{1,2})(?::?([0-9]{2}))?", re.IGNORECASE)

NO_MEANING: Mapping[str, str] = MappingProxyType(
    {
        "entry": "no JVM is started",
        "job.entry": "no JVM is started",
        "job.jobInfo": "there are no hooks that it could be handed to",
        "job.setting.restore": "a run that did not end is taken up by `starhaul resume`",
        "job.setting.log": "--log-level says what is logged",
        "core.dataXServer": "the job has been read by now, and nothing is reported to a server",
        "core.transport.channel.class": "there is one kind of channel",
        "core.transport.channel.flowControlInterval": "speed is limited for each batch of rows",
        "core.transport.exchanger": "rows travel in batches of columns",
        "core.transport.record": "rows travel in batches of columns",
        "core.container.model": "the whole job runs in one process",
        "core.container.taskGroup": "there are no task groups: channels take the next task as they become free",
        "core.container.trace": "the report tells where time went",
        "core.container.job.sleepInterval": "the end of a job is noticed at once",
        "core.container.job.id": "each run has an id of its own",
        "core.container.job.mode": "the whole job runs in one process",
        "core.container.task.failOver.maxWaitInMsec": "an attempt is over before the next one begins",
        "core.statistics.collector.plugin.taskClass": "rejected rows go to the reject file",
        "common.column.locale": "messages are in English",
    }
)
"""Dotted key, everything under it included → why it has no effect."""


class Lenient(Params):
    """Keeps unknown keys in `model_extra`, so that the user is warned of them. (DataX ignores them.)"""

    model_config = ConfigDict(extra="allow")


class DataxChannelSpeed(Lenient):
    """The speed of one channel. Zero or less means no limit."""

    byte: int | None = None
    """Bytes per second. `job.setting.speed.byte` divided by this is the number of channels."""
    record: int | None = None
    """Rows per second. `job.setting.speed.record` divided by this is the number of channels."""


class DataxChannel(Lenient):
    """What lies between a reader and a writer."""

    speed: DataxChannelSpeed = DataxChannelSpeed()
    """How fast one channel may be."""
    capacity: int | None = Field(None, ge=1)
    """Rows that a channel holds, at most."""
    byte_capacity: int | None = Field(None, ge=1)
    """Bytes that a channel holds, at most."""


class DataxTransport(Lenient):
    """How rows travel."""

    channel: DataxChannel = DataxChannel()
    """What lies between a reader and a writer."""


class DataxFailOver(Lenient):
    """What happens to a task that failed."""

    max_retry_times: int | None = Field(None, ge=1)
    """Attempts at a task, the first one included."""
    retry_interval_in_msec: int | None = Field(None, ge=0, le=86_400_000)
    """Milliseconds between two attempts."""


class DataxTask(Lenient):
    """How a task runs."""

    fail_over: DataxFailOver = DataxFailOver()
    """What happens to a task that failed."""


class DataxContainerJob(Lenient):
    """How the job is watched."""

    report_interval: int | None = Field(None, ge=100, le=86_400_000)
    """Milliseconds between two progress lines."""


class DataxContainer(Lenient):
    """How the job and its tasks run."""

    job: DataxContainerJob = DataxContainerJob()
    """How the job is watched."""
    task: DataxTask = DataxTask()
    """How a task runs."""


class DataxCollectorPlugin(Lenient):
    """What is logged of rejected rows."""

    max_dirty_number: int | None = None
    """Rejected rows of each side of a task that are logged (one less, as in DataX); negative: all."""


class DataxCollector(Lenient):
    """Where rejected rows go."""

    plugin: DataxCollectorPlugin = DataxCollectorPlugin()
    """What is logged of rejected rows."""


class DataxStatistics(Lenient):
    """What is told of a run."""

    collector: DataxCollector = DataxCollector()
    """Where rejected rows go."""


class DataxCore(Lenient):
    """DataX's framework."""

    transport: DataxTransport = DataxTransport()
    """How rows travel."""
    container: DataxContainer = DataxContainer()
    """How the job and its tasks run."""
    statistics: DataxStatistics = DataxStatistics()
    """What is told of a run."""


class DataxColumn(Lenient):
    """How values appear as text. As in the native `settings.conversion`."""

    datetime_format: str | None = Field(None, min_length=1)
    """Pattern of date and time as text."""
    date_format: str | None = Field(None, min_length=1)
    """Pattern of a date as text."""
    time_format: str | None = Field(None, min_length=1)
    """Pattern of a time of day as text."""
    extra_formats: list[str] | None = None
    """Patterns that texts may follow, too. Only for `conversion: datax`."""
    time_zone: str | None = Field(None, min_length=1)
    """The zone of times without one, as Java names it: `GMT+8`, `Asia/Shanghai`."""
    encoding: str | None = Field(None, min_length=1)
    """Encoding of bytes that become text, or the other way round."""


class DataxShared(Lenient):
    """What plugins have in common."""

    column: DataxColumn = DataxColumn()
    """How values appear as text."""


def zone_of(java: str | None) -> str | None:
    """The name that this program has for one of Java's time zones: `GMT+8` is `+08:00`."""
    match = _JAVA_OFFSET.fullmatch(java or "")
    return f"{match[1]}{int(match[2]):02d}:{match[3] or '00'}" if match else java


def why_no_meaning(path: str) -> str | None:
    """The reason why a dotted key has no effect, if it is one that DataX knows."""
    while path:
        if path in NO_MEANING:
            return NO_MEANING[path]
        path = path.rpartition(".")[0]
    return None
