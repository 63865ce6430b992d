"""JSON text to values. The json module parses; lines are looked up only once something is to be reported."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from functools import cache
from typing import Any, NoReturn

from starhaul.api.errors import ConfigError
from starhaul.job.document import MAX_DEPTH, At, exact_float, exact_int, syntax_error

_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|[{}\[\],:]|[^\s{}\[\],:"]+', re.DOTALL)


def parse_json(text: str, source: str) -> tuple[Any, Callable[[At], int | None], list[At]]:
    """Values, a way to look up their lines, and the places of repeated keys. Raises `ConfigError` with the place."""
    repeats = False

    def build(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        nonlocal repeats
        built = dict(pairs)
        repeats = repeats or len(built) < len(pairs)
        return built

    try:
        value = json.loads(
            text, object_pairs_hook=build, parse_float=exact_float, parse_int=exact_int, parse_constant=_refuse
        )
    except json.JSONDecodeError as error:
        raise syntax_error(source, text, error.lineno, error.colno, f"not valid JSON: {error.msg}") from error
    except RecursionError as error:
        raise ConfigError(source, f"nested more than {MAX_DEPTH} levels deep") from error
    except _NotJsonError as error:
        raise _at_token(source, text, str(error)) from error

    @cache
    def scanned() -> tuple[dict[At, int], list[At]]:
        return _scan(text)

    def line_of(at: At) -> int | None:
        lines = scanned()[0]
        while at not in lines and at:
            at = at[:-1]
        return lines.get(at)

    return value, line_of, scanned()[1] if repeats else []


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


def _scan(text: str) -> tuple[dict[At, int], list[At]]:
    """Line of each value (of its key, in an object), and the places of repeated keys. `text` is valid JSON."""
    lines: dict[At, int] = {}
    repeated: list[At] = []
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
                steps[-1] = json.loads(piece)
            at = tuple(step for step in steps if step is not None)
            if is_key and at in lines:
                repeated.append(at)
            if is_key or at not in lines:
                lines[at] = line
            if not is_key and piece in "{[":
                steps.append(None if piece == "{" else 0)
    return lines, repeated
