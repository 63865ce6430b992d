"""Parquet's schemas as text: `message m { required int64 id; optional binary name (UTF8); }`."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache

_TOKEN = re.compile(r"[,;{}()=]|[^\s,;{}()=]+")
_PHYSICAL = ("boolean", "int32", "int64", "int96", "float", "double", "binary", "fixed_len_byte_array")
_REPETITIONS = ("required", "optional", "repeated")
_ANNOTATIONS = frozenset(
    {"UTF8", "STRING", "ENUM", "JSON", "BSON", "UUID", "FLOAT16", "DECIMAL", "DATE", "TIME", "TIME_MILLIS",
     "TIME_MICROS", "TIMESTAMP", "TIMESTAMP_MILLIS", "TIMESTAMP_MICROS", "INTERVAL", "INTEGER", "INT_8", "INT_16",
     "INT_32", "INT_64", "UINT_8", "UINT_16", "UINT_32", "UINT_64", "LIST", "MAP", "MAP_KEY_VALUE"}
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Node:
    """A field of a message, with those inside it."""

    name: str
    repetition: str
    """`required`, `optional` or `repeated`."""
    physical: str
    """`int32` and so on, or `group`."""
    annotation: str = ""
    """What the bytes mean, in upper case: `UTF8`, `DECIMAL`; empty if nothing says it."""
    arguments: tuple[str, ...] = ()
    """Of the annotation, in lower case: precision and scale, unit and whether it is UTC."""
    length: int = 0
    """Of `fixed_len_byte_array`."""
    field_id: int | None = None
    members: tuple[Node, ...] = ()

    def __str__(self) -> str:
        length = f"({self.length})" if self.physical == "fixed_len_byte_array" else ""
        arguments = f"({','.join(self.arguments)})" if self.arguments else ""
        annotation = f" ({self.annotation}{arguments})" if self.annotation else ""
        return f"{self.physical}{length}{annotation}"


@cache
def message(text: str) -> tuple[Node, ...]:
    """The fields of a message. `ValueError` with the line where it is none."""
    tokens = _Tokens(text)
    tokens.expect("message")
    if tokens.next != "{":  # the name, which means nothing
        tokens.take("a name")
    nodes = _members(tokens)
    if tokens.next:
        raise tokens.error("the end")
    return nodes


class _Tokens:
    def __init__(self, text: str) -> None:
        self._found = [(match[0], text.count("\n", 0, match.start()) + 1) for match in _TOKEN.finditer(text)]
        self._place = 0

    @property
    def next(self) -> str:
        """The word or mark that comes; empty at the end."""
        return self._found[self._place][0] if self._place < len(self._found) else ""

    def take(self, what: str) -> str:
        """The word that comes."""
        word = self.next
        if not word or word in ",;{}()=":
            raise self.error(what)
        self._place += 1
        return word

    def passes(self, mark: str) -> bool:
        """Whether this comes. It is passed then."""
        there = self.next.lower() == mark
        self._place += there
        return there

    def expect(self, mark: str) -> None:
        if not self.passes(mark):
            raise self.error(f"`{mark}`")

    def number(self, what: str) -> int:
        if not self.next.isdecimal():
            raise self.error(what)
        return int(self.take(what))

    def error(self, expected: str) -> ValueError:
        line = self._found[min(self._place, len(self._found) - 1)][1] if self._found else 1
        there = f"{self.next!r} stands there" if self.next else "the text ends"
        return ValueError(f"line {line}: {expected} is expected, and {there}")


def _members(tokens: _Tokens) -> tuple[Node, ...]:
    tokens.expect("{")
    nodes: list[Node] = []
    while not tokens.passes("}"):
        nodes.append(_node(tokens))
        if any(nodes[-1].name == node.name for node in nodes[:-1]):
            raise ValueError(f"two fields have the name {nodes[-1].name!r}")
    if not nodes:
        raise ValueError("there is no field between `{` and `}`")
    return tuple(nodes)


def _node(tokens: _Tokens) -> Node:
    if tokens.next.lower() not in _REPETITIONS:
        raise tokens.error("`required`, `optional` or `repeated`")
    repetition = tokens.take("").lower()
    if tokens.next.lower() not in (*_PHYSICAL, "group"):
        raise tokens.error(f"a type ({', '.join(_PHYSICAL)}) or `group`")
    physical, length = tokens.take("").lower(), 0
    if physical == "fixed_len_byte_array":
        tokens.expect("(")
        length = tokens.number("the number of bytes")
        tokens.expect(")")
    name = tokens.take("a name")
    annotation, arguments = _annotation(tokens)
    field_id = tokens.number("a number") if tokens.passes("=") else None
    if physical == "group":
        members = _members(tokens)
        tokens.passes(";")
    else:
        members = ()
        tokens.expect(";")
    return Node(name, repetition, physical, annotation, arguments, length, field_id, members)


def _annotation(tokens: _Tokens) -> tuple[str, tuple[str, ...]]:
    if not tokens.passes("("):
        return "", ()
    if tokens.next.upper() not in _ANNOTATIONS:
        raise tokens.error("what the values mean (`UTF8`, `DECIMAL(10,2)`, `DATE`, `TIMESTAMP_MILLIS`, …)")
    annotation = tokens.take("").upper()
    arguments: list[str] = []
    if tokens.passes("("):
        arguments.append(tokens.take("a value").lower())
        while tokens.passes(","):
            arguments.append(tokens.take("a value").lower())
        tokens.expect(")")
    tokens.expect(")")
    return annotation, tuple(arguments)
