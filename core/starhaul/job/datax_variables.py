"""Variables in jobs of DataX's form.

DataX replaces `$name` and `${name}` (letters, digits, `_`) in the text of the job before it reads it as JSON, by what
`-p "-Dname=value"` gave. So a value may stand without quotes, may hold JSON escapes, and may be several values of a
list (`id","name`). What is not given, or is blank, stays as it is written. All of that holds here; a value which does
not make JSON where it stands, such as a password with a quote, is taken as it is.

Beyond DataX, `${env:NAME}`, `${file:PATH}` and `${NAME:-default}` work as they do in the native form. Not as in DataX,
`$a` does nothing to `$ab`, the brace of `{$a}` is not lost, and values are not searched for variables again.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterator
from typing import Any

from starhaul.api.errors import ConfigError
from starhaul.job.document import At, Document
from starhaul.job.variables import Resolution, Resolved, UnresolvedError, Variables

_REFERENCE = re.compile(r"\$\{((?:env|file):[^{}]*|\w+:-[^{}]*)\}|\$\{(\w+)\}|\$(\w+)", re.ASCII)
_CHANGES_JSON = re.compile(r'["\\]')


def resolve_datax(document: Document, variables: Variables) -> Resolved:
    """Replace the variables of a document in DataX's form. The document stays as it is."""
    resolution = _DataxResolution(variables, document)
    resolution.resolved.value = resolution.replace(document.value, ())
    return resolution.resolved


def references(value: Any) -> Iterator[tuple[str, bool]]:
    """What stands between `${` and `}`, or after `$`, in all texts of a value; and whether there are braces."""
    if isinstance(value, str):
        for match in _REFERENCE.finditer(value):
            beyond_datax, braced, plain = match.groups()
            yield beyond_datax or braced or plain, plain is None
    elif isinstance(value, dict):
        for child in value.values():
            yield from references(child)
    elif isinstance(value, list):
        for child in value:
            yield from references(child)


def in_native_form(text: str, names: Collection[str]) -> str:
    """A text of a DataX job with its variables as the native form writes them. `$name` is one if it is among `names`.
    Raises `ValueError` if that cannot be written."""
    pieces = []
    end = 0
    for match in _REFERENCE.finditer(text):
        if match[3] is not None and match[3] not in names:
            continue
        pieces.append(text[end : match.start()].replace("${", "$${"))
        if pieces[-1].endswith("$"):
            raise ValueError("a '$' right before a variable")  # the native form would take it for text
        pieces.append(f"${{{match[3]}}}" if match[3] is not None else match.group())
        end = match.end()
    return "".join([*pieces, text[end:].replace("${", "$${")])


class _Several(list[Any]):
    """Values that take the place of one element of a list."""


class _DataxResolution(Resolution):
    def replace(self, value: Any, at: At) -> Any:
        replaced = super().replace(value, at)
        if not isinstance(value, list):
            return replaced
        return [each for child in replaced for each in (child if isinstance(child, _Several) else [child])]

    def key(self, key: str, at: At) -> str:
        text = self.text(key, (*at, key)) if "$" in key else key
        return text if isinstance(text, str) else key

    def text(self, text: str, at: At) -> Any:
        if "$" not in text:
            return text
        used: dict[str, str] = {}
        try:
            pieces = list(self._pieces(text, at, used))
        except UnresolvedError as error:
            self.resolved.problems.append(self.document.problem(at, str(error), error.hint))
            self.resolved.unknown.add(at)
            return text
        if used:
            self.resolved.given[at] = frozenset(used)
        bare = at in self.document.bare
        if bare or any(map(_CHANGES_JSON.search, used.values())):
            return self._read_as_json(pieces, at, bare=bare)
        return self._sound("".join(piece for piece, _ in pieces), at)

    def _pieces(self, text: str, at: At, used: dict[str, str]) -> list[tuple[str, bool]]:
        """The text in pieces; true for those that DataX would have put there before it reads JSON."""
        pieces = []
        end = 0
        for match in _REFERENCE.finditer(text):
            pieces.append((text[end : match.start()], False))
            pieces.append(self._piece(match, at, used))
            end = match.end()
        return [*pieces, (text[end:], False)]

    def _piece(self, match: re.Match[str], at: At, used: dict[str, str]) -> tuple[str, bool]:
        beyond_datax, braced, plain = match.groups()
        if beyond_datax:
            names: set[str] = set()
            value = self.value_of(beyond_datax, names)
            used |= dict.fromkeys(names, "")
            return value, False
        name = braced or plain
        value = self.variables.given.get(name, "")
        if value.strip():
            used[name] = value
            return value, True
        if braced:
            state = "is blank" if name in self.variables.given else "is not given"
            hint = f"give it with -D {name}=…; ${{env:{name}}} takes it from the environment"
            problem = f"variable '{name}' {state}: its text stays as it is, as in DataX"
            self.resolved.warnings.append(self.document.problem(at, problem, hint))
        return match.group(), False

    def _read_as_json(self, pieces: list[tuple[str, bool]], at: At, *, bare: bool) -> Any:
        """What the text is after DataX's way of replacing variables; the text itself if that gives no JSON."""
        from starhaul.job.json_text import parse_fragment

        plain = "".join(piece for piece, _ in pieces)
        raw = "".join(piece if bare or is_raw else json.dumps(piece)[1:-1] for piece, is_raw in pieces)
        try:
            values = parse_fragment(f"[{raw}]" if bare else f'["{raw}"]')
            json.dumps(values, ensure_ascii=False).encode()
        except (ConfigError, UnicodeEncodeError):  # no JSON, or half of a surrogate pair
            return self._sound(plain, at)
        if len(values) != 1:
            return _Several(values) if at and isinstance(at[-1], int) else plain
        return values[0]
