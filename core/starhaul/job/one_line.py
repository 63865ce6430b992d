"""From one line, `starhaul copy SOURCE TARGET`, to a job document.

What a URL means is known to the plugins; here their answers become streams. Secrets become variables of the document.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal, TypeAlias

from pydantic import ValidationError

from starhaul.api.address import Address, ReadRequest, WriteRequest
from starhaul.api.errors import ConfigError
from starhaul.job.connections import Connections
from starhaul.job.document import At
from starhaul.job.faults import model_faults
from starhaul.job.secrets import decodings, secret_places
from starhaul.job.urls import plugin_for, shown_url
from starhaul.job.variables import Variables
from starhaul.registry import Registry

Side: TypeAlias = Literal["source", "target"]


@dataclass(frozen=True, slots=True)
class Line:
    """What one line asks for."""

    source: str
    target: str
    read: ReadRequest = field(default_factory=ReadRequest)
    write: WriteRequest = field(default_factory=WriteRequest)
    channel: int = 1


@dataclass(frozen=True, slots=True)
class Composed:
    """The job of a line."""

    document: dict[str, Any]
    """In the native form; holds no secret."""
    secrets: Mapping[str, str] = field(repr=False)
    """Values of the variables that stand for secrets."""
    remarks: tuple[str, ...] = ()
    """What the user should know."""
    in_urls: tuple[str, ...] = ()
    """Those of the variables whose values are percent-encoded, as they stand in a URL."""


@dataclass(frozen=True, slots=True)
class Place:
    """One side of a line: a plugin, and what it makes of a URL or of a named connection."""

    plugin: str
    cls: Any
    """The class of the reader or writer."""
    address: Address
    connection: str | None = None
    """The named connection that gives the parameters of the place."""


class OneLine:
    """Makes sense of lines."""

    def __init__(
        self,
        registry: Registry,
        connections: Connections,
        variables: Variables,
        password: Callable[[Side], str | None] = lambda side: None,
    ) -> None:
        """`password` is asked for the password of a side that has none."""
        self._registry = registry
        self._connections = connections
        self._variables = variables
        self._password = password

    def place(self, side: Side, text: str) -> Place:
        """What a URL, a file, or `CONNECTION#NAME` means. Raises `ConfigError`."""
        kind: Literal["reader", "writer"] = "reader" if side == "source" else "writer"
        name, mark, rest = text.partition("#")
        try:
            if name in self._connections.names():
                found = self._connected(kind, name, mark + rest)
            else:
                plugin = plugin_for(self._registry, kind, text)
                cls = self._registry.plugin(kind, plugin)
                found = Place(plugin, cls, cls.from_url(text))
        except ConfigError as error:
            raise ConfigError.of([replace(each, path=side) for each in error.problems]) from error
        asks = found.address.asks
        if asks and asks not in found.address.parameters:
            password = self._password(side)
            if password is not None:
                address = replace(found.address, parameters={**found.address.parameters, asks: password})
                return replace(found, address=address)
        return found

    def compose(self, line: Line) -> Composed:
        """The job of a line. May look at the source. Raises `ConfigError`."""
        source, target = self.place("source", line.source), self.place("target", line.target)
        hidden = _Hidden()
        remarks: list[str] = []
        streams = []
        for address in self._sources(source, shown_url(line.source)):
            reading = source.cls.complete(address, line.read)
            writing = target.cls.complete(
                _named_after(target.address, address, several=source.address.pattern), line.write
            )
            remarks += [*reading.remarks, *writing.remarks]
            streams.append(
                {
                    "name": ".".join(address.name) or "query",
                    "reader": self._entry("source", source, reading, hidden),
                    "writer": self._entry("target", target, writing, hidden),
                }
            )
        job: dict[str, Any] = {"name": "copy", "streams": streams} if len(streams) > 1 else streams[0]
        remarks += hidden.remarks()
        document = {**job, "settings": {"channel": line.channel}}
        return Composed(document, hidden.values, tuple(remarks), tuple(hidden.in_urls))

    def _sources(self, source: Place, shown: str) -> list[Address]:
        if not source.address.pattern:
            return [source.address]
        try:
            found = [each for each in source.cls.discover(source.address, details=False) if each.kind == "table"]
        except ValidationError as error:
            raise self.invalid(source, error) from None
        if not found:
            raise ConfigError("source", f"{shown} means no table", "`starhaul discover` lists what there is")
        return [source.address.called(*each.name) for each in found]

    def invalid(self, place: Place, error: ValidationError) -> ConfigError:
        """What to raise where the parameters of a place do not pass the plugin's model."""
        parameters = dict(place.address.parameters)
        faults = model_faults(parameters, error, secret_places(place.cls.params_type, parameters))
        return ConfigError(place.connection or place.plugin, "; ".join(fault.problem for fault in faults))

    def _connected(self, kind: Literal["reader", "writer"], name: str, rest: str) -> Place:
        plugin = self._connections.type_of(name)
        if plugin is None:
            hint = "add `type:` to the connection"
            raise ConfigError("", f"connection {name!r} does not say which plugin it is for", hint)
        resolved = self._connections.resolve(name, self._variables)
        if resolved.problems:
            raise ConfigError.of(resolved.problems)
        listed = self._registry.listed(kind)
        other = plugin.lower().removesuffix("reader").removesuffix("writer")
        cls = self._registry.plugin(kind, plugin if plugin.lower() in listed else f"{other}{kind}")
        address = cls.from_url(rest or "#") if rest else Address()
        parameters = {**resolved.value, **address.parameters}
        return Place(cls.name, cls, replace(address, parameters=parameters), name)

    def _entry(self, side: Side, place: Place, address: Address, hidden: _Hidden) -> dict[str, Any]:
        given = dict(address.parameters)
        told: dict[str, Any] = {}
        if place.connection is not None:
            told["connection"] = place.connection
            kept = place.address.parameters
            given = {key: value for key, value in given.items() if key not in kept or kept[key] != value}
        secret = secret_places(place.cls.params_type, given)
        try:
            secrets = place.cls.params_type.parse(address.parameters).secrets()
        except ValidationError as error:
            raise self.invalid(replace(place, address=address), error) from None
        for key, value in given.items():
            told[key] = hidden.without(value, (key,), secret, side, secrets)
        if told.keys() & {"name", "parameter"}:
            return {"name": place.plugin, "parameter": told}
        return {"name": place.plugin, **told}


