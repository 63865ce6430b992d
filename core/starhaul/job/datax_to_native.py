"""A job of DataX's form in the native form: YAML text with a remark at each deliberate difference."""

from __future__ import annotations

import os
import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from starhaul.api.errors import ConfigError, PluginError, Problem
from starhaul.job.address import read_job
from starhaul.job.assemble import assemble, form_of
from starhaul.job.datax_form import DataxDocument
from starhaul.job.datax_quirks import settle_quirks
from starhaul.job.datax_variables import in_native_form, references
from starhaul.job.document import At
from starhaul.job.secrets import secret_places
from starhaul.job.settings import Settings
from starhaul.job.urls import passwords_in
from starhaul.job.uses import Draft, Use, draft_of
from starhaul.job.validate import validate
from starhaul.job.variables import Variables
from starhaul.registry import Registry

_PLAIN = re.compile(r"[A-Za-z_/*][\w ./*-]*(?<! )")
_SECRET = re.compile(r"(?:password|passwd|pwd|secret|secret_?key|access_?key|token)\Z", re.IGNORECASE)
"""Names of parameters whose values are secrets, as far as one can tell. DataX masks `password` and `accessKey`."""
_NO_ERROR_LIMIT = (
    "DataX's default: any number of rows may be rejected. The default here is none: errorLimit: {record: 0}"
)
_BOTH_LIMITS = "Both limits hold; DataX looks at the percentage only where there is no record."
_SPEED = "Holds for the whole job. DataX divides it by the speed of a channel, and fails if that is not set."
_EXACT = (
    "A value arrives exactly or its row is rejected. DataX cuts 12.9 to 12, cuts times to milliseconds and takes times",
    "without a zone for GMT+8; that is to be had with: conversion: datax",
)
_RETRY = (
    "A task that fails for a passing reason is tried again, three times in all; in DataX once: retry: {attempts: 1}"
)
_MANY = "DataX runs the first of these streams only."
_PAIRED = "A stream for each table of the writer, with the table or query of the reader at the same place."


def to_native(
    source: Path | str,
    registry: Registry,
    *,
    variables: Mapping[str, str] | None = None,
    environment: Mapping[str, str] | None = None,
) -> str:
    """The YAML text of the native job that does what a DataX job does.

    Variables stay variables; `variables` give their values, which are needed where they stand for numbers. Secrets
    become variables. Of plugins that are missing, the parameters stay as they are, and a remark says what to do.
    Raises `ConfigError` if the job is wrong, or is no DataX job.
    """
    document = read_job(source)
    if not isinstance(document.value, dict) or "job" not in document.value:
        problem = "is no job in DataX's form"
        raise ConfigError.of([document.problem((), problem, "such a job has a key 'job' at its top")])
    known = Variables(variables or {}, os.environ if environment is None else environment)
    draft = draft_of(document, known, None)
    settle_quirks(draft, known.environment)
    missing: list[Problem] = []
    parsed = validate(draft, form_of(draft), registry, missing)
    assert isinstance(parsed, DataxDocument)  # noqa: S101 - what `form_of` chose
    assembled = assemble(draft, parsed)
    names = {name for name, in_braces in references(document.value) if in_braces} | set(known.given)
    job = _NativeJob(draft, names, registry)
    warnings = [*dict.fromkeys([*draft.warnings, *draft.overlooked, *assembled.warnings])]
    return "\n".join(job.lines(assembled.settings, missing, warnings)) + "\n"


