"""Where a document uses plugins, and their parameters in one shape, whatever form the document has."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from starhaul.api.errors import Problem
from starhaul.job.connections import Connections
from starhaul.job.document import At, Document
from starhaul.job.variables import Resolved, Variables
from starhaul.registry import Kind


@dataclass(slots=True)
class Use:
    """One plugin as the document uses it."""

    kind: Kind
    stream: At
    """The place of its stream in the document."""
    at: At
    """Its own place in the document."""
    entry: dict[str, Any]
    """`{name, parameter}`, a part of the draft's value. Whatever was wrong with it is still wrong."""
    base: At
    """What the parameters are written under: `at` itself, or its `parameter`."""
    origin: dict[str, tuple[Document, At]] = field(default_factory=dict)
    """Where those parameters were written that come from a connection."""
    connection: tuple[str, Problem] | None = None
    """The plugin that the connection is for, and what to say if it is not for this one."""
    rewritten: frozenset[str] = frozenset()
    """Parameters that are not any more what was written."""
    complete: bool = True
    """False if parameters could not be brought in; that has been reported, and what they lack is not."""

    @property
    def name(self) -> str | None:
        """The plugin's name as it is written, if it is a text."""
        name = self.entry.get("name")
        return name if isinstance(name, str) and name else None

    @property
    def parameters(self) -> dict[str, Any] | None:
        """The parameters, if they are a mapping. None at all are an empty one."""
        parameters = self.entry.get("parameter", {})
        return parameters if isinstance(parameters, dict) else None

    def where(self, document: Document, at: At) -> tuple[Document, At]:
        """Where the user wrote what stands at `at` of the parameters: in the job's `document` or with a connection."""
        source, written = self.origin.get(str(at[0]), (document, (*self.base, at[0]))) if at else (document, self.base)
        return source, (*written, *at[1:])


@dataclass(slots=True)
class Draft:
    """A document on its way to a job: variables replaced, each use of a plugin as `{name, parameter}`."""

    document: Document
    value: Any
    given: dict[tuple[str, At], frozenset[str]]
    """Which given variables went where: by source and place."""
    problems: list[Problem] = field(default_factory=list)
    warnings: list[Problem] = field(default_factory=list)
    unknown: set[tuple[str, At]] = field(default_factory=set)
    """Values that could not be made out, by source and place. Reported already."""
    overlooked: list[Problem] = field(default_factory=list)
    """What is wrong in the parameters of a DataX job and was mended as DataX would: warnings, if nothing else is."""
    uses: list[Use] = field(default_factory=list)

    @property
    def datax(self) -> bool:
        """Whether the document has DataX's form."""
        return isinstance(self.value, dict) and "job" in self.value


def draft_of(document: Document, variables: Variables, connections: Connections | None) -> Draft:
    """Replace variables, find the plugins and merge the connections that they name. What is wrong is remembered in
    the draft. Without `connections` the user's own file is read, if a plugin names one."""
    resolved = _resolve(document, variables)
    draft = Draft(document, resolved.value, {}, list(resolved.problems), [*document.warnings, *resolved.warnings])
    draft.given = {(document.source, at): names for at, names in resolved.given.items()}
    draft.unknown = {(document.source, at) for at in resolved.unknown}
    draft.uses = [_use(draft, *found) for found in _entries(draft)]
    named = [use for use in draft.uses if isinstance((use.parameters or {}).get("connection"), str)]
    if named:
        known = connections or Connections()
        draft.warnings += known.warnings()
        for use in named:
            _merge_connection(draft, use, known, variables)
    return draft


def _resolve(document: Document, variables: Variables) -> Resolved:
    if isinstance(document.value, dict) and "job" in document.value:
        from starhaul.job.datax_variables import resolve_datax

        return resolve_datax(document, variables)
    return variables.resolve(document)


def _entries(draft: Draft) -> Iterator[tuple[Kind, At, At, dict[str, Any]]]:
    """Every mapping that stands where a plugin belongs; what is malformed is left to the models."""
    streams: list[tuple[At, Any]] = [((), draft.value)]
    transformers = "transformers"
    if draft.datax:
        transformers = "transformer"
        content = draft.value["job"].get("content") if isinstance(draft.value["job"], dict) else None
        streams = [(("job", "content", index), each) for index, each in _items(content)]
    elif isinstance(draft.value, dict) and "streams" in draft.value:
        streams = [(("streams", index), each) for index, each in _items(draft.value["streams"])]
    for at, stream in streams:
        if not isinstance(stream, dict):
            continue
        for kind in ("reader", "writer"):
            if isinstance(stream.get(kind), dict):
                yield kind, at, (*at, kind), stream[kind]
        for index, each in _items(stream.get(transformers)):
            if isinstance(each, dict):
                yield "transformer", at, (*at, transformers, index), each


def _items(value: Any) -> Iterator[tuple[int, Any]]:
    return enumerate(value if isinstance(value, list) else [])


def _use(draft: Draft, kind: Kind, stream: At, at: At, entry: dict[str, Any]) -> Use:
    """Bring an entry into the shape `{name, parameter}`, in place."""
    if draft.datax or "parameter" in entry:
        return Use(kind, stream, at, entry, (*at, "parameter"))
    entry["parameter"] = {key: entry.pop(key) for key in [*entry] if key != "name"}
    return Use(kind, stream, at, entry, at)


def _merge_connection(draft: Draft, use: Use, connections: Connections, variables: Variables) -> None:
    parameters = use.parameters
    if parameters is None:
        return
    document, at = use.where(draft.document, ("connection",))
    name = parameters.pop("connection")
    if (document.source, at) in draft.unknown:
        use.complete = False
        return
    try:
        resolved = connections.resolve(name, variables)
    except LookupError:
        draft.problems.append(document.problem(at, f"unknown connection '{name}'", connections.hint(name)))
        use.complete = False
        return
    source = connections.document
    draft.problems += [problem for problem in resolved.problems if problem not in draft.problems]
    draft.given |= {(source.source, place): names for place, names in resolved.given.items()}
    draft.unknown |= {(source.source, place) for place in resolved.unknown}
    use.complete = (name,) not in resolved.unknown
    kind = connections.type_of(name)
    if kind is not None:
        problem = f"connection '{name}' is for {kind}, not for {use.kind} '{use.name}'"
        use.connection = (kind, document.problem(at, problem, "name another connection, or correct its 'type'"))
    for key, value in resolved.value.items():
        if key not in parameters:
            parameters[key] = value
            use.origin[key] = (source, (name, key))