def _named_after(target: Address, source: Address, *, several: bool) -> Address:
    """The target's address for one source. A `*` in its name is the source's table."""
    if not source.name:
        return target
    table = source.name[-1]
    if not target.name:
        return target.called(table)
    if target.pattern:
        return target.called(*target.name[:-1], target.name[-1].replace("*", table))
    if several:
        raise ConfigError("target", "is one table for several", "write a '*' in the place of its name")
    return target


_OPTION = re.compile(r"[?&;](?P<name>[\w.-]+)=(?P<value>[^&;#]+)")


@dataclass(frozen=True, slots=True)
class _Hidden:
    """The secrets that a document does not hold, and the variables in their places."""

    values: dict[str, str] = field(default_factory=dict)
    in_urls: dict[str, str] = field(default_factory=dict)
    """Variable → side and name of the option that it is the value of."""

    def without(self, value: Any, at: At, places: set[At], side: Side, secrets: frozenset[str]) -> Any:
        """A value of the document without the secrets at these places, and without options of a URL that are among
        `secrets`."""
        if at in places:
            return self._variable(side, "_".join(map(str, at)), str(value))
        if isinstance(value, dict):
            return {key: self.without(one, (*at, key), places, side, secrets) for key, one in value.items()}
        if isinstance(value, list):
            return [self.without(one, (*at, index), places, side, secrets) for index, one in enumerate(value)]
        return self._without_options(value, side, secrets) if isinstance(value, str) else value

    def _without_options(self, text: str, side: Side, secrets: frozenset[str]) -> str:
        parts, end = [], 0
        for option in _OPTION.finditer(text):
            if not decodings(option["value"]) & secrets:
                continue
            reference = self._variable(side, option["name"], option["value"])
            self.in_urls[reference[2:-1]] = f"{side}'s {option['name']}"
            parts += [text[end : option.start("value")].replace("${", "$${"), reference]
            end = option.end("value")
        return "".join([*parts, text[end:].replace("${", "$${")])

    def _variable(self, side: Side, what: str, value: str) -> str:
        name = re.sub(r"\W", "_", f"STARHAUL_{side}_{what}").upper()
        self.values[name] = value
        return f"${{{name}}}"

    def remarks(self) -> list[str]:
        """What to tell of secrets in URLs."""
        return [
            f"The {what} is a secret: the job holds ${{{name}}} in its place, percent-encoded as in the URL."
            for name, what in self.in_urls.items()
        ]
