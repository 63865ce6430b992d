"""YAML text to values, from the parser's events, so that lines, limits and repeated keys are known as they come.

A plain scalar is `null` or `~` or nothing, `true` or `false`, a number as JSON writes it, or else text: `NO`, `012`,
`1:30` and `2024-01-01` stay what was typed. Anchors and aliases work; tags and merge keys are refused.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import yaml

from starhaul.api.errors import ConfigError
from starhaul.job.document import MAX_DEPTH, MAX_NODES, At, exact_float, exact_int, syntax_error

_INT = re.compile(r"-?(?:0|[1-9][0-9]*)")
_FLOAT = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][-+]?[0-9]+)?")
_WORDS = {
    "": None, "~": None, "null": None, "Null": None, "NULL": None,
    "true": True, "True": True, "TRUE": True,
    "false": False, "False": False, "FALSE": False,
}  # fmt: skip


def parse_yaml(text: str, source: str) -> tuple[Any, Callable[[At], int | None]]:
    """Values and a way to look up their lines. Raises `ConfigError` with the place."""
    tree = _Tree(text, source)
    try:
        for event in yaml.parse(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader)):
            tree.take(event)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        message = ", ".join(part for part in (error.context, error.problem) if part)
        if "nesting depth" in message:  # the parser looks further ahead than we have come, and has a limit of its own
            message = f"nested more than {MAX_DEPTH} levels deep"
        line, column = (mark.line + 1, mark.column + 1) if mark else (1, 1)
        raise syntax_error(source, text, line, column, f"not valid YAML: {message}") from error
    except yaml.reader.ReaderError as error:
        position = error.position if isinstance(error.position, int) else 0
        line = text.count("\n", 0, position) + 1
        raise syntax_error(source, text, line, 1, f"not valid YAML: {error.reason}") from error
    except yaml.YAMLError as error:
        raise ConfigError(source, f"not valid YAML: {error}") from error
    return tree.root, tree.line_of


@dataclass(slots=True)
class _Open:
    """A mapping or sequence whose end is still to come."""

    value: dict[str, Any] | list[Any]
    at: At
    anchor: str | None
    key: str | None = None
    nodes: int = 1


class _Tree:
    def __init__(self, text: str, source: str) -> None:
        self.root: Any = None
        self._text = text
        self._source = source
        self._open: list[_Open] = []
        self._lines: dict[At, int] = {}
        self._anchors: dict[str, tuple[Any, int]] = {}
        self._documents = 0

    def line_of(self, at: At) -> int | None:
        while at not in self._lines and at:
            at = at[:-1]
        return self._lines.get(at)

    def take(self, event: yaml.Event) -> None:
        if isinstance(event, yaml.ScalarEvent):
            if self._is_key():
                self._key(event)
            else:
                value = _scalar(event, self._error)
                self._add(value, 1, event)
                self._remember(event.anchor, value, 1)
        elif isinstance(event, yaml.AliasEvent):
            self._alias(event)
        elif isinstance(event, yaml.MappingStartEvent | yaml.SequenceStartEvent):
            self._begin(event)
        elif isinstance(event, yaml.MappingEndEvent | yaml.SequenceEndEvent):
            closed = self._open.pop()
            self._remember(closed.anchor, closed.value, closed.nodes)
            self._count(closed.nodes, event)
        elif isinstance(event, yaml.DocumentStartEvent):
            self._documents += 1
            if self._documents > 1:
                raise self._error(event, "a second document begins here; a file holds one")

    def _begin(self, event: yaml.CollectionStartEvent) -> None:
        if self._is_key():
            raise self._error(event, "a key must be a text")
        if event.tag not in (None, "!"):
            raise self._error(event, f"tag {event.tag} is not supported")
        if len(self._open) >= MAX_DEPTH:
            raise self._error(event, f"nested more than {MAX_DEPTH} levels deep")
        value: dict[str, Any] | list[Any] = {} if isinstance(event, yaml.MappingStartEvent) else []
        at = self._at()
        self._add(value, 0, event)
        self._open.append(_Open(value, at, event.anchor))

    def _alias(self, event: yaml.AliasEvent) -> None:
        if self._is_key():
            raise self._error(event, "a key must be a text")
        if event.anchor not in self._anchors:
            raise self._error(event, f"*{event.anchor} stands for nothing, or for something around itself")
        value, nodes = self._anchors[event.anchor]
        self._add(value, nodes, event)

    def _is_key(self) -> bool:
        return bool(self._open) and isinstance(self._open[-1].value, dict) and self._open[-1].key is None

    def _key(self, event: yaml.ScalarEvent) -> None:
        parent = self._open[-1]
        if event.value in parent.value:
            raise self._error(event, f"the key {event.value!r} is written twice")
        if event.value == "<<" and not event.style:
            raise self._error(event, "merge keys are not supported")
        parent.key = event.value
        self._lines[self._at()] = _line(event)
        self._remember(event.anchor, event.value, 1)

    def _at(self) -> At:
        if not self._open:
            return ()
        parent = self._open[-1]
        return (*parent.at, len(parent.value) if parent.key is None else parent.key)

    def _add(self, value: Any, nodes: int, event: yaml.Event) -> None:
        self._lines.setdefault(self._at(), _line(event))
        if not self._open:
            self.root = value
            return
        parent = self._open[-1]
        if isinstance(parent.value, list):
            parent.value.append(value)
        elif parent.key is not None:
            parent.value[parent.key] = value
            parent.key = None
        self._count(nodes, event)

    def _count(self, nodes: int, event: yaml.Event) -> None:
        if self._open:
            self._open[-1].nodes += nodes
            if self._open[-1].nodes > MAX_NODES:
                raise self._error(event, f"more than {MAX_NODES} values, aliases included")

    def _remember(self, anchor: str | None, value: Any, nodes: int) -> None:
        if anchor:
            self._anchors[anchor] = (value, nodes)

    def _error(self, event: yaml.Event, problem: str) -> ConfigError:
        column = event.start_mark.column + 1 if event.start_mark else 1
        return syntax_error(self._source, self._text, _line(event), column, problem)


def _line(event: yaml.Event) -> int:
    return event.start_mark.line + 1 if event.start_mark else 1


def _scalar(event: yaml.ScalarEvent, error: Callable[[yaml.Event, str], ConfigError]) -> Any:
    text: str = event.value
    if event.tag not in (None, "!", "tag:yaml.org,2002:str"):
        raise error(event, f"tag {event.tag} is not supported")
    if event.tag or event.style:
        return text
    if text in _WORDS:
        return _WORDS[text]
    if _INT.fullmatch(text):
        return exact_int(text)
    return exact_float(text) if _FLOAT.fullmatch(text) else text