class _NativeJob:
    """The lines of one job, and what had to be given a name on the way."""

    def __init__(self, draft: Draft, names: Collection[str], registry: Registry) -> None:
        self._draft = draft
        self._names = names
        self._registry = registry
        self._secrets: list[str] = []

    def lines(self, settings: Settings, missing: Sequence[Problem], warnings: Iterable[Problem]) -> Iterator[str]:
        streams = list(self._streams())
        yield f"# From {self._draft.document.source}, by `starhaul convert`."
        missing = [*dict.fromkeys(missing)]  # streams may share what is written
        if missing:
            yield "# It cannot run as it is:"
        for each in missing:
            yield f"# - {each.path}: {' '.join(f'{each.problem} ({each.hint})'.split())}"
        for warning in warnings:
            yield f"# - {warning.path or 'here'}: {' '.join(warning.problem.split())}"
        used = {name for name, _ in references(self._draft.document.value)} & {*self._names}
        names = sorted(name for name in used if name.isidentifier())
        if names:
            yield f"# Variables to be given: {' '.join(f'-D {name}=…' for name in names)}"
        if self._secrets:
            yield f"# Secrets to be set in the environment, or given with -D: {', '.join(self._secrets)}"
        yield ""
        if len(streams) == 1:
            yield from _dumped(streams[0])
        else:
            if len(self._draft.value["job"]["content"]) > 1:
                yield f"# {_MANY}"
            if any(use.rewritten for use in self._draft.uses):
                yield f"# {_PAIRED}"
            yield from _dumped({"streams": streams})
        yield ""
        yield from _settings(settings)

    def _streams(self) -> Iterator[dict[str, Any]]:
        by_stream: dict[At, dict[str, Any]] = {}
        for use in self._draft.uses:
            stream = by_stream.setdefault(use.stream, {})
            if use.kind == "transformer":
                stream.setdefault("transformers", []).append(self._entry(use))
            else:
                stream[use.kind] = self._entry(use)
        for stream in by_stream.values():
            yield {key: stream[key] for key in ("reader", "transformers", "writer") if key in stream}

    def _entry(self, use: Use) -> dict[str, Any]:
        parameters = use.parameters or {}
        name, secret = self._name_and_secrets(use, parameters)
        native = {
            key: self._value(value, self._written(use, key), (key,), secret, use) for key, value in parameters.items()
        }
        if native.keys() & {"name", "parameter"}:
            return {"name": name, "parameter": native}
        return {"name": name, **native}

    def _written(self, use: Use, key: str) -> Any:
        return None if key in use.rewritten else _inside(self._draft.document.value, (*use.base, key))

    def _name_and_secrets(self, use: Use, parameters: Mapping[str, Any]) -> tuple[str, set[At]]:
        try:
            plugin = self._registry.plugin(use.kind, use.name or "")
        except PluginError:  # which of its parameters are secret can only be guessed
            return (use.name or "").lower(), set(_looking_secret(parameters, ()))
        return plugin.name, secret_places(plugin.params_type, parameters)

    def _value(self, value: Any, written: Any, at: At, secret: set[At], use: Use) -> Any:
        """The value, with the variables that were `written` where it is, and without secrets."""
        if isinstance(written, str) and any(name in self._names or braces for name, braces in references(written)):
            return self._text(written, use, at)
        if at in secret:
            return self._secret(use, at)
        if isinstance(value, dict):
            return {
                key: self._value(one, _inside(written, (key,)), (*at, key), secret, use) for key, one in value.items()
            }
        if isinstance(value, list):
            alike = isinstance(written, list) and len(written) == len(value)
            # One text may have become a list of one, and the other way round.
            items = written if alike else [written if len(value) == 1 else None] * len(value)
            return [
                self._value(one, item, (*at, index), secret, use)
                for index, (one, item) in enumerate(zip(value, items, strict=True))
            ]
        return self._without_passwords(value.replace("${", "$${"), use, at) if isinstance(value, str) else value

    def _without_passwords(self, text: str, use: Use, at: At) -> str:
        """A text of the native form with variables for the passwords in it, if it is a URL."""
        pieces, end = [], 0
        for number, (start, after) in enumerate(passwords_in(text)):
            if "${" not in text[start:after]:
                pieces += [text[end:start], self._secret(use, (*at, "password", number))]
                end = after
        return "".join([*pieces, text[end:]])

    def _text(self, written: str, use: Use, at: At) -> str:
        try:
            return self._without_passwords(in_native_form(written, self._names), use, at)
        except ValueError as error:
            problem = f"holds {error}, which the native form cannot say"
            raise ConfigError.of([self._draft.document.problem((*use.base, *at), problem)]) from error

    def _secret(self, use: Use, at: At) -> str:
        steps = [str(each) for each in (*use.stream[2:3], use.kind, *at) if each != 0]
        name = re.sub(r"\W", "_", "_".join(steps)).upper()
        if name not in self._secrets:
            self._secrets.append(name)
        return f"${{{name}}}"


def _looking_secret(value: Any, at: At) -> Iterator[At]:
    for step, child in (
        value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    ):
        if isinstance(step, str) and _SECRET.search(step) and isinstance(child, str | int | float):
            yield (*at, step)
        else:
            yield from _looking_secret(child, (*at, step))


def _settings(settings: Settings) -> Iterator[str]:
    told = settings.model_dump(mode="json", by_alias=True, exclude_defaults=True)
    limit = told.pop("errorLimit", None)
    yield "settings:"
    yield from _indented([f"channel: {settings.channel}"])
    told.pop("channel", None)
    if "speed" in told:
        yield from _indented([f"# {_SPEED}", *_dumped({"speed": told.pop("speed")})])
    record, percentage = settings.error_limit.record, settings.error_limit.percentage
    if record is None and percentage is None:
        yield from _indented([f"# {_NO_ERROR_LIMIT}", "errorLimit: {record: null}"])
    elif limit is not None:
        remark = [f"# {_BOTH_LIMITS}"] if record is not None and percentage is not None else []
        given = {"record": record, "percentage": percentage}
        yield from _indented([*remark, *_dumped({"errorLimit": {k: v for k, v in given.items() if v is not None}})])
    if "retry" not in told:
        yield from _indented([f"# {_RETRY}"])
    if settings.conversion.rules == "exact":
        yield from _indented(f"# {line}" for line in _EXACT)
    if told:
        yield from _indented(_dumped(told))


class _Dumper(yaml.SafeDumper):
    """Quotes every text that this program's YAML could take for something else."""


_Dumper.add_representer(
    str,
    lambda dumper, text: dumper.represent_scalar(
        "tag:yaml.org,2002:str", text, style=None if _PLAIN.fullmatch(text) else '"'
    ),
)


def _dumped(value: Any) -> list[str]:
    text = yaml.dump(value, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=110)
    return str(text).splitlines()


def _indented(lines: Iterable[str]) -> Iterator[str]:
    return (f"  {line}" for line in lines)


def _inside(value: Any, at: At) -> Any:
    for step in at:
        if isinstance(value, dict):
            value = value.get(step)
        elif isinstance(value, list) and isinstance(step, int) and step < len(value):
            value = value[step]
        else:
            return None
    return value
