"""Row keys: ranges of them, and binary ones as text, as Java's `Bytes.toStringBinary` writes them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import pairwise

from starhaul import ConfigError

LONGEST = 32767
"""Bytes of a row key, at most: HBase counts them in a Java short."""

_ESCAPED = re.compile(rb"\\x([0-9A-Fa-f]{2})")
_SPECIAL = re.compile(rb"[^ -\[\]-~]")


def to_binary_text(value: bytes) -> str:
    """Bytes as text: printable ASCII stands for itself, but for the backslash; others are `\\xNN`."""
    return _SPECIAL.sub(lambda match: b"\\x%02X" % match[0][0], value).decode("ascii")


def from_binary_text(text: str, where: str) -> bytes:
    """The bytes that a text with `\\xNN` means. `ConfigError` for what is neither that nor ASCII."""
    try:
        raw = text.encode("ascii")
    except UnicodeEncodeError:
        raise ConfigError(where, f"{text!r} is not ASCII", "write bytes as \\xNN, or isBinaryRowkey: false") from None
    if b"\\x" in _ESCAPED.sub(b"", raw):
        raise ConfigError(where, f"{text!r} has a \\x without two hexadecimal digits")
    return _ESCAPED.sub(lambda match: bytes([int(match[1], 16)]), raw)


def ranges(starts: Sequence[bytes], first: bytes, end: bytes) -> list[tuple[bytes, bytes]]:
    """The regions that begin with the keys `starts` (in order, the first empty), cut to the keys from `first` to before
    `end`; an empty end is the end of the table."""
    pieces = []
    for start, stop in pairwise([*starts, b""]):
        low = max(start, first)
        high = min(stop, end) if stop and end else stop or end
        if not high or low < high:
            pieces.append((low, high))
    return pieces or [(first, end)]
