"""From a job to a plan: plugins are made, asked for their schemas, checked, and the source is cut into splits."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack, closing
from dataclasses import replace
from functools import partial
from typing import Any

from starhaul.api.capability import Capability
from starhaul.api.errors import ConfigError, PluginError, Problem, StarhaulError
from starhaul.api.formats import Formats
from starhaul.api.lending import lending
from starhaul.api.reader import Reader
from starhaul.api.task import Split
from starhaul.api.transformer import Transformer
from starhaul.api.writer import Writer
from starhaul.job.job import Job, StreamSpec
from starhaul.job.load import instantiate
from starhaul.plan.plan import Plan, StreamPlan, formats_of, secrets_of
from starhaul.plan.side_by_side import results_of
from starhaul.redactor import Redactor
from starhaul.registry import Registry
from starhaul.unexpected import unexpected

_STREAMS_FOR_A_CHANNEL = 4
"""With so many streams for each channel, none has to be cut for all channels to be busy to the end."""


def make_plan(
    job: Job,
    registry: Registry,
    *,
    splits: Mapping[int, Sequence[Split]] | None = None,
    proceed: Callable[[], None] = lambda: None,
) -> Plan:
    """Plan every stream of a job, as many at a time as it has channels. Connects to the stores, changes nothing. The
    plan is a context to be left: it holds sources still, and keeps connections for the calls to come.

    `splits` (stream index → its stored splits) is for a run that is resumed: the source is not cut again, and
    the target, which holds some rows by now, is not checked again. `proceed` is called before each stream, from
    several threads, and may raise `Cancelled`: thousands of streams take minutes. Raises `ConfigError` with the
    problems of all streams together, `PluginError`, or whatever a store raises.
    """
    problems: list[Problem] = []
    streams: list[StreamPlan] = []
    with ExitStack() as held:
        held.enter_context(lending())

        def planned(index: int) -> StreamPlan:
            proceed()
            stored = None if splits is None else splits[index]
            stream = _plan_stream(index, job.streams[index], job, registry, stored)
            held.callback(stream.release)
            return stream

        with closing(results_of(planned, len(job.streams), job.settings.channel)) as results:
            for spec, result in zip(job.streams, results, strict=True):
                try:
                    streams.append(result())
                except ConfigError as error:
                    problems += (_placed(problem, spec, len(job.streams)) for problem in error.problems)
        if problems:
            raise ConfigError.of(problems)
        return Plan(job, tuple(streams), held.pop_all())


def _plan_stream(
    index: int, spec: StreamSpec, job: Job, registry: Registry, stored: Sequence[Split] | None
) -> StreamPlan:
    reader, transformers, writer = plugins_of(spec, registry, formats_of(job))
    asked = _Asked(Redactor(secrets_of((reader, *transformers, writer))))
    asked(spec.reader.path, reader.check)
    source = transformed = asked(spec.reader.path, reader.schema)
    for use, transformer in zip(spec.transformers, transformers, strict=True):
        transformed = asked(use.path, transformer.accept, transformed)
    stream = StreamPlan(
        index=index,
        spec=spec,
        reader=reader,
        transformers=transformers,
        writer=writer,
        source=source,
        transformed=transformed,
        conversion=None,
        splits=(),
    )
    stream = stream.with_conversion(asked(spec.writer.path, writer.accept, transformed), job)
    if stored is None:
        asked(spec.writer.path, writer.check, stream.target)
    cut = partial(_cut, asked, spec, _slices_wanted(job.settings.channel, len(job.streams)))
    splits = cut(reader) if stored is None else stored
    if len(splits) <= 1 or type(reader).hold is Reader.hold:
        return replace(stream, splits=tuple(splits))
    with ExitStack() as holding:
        held = asked(spec.reader.path, lambda: holding.enter_context(reader.hold(job.settings.channel)))
        splits = cut(held) if stored is None else stored
        return replace(stream, reader=held, splits=tuple(splits), held=holding.pop_all())


def _slices_wanted(channels: int, streams: int) -> int:
    """`target` for `Reader.split`: where many streams keep the channels busy, cutting each of them is but work."""
    return max(1, min(channels, -(-channels * _STREAMS_FOR_A_CHANNEL // streams)))


def _cut(asked: _Asked, spec: StreamSpec, target: int, reader: Reader[Any]) -> Sequence[Split]:
    splits: Sequence[Split] = asked(spec.reader.path, reader.split, target)
    _judge_splits(reader.name, reader.capabilities, splits)
    return splits


def plugins_of(
    spec: StreamSpec, registry: Registry, formats: Formats
) -> tuple[Reader[Any], tuple[Transformer[Any], ...], Writer[Any]]:
    """The plugins of a stream, made from their parameters and the job's formats. Connects to nothing."""
    transformers = tuple(instantiate(registry, "transformer", use) for use in spec.transformers)
    for transformer in transformers:
        transformer.formats = formats
    return instantiate(registry, "reader", spec.reader), transformers, instantiate(registry, "writer", spec.writer)


def _judge_splits(name: str, capabilities: frozenset[Capability], splits: Sequence[Split]) -> None:
    """The two mistakes in splitting that would lose or double rows in silence."""
    if len({split.id for split in splits}) != len(splits):
        raise PluginError(f"reader {name}", "broke its contract: two splits have the same id")
    if len(splits) > 1 and Capability.SPLIT not in capabilities:
        raise PluginError(f"reader {name}", "broke its contract: several splits without the promise SPLIT")


class _Asked:
    """Calls plugins while a stream is planned, and tells their errors with the place of the plugin in the document
    and without secrets."""

    def __init__(self, redact: Redactor) -> None:
        self._redact = redact

    def __call__(self, path: str, call: Callable[..., Any], *arguments: Any) -> Any:
        try:
            return call(*arguments)
        except ConfigError as error:
            problems = [
                Problem(".".join(part for part in (path, problem.path) if part), problem.problem, problem.hint)
                for problem in error.problems
            ]
            raise self._redact.error(ConfigError.of(problems)) from error
        except StarhaulError as error:
            self._redact.error(error)
            raise
        except Exception as error:  # the contract: any other exception counts as permanent
            raise self._redact.error(unexpected(path, error)) from error


def _placed(problem: Problem, spec: StreamSpec, streams: int) -> Problem:
    if streams == 1 or problem.path.startswith(("streams", "job")):
        return problem
    return Problem(f"{spec.name}: {problem.path}", problem.problem, problem.hint, problem.file, problem.line)
