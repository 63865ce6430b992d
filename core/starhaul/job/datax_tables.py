"""DataX's rule for a writer with several tables: the rows of the reader's first table or query go to the first of them,
and so on; their numbers must be equal. Here that makes a stream of each pair.
"""

from __future__ import annotations

import copy
import re
from collections.abc import Iterator
from dataclasses import replace
from itertools import groupby
from typing import Any

from starhaul.job.uses import Draft, Use

_RANGE = re.compile(r"\[\s*(\d+)\s*-\s*(\d+)\s*\]")
_MOST = 1000
"""Tables of one writer. More are left to the writer to refuse."""


def pair_tables(draft: Draft) -> None:
    """Put a stream for each pair of tables in the place of one whose writer has several, in the draft's uses. What does
    not pair is left as it is, for the writer to refuse."""
    uses: list[Use] = []
    for _, group in groupby(draft.uses, key=lambda use: use.stream):
        uses += _paired(list(group))
    draft.uses = uses


def _paired(uses: list[Use]) -> list[Use]:
    by_kind = {use.kind: use for use in uses}
    reader, writer = by_kind.get("reader"), by_kind.get("writer")
    if reader is None or writer is None:
        return uses
    targets = _places(writer)
    if len(targets) < 2:
        return uses
    sources = _places(reader)
    if len(sources) != len(targets):
        return uses
    paired = []
    for number, places in enumerate(zip(sources, targets, strict=True)):
        for use in uses:
            place = places[0] if use is reader else places[1] if use is writer else None
            paired.append(_with(use, number, place))
    return paired


def _with(use: Use, number: int, place: dict[str, Any] | None) -> Use:
    entry = copy.deepcopy(use.entry)
    if place is not None:
        entry["parameter"]["connection"] = [place]
    rewritten = frozenset() if place is None else frozenset({"connection"})
    return replace(use, entry=entry, stream=(*use.stream, number), rewritten=rewritten)


def _places(use: Use) -> list[dict[str, Any]]:
    """One element of `connection` for each table or query of a plugin; none if it is not of that kind, or has too
    many."""
    found: list[dict[str, Any]] = []
    connection = (use.parameters or {}).get("connection")
    for place in connection if isinstance(connection, list) else [connection]:
        if not isinstance(place, dict):
            return []
        rest = {key: value for key, value in place.items() if key not in ("table", "querySql")}
        for key in ("table", "querySql"):
            texts = place.get(key)
            for text in texts if isinstance(texts, list) else [] if texts is None else [texts]:
                if not isinstance(text, str):
                    return []
                for each in _names(text) if key == "table" else [text]:
                    found.append({**copy.deepcopy(rest), key: [each]})
                    if len(found) > _MOST:
                        return []
    return found


def _names(text: str) -> Iterator[str]:
    """The names in a text: separated by commas, `t[00-31]` for `t00` to `t31`. Names in quotes may hold either, so such
    a text is taken for one."""
    if any(quote in text for quote in "\"'`"):
        yield text
        return
    for name in filter(None, map(str.strip, text.split(","))):
        match = _RANGE.search(name)
        if match is None:
            yield name
            continue
        first, last = match.groups()
        width = len(first) if first.startswith("0") else 0
        for number in range(int(first), min(int(last), int(first) + _MOST) + 1):
            yield f"{name[: match.start()]}{number:0{width}d}{name[match.end() :]}"
