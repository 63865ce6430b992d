"""From a draft to checked models: every plugin's parameters by its own model, the rest by the model of its form."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from pydantic import ValidationError

from starhaul.api.errors import ConfigError, PluginError, Problem
from starhaul.api.params import Params
from starhaul.job.coerce import coerce
from starhaul.job.document import At, Document
from starhaul.job.secrets import secret_places
from starhaul.job.uses import Draft, Use
from starhaul.registry import Registry


def parse_parameters(params_type: type[Params], parameters: Mapping[str, Any]) -> Params:
    """The model of parameters that have the types their schema asks for. Raises `pydantic.ValidationError`.

    As strict as the JSON Schema: the model's own leniency (`"yes"` for true, 3.0 for 3) does not apply.
    """
    return params_type.model_validate_json(json.dumps(dict(parameters)), strict=True, by_alias=True, by_name=False)


def validate(draft: Draft, form: type[Params], registry: Registry, tolerated: list[Problem] | None = None) -> Params:
    """The checked model of the document. Values of another type than asked for are made it where that is exact, in
    the draft itself. Plugins that are missing are no error but appended to `tolerated`, if that is given.

    Raises `ConfigError` with everything that is wrong, or `PluginError` if that is nothing but a plugin.
    """
    head = _Part(form, draft.value, lambda at: (draft.document, at), _parse_form)
    problems = [*draft.problems, *_check(draft, head)]
    missing: list[Problem] = [] if tolerated is None else tolerated
    for use in draft.uses:
        if use.name is None or use.parameters is None:
            continue  # reported with the head
        try:
            plugin = registry.plugin(use.kind, use.name)
        except PluginError as error:
            problem = f"{error.where} {error.problem}".strip()
            hint = registry.advice(use.kind, use.name, use.parameters) or error.hint
            missing.append(draft.document.problem((*use.at, "name"), problem, hint))
            continue
        if use.connection is not None and not _is_for(plugin, use, registry):
            problems.append(use.connection[1])
        where = partial(use.where, draft.document)
        part = _Part(plugin.params_type, use.parameters, where, complete=use.complete, lenient=draft.datax)
        problems += _check(draft, part)
    if problems:
        everything = [*dict.fromkeys([*problems, *draft.overlooked, *missing])]  # streams may share what is written
        everything.sort(key=lambda each: (each.file != draft.document.source, each.file, each.line or 0))
        raise ConfigError.of(everything)
    if missing and tolerated is None:
        first = ConfigError.of(missing)
        raise PluginError("", str(first)) if len(missing) > 1 else PluginError(first.where, first.problem, first.hint)
    return _parse_form(form, draft.value)


def _parse_form(form: type[Params], value: Any) -> Params:
    return form.model_validate(value, strict=True, by_alias=True, by_name=False)


@dataclass(frozen=True, slots=True)
class _Part:
    """A part of a draft that one model checks."""

    model: type[Params]
    value: Any
    where: Callable[[At], tuple[Document, At]]
    parse: Callable[[type[Params], Any], Params] = parse_parameters
    complete: bool = True
    lenient: bool = False
    """Whether DataX's leniency applies: see `datax_leniency`."""

    def error(self) -> ValidationError | None:
        try:
            self.parse(self.model, self.value)
        except ValidationError as error:
            return error
        return None


def _check(draft: Draft, part: _Part) -> list[Problem]:
    """What is wrong with a part, once its values have the types that are asked for as far as that is exact. A
    schema, which takes a while to make, is looked at only if something does not fit as it is."""
    error = part.error()
    if error is None:
        return []
    schema = part.model.model_json_schema(by_alias=True)  # without descriptions, which take longer to make
    coerce(part.value, schema, schema)
    error = part.error()
    if error is None:
        return []
    from starhaul.job.faults import faults

    problems = []
    secret = secret_places(part.model, part.value) if isinstance(part.value, dict) else set()
    found = faults(part.value, part.model.json_schema(), error, secret)
    if part.lenient:
        from starhaul.job.datax_leniency import overlook

        if overlook(draft, part.value, part.where, found):
            return _check(draft, part)
    for fault in found:
        document, written = part.where(fault.at)
        if (document.source, written) in draft.unknown or (fault.missing and not part.complete):
            continue  # follows from what has been reported already
        problems.append(document.problem(written, fault.problem, fault.hint))
    return problems


def _is_for(plugin: type[Any], use: Use, registry: Registry) -> bool:
    """Whether the `type` of the connection is a name of this plugin."""
    try:
        return use.connection is None or registry.plugin(use.kind, use.connection[0]) is plugin
    except PluginError:
        return False
