"""Variables in the values of a document: `${NAME}`, `${NAME:-default}`, `${env:NAME}`, `${file:PATH}`.

`${NAME}` is a variable given for this run (`-D NAME=value`) or else of the environment; `${env:NAME}` looks into the
environment alone; `${file:PATH}` is the file's text without its last line end, and a relative path starts from the
document's folder. A default counts where the variable is missing or empty. `$${` stands for `${` itself.

Variables are replaced once, in parsed values: a value may hold quotes, line ends and `${` without harm. Jobs in DataX's
form follow DataX's rule: see `datax_variables`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from starhaul.api.errors import ConfigError, Problem
from starhaul.job.document import MAX_DEPTH, MAX_NODES, At, Document

_REFERENCE = re.compile(r"\$\$\{|\$\{([^}]*)(\}?)")
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]*")
_DATAX_NAME = re.compile(r"[A-Za-z0-9_.-]+")
_OF_THE_JVM = ("-X", "-ea", "-esa", "-server", "-client", "-verbose", "-agent", "-javaagent")
"""How options begin that Java takes beside `-D`."""
_MAX_FILE_BYTES = 1024 * 1024
_UNTRUSTED = "give it with -D, or let the operator put it into the file of named connections"


@dataclass(slots=True)
class Resolved:
    """A document's value with its variables replaced."""

    value: Any
    given: dict[At, frozenset[str]] = field(default_factory=dict)
    """Where which of the given (`-D`) variables went."""
    problems: list[Problem] = field(default_factory=list)
    warnings: list[Problem] = field(default_factory=list)
    unknown: set[At] = field(default_factory=set)
    """Places whose variables could not be replaced; their text is left as it was."""


@dataclass(frozen=True, slots=True)
class Variables:
    """Where the values of variables come from."""

    given: Mapping[str, str]
    environment: Mapping[str, str]
    trusted: bool = True
    """Whether the documents may look into the environment and into files. Given variables are there for all."""

    def resolve(self, document: Document, within: At = ()) -> Resolved:
        """Replace the variables of a document, or of the part of it at `within`. The document stays as it is."""
        part = document.value
        for step in within:
            part = part[step]
        resolution = Resolution(self, document)
        resolution.resolved.value = resolution.replace(part, within)
        return resolution.resolved

    def names(self) -> Iterator[str]:
        yield from self.given
        if self.trusted:
            yield from self.environment


class UnresolvedError(Exception):
    """A reference to something that is not there. Never leaves this package."""

    def __init__(self, problem: str, hint: str = "") -> None:
        super().__init__(problem)
        self.hint = hint


