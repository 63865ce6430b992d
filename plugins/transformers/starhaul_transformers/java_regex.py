"""Java's regular expressions, on the RE2 inside Arrow where it has the feature, else on Python's `re`.

Source of the syntax: the documentation of `java.util.regex.Pattern` (Java 8, which runs DataX). A pattern is rewritten
token by token, so that it means in the other engine what it means in Java: `.` stops at Java's five line terminators;
`\\d`, `\\w`, `\\s` and the case of letters are those of ASCII, `\\b` is that of Unicode. A construct that cannot be
said exactly is an error, never a guess. Text consists of code points, as it does for Java's engine.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

import pyarrow as pa

_NOT_TERMINATOR = "[^\\n\\r\\x85\u2028\u2029]"
_BEFORE_LAST_TERMINATOR = "(?=(?:\\r\\n|(?<!\\r)\\n|[\\r\\x85\u2028\u2029])?\\Z)"
_LINE_BREAK = "(?>\\r\\n|[\\n\\x0b\\f\\r\\x85\u2028\u2029])"

_SETS: Mapping[str, str] = MappingProxyType(
    {
        "d": "0-9",
        "w": "a-zA-Z0-9_",
        "s": " \\t\\n\\x0b\\f\\r",
        "h": " \\t\\xa0\u1680\u180e\u2000-\u200a\u202f\u205f\u3000",
        "v": "\\n\\x0b\\f\\r\\x85\u2028\u2029",
        "Lower": "a-z",
        "Upper": "A-Z",
        "ASCII": "\\x00-\\x7f",
        "Alpha": "a-zA-Z",
        "Digit": "0-9",
        "Alnum": "a-zA-Z0-9",
        "Punct": "\\x21-\\x2f\\x3a-\\x40\\x5b-\\x60\\x7b-\\x7e",
        "Graph": "\\x21-\\x7e",
        "Print": "\\x20-\\x7e",
        "Blank": " \\t",
        "Cntrl": "\\x00-\\x1f\\x7f",
        "XDigit": "0-9a-fA-F",
        "Space": " \\t\\n\\x0b\\f\\r",
    }
)
_CONTROLS: Mapping[str, str] = MappingProxyType(
    {"t": "\t", "n": "\n", "r": "\r", "f": "\f", "a": "\a", "e": "\x1b"}
)  # fmt: skip
_CHARACTER = re.compile(
    r"x(?P<hex>[0-9a-fA-F]{2})|x\{(?P<point>[0-9a-fA-F]{1,6})\}|u(?P<unit>[0-9a-fA-F]{4})"
    r"|0(?P<octal>[0-3]?[0-7]{1,2})|c(?P<control>[@-_a-z?])|(?P<named>[tnrfae])|(?P<plain>[^a-zA-Z0-9])",
    re.DOTALL,
)
_PROPERTY = re.compile(r"(?P<sign>[pP])(?:\{(?P<name>\w+)\}|(?P<letter>[A-Z]))")
_GROUP = re.compile(r"\((?:\?(?:(?P<kind>[:=!>]|<[=!])|<(?P<name>[a-zA-Z][a-zA-Z0-9]*)>))?(?!\?)")
_QUANTIFIER = re.compile(r"(?P<count>[*+?]|\{\d+(?:,\d*)?\})(?P<manner>[?+]?)")
_LEADING_FLAGS = re.compile(r"\(\?([a-zA-Z]+)\)")


@dataclass(frozen=True, slots=True)
class JavaRegex:
    """A compiled pattern. Immutable; may be used by several threads."""

    re2: str | None
    """The pattern for Arrow's kernel; None if RE2 lacks something that it needs."""
    python: re.Pattern[str] | None

    def matches(self, text: pa.Array) -> pa.BooleanArray:
        """Where the whole text matches, as `String.matches` says it; null for null."""
        import pyarrow.compute as pc

        if self.re2 is not None:
            return pc.match_substring_regex(text, self.re2)
        assert self.python is not None  # noqa: S101  compile_java() makes one or the other
        match = self.python.fullmatch
        return pa.array([None if value is None else match(value) is not None for value in text.to_pylist()], pa.bool_())


