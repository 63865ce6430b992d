"""Names of tables and columns as jobs write them."""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Iterable, Sequence

from starhaul import ConfigError

_RANGE = re.compile(r"\[\s*(\d+)\s*-\s*(\d+)\s*\]")
_MOST = 10_000
_QUOTES = "\"`'"


def expanded(*texts: str) -> list[str]:
    """Names of tables out of texts that may hold several, separated by commas, and a range `t[00-31]` each, whose
    numbers keep their leading zeros; which end comes first does not matter. Commas within quotes stay as they are, and
    so do brackets in a name that has quotes, as in DataX."""
    found: list[str] = []
    for text in texts:
        for name in _parts(text, ","):
            found += _ranged(name.strip())
    return [name for name in found if name]


def names_in(value: object) -> object:
    """The names that a parameter holds, a text with commas or a list of such; anything else as it is, for pydantic to
    refuse."""
    texts = [value] if isinstance(value, str) else value
    if not isinstance(texts, list | tuple):
        return value
    return tuple(name.strip() for text in texts for name in str(text).split(",") if name.strip())


def name_parts(text: str, quotes: str, fold: Callable[[str], str]) -> list[str]:
    """The parts of a dotted name: `fold` is what the database makes of a part that is not quoted by one of `quotes`;
    within quotes, two of them are one."""
    parts = []
    for part in _parts(text.strip(), "."):
        if len(part) > 1 and part[0] == part[-1] and part[0] in quotes:
            parts.append(part[1:-1].replace(part[0] * 2, part[0]))
        else:
            parts.append(fold(part))
    if not all(parts):
        raise ConfigError("table", f"{text!r} is not a name")
    return parts


def unquoted(name: str, quotes: Iterable[str]) -> str:
    """A name as a job gives it, without the quotes that may stand around it, of which two are one within. `quotes`
    are pairs: the opening one and the closing one."""
    for pair in quotes:
        if len(name) > 1 and name[0] + name[-1] == pair:
            return name[1:-1].replace(pair[1] * 2, pair[1])
    return name


def told_apart(names: Sequence[str], *, by_case: bool = False) -> list[str]:
    """The names of a result's columns, of which some may be alike, or alike but for case, unless that tells them apart
    (`by_case`): the second of a name gets `_2` after it, and so on."""
    fold: Callable[[str], str] = str if by_case else str.casefold
    found: list[str] = []
    met: set[str] = set()
    taken = set(map(fold, names))
    for name in names:
        told, number = name, 1
        while fold(told) in (met if number == 1 else taken):
            number += 1
            told = f"{name}_{number}"
        met.add(fold(told))
        taken.add(fold(told))
        found.append(told)
    return found


def require_not_given(computed: Iterable[str], source: Iterable[str]) -> None:
    """Raise `ConfigError` if the source gives what the target computes by itself (`computed`), where the job names no
    columns: by position, values would go into the wrong ones."""
    given = {name.casefold() for name in source}
    both = [name for name in computed if name.casefold() in given]
    if both:
        told, them = ", ".join(map(repr, both)), "them" if len(both) > 1 else "it"
        problem = f"{told} {'are' if len(both) > 1 else 'is'} computed by the target, and the source gives {them} too"
        raise ConfigError("column", problem, "name all other columns in `column` on both sides")


def suggestion(name: str, known: Iterable[str]) -> str:
    """`did you mean …?`, or what there is; case does not matter. Good as the hint of an error."""
    names = list(known)
    by_fold = {each.casefold(): each for each in names}
    close = [by_fold[each] for each in difflib.get_close_matches(name.casefold(), by_fold, n=3, cutoff=0.6)]
    if close:
        return f"did you mean {' or '.join(map(repr, close))}?"
    return f"there are {', '.join(names[:20])}" if names else ""


def range_hint(text: str) -> str:
    """What to say where a table is missing whose name holds a range that is none; else nothing."""
    return "within quotes a range is part of the name" if _RANGE.search(text) else ""


def _ranged(name: str) -> list[str]:
    matched = _RANGE.search(name)
    if matched is None or any(quote in name for quote in _QUOTES):
        return [name]
    start, end = sorted(matched.groups(), key=int)
    first, last = int(start), int(end)
    if last - first >= _MOST:
        raise ConfigError("table", f"{name!r} holds a range that is longer than {_MOST}")
    width = len(start) if start.startswith("0") else 0
    head, tail = name[: matched.start()], name[matched.end() :]
    return [f"{head}{number:0{width}d}{tail}" for number in range(first, last + 1)]


def _parts(text: str, separator: str) -> list[str]:
    """`text` cut at the separators that are not within quotes."""
    parts, quote = [""], ""
    for letter in text:
        if quote:
            quote = "" if letter == quote else quote
        elif letter in _QUOTES:
            quote = letter
        elif letter == separator:
            parts.append("")
            continue
        parts[-1] += letter
    return parts
