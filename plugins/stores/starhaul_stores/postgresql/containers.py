"""Arrays and ranges, whose values travel as text: what the server makes of it in silence.

It rounds numbers to what a float holds, and leaves out the time of a day that is to be a date, and the zone of a time
that has none.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import pyarrow as pa

_CONTAINER = re.compile(
    r'(?P<range>int4|int8|num|date|ts|tstz)(?:multi)?range(?:\[\])?|(?P<element>[a-z0-9 (),"]+)\[\]'
)
"""As `format_type` spells them."""
_OF_A_RANGE = {"int4": "integer", "int8": "bigint", "num": "numeric", "date": "date",
               "ts": "timestamp without time zone", "tstz": "timestamp with time zone"}  # fmt: skip
_FITTING = {
    "date": {"date"},
    "timestamp without time zone": {"date", "timestamp without time zone"},
    "timestamp with time zone": {"timestamp with time zone"},
    "time without time zone": {"time without time zone"},
    "real": {"smallint", "real"},
    "double precision": {"smallint", "integer", "real", "double precision"},
}
"""Type of an element that the server makes of others in silence → the types whose values stay what they are."""
_DIGITS = re.compile(r"\(\d(?:,\d+)?\)")
_ZONE = r"\d:\d\d[0-9:.]*\s*(?:[+-]\d|[zZ]\b|UTC|GMT)"
_ALTERED = {
    "date": (":", "the server would leave out the time of day"),
    "timestamp without time zone": (_ZONE, "the server would leave out the zone"),
    "time without time zone": (_ZONE, "the server would leave out the zone"),
}


def alters(told: str, source: str) -> bool:
    """Whether the server alters values of a container in silence where they are to be another's. Both as `format_type`
    spells them; False where one is no container."""
    theirs, ours = _element(source), _element(told)
    return bool(theirs and ours in _FITTING and theirs not in _FITTING[ours])


def altered(told: str, texts: pa.Array) -> Iterator[tuple[pa.Array, str]]:
    """Which texts the server would alter in a column of a container, and why."""
    pattern, reason = _ALTERED.get(_element(told), ("", ""))
    if pattern:
        import pyarrow.compute as pc

        yield pc.match_substring_regex(texts, pattern), reason


def _element(told: str) -> str:
    """The type of its elements, or bounds, without a number of digits; empty for a type that is no container."""
    matched = _CONTAINER.fullmatch(told)
    if matched is None:
        return ""
    return _OF_A_RANGE.get(matched["range"] or "") or _DIGITS.sub("", matched["element"] or "")