def compile_java(pattern: str) -> JavaRegex:
    """Compile. Raises `ValueError` with a sentence if Java would refuse the pattern, or it cannot be said exactly."""
    translation = _Translation(pattern)
    translated = translation.run()
    if not translation.needs_python:
        import pyarrow.compute as pc

        anchored = f"\\A(?:{translated})\\z"
        try:
            pc.match_substring_regex(pa.array([""]), anchored)
        except pa.ArrowException as error:  # too many repetitions, or a property that RE2 does not know
            if translation.needs_re2:
                raise ValueError(f"{pattern!r} cannot be used: {error}") from error
        else:
            return JavaRegex(anchored, None)
    if translation.needs_re2:
        raise ValueError(f"{pattern!r} cannot be used: \\p together with look-around, flags or the like")
    flags = re.ASCII | (re.IGNORECASE if translation.ignore_case else 0)
    try:
        return JavaRegex(None, re.compile(translated, flags))
    except (re.error, OverflowError) as error:
        raise ValueError(f"{pattern!r} is no regular expression: {error}") from error


class _Translation:
    """One pass over a pattern. What it emits means the same to both engines, except where a `needs_` says so."""

    def __init__(self, pattern: str) -> None:
        self.pattern = pattern
        self.needs_python = False
        self.needs_re2 = False
        self.ignore_case = False
        self._dot = _NOT_TERMINATOR
        self._at = 0

    def run(self) -> str:
        self._flags()
        out = []
        while self._at < len(self.pattern):
            out.append(self._token())
        return "".join(out)

    def _flags(self) -> None:
        match = _LEADING_FLAGS.match(self.pattern)
        for flag in match[1] if match else "":
            if flag == "i":
                self.ignore_case = self.needs_python = True
            elif flag == "s":
                self._dot = "(?s:.)"
            else:
                raise self._unsupported(f"the flag {flag!r}")
        self._at = match.end() if match else 0

    def _token(self) -> str:
        char = self.pattern[self._at]
        if char == "\\":
            return self._escape()
        if char == "[":
            return self._class()
        if char == "(":
            return self._group()
        if char in "*+?{":
            return self._quantifier()
        self._at += 1
        if char == ".":
            return self._dot
        if char == "$":
            return self._end(_BEFORE_LAST_TERMINATOR)
        return char if char in "^|)" else _literal(char)

    def _end(self, elsewhere: str) -> str:
        """An anchor at the end of the pattern says nothing, as the whole text is to match."""
        if self._at == len(self.pattern):
            return ""
        self.needs_python = True
        return elsewhere

    def _group(self) -> str:
        match = _GROUP.match(self.pattern, self._at)
        if match is None:
            raise self._unsupported(f"the group {self.pattern[self._at : self._at + 4]!r}")
        self._at = match.end()
        if match["name"]:
            return f"(?P<{match['name']}>"
        self.needs_python |= match["kind"] not in (None, ":")
        return match[0]

    def _quantifier(self) -> str:
        match = _QUANTIFIER.match(self.pattern, self._at)
        if match is None:
            raise self._unsupported("a `{` that is no quantifier")
        self._at = match.end()
        self.needs_python |= match["manner"] == "+"
        return match[0]

    def _escape(self) -> str:
        self._at += 1
        char = self.pattern[self._at : self._at + 1]
        simple: dict[str, Callable[[], str]] = {
            "A": lambda: "\\A",
            "z": lambda: self._end("\\Z"),
            "Z": lambda: self._end(_BEFORE_LAST_TERMINATOR),
            "b": lambda: self._python("(?u:\\b)"),
            "B": lambda: self._python("(?!(?u:\\b))"),  # Python's \\B is false for an empty text
            "R": lambda: self._python(_LINE_BREAK),
        }
        if char in simple:
            self._at += 1
            return simple[char]()
        if char and char in "123456789k":
            return self._back_reference()
        if char == "Q":
            return self._quoted()
        members = self._set()
        if members is None:
            return _literal(self._character())
        negated, content = members
        return f"[{'^' if negated else ''}{content}]"

    def _python(self, emitted: str) -> str:
        self.needs_python = True
        return emitted

    def _back_reference(self) -> str:
        match = re.compile(r"k<(?P<name>[a-zA-Z][a-zA-Z0-9]*)>|(?P<number>[1-9])(?!\d)").match(self.pattern, self._at)
        if match is None:
            raise self._unsupported("this back reference")
        self._at = match.end()
        return self._python(f"(?P={match['name']})" if match["name"] else f"(?:\\{match['number']})")

    def _quoted(self) -> str:
        end = self.pattern.find("\\E", self._at)
        end = len(self.pattern) if end < 0 else end
        text = self.pattern[self._at + 1 : end]
        self._at = min(end + 2, len(self.pattern))
        return "".join(map(_literal, text))

    def _set(self) -> tuple[bool, str] | None:
        """A predefined set behind a backslash: (negated, members); None if there is none."""
        char = self.pattern[self._at : self._at + 1]
        if char and char in "dwshvDWSHV":
            self._at += 1
            return char.isupper(), _SETS[char.lower()]
        if char not in ("p", "P"):
            return None
        match = _PROPERTY.match(self.pattern, self._at)
        if match is None:
            raise self._unsupported("this use of \\p")
        self._at = match.end()
        name = match["name"] or match["letter"]
        if name in _SETS and len(name) > 1:
            return char == "P", _SETS[name]
        self.needs_re2 = True
        return char == "P", f"\\p{{{name.removeprefix('Is')}}}"

    def _character(self) -> str:
        """One character behind a backslash."""
        match = _CHARACTER.match(self.pattern, self._at)
        if match is None:
            raise self._unsupported(f"\\{self.pattern[self._at : self._at + 1]}")
        self._at = match.end()
        code = match["hex"] or match["point"] or match["unit"]
        if code:
            return self._code_point(int(code, 16))
        if match["octal"]:
            return chr(int(match["octal"], 8))
        if match["control"]:
            return chr(ord(match["control"]) ^ 64)
        return _CONTROLS[match["named"]] if match["named"] else match["plain"]

    def _code_point(self, code: int) -> str:
        low = re.compile(r"\\u([dD][c-fC-F][0-9a-fA-F]{2})").match(self.pattern, self._at)
        if 0xD800 <= code < 0xDC00 and low:
            self._at = low.end()
            return chr(0x10000 + ((code - 0xD800) << 10) + int(low[1], 16) - 0xDC00)
        if 0xD800 <= code < 0xE000 or code > 0x10FFFF:
            raise self._unsupported(f"the code {code:x}")
        return chr(code)

    def _class(self) -> str:
        self._at += 1
        out = ["["]
        if self.pattern.startswith("^", self._at):
            self._at += 1
            out.append("^")
        first = self._at
        while not self.pattern.startswith("]", self._at) or self._at == first:
            if self._at >= len(self.pattern):
                raise ValueError(f"{self.pattern!r} is no regular expression: a `[` is never closed")
            out.append(self._class_item())
        self._at += 1
        return "".join([*out, "]"])

    def _class_item(self) -> str:
        if self.pattern.startswith("\\", self._at):
            self._at += 1
            members = self._set()
            if members is not None:
                return self._members(*members)
            low = self._character()
        else:
            low = self._plain_in_class()
        if not re.compile(r"-(?![\]\[])").match(self.pattern, self._at):
            return _literal(low)
        self._at += 1
        if self.pattern.startswith("\\", self._at):
            self._at += 1
            high = self._character()
        else:
            high = self._plain_in_class()
        return f"{_literal(low)}-{_literal(high)}"

    def _plain_in_class(self) -> str:
        char = self.pattern[self._at : self._at + 1]
        if char == "[" or self.pattern.startswith("&&", self._at):
            raise self._unsupported("a class within a class, or an intersection of classes")
        self._at += 1
        return char

    def _members(self, negated: bool, content: str) -> str:
        if not negated:
            return content
        if content in (_SETS["d"], _SETS["w"]):
            return "\\D" if content == _SETS["d"] else "\\W"
        if content == _SETS["s"]:
            return self._python("\\S")  # RE2's leaves the vertical tab out
        if content.startswith("\\p"):
            return f"\\P{content[2:]}"
        raise self._unsupported("a negated property within a class")

    def _unsupported(self, what: str) -> ValueError:
        return ValueError(f"{self.pattern!r} cannot be used: {what} is not supported")


def _literal(char: str) -> str:
    """The character itself, whatever it is, inside and outside of classes, for both engines."""
    plain = (char.isascii() and char.isalnum()) or ord(char) > 0xFF or char in "_ "
    return char if plain else f"\\x{ord(char):02x}"
