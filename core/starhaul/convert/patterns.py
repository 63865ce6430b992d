"""Java's date patterns (java.text.SimpleDateFormat), as DataX job files have them: `yyyy-MM-dd HH:mm:ss`.

Understood are y (or u) four times, M d H m s once or twice, S one to nine times (digits of the fraction of a second),
the zone as Z (`+0800`) or X XX XXX (`+08`, `+0800`, `+08:00`, `Z` for UTC), and text between single quotes. Parsing
is strict, unlike Java's: the whole text must match, and 30 February is no date. Both ways lead through ISO 8601 text.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import pairwise

import pyarrow as pa
import pyarrow.compute as pc

from starhaul.api.errors import ConfigError
from starhaul.convert.attempt import refuse_where
from starhaul.convert.classify import Fit
from starhaul.convert.iso import FRACTION_DIGITS, cast_trimmed, time_to_text, timestamp_to_text
from starhaul.convert.route import Route
from starhaul.convert.zones import offset_seconds

_COUNTS = {"y": {4}, "M": {1, 2}, "d": {1, 2}, "H": {1, 2}, "m": {1, 2}, "s": {1, 2}, "S": set(range(1, 10))}
_ZONES = {
    "Z": "[+-][0-9]{4}",
    "X": "Z|[+-][0-9]{2}",
    "XX": "Z|[+-][0-9]{4}",
    "XXX": "Z|[+-][0-9]{2}:[0-9]{2}",
}
_PLACES = {"y": (0, 4), "M": (5, 7), "d": (8, 10), "H": (11, 13), "m": (14, 16), "s": (17, 19)}
"""Where the fields stand in `yyyy-MM-dd HH:mm:ss`."""
_TOKEN = re.compile(r"'((?:[^']|'')*)'|([A-Za-z])\2*|[^A-Za-z']+")
_CLOCK = "Hms"


@dataclass(frozen=True)
class Token:
    """A field (`letter` repeated `count` times) or literal text (`letter` empty)."""

    letter: str
    count: int
    text: str


@dataclass(frozen=True)
class Pattern:
    """A pattern that has been understood."""

    text: str
    tokens: tuple[Token, ...]

    def count(self, letter: str) -> int:
        """How often the letter stands in the pattern; 0 if it does not."""
        return next((token.count for token in self.tokens if token.letter == letter), 0)

    @property
    def zone(self) -> str:
        """`Z`, `X`, `XX` or `XXX`; empty if the pattern has no zone."""
        return next((token.text for token in self.tokens if token.letter in ("X", "Z")), "")

    @property
    def rule(self) -> str:
        """For people whose value does not fit."""
        return f"text of the pattern {self.text}"


def read_pattern(text: str, parameter: str) -> Pattern:
    """Understand a pattern, or raise `ConfigError` at `parameter`: `datetime` and `date` must have y, M and d; `time`
    must have H and neither date nor zone."""
    tokens = _tokens(text, parameter)
    letters = [token.letter for token in tokens if token.letter]
    if len(set(letters)) < len(letters) or ("X" in letters and "Z" in letters):
        raise ConfigError(parameter, f"the pattern {text!r} has a field twice")
    missing = [letter for letter in ("H" if parameter == "time" else "yMd") if letter not in letters]
    missing += [coarse for coarse, fine in pairwise("HmsS") if fine in letters and coarse not in letters]
    if missing:
        raise ConfigError(parameter, f"the pattern {text!r} lacks {', '.join(missing)}")
    surplus = set(letters) & set("yMdXZ" if parameter == "time" else "XZ" if parameter == "date" else "")
    if surplus:
        raise ConfigError(
            parameter, f"the pattern {text!r} has {', '.join(sorted(surplus))}, which a {parameter} lacks"
        )
    return Pattern(text, tokens)


def text_to_timestamp(pattern: Pattern, unit: str) -> Route:
    """Text of a pattern with a date to a timestamp: in UTC if the pattern has a zone, else without a zone."""
    target = pa.timestamp(unit, "UTC" if pattern.zone else None)
    return Route(Fit.CHECKED, lambda values: cast_trimmed(_to_iso(pattern, values), target), pattern.rule)


def text_to_time(pattern: Pattern, target: pa.DataType) -> Route:
    """Text of a pattern of a time of day."""
    instant = pa.timestamp(target.unit)
    return Route(Fit.CHECKED, lambda values: cast_trimmed(_to_iso(pattern, values), instant).cast(target), pattern.rule)


def timestamp_to_pattern(pattern: Pattern, source: pa.DataType, target: pa.DataType, zone: str | None = None) -> Route:
    """A timestamp without a zone to text of the pattern; or one in UTC whose clocks run `zone` hours ahead, if the
    pattern has a zone. Fields that the pattern does not show must be zero."""
    to_iso = timestamp_to_text(pa.timestamp(source.unit), pa.string())

    def kernel(values: pa.Array) -> pa.Array:
        offset = None
        if zone is not None:
            ahead = offset_seconds(values, zone)
            offset = _offset_text(ahead, pattern.zone)
            ticks = pc.add(values.view(pa.int64()), pc.multiply(ahead, 10 ** FRACTION_DIGITS[source.unit]))
            values = ticks.view(pa.timestamp(source.unit))
        return _from_iso(pattern, to_iso.kernel(values), source.unit, offset).cast(target)

    return Route(Fit.CHECKED, kernel, f"a time that the pattern {pattern.text} shows completely")


def time_to_pattern(pattern: Pattern, source: pa.DataType, target: pa.DataType) -> Route:
    """A time of day to text of the pattern. Fields that it does not show must be zero."""
    to_iso = time_to_text(source, pa.string())

    def kernel(values: pa.Array) -> pa.Array:
        iso = pc.binary_join_element_wise("1970-01-01 ", to_iso.kernel(values), "")
        return _from_iso(pattern, iso, source.unit, None).cast(target)

    return Route(Fit.CHECKED, kernel, f"a time that the pattern {pattern.text} shows completely")


def _tokens(text: str, parameter: str) -> tuple[Token, ...]:
    tokens: list[Token] = []
    position = 0
    while position < len(text):
        found = _TOKEN.match(text, position)
        if found is None:
            raise ConfigError(parameter, f"the pattern {text!r} has a quote that is not closed")
        tokens.append(_token(found, text, parameter))
        position = found.end()
    for left, right in pairwise(tokens):
        digits_follow = right.letter in _COUNTS if right.letter else right.text[:1].isdigit()
        if left.letter and left.count == 1 and left.letter in "MdHms" and digits_follow:
            problem = f"the pattern {text!r} has {left.letter} right before other digits"
            raise ConfigError(parameter, problem, f"write {left.letter * 2}, which always takes two")
    return tuple(tokens)


def _token(found: re.Match[str], text: str, parameter: str) -> Token:
    quoted, letter = found[1], found[2]
    if letter is None:
        literal = found[0] if quoted is None else quoted.replace("''", "'") or "'"
        return Token("", 0, literal)
    letter = "y" if letter == "u" else letter
    count = len(found[0])
    known = count in _COUNTS.get(letter, ()) or found[0] in _ZONES
    if not known:
        hint = "known are yyyy MM dd HH mm ss S Z XXX; text goes between single quotes"
        raise ConfigError(parameter, f"the pattern {text!r} has {found[0]!r}, which is not supported", hint)
    return Token(letter, count, found[0])


def _to_iso(pattern: Pattern, values: pa.Array) -> pa.Array:
    """Text of the pattern as ISO 8601; refuses text that does not match. Ranges are left to Arrow's strict parser."""
    fields = pc.extract_regex(values, rf"\A{''.join(_expression(token) for token in pattern.tokens)}\z")
    refuse_where(pc.and_(pc.is_null(fields), pc.is_valid(values)))

    def field(letter: str, default: str) -> pa.Array | pa.Scalar:
        count = pattern.count(letter)
        if not count:
            return pa.scalar(default, values.type)
        text = pc.struct_field(fields, letter)
        return pc.utf8_lpad(text, 2, "0") if count == 1 and letter != "S" else text

    parts = [field("y", "1970"), "-", field("M", "01"), "-", field("d", "01"), " "]
    parts += [field("H", "00"), ":", field("m", "00"), ":", field("s", "00")]
    parts += [".", field("S", "")] if pattern.count("S") else []
    parts += [pc.struct_field(fields, "Z")] if pattern.zone else []
    parts = [pa.scalar(part, values.type) if isinstance(part, str) else part for part in parts]
    joined = pc.binary_join_element_wise(*parts, pa.scalar("", values.type))
    return pc.if_else(pc.is_valid(values), joined, pa.scalar(None, values.type))


