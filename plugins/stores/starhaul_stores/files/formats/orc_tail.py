"""The end of an ORC file, which says by which calendar its dates and timestamps count, and how large stripes are."""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import Any

from starhaul import PermanentError

_MOST = 1 << 20
"""Bytes of the tail at most, which each open file holds back. A stripe adds some 30, a column some 100."""
_FOOTER_LENGTH = 0x08
_CALENDAR = b"\x58\x02"
"""`calendar = PROLEPTIC_GREGORIAN` as protobuf has it: field 11, value 2."""
_POSTSCRIPT, _FOOTER = 1, 2
"""Numbers of fields of a `FileTail`."""
_VERSION, _STRIPE, _WRITER, _CALENDAR_FIELD = 6, 3, 9, 11
"""Of a `PostScript`, and three of a `Footer`."""
_DATA_LENGTH = 3
"""Of a `StripeInformation`."""
_JULIAN, _PROLEPTIC = 1, 2
_JAVA = 0
_OF_HIVE_3 = 7
"""Version of Java's writer (ORC-517) from which on Hive counts as it likes: 3.1 by today's calendar without telling."""
_LENGTH_TOLD = 2
"""How protobuf marks a field whose length stands before it."""
_AS_IT_IS = b"\x05\x00\x00"
"""Head of a chunk of two bytes that is not compressed."""


class ProlepticTail(io.RawIOBase):
    """Passes a file on and completes its footer. pyarrow counts days by the calendar of today back to the year 1, but
    does not say so; Java's readers take a file that says nothing for one of old, in which days before 1582-10-15
    follow the Julian calendar, and would show other dates than were written.

    The format is at https://orc.apache.org/specification/ORCv1/: footer, postscript, one byte with its length. A footer
    is a row of chunks and of protobuf's fields, so the field is added behind the others.
    """

    def __init__(self, file: io.RawIOBase) -> None:
        self._file = file
        self._held = bytearray()

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        self._held += data
        if len(self._held) > 2 * _MOST:
            self._file.write(bytes(self._held[:-_MOST]))
            del self._held[:-_MOST]
        return len(data)

    def finish(self) -> None:
        """Write what is left when the file has been closed by its writer."""
        start = len(self._held) - 1 - self._held[-1]
        postscript = bytes(self._held[start:-1])
        length, rest = _varint(postscript[1:])
        if postscript[0] != _FOOTER_LENGTH or length > start:
            raise PermanentError("ORC", "the footer is larger than 1 MiB", "write fewer columns, or Parquet")
        compressed = not rest.startswith(b"\x10\x00")
        added = (_AS_IT_IS if compressed else b"") + _CALENDAR
        postscript = postscript[:1] + _as_varint(length + len(added)) + rest
        self._file.write(bytes(self._held[:start]) + added + postscript + bytes([len(postscript)]))
        self._held.clear()


def is_proleptic(tail: bytes) -> bool | None:
    """Whether a file counts all days by today's calendar, by its tail (a `FileTail` of protobuf); None if its maker may
    have counted by either. Where it says nothing, Java's writers mean the Julian calendar, as the specification has it,
    but for some; others know only today's."""
    parts = dict(_fields(tail))
    postscript, footer = (dict(_fields(bytes(parts.get(part, b"")))) for part in (_POSTSCRIPT, _FOOTER))
    calendar = footer.get(_CALENDAR_FIELD)
    if calendar in (_JULIAN, _PROLEPTIC):
        return calendar == _PROLEPTIC
    if footer.get(_WRITER, _JAVA) != _JAVA:
        return True
    return None if int(postscript.get(_VERSION, 0)) >= _OF_HIVE_3 else False


def largest_stripe(tail: bytes) -> int:
    """Bytes of the largest stripe as it stands in the file, by the file's tail; 0 if there is none."""
    footer = bytes(dict(_fields(tail)).get(_FOOTER, b""))
    stripes = (dict(_fields(bytes(stripe))) for number, stripe in _fields(footer) if number == _STRIPE)
    return max((int(stripe.get(_DATA_LENGTH, 0)) for stripe in stripes), default=0)


def _fields(message: bytes) -> Iterator[tuple[int, int | bytes]]:
    """The fields of a message of protobuf: numbers, or bytes of what has a length."""
    while message:
        key, message = _varint(message)
        if key & 7 == _LENGTH_TOLD:
            length, message = _varint(message)
            yield key >> 3, message[:length]
            message = message[length:]
        elif key & 7 == 0:
            value, message = _varint(message)
            yield key >> 3, value
        else:
            message = message[8 if key & 7 == 1 else 4 :]


def _varint(data: bytes) -> tuple[int, bytes]:
    """A number as protobuf has it, and what follows."""
    value = 0
    for place, byte in enumerate(data):
        value |= (byte & 0x7F) << 7 * place
        if byte < 0x80:
            return value, data[place + 1 :]
    raise PermanentError("ORC", "the postscript ends in a number")


def _as_varint(value: int) -> bytes:
    found = bytearray()
    while value >= 0x80:
        found.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*found, value])
