"""A document as it was read: plain JSON values, and where each of them stands."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from os import PathLike, fspath
from pathlib import Path
from typing import Any, TypeAlias

from starhaul.api.errors import ConfigError, Problem

At: TypeAlias = tuple[str | int, ...]
"""A place in a document, from its root: keys of objects, indexes of arrays."""

MAX_BYTES = 16 * 1024 * 1024
MAX_DEPTH = 64
MAX_NODES = 200_000

_PLAIN_KEY = re.compile(r"[^\s.\[\]\"']+")
_TELLS_A_SECRET = re.compile(r"passw|pwd|secret|token|credential|key", re.IGNORECASE)


def dotted(at: At) -> str:
    """`('job', 'content', 0, 'reader')` as users read it: `job.content[0].reader`."""
    text = ""
    for step in at:
        if isinstance(step, int):
            text += f"[{step}]"
        elif _PLAIN_KEY.fullmatch(step):
            text += f".{step}"
        else:
            text += f".{step!r}"
    return text.removeprefix(".")


@dataclass(frozen=True, slots=True)
class Document:
    """One document: a job or a file of connections."""

    source: str
    """The file as it was given, or `<dict>`."""
    value: Any
    """JSON values only: dict with str keys, list, str, int, float, bool, None."""
    folder: Path
    """What relative `${file:…}` start from."""
    line_of: Callable[[At], int | None] = lambda at: None
    """Line (from 1) of the value at a place, or of the nearest value around it."""
    warnings: tuple[Problem, ...] = field(default=())
    bare: frozenset[At] = frozenset()
    """Texts that are variables written without quotes, which only DataX's form allows."""

    def problem(self, at: At, problem: str, hint: str = "") -> Problem:
        """Something that is wrong at a place of this document."""
        return Problem(dotted(at), problem, hint, self.source, self.line_of(at))


def read_document(path: Path) -> Document:
    """Read a YAML or JSON file. The suffix `.json`, `.yaml` or `.yml` decides; without one of them a text that
    begins with `{` or a comment of JavaScript's is JSON. Raises `ConfigError` with the place if the file is unreadable
    or not well-formed."""
    source = str(path)
    return document_from_text(_text(path, source), source, path)


def document_from_text(text: str, source: str, path: Path) -> Document:
    """A document from its text. `path` tells by its suffix what it is, and by its folder what relative files are
    relative to; `source` is how messages call it. Raises `ConfigError` with the place."""
    if not text.strip():
        raise ConfigError(source, "the file is empty")
    suffix = path.suffix.lower()
    if suffix == ".json" or (suffix not in {".yaml", ".yml"} and text.lstrip().startswith(("{", "//", "/*"))):
        from starhaul.job.json_text import parse_json

        parsed = parse_json(text, source)
        document = Document(source, parsed.value, path.parent, parsed.line_of)
        repeated = (document.problem(at, "is written more than once; the last one holds") for at in parsed.repeated)
        return replace(document, warnings=(*parsed.remarks, *repeated), bare=parsed.bare)
    from starhaul.job.yaml_text import parse_yaml

    value, line_of = parse_yaml(text, source)
    return Document(source, value, path.parent, line_of)


def document_of(mapping: Mapping[str, Any]) -> Document:
    """A document from Python values: mappings, lists, tuples, str, int, float, bool, None and paths. Raises
    `ConfigError` for anything else. The values are copied."""
    return Document("<dict>", _plain(mapping, ()), Path())


def syntax_error(source: str, text: str, line: int, column: int, problem: str) -> ConfigError:
    """What to raise for a text that is not well-formed. What stands there is shown, unless it may be a secret."""
    before = text.splitlines()[:line]
    at_line = len(before)
    while before and not before[-1].strip():  # a parser may notice only after the last line
        before.pop()
    shown = before[-1] if before else ""
    start = max(0, (column if len(before) == at_line else len(shown)) - 60)
    excerpt = "" if _TELLS_A_SECRET.search(shown) else shown[start : start + 80].strip()
    hint = f"near: {excerpt}" if excerpt else ""
    if "${" in shown and not source.endswith(".json"):
        hint = "in braces and brackets, put '${…}' in quotes"
    where = f"{source}:{line}:{column}"
    return ConfigError(where, problem, hint, problems=[Problem("", problem, hint, source, line)])


def exact_float(text: str) -> float | str:
    """The number that a decimal text writes, or the text itself if a double cannot hold all of its digits."""
    number = float(text)
    if len(text) <= 15 and "e" not in text.lower():
        return number
    mantissa = text.lower().partition("e")[0]
    if number in (float("inf"), float("-inf")) or (number == 0 and mantissa.strip("-+0.")):
        return text
    from decimal import Decimal

    return number if Decimal(repr(number)) == Decimal(text) else text


def exact_int(text: str) -> int | str:
    """The integer that a decimal text writes, or the text itself beyond the digits that Python converts."""
    return int(text) if len(text) <= 4000 else text


def _text(path: Path, source: str) -> str:
    try:
        size = path.stat().st_size
        if size > MAX_BYTES:
            raise ConfigError(source, f"the file has {size} bytes, more than {MAX_BYTES}", "is this the right file?")
        data = path.read_bytes()
    except FileNotFoundError as error:
        raise ConfigError(source, "no such file", f"looked from {Path.cwd()}") from error
    except IsADirectoryError as error:
        raise ConfigError(source, "is a directory", "name a file in it") from error
    except (OSError, ValueError) as error:
        raise ConfigError(source, f"cannot be read: {error}") from error
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise ConfigError(
            f"{source}:{line}", f"not UTF-8: byte 0x{data[error.start]:02x}", "save the file as UTF-8"
        ) from error


def _plain(value: Any, at: At) -> Any:
    if len(at) > MAX_DEPTH:
        raise ConfigError(dotted(at[:8]) + "…", f"nested more than {MAX_DEPTH} levels deep")
    if isinstance(value, Mapping):
        for key in value:
            if not isinstance(key, str):
                raise ConfigError(dotted(at), f"has a key of type {type(key).__name__}", "keys are str")
        return {key: _plain(child, (*at, key)) for key, child in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(child, (*at, index)) for index, child in enumerate(value)]
    if isinstance(value, PathLike):
        return fspath(value)
    if value is None or type(value) in (str, bool, int):
        return value
    if type(value) is float and value - value == 0:
        return value
    raise ConfigError(
        dotted(at), f"holds {type(value).__name__}, which is no JSON value", "use str, int, float, bool, None"
    )