def _expression(token: Token) -> str:
    """RE2 syntax for a token, the fields as named groups."""
    if not token.letter:
        return re.escape(token.text)
    if token.letter in ("X", "Z"):
        return f"(?P<Z>{_ZONES[token.text]})"
    digits = "{1,2}" if token.count == 1 and token.letter != "S" else f"{{{token.count}}}"
    return f"(?P<{token.letter}>[0-9]{digits})"


def _from_iso(pattern: Pattern, iso: pa.Array, unit: str, offset: pa.Array | None) -> pa.Array:
    """ISO text, with all fraction digits of the unit, as text of the pattern; refuses what it would not show."""
    shown = min(pattern.count("S"), FRACTION_DIGITS[unit])
    hidden = [pc.utf8_slice_codeunits(iso, *_PLACES[letter]) for letter in _CLOCK if not pattern.count(letter)]
    if shown < FRACTION_DIGITS[unit]:
        hidden.append(pc.utf8_slice_codeunits(iso, 20 + shown))
    for digits in hidden:
        refuse_where(pc.match_substring_regex(digits, "[1-9]"))
    parts = [_part(token, iso, shown, offset) for token in pattern.tokens]
    joined = pc.binary_join_element_wise(*parts, "")
    return joined if isinstance(joined, pa.Array) else pa.array([joined.as_py()] * len(iso))


