"""Arrays and ranges, whose values travel as text: what the server makes of it in silence.

It rounds numbers to what a float holds, leaves out the time of a day that is to be a date, and the zone of a time that
has none, and cuts blanks off texts and anything off names, as it does outside of arrays.
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
_CUT = re.compile(r"(?:character varying\((?P<most>\d+)\)|name)\[\]")
_BLANK_AT_AN_END = r' "[,}]|\\ [,}]'
_TEXT = re.compile(r'"((?:[^"\\]|\\.)*)"|([^{},"]+)', re.DOTALL)
_LOOSE_END = re.compile(r"(?<!\\)\s+$")
_ESCAPED = re.compile(r"\\(.)", re.DOTALL)


def alters(told: str, source: str) -> bool:
    """Whether the server alters values of a container in silence where they are to be another's. Both as `format_type`
    spells them; False where one is no container."""
    theirs, ours = _element(source), _element(told)
    return bool(theirs and ours in _FITTING and theirs not in _FITTING[ours])


def altered(told: str, texts: pa.Array, longest_name: int) -> Iterator[tuple[pa.Array, str]]:
    """Which texts the server would alter in a column of a container, and why. A `name` has that many bytes at most."""
    pattern, reason = _ALTERED.get(_element(told), ("", ""))
    if pattern:
        import pyarrow.compute as pc

        yield pc.match_substring_regex(texts, pattern), reason
    if cut := _CUT.fullmatch(told):
        import pyarrow.compute as pc

        if cut["most"]:
            suspects, is_cut = pc.match_substring_regex(texts, _BLANK_AT_AN_END), _loses_blanks
        else:
            suspects, is_cut = pc.greater(pc.binary_length(texts), longest_name), _is_longer
        if pc.any(suspects).as_py():
            most = int(cut["most"] or longest_name)
            found = [
                bool(suspect) and any(is_cut(each, most) for each in _elements(text))
                for suspect, text in zip(suspects.to_pylist(), texts.to_pylist(), strict=True)
            ]
            yield pa.array(found, pa.bool_()), f"the server would cut it to {told}"


def _elements(array: str) -> Iterator[str]:
    """The elements of an array, as the server writes and reads them."""
    for quoted, plain in _TEXT.findall(array):
        yield _ESCAPED.sub(r"\1", quoted or _LOOSE_END.sub("", plain).lstrip())


def _loses_blanks(text: str, most: int) -> bool:
    return len(text) > most >= len(text.rstrip(" "))  # longer ones it refuses


def _is_longer(text: str, most: int) -> bool:
    return len(text.encode()) > most


def _element(told: str) -> str:
    """The type of its elements, or bounds, without a number of digits; empty for a type that is no container."""
    matched = _CONTAINER.fullmatch(told)
    if matched is None:
        return ""
    return _OF_A_RANGE.get(matched["range"] or "") or _DIGITS.sub("", matched["element"] or "")
