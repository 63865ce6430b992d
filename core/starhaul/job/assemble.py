"""From the checked model of either form to streams and settings."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import groupby
from pathlib import Path
from typing import Literal

from starhaul.api.errors import ConfigError, Problem
from starhaul.api.params import Params
from starhaul.job.document import At, dotted
from starhaul.job.job import PluginUse, StreamSpec
from starhaul.job.settings import Settings
from starhaul.job.uses import Draft, Use
from starhaul.registry import KINDS, Kind, Registry


@dataclass(frozen=True, slots=True)
class Assembled:
    """The parts of a job that its document tells."""

    name: str
    streams: tuple[StreamSpec, ...]
    settings: Settings
    warnings: tuple[Problem, ...] = ()
    dry_run: bool = False

    def converting_by(self, rules: Literal["exact", "datax"]) -> Assembled:
        """The same with other rules of conversion."""
        conversion = self.settings.conversion.model_copy(update={"rules": rules})
        return replace(self, settings=self.settings.model_copy(update={"conversion": conversion}))

    def as_datax(self, registry: Registry) -> Assembled:
        """The same where parameters that are left out mean what they mean in DataX, if its rules of conversion hold."""
        if self.settings.conversion.rules != "datax":
            return self

        def meant(kind: Kind, use: PluginUse) -> PluginUse:
            return replace(use, parameters=registry.plugin(kind, use.name).params_type.as_datax(use.parameters))

        streams = (
            replace(
                stream,
                reader=meant("reader", stream.reader),
                writer=meant("writer", stream.writer),
                transformers=tuple(meant("transformer", use) for use in stream.transformers),
            )
            for stream in self.streams
        )
        return replace(self, streams=tuple(streams))


def form_of(draft: Draft) -> type[Params]:
    """The model that a document has to pass, going by the keys at its top."""
    if draft.datax:
        from starhaul.job.datax_form import DataxDocument

        return DataxDocument
    from starhaul.job.native_form import ManyStreams, OneStream

    return ManyStreams if "streams" in draft.value else OneStream


def assemble(draft: Draft, parsed: Params) -> Assembled:
    """Streams and settings of a document that is valid. Raises `ConfigError` if two streams have the same name."""
    name = "job" if draft.document.source == "<dict>" else Path(draft.document.source).stem
    if draft.datax:
        return _from_datax(draft, parsed, name)
    from starhaul.job.native_form import ManyStreams, OneStream

    assert isinstance(parsed, OneStream | ManyStreams)  # noqa: S101 - what `form_of` chose
    name = parsed.name or name
    uses = _uses_by_stream(draft)
    if isinstance(parsed, OneStream):
        streams = [_stream(name, uses[0], parsed.columns)]
    else:
        streams = [
            _stream(each.name or f"stream{number}", of_stream, each.columns)
            for number, (each, of_stream) in enumerate(zip(parsed.streams, uses, strict=True), 1)
        ]
        _check_names(draft, streams)
    return Assembled(name, tuple(streams), parsed.settings)


def _from_datax(draft: Draft, parsed: Params, name: str) -> Assembled:
    from starhaul.job.datax_form import DataxDocument

    assert isinstance(parsed, DataxDocument)  # noqa: S101 - what `form_of` chose
    uses = _uses_by_stream(draft)
    named = [name] if len(uses) == 1 else [f"stream{number}" for number in range(1, len(uses) + 1)]
    streams = tuple(_stream(each, of_stream) for each, of_stream in zip(named, uses, strict=True))
    warnings = list(_without_effect(draft, parsed, ()))
    if len(parsed.job.content) > 1:
        problem = f"DataX runs the first of these {len(parsed.job.content)} elements only; here all of them run"
        warnings.append(draft.document.problem(("job", "content"), problem))
    return Assembled(name, streams, parsed.settings(), tuple(warnings), dry_run=parsed.job.setting.dry_run)


def _uses_by_stream(draft: Draft) -> list[list[Use]]:
    return [list(uses) for _, uses in groupby(draft.uses, key=lambda use: use.stream)]


def _stream(name: str, uses: list[Use], columns: Literal["position", "name"] = "position") -> StreamSpec:
    of_kind: dict[Kind, list[PluginUse]] = {kind: [] for kind in KINDS}
    for use in uses:
        of_kind[use.kind].append(PluginUse(use.name or "", use.parameters or {}, dotted(use.at)))
    return StreamSpec(
        name=name,
        reader=of_kind["reader"][0],
        writer=of_kind["writer"][0],
        transformers=tuple(of_kind["transformer"]),
        columns=columns,
    )


def _check_names(draft: Draft, streams: list[StreamSpec]) -> None:
    seen: dict[str, int] = {}
    for index, stream in enumerate(streams):
        first = seen.setdefault(stream.name, index)
        if first != index:
            problem = f"the name '{stream.name}' belongs to streams[{first}] already"
            raise ConfigError.of(
                [draft.document.problem(("streams", index, "name"), problem, "give each stream its own name")]
            )


def _without_effect(draft: Draft, model: Params, at: At) -> Iterator[Problem]:
    """A warning for each key that DataX or its users know and nothing here looks at."""
    for key in model.model_extra or ():
        from starhaul.job.datax_framework import why_no_meaning
        from starhaul.job.spelling import did_you_mean

        reason = why_no_meaning(dotted((*at, key)))
        if reason is not None:
            yield draft.document.problem((*at, key), f"'{key}' has no meaning here: {reason}")
            continue
        known = [field.alias or name for name, field in type(model).model_fields.items()]
        yield draft.document.problem((*at, key), f"'{key}' has no effect", did_you_mean(key, known, listed=False))
    for name, field in type(model).model_fields.items():
        value = getattr(model, name)
        for step, child in enumerate(value) if isinstance(value, list) else ():
            if isinstance(child, Params):
                yield from _without_effect(draft, child, (*at, field.alias or name, step))
        if isinstance(value, Params):
            yield from _without_effect(draft, value, (*at, field.alias or name))