def _part(token: Token, iso: pa.Array, shown: int, offset: pa.Array | None) -> pa.Array | str:
    if not token.letter:
        return token.text
    if token.letter in ("X", "Z"):
        assert offset is not None  # noqa: S101  the route gives one where the pattern has a zone
        return offset
    if token.letter == "S":
        fraction = pc.utf8_slice_codeunits(iso, 20, 20 + shown) if shown else pc.utf8_slice_codeunits(iso, 0, 0)
        return pc.utf8_rpad(fraction, token.count, "0")
    digits = pc.utf8_slice_codeunits(iso, *_PLACES[token.letter])
    return pc.replace_substring_regex(digits, r"\A0", "") if token.count == 1 else digits


def _offset_text(ahead: pa.Array, style: str) -> pa.Array:
    """Offsets in seconds as `Z`, `X`, `XX` or `XXX` write them; refuses what the style cannot show."""
    step = 3600 if style == "X" else 60
    refuse_where(pc.not_equal(pc.multiply(pc.divide(ahead, step), step), ahead))
    minutes = pc.divide(pc.abs(ahead), 60)
    hour = pc.divide(minutes, 60)
    minute = pc.subtract(minutes, pc.multiply(hour, 60))
    sign = pc.if_else(pc.less(ahead, 0), "-", "+")
    hour_text, minute_text = (pc.utf8_lpad(part.cast(pa.string()), 2, "0") for part in (hour, minute))
    parts = [sign, hour_text] + ([] if style == "X" else [minute_text])
    text = pc.binary_join_element_wise(*parts[:2], *([":"] if style == "XXX" else []), *parts[2:], "")
    return text if style == "Z" else pc.if_else(pc.equal(ahead, 0), "Z", text)
