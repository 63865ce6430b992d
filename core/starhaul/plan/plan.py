"""A plan: what a run is going to do, as plain data that can be printed, stored and compared."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from typing import Any

import pyarrow as pa

from starhaul.api.address import Creation
from starhaul.api.capability import Capability
from starhaul.api.encoding import SPELLED
from starhaul.api.formats import Formats
from starhaul.api.reader import Reader
from starhaul.api.task import Split
from starhaul.api.transformer import Transformer
from starhaul.api.writer import Writer
from starhaul.convert.conversion import ColumnConversion, Conversion, plan_conversion
from starhaul.job.job import Job, StreamSpec

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class StreamPlan:
    """One reader, its transformers and one writer, with everything the engine must know to run them."""

    index: int
    spec: StreamSpec
    reader: Reader[Any]
    transformers: tuple[Transformer[Any], ...]
    writer: Writer[Any]
    source: pa.Schema
    """What the reader yields."""
    transformed: pa.Schema
    """What comes out of the transformers."""
    conversion: Conversion | None
    """From `transformed` to what the writer accepts; None until the target exists (see `Writer.accept`)."""
    splits: tuple[Split, ...]
    offered: tuple[str, ...] | None = None
    """The reader's encodings; None while it was not asked."""
    encoding: str | None = None
    """How rows pass from reader to writer, if both agree on something other than Arrow."""
    held: ExitStack = field(default_factory=ExitStack, compare=False, repr=False)
    """What keeps the source still (see `Reader.hold`)."""

    @property
    def name(self) -> str:
        """The stream's name in the job."""
        return self.spec.name

    @property
    def target(self) -> pa.Schema:
        """The schema the writer is checked and prepared with."""
        return self.transformed if self.conversion is None else self.conversion.target

    @property
    def fingerprint(self) -> str:
        """The source's columns as a text, kept with the run to notice a source that changes before a resume."""
        return ", ".join(f"{field.name}: {field.type}" for field in self.source)

    @property
    def secrets(self) -> frozenset[str]:
        """The secret values among the parameters of its plugins."""
        return secrets_of((self.reader, *self.transformers, self.writer))

    @property
    def promises(self) -> frozenset[Capability]:
        """What the writer promises with these parameters."""
        return self.writer.promises()

    def with_conversion(self, accepted: pa.Schema | None, job: Job) -> StreamPlan:
        """The plan with the conversion to what the writer accepted, or without one if it cannot tell yet.

        Raises `ConfigError` naming every column that cannot be converted.
        """
        if accepted is None:
            return replace(self, conversion=None, encoding=None)
        conversion = plan_conversion(
            self.transformed,
            accepted,
            by=self.spec.columns,
            lossy=job.settings.conversion.lossy or job.settings.conversion.rules == "datax",
            formats=formats_of(job),
        )
        passes_as_it_is = conversion.identity or conversion.spells
        if self.transformers or not passes_as_it_is:
            return replace(self, conversion=conversion, encoding=None)
        offered = self.offered if self.offered is not None else tuple(self.reader.encodings())
        encoding = self._agreed_encoding(conversion, offered)
        return replace(self, conversion=conversion, offered=offered, encoding=encoding)

    def _agreed_encoding(self, conversion: Conversion, offered: Sequence[str]) -> str | None:
        """The reader's best encoding that the writer takes."""

        def needs_no_values(name: str) -> bool:
            return conversion.spells if name.startswith(SPELLED) else conversion.identity

        fitting = list(filter(needs_no_values, offered))
        taken = self.writer.encodings(self.source) if fitting else ()
        return next((name for name in fitting if name in taken), None)

    def release(self) -> None:
        """The last row of the source was read, or none will be any more: let go of what was held. Safe to repeat."""
        try:
            self.held.close()
        except Exception as error:  # a contract broken where nothing can be lost by it
            _log.warning("%s: the source could not be let go of: %s", self.name, type(error).__name__)

    def as_dict(self) -> dict[str, Any]:
        """JSON data for `starhaul plan` and for tests; holds no parameters, hence no secrets."""
        return {
            "name": self.name,
            "reader": self.reader.name,
            "writer": self.writer.name,
            "transformers": [transformer.name for transformer in self.transformers],
            "promises": sorted(self.promises),
            "guarantee": guarantee(self.promises),
            "creation": _creation(self.writer.creation(self.target)),
            "facts": [*self.reader.describe(), *self.writer.describe()],
            "encoding": self.encoding,
            "columns": None if self.conversion is None else [_column(each) for each in self.conversion.columns],
            "splits": [{"id": split.id, "rows": split.rows, "bytes": split.bytes} for split in self.splits],
        }


@dataclass(frozen=True)
class Plan:
    """All streams of a job, ready to run. A context: leaving it lets go of every source that is held, and closes the
    connections that are left."""

    job: Job
    streams: tuple[StreamPlan, ...]
    held: ExitStack = field(default_factory=ExitStack, compare=False, repr=False)

    def __enter__(self) -> Plan:
        return self

    def __exit__(self, *error: object) -> None:
        self.held.close()

    def as_dict(self) -> dict[str, Any]:
        """JSON data: the job's name and each stream."""
        return {
            "job": self.job.name,
            "channels": self.job.settings.channel,
            "streams": [stream.as_dict() for stream in self.streams],
        }


def formats_of(job: Job) -> Formats:
    """The job's conversion settings as the converter wants them."""
    conversion = job.settings.conversion
    return Formats(
        datetime=conversion.datetime_format,
        date=conversion.date_format,
        time=conversion.time_format,
        time_zone=conversion.time_zone,
        encoding=conversion.encoding,
        datax=conversion.rules == "datax",
        extra=tuple(conversion.extra_formats),
    )


def secrets_of(plugins: Iterable[Any]) -> frozenset[str]:
    """The secret values among the parameters of some plugins."""
    return frozenset().union(*(plugin.params.secrets() for plugin in plugins))


def guarantee(promises: frozenset[Capability]) -> str:
    """What a user can rely on when a run fails or is killed, in one sentence."""
    if Capability.ATOMIC in promises:
        return (
            "All or nothing: no row is visible before all are there; a killed run resumes without loss or duplicates."
        )
    if Capability.EXACTLY_ONCE in promises:
        return "Exactly once per task: finished tasks stay, a killed run resumes without loss or duplicates."
    if Capability.IDEMPOTENT in promises:
        return "At least once, with the same result: tasks may be written again, which changes nothing."
    return "None: a failed run may leave rows behind and cannot be resumed."


def _creation(creation: Creation | None) -> dict[str, list[str]] | None:
    return None if creation is None else {"statements": [*creation.statements], "left_out": [*creation.left_out]}


def _column(column: ColumnConversion) -> dict[str, str]:
    return {
        "source": column.source_name,
        "source_type": str(column.source_type),
        "target": column.target_name,
        "target_type": str(column.target_type),
        "fit": str(column.fit),
        "note": column.note,
    }
