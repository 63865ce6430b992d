"""The plan of a replay: the rejected rows of a run as sources, the targets of its job set to append."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow as pa

from starhaul.api.errors import ConfigError, Problem
from starhaul.api.params import Params
from starhaul.api.reader import Reader
from starhaul.api.task import Split, Task
from starhaul.job.job import Job
from starhaul.plan.build import plugins_of
from starhaul.plan.plan import Plan, StreamPlan, formats_of
from starhaul.registry import Registry
from starhaul.runs.rejects import decode, read_rejects

ROWS_PER_BATCH = 1000


class RejectReaderParams(Params):
    path: str
    """The reject file."""
    stream: str
    """Name of the stream whose rows are read."""
    stage: str
    """Stage at which they were rejected."""
    columns: str
    """Their schema as text: rows of one stage can have different ones."""


class RejectReader(Reader[RejectReaderParams]):
    """Reads the rows of one stream and one stage back from a reject file. Internal: no job names it."""

    name = "rejectreader"
    params_type = RejectReaderParams

    def schema(self) -> pa.Schema:
        return next(self._rows()).schema

    def read(self, split: Split, task: Task) -> Iterator[pa.RecordBatch]:
        waiting: list[pa.RecordBatch] = []
        for row in self._rows():
            waiting.append(row)
            if len(waiting) == ROWS_PER_BATCH:
                yield _joined(waiting)
                waiting = []
        if waiting:
            yield _joined(waiting)

    def _rows(self) -> Iterator[pa.RecordBatch]:
        wanted = (self.params.stream, self.params.stage)
        for line in read_rejects(Path(self.params.path)):
            if _can_be_sent(line) and (line["stream"], line["stage"]) == wanted:
                row = decode(line["arrow"])
                if _columns(row.schema) == self.params.columns:
                    yield row


def make_replay_plan(job: Job, registry: Registry, rejects: Path) -> Plan:
    """Plan to send the rows of a reject file through the rest of their way again.

    Rows that cannot be sent stay behind with a warning: they were rejected before they were rows (a line that could
    not be parsed), hold a secret, or held what is no text, which the reject file has not. Raises `ConfigError` if none
    can, if the job has no stream of that name any more, or if a target cannot be added to.
    """
    specs = {spec.name: spec for spec in job.streams}
    groups: dict[tuple[str, str, str], int] = {}
    left = 0
    for line in read_rejects(rejects):
        if _can_be_sent(line):
            key = (line["stream"], line["stage"], _columns(decode(line["arrow"]).schema))
            groups[key] = groups.get(key, 0) + 1
        else:
            left += 1
    streams: list[StreamPlan] = []
    for (name, stage, columns), rows in groups.items():
        if name not in specs:
            raise ConfigError(name, "rows of this stream were rejected, but the job has no such stream", "restore it")
        reader, transformers, writer = plugins_of(specs[name], registry, formats_of(job))
        if stage == "read" and columns != _columns(reader.schema()):
            left += rows
            continue
        appending = writer.appending()
        if appending is None:
            raise ConfigError(name, f"{writer.name} cannot add rows to what its target holds", "run the job anew")
        source = RejectReader(RejectReaderParams(path=str(rejects), stream=name, stage=stage, columns=columns))
        rest = transformers[_first_transformer(stage, len(transformers)) :]
        transformed = schema = source.schema()
        for transformer in rest:
            transformed = transformer.accept(transformed)
        stream = StreamPlan(
            len(streams),
            specs[name],
            source,
            rest,
            appending,
            schema,
            transformed,
            None,
            (Split("rejects", rows=rows),),
        )
        streams.append(stream.with_conversion(appending.accept(transformed), job))
    if not streams:
        raise ConfigError(str(rejects), f"none of its {left} rows can be sent again", "mend them at their source")
    if left:
        warning = Problem(str(rejects), f"{left} rows cannot be sent again", "mend them at their source")
        job = replace(job, warnings=(*job.warnings, warning))
    return Plan(job, tuple(streams))


def _can_be_sent(line: Mapping[str, Any]) -> bool:
    """Whether a line of the reject file holds the row as it was: readers show bytes that are no text as U+FFFD."""
    shown = line.get("row", {}).values()
    return "arrow" in line and not (line["stage"] == "read" and any("\ufffd" in (text or "") for text in shown))


def _first_transformer(stage: str, transformers: int) -> int:
    """Which transformer a row of this stage still has before it, as `engine.attempt` names the stages."""
    if stage == "read":
        return 0
    kind, _, index = stage.partition(":")
    return int(index) if kind == "transform" else transformers


def _columns(schema: pa.Schema) -> str:
    return ", ".join(f"{field.name}: {field.type}" for field in schema)


def _joined(rows: Sequence[pa.RecordBatch]) -> pa.RecordBatch:
    return pa.Table.from_batches(rows).combine_chunks().to_batches()[0]
