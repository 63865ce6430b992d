"""JSON as people write it for DataX, made strict.

DataX reads jobs with fastjson, which takes `//` comments, texts in single quotes, commas too many at an end and commas
missing in an array. DataX's own documentation shows more than that: `#` and `/* */` comments, keys without quotes,
missing commas in objects, full-width punctuation. Both are understood here; what fastjson refuses is remarked on.

The strict text has the same lines, so that lines found in it are those of the original. The json5 package was no way
to get there: it knows no `#`, no missing comma and no full-width punctuation, tells no places of values, and takes
half a minute for a megabyte.
"""

from __future__ import annotations

import json
import re
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass, field

from starhaul.api.errors import ConfigError, Problem
from starhaul.job.document import MAX_DEPTH, MAX_NODES, syntax_error

_TOKEN = re.compile(
    r"""
    (?P<space>[ \t\r\n]+)
  | (?P<odd_space>[^\S \t\r\n]+|[\ufeff\u200b]+)
  | (?P<comment>//[^\n]*)
  | (?P<odd_comment>/\*.*?\*/|\#[^\n]*)
  | (?P<text>"(?:[^"\\]++|\\.)*+"|'(?:[^'\\]++|\\.)*+')
  | (?P<odd_text>[“”＂](?:[^“”＂\\]++|\\.)*+[“”＂]|[‘’](?:[^‘’\\]++|\\.)*+[‘’])
  | (?P<mark>[{}\[\],:])
  | (?P<odd_mark>[｛｝［］，：])
  | (?P<word>(?:\$\{[^{}\s]*+\}|[^\s{}\[\],:"'/\#$｛｝［］，：“”＂‘’\ufeff\u200b]++|\$)++)
    """,
    re.VERBOSE | re.DOTALL,
)
_NARROW = str.maketrans("｛｝［］，：", "{}[],:")
_ESCAPE = re.compile(r'\\(x[0-9A-Fa-f]{2}|.)|"', re.DOTALL)
_ESCAPES = {"v": r"\u000b", "F": r"\f", '"': r"\""}
_ESCAPES |= {mark: mark for mark in "'#&()[].@"} | {digit: rf"\u000{digit}" for digit in "01234567"}
_VALUE = re.compile(r"true|false|null|-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][-+]?[0-9]+)?")
_JAVA_NUMBER = re.compile(r"([-+]?)([0-9]*)(?:\.([0-9]*))?([eE][-+]?[0-9]+)?[LBSFD]?")
"""Digits on one side of the point at least. Neither `NaN` nor hexadecimal digits: fastjson refuses them as well."""
_MOST_TOKENS = 6 * MAX_NODES

HASH_COMMENT = "a comment that DataX does not read"
ODD_SPACE = "a blank that JSON does not know"
ODD_MARK = "full-width punctuation"
ODD_QUOTES = "typographic quotes"
BARE_KEY = "a key without quotes"
MISSING_COMMA = "a comma is missing"
EXTRA_COMMA = "a comma too many"
ODD_NUMBER = "a number that is not one of JSON's"
SEVERAL_LINES = "a text over several lines"


@dataclass(slots=True)
class Strict:
    """The text as strict JSON (but for line ends within texts), and what had to be done for it."""

    text: str = ""
    remarks: dict[str, list[int]] = field(default_factory=dict)
    """What fastjson refuses: the kinds above → where in the original."""
    variables: set[int] = field(default_factory=set)
    """Where in `text` a word without quotes stands that holds a variable. It has become a text."""
    _places: list[tuple[int, int]] = field(default_factory=list)

    def origin(self, offset: int) -> int:
        """The place in the original of a place in `text`."""
        found = bisect_right(self._places, (offset, 2**62)) - 1
        return self._places[found][1] if found >= 0 else 0

    def warnings(self, source: str, text: str) -> Iterator[Problem]:
        """One for each kind of remark, with its first place. `text` is the original."""
        for kind, places in self.remarks.items():
            more = f" (and {len(places) - 1} more like it)" if len(places) > 1 else ""
            yield Problem("", f"{kind}{more}; understood, but no JSON", "", source, line_at(text, places[0]))


def make_strict(text: str, source: str) -> Strict:
    """Rewrite a text in strict JSON. Raises `ConfigError` with the place where that cannot be done. Takes time and
    memory in proportion to the text."""
    return _Rewriter(text, source).run()


def line_at(text: str, offset: int) -> int:
    """The line, from 1, of a place in a text."""
    return text.count("\n", 0, offset) + 1


def place_error(source: str, text: str, offset: int, problem: str) -> ConfigError:
    """A text that is not well-formed at a place."""
    column = offset - (text.rfind("\n", 0, offset) + 1) + 1
    return syntax_error(source, text, line_at(text, offset), column, f"not valid JSON: {problem}")


