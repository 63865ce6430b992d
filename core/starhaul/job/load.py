"""`load_job`: from a job document to a `Job`."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from pydantic import ValidationError

from starhaul.api.errors import ConfigError, Problem
from starhaul.job.address import read_job
from starhaul.job.assemble import Assembled, assemble, form_of
from starhaul.job.connections import Connections
from starhaul.job.document import At, dotted
from starhaul.job.job import Job, PluginUse
from starhaul.job.secrets import decodings, redacted, secret_places, secret_texts, texts_in
from starhaul.job.uses import Draft, Use, draft_of
from starhaul.job.validate import parse_parameters, validate
from starhaul.job.variables import Variables
from starhaul.registry import Kind, Registry


def load_job(
    source: Path | str | Mapping[str, Any],
    registry: Registry,
    *,
    variables: Mapping[str, str] | None = None,
    environment: Mapping[str, str] | None = None,
    connections: Path | None = None,
    conversion: Literal["exact", "datax"] | None = None,
    trusted: bool | None = None,
) -> Job:
    """Read, resolve and validate a job document: a file (YAML or JSON, by its suffix), its address (`file://`,
    `http://`, `https://`) or its content as a mapping.

    `variables` are those given for this run; `environment` is the process's own unless given; `connections` is the
    file to look named connections up in, else the user's own; `conversion` is put in the place of the rules that the
    document names; a document that is not `trusted` may look neither into the environment nor into files (by default
    none may where `STARHAUL_UNTRUSTED_JOBS` is set). Connects to no store and changes nothing.

    Raises `ConfigError` with everything that is wrong, each with its place, or `PluginError` if the only thing wrong
    is a plugin that is unknown or cannot be imported.
    """
    document = read_job(source)
    if not isinstance(document.value, dict):
        raise ConfigError.of(
            [document.problem((), "a job document is a mapping", "it begins with 'reader:' or 'job:'")]
        )
    if not document.value.keys() & {"job", "reader", "writer", "streams"}:
        for key in document.value:
            if key.lower() == "job" or key == "content":
                hint = 'DataX\'s form is {"job": {"content": [ … ], "setting": { … }}}, in this case'
                raise ConfigError.of([document.problem((key,), "the job stands in no key 'job'", hint)])
    if trusted is None:
        trusted = not os.environ.get("STARHAUL_UNTRUSTED_JOBS")
    known = Variables(variables or {}, os.environ if environment is None else environment, trusted)
    draft = draft_of(document, known, Connections(connections) if connections else None)
    if draft.datax:
        from starhaul.job.datax_quirks import settle_quirks

        settle_quirks(draft, known.environment)
    parsed = validate(draft, form_of(draft), registry)
    assembled = assemble(draft, parsed)
    if conversion is not None:
        assembled = assembled.converting_by(conversion)
    assembled = assembled.as_datax(registry)
    secret = secret_variables(draft, registry, known.given)
    used = {name for names in draft.given.values() for name in names}
    return Job(
        name=assembled.name,
        source=document.source,
        streams=assembled.streams,
        settings=assembled.settings,
        fingerprint=_fingerprint(assembled, registry),
        variables={name: known.given[name] for name in sorted(used - secret)},
        secret_variables=secret,
        dry_run=assembled.dry_run,
        warnings=tuple(dict.fromkeys([*draft.warnings, *draft.overlooked, *assembled.warnings, *_unused(known, used)])),
    )


def instantiate(registry: Registry, kind: Kind, use: PluginUse) -> Any:
    """The reader, writer or transformer that a job uses, made from its parameters. Connects to nothing.

    Raises `ConfigError` if the parameters do not pass the plugin's model, `PluginError` if there is no such plugin.
    """
    plugin = registry.plugin(kind, use.name)
    try:
        params = parse_parameters(plugin.params_type, use.parameters)
    except ValidationError as error:
        from starhaul.job.faults import model_faults

        secret = secret_places(plugin.params_type, use.parameters)
        found = model_faults(dict(use.parameters), error, secret)
        problems = [Problem(f"{use.path}.{dotted(fault.at)}".rstrip("."), fault.problem) for fault in found]
        raise ConfigError.of(problems) from None
    return plugin(params)


def secret_variables(draft: Draft, registry: Registry, given: Mapping[str, str]) -> frozenset[str]:
    """Names of the variables, whose values are `given`, that went, alone or as a part, into secret parameters of a
    valid draft, or into a secret that is a part of another parameter (a password in a URL)."""
    names: set[str] = set()
    for use in draft.uses:
        parameters = use.parameters or {}
        params_type = registry.plugin(use.kind, use.name or "").params_type
        known: set[str] = set()
        for place in secret_places(params_type, parameters):
            names |= _given_at(draft, use, place)
            value: Any = parameters
            for step in place:
                value = value[step]
            known |= {*secret_texts(value)}
        secrets = parse_parameters(params_type, parameters).secrets() - known
        for place, text in texts_in(parameters) if secrets else ():
            held = [secret for secret in secrets if any(secret in each for each in decodings(text))]
            names |= {name for name in _given_at(draft, use, place) if _is_part(given[name], held)}
    return frozenset(names)


def _is_part(value: str, secrets: list[str]) -> bool:
    """Whether a value holds one of the secrets, or a piece of it."""
    return any(part and (part in secret or secret in part) for part in decodings(value) for secret in secrets)


def _given_at(draft: Draft, use: Use, place: At) -> set[str]:
    """The given variables at a place of the parameters of a plugin."""
    document, at = use.where(draft.document, place)
    found: set[str] = set()
    for (source, written), used in draft.given.items():
        # One may lie in the other: a text that became a list of one secret, a secret that is an object.
        depth = min(len(at), len(written))
        if source == document.source and at[:depth] == written[:depth]:
            found |= used
    return found


def _fingerprint(assembled: Assembled, registry: Registry) -> str:
    """Covers what decides which rows arrive and how they look: plugins, parameters without secrets, conversion. How
    fast and how tolerant a run is may differ when it is resumed."""

    def told(kind: Kind, use: PluginUse) -> list[Any]:
        plugin = registry.plugin(kind, use.name)
        return [plugin.name, redacted(plugin.params_type, use.parameters)]

    streams = [
        {
            "reader": told("reader", stream.reader),
            "writer": told("writer", stream.writer),
            "transformers": [told("transformer", use) for use in stream.transformers],
            "columns": stream.columns,
        }
        for stream in assembled.streams
    ]
    content = {"streams": streams, "conversion": assembled.settings.conversion.model_dump()}
    return hashlib.sha256(json.dumps(content, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def _unused(known: Variables, used: set[str]) -> list[Problem]:
    return [
        Problem("-D", f"variable '{name}' is given, but the job does not use it") for name in known.given.keys() - used
    ]