class Resolution:
    """One pass over one document."""

    def __init__(self, variables: Variables, document: Document) -> None:
        self.resolved = Resolved(None)
        self.variables = variables
        self.document = document
        self._nodes = 0

    def replace(self, value: Any, at: At) -> Any:
        """A copy of the value at a place of the document, variables replaced."""
        self._nodes += 1
        if len(at) > MAX_DEPTH or self._nodes > MAX_NODES:
            limit = f"more than {MAX_NODES} values" if self._nodes > MAX_NODES else f"more than {MAX_DEPTH} levels deep"
            raise ConfigError.of([self.document.problem(at[:8], f"the document holds {limit}")])
        if isinstance(value, dict):
            return {self.key(self._sound(key, at), at): self.replace(child, (*at, key)) for key, child in value.items()}
        if isinstance(value, list):
            return [self.replace(child, (*at, index)) for index, child in enumerate(value)]
        if isinstance(value, str):
            return self.text(self._sound(value, at), at)
        return value

    def _sound(self, text: str, at: At) -> str:
        try:
            text.encode()
        except UnicodeEncodeError:
            hint = "write characters beyond U+FFFF as a surrogate pair, or as they are"
            raise ConfigError.of([self.document.problem(at, "holds half of a surrogate pair", hint)]) from None
        return text

    def key(self, key: str, at: At) -> str:
        """What stands for a key of the object at a place."""
        return key

    def text(self, text: str, at: At) -> Any:
        """What stands for a text at a place."""
        if "${" not in text:
            return text
        used: set[str] = set()
        try:
            replaced = _REFERENCE.sub(lambda match: self._reference(match, used), text)
        except UnresolvedError as error:
            self.resolved.problems.append(self.document.problem(at, str(error), error.hint))
            self.resolved.unknown.add(at)
            return text
        if used:
            self.resolved.given[at] = frozenset(used)
        return self._sound(replaced, at)

    def _reference(self, match: re.Match[str], used: set[str]) -> str:
        if match.group() == "$${":
            return "${"
        if not match.group(2):
            raise UnresolvedError("'${' without '}'", "write '$${' for the text '${'")
        return self.value_of(match.group(1), used)

    def value_of(self, inside: str, used: set[str]) -> str:
        """What `${inside}` stands for; adds the given variable to `used`. Raises `UnresolvedError`."""
        if inside.startswith("file:"):
            if not self.variables.trusted:
                raise UnresolvedError(f"'${{{inside}}}' reads a file, which untrusted jobs may not", _UNTRUSTED)
            return self._file(inside.removeprefix("file:"))
        reference, has_default, default = inside.partition(":-")
        name = reference.removeprefix("env:")
        if not _NAME.fullmatch(name):
            raise UnresolvedError(f"'${{{inside}}}' names no variable", "write '$${' for the text '${'")
        if reference != name and not self.variables.trusted:
            raise UnresolvedError(f"'${{{inside}}}' reads the environment, which untrusted jobs may not", _UNTRUSTED)
        value = self.variables.environment.get(name) if self.variables.trusted else None
        if reference == name and name in self.variables.given:
            used.add(name)
            value = self.variables.given[name]
        if has_default and not value:
            return default
        if value is None:
            raise UnresolvedError(f"unknown variable '{reference}'", self._hint(reference, name))
        return value

    def _hint(self, reference: str, name: str) -> str:
        if reference != name:
            return f"set {name} in the environment"
        from starhaul.job.spelling import did_you_mean

        meant = did_you_mean(name, self.variables.names(), listed=False)
        elsewhere = " or set it in the environment" if self.variables.trusted else ""
        return f"{meant} give it with -D {name}=…{elsewhere}".strip()

    def _file(self, name: str) -> str:
        path = self.document.folder / name
        try:
            with path.open("rb") as file:
                data = file.read(_MAX_FILE_BYTES + 1)
            if len(data) > _MAX_FILE_BYTES:
                raise UnresolvedError(f"file '{path}' has more than {_MAX_FILE_BYTES} bytes")
            text = data.decode("utf-8-sig")
        except UnicodeDecodeError:
            raise UnresolvedError(f"file '{path}' is not UTF-8") from None
        except (OSError, ValueError) as error:
            reason = error.strerror if isinstance(error, OSError) else error
            raise UnresolvedError(f"file '{path}' cannot be read: {reason}") from error
        return text.removesuffix("\r\n") if text.endswith("\r\n") else text.removesuffix("\n")


def parse_datax_params(text: str) -> dict[str, str]:
    """The variables of DataX's `-p "-Dk1=v1 -Dk2='x y'"`, split as a shell splits words. As in DataX, whose JVM gets
    the text, a name may begin with a digit, one without a value is blank, and other options of the JVM may stand
    between. Raises `ConfigError`, without the values."""
    import shlex

    try:
        words = shlex.split(text)
    except ValueError as error:
        raise ConfigError("-p", f"cannot be split into words: {error}", "check its quotes") from error
    variables = {}
    for word in words:
        if word.startswith(_OF_THE_JVM):
            continue
        name, _, value = word.removeprefix("-D").partition("=")
        if not word.startswith("-D") or not _DATAX_NAME.fullmatch(name):
            hint = "each part begins with -D; a value with blanks is put in quotes: -Dname='x y'"
            raise ConfigError("-p", f"{word.partition('=')[0]!r} is no -Dname=value", hint)
        variables[name] = value
    return variables


def parse_variable(text: str, option: str = "-D") -> tuple[str, str]:
    """Name and value of `NAME=value`. Raises `ConfigError`, without the value."""
    name, equals, value = text.partition("=")
    if not equals or not _NAME.fullmatch(name):
        raise ConfigError(option, f"{name!r} is no NAME=value", "a name is letters, digits, '_', '.' and '-'")
    return name, value