class _Rewriter:
    """One pass over one text."""

    def __init__(self, text: str, source: str) -> None:
        self._text = text
        self._source = source
        self._strict = Strict()
        self._pieces: list[str] = []
        self._written = 0
        self._open: list[str] = []
        self._wanted = "value"  # or "key", "colon", "comma", "end"
        self._comma: int | None = None  # where the comma stands that is written once something follows it

    def run(self) -> Strict:
        offset = count = 0
        while offset < len(self._text):
            match = _TOKEN.match(self._text, offset)
            if match is None:
                raise self._error(offset, _unreadable(self._text[offset]))
            self._take(match.lastgroup or "", match.group(), offset)
            offset = match.end()
            count += 1
            if count > _MOST_TOKENS:
                raise self._error(offset, f"more than {MAX_NODES} values")
        if self._wanted != "end":
            raise self._error(len(self._text), "the text ends too early")
        self._strict.text = "".join(self._pieces)
        return self._strict

    def _take(self, kind: str, token: str, offset: int) -> None:
        if kind == "space":
            self._write(token)
        elif kind in ("odd_space", "comment", "odd_comment"):
            if kind != "comment" and token.strip("\ufeff"):
                self._remark(ODD_SPACE if kind == "odd_space" else HASH_COMMENT, offset)
            self._write("\n" * token.count("\n") or " ")
        elif kind in ("mark", "odd_mark"):
            if kind == "odd_mark":
                self._remark(ODD_MARK, offset)
            self._mark(token.translate(_NARROW), offset)
        elif kind == "word":
            self._word(token, offset)
        else:
            if kind == "odd_text":
                self._remark(ODD_QUOTES, offset)
            if "\n" in token:
                self._remark(SEVERAL_LINES, offset)
            self._value(_quoted(token), offset)

    def _mark(self, mark: str, offset: int) -> None:
        if mark in "{[":
            if len(self._open) >= MAX_DEPTH:
                raise self._error(offset, f"nested more than {MAX_DEPTH} levels deep")
            if self._wanted == "key":
                raise self._error(offset, "a key must be a text")
            self._value(mark, offset)
            self._open.append(mark)
            self._wanted = "key" if mark == "{" else "value"
        elif mark in "}]":
            if not self._open or self._open[-1] != ("{" if mark == "}" else "["):
                raise self._error(offset, f"'{mark}' closes nothing")
            if self._wanted == "colon" or (self._wanted == "value" and mark == "}"):
                raise self._error(offset, "a value is missing")
            self._comma = None  # one too many
            self._open.pop()
            self._write(mark, offset)
            self._wanted = "comma" if self._open else "end"
        elif mark == ":":
            if self._wanted != "colon":
                raise self._error(offset, "a ':' out of place")
            self._write(mark, offset)
            self._wanted = "value"
        elif self._wanted == "comma":
            self._comma = offset
            self._wanted = "key" if self._open[-1] == "{" else "value"
        elif self._open and self._wanted == ("key" if self._open[-1] == "{" else "value"):
            self._remark(EXTRA_COMMA, offset)
        else:
            raise self._error(offset, "a ',' out of place")

    def _word(self, word: str, offset: int) -> None:
        is_key = self._wanted == "key" or (self._wanted == "comma" and self._open[-1] == "{")
        if is_key:
            self._remark(BARE_KEY, offset)
            self._value(json.dumps(word, ensure_ascii=False), offset)
        elif "$" in word:
            text = json.dumps(word, ensure_ascii=False)
            self._value(text, offset)
            self._strict.variables.add(self._written - len(text))
        elif _VALUE.fullmatch(word):
            self._value(word, offset)
        elif number := _number(word):
            self._remark(ODD_NUMBER, offset)
            self._value(number, offset)
        else:
            raise self._error(offset, f"{word[:40]!r} is no value; put texts in quotes")

    def _value(self, piece: str, offset: int) -> None:
        """Write what can be a key, a value or the beginning of one."""
        if self._wanted == "comma":
            if self._open[-1] == "{":
                self._remark(MISSING_COMMA, offset)
            self._comma = offset
            self._wanted = "key" if self._open[-1] == "{" else "value"
        if self._wanted == "end":
            raise self._error(offset, "something follows the end")
        if self._wanted == "colon":
            raise self._error(offset, "a ':' is missing")
        if self._comma is not None:
            self._write(",", self._comma)
            self._comma = None
        self._write(piece, offset)
        self._wanted = "colon" if self._wanted == "key" else "comma" if self._open else "end"

    def _write(self, piece: str, offset: int | None = None) -> None:
        if offset is not None:
            self._strict._places.append((self._written, offset))
        self._pieces.append(piece)
        self._written += len(piece)

    def _remark(self, kind: str, offset: int) -> None:
        self._strict.remarks.setdefault(kind, []).append(offset)

    def _error(self, offset: int, problem: str) -> ConfigError:
        return place_error(self._source, self._text, offset, problem)


def _quoted(token: str) -> str:
    """A text in whatever quotes as JSON writes it."""

    def fixed(match: re.Match[str]) -> str:
        escaped = match.group(1)
        if escaped is None:
            return r"\""
        if len(escaped) == 3:
            return rf"\u00{escaped[1:]}"
        return _ESCAPES.get(escaped, match.group())

    inner = token[1:-1]
    return f'"{_ESCAPE.sub(fixed, inner)}"' if "\\" in inner or '"' in inner else f'"{inner}"'


def _number(word: str) -> str:
    """A number that Java's parsers take (`+1`, `.5`, `1.`, `012`, which is twelve, `5L`) as JSON writes it; empty if it
    is none."""
    match = _JAVA_NUMBER.fullmatch(word)
    if match is None or not (match[2] or match[3]):
        return ""
    sign, whole, fraction, exponent = match.groups()
    return f"{sign.strip('+')}{whole.lstrip('0') or '0'}{'.' + fraction if fraction else ''}{exponent or ''}"


def _unreadable(character: str) -> str:
    if character in "\"'“”＂‘’":
        return "a text without an end"
    return "a comment without an end" if character == "/" else f"unexpected {character!r}"
