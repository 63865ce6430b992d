"""JSON text to values. The json module parses; lines are looked up only once something is to be reported.

A DataX job that is not strict JSON is rewritten first; see `lenient_json`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from itertools import islice
from typing import Any, NoReturn

from starhaul.api.errors import ConfigError, Problem
from starhaul.job.document import MAX_DEPTH, MAX_NODES, At, exact_float, exact_int, syntax_error

_TOKEN = re.compile(r'"(?:[^"\\]++|\\.)*+"|[{}\[\],:]|[^\s{}\[\],:"]+', re.DOTALL)
_DATAX = re.compile(r"""(?:^|[{,'"“”＂\s])job['"“”＂]?\s*[:：]""")
"""What a job in DataX's form holds somewhere."""


@dataclass(frozen=True, slots=True)
class Parsed:
    """A JSON text as values."""

    value: Any
    line_of: Callable[[At], int | None]
    """Line (from 1) of the value at a place, or of the nearest value around it."""
    repeated: tuple[At, ...] = ()
    """Keys that are written more than once in their object."""
    bare: frozenset[At] = frozenset()
    """Where `$n` or `${n}` was written without quotes; it has become a text."""
    remarks: tuple[Problem, ...] = ()
    """What is no JSON and was understood."""


def parse_json(text: str, source: str) -> Parsed:
    """Values of a JSON text; if it is a DataX job, of nearly a JSON text. Raises `ConfigError` with the place."""
    try:
        return _parse(text, source)
    except ConfigError as error:
        if not _DATAX.search(text):
            raise
        parsed = _parse_leniently(text, source)
        if not (isinstance(parsed.value, dict) and "job" in parsed.value):
            raise error from None
        return parsed


def parse_fragment(text: str) -> Any:
    """The value of a piece of a job that is nearly JSON. Raises `ConfigError` without a place, and without any of the
    text, which may be a secret."""
    from starhaul.job.lenient_json import make_strict

    try:
        return _loads(make_strict(text, "").text, dict, strict=False)
    except (ConfigError, ValueError, RecursionError, _NotJsonError):
        raise ConfigError("", "not valid JSON") from None


def _parse_leniently(text: str, source: str) -> Parsed:
    from starhaul.job.lenient_json import make_strict, place_error

    strict = make_strict(text, source)
    try:
        parsed = _parse(strict.text, source, strict=False)
    except json.JSONDecodeError as error:  # an escape that is none
        raise place_error(source, text, strict.origin(error.pos), error.msg) from error
    bare = _places(strict.text, strict.variables) if strict.variables else frozenset()
    return Parsed(parsed.value, parsed.line_of, parsed.repeated, bare, tuple(strict.warnings(source, text)))


def _parse(text: str, source: str, *, strict: bool = True) -> Parsed:
    """Raises `JSONDecodeError` for the caller to place, unless `strict`."""
    repeats = False

    def build(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        nonlocal repeats
        built = dict(pairs)
        repeats = repeats or len(built) < len(pairs)
        return built

    try:
        value = _loads(text, build, strict=strict)
    except json.JSONDecodeError as error:
        if not strict:
            raise
        raise syntax_error(source, text, error.lineno, error.colno, f"not valid JSON: {error.msg}") from error
    except RecursionError as error:
        raise ConfigError(source, f"nested more than {MAX_DEPTH} levels deep") from error
    except _NotJsonError as error:
        raise _at_token(source, text, str(error)) from error

    @cache
    def scanned() -> tuple[dict[At, int], list[At]]:
        lines: dict[At, int] = {}
        repeated: list[At] = []
        for at, line, _, is_key in islice(_scan(text), 2 * MAX_NODES):  # no document with more is accepted
            if is_key and at in lines:
                repeated.append(at)
            if is_key or at not in lines:
                lines[at] = line
        return lines, repeated

    def line_of(at: At) -> int | None:
        lines = scanned()[0]
        while at not in lines and at:
            at = at[:-1]
        return lines.get(at)

    return Parsed(value, line_of, tuple(scanned()[1]) if repeats else ())


def _loads(text: str, build: Callable[[list[tuple[str, Any]]], dict[str, Any]], *, strict: bool) -> Any:
    return json.loads(
        text,
        object_pairs_hook=build,
        parse_float=exact_float,
        parse_int=exact_int,
        parse_constant=_refuse,
        strict=strict,
    )


def _places(text: str, offsets: set[int]) -> frozenset[At]:
    return frozenset(at for at, _, offset, _ in _scan(text) if offset in offsets)


class _NotJsonError(Exception):
    """A word that the json module takes for a number and JSON does not."""


def _refuse(word: str) -> NoReturn:
    raise _NotJsonError(word)


def _at_token(source: str, text: str, word: str) -> ConfigError:
    for token, start in _tokens(text):
        if token == word:
            column = start - (text.rfind("\n", 0, start) + 1) + 1
            return syntax_error(source, text, text.count("\n", 0, start) + 1, column, f"not valid JSON: {word}")
    return ConfigError(source, f"not valid JSON: {word}")


def _tokens(text: str) -> Iterator[tuple[str, int]]:
    return ((match.group(), match.start()) for match in _TOKEN.finditer(text))


def _scan(text: str) -> Iterator[tuple[At, int, int, bool]]:
    """Place, line and offset of each key and each value, and whether it is a key. `text` is valid JSON."""
    steps: list[str | int | None] = []  # one per open object (its current key, None before it) or array (the index)
    line, seen = 1, 0
    for piece, start in _tokens(text):
        line += text.count("\n", seen, start)
        seen = start
        if piece in "}]":
            steps.pop()
        elif piece == ",":
            last = steps[-1]
            steps[-1] = last + 1 if isinstance(last, int) else None
        elif piece != ":":
            is_key = bool(steps) and steps[-1] is None
            if is_key:
                steps[-1] = json.loads(piece, strict=False)
            yield tuple(step for step in steps if step is not None), line, start, is_key
            if not is_key and piece in "{[":
                steps.append(None if piece == "{" else 0)
