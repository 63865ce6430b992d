"""The end of an ORC file, which says by which calendar its dates and timestamps count, and where its stripes are.

The format is at https://orc.apache.org/specification/ORCv1/: footer, postscript, one byte with its length.
"""

from __future__ import annotations

import io
from typing import Any, NamedTuple

from starhaul import PermanentError
from starhaul_stores.files.formats.protobuf import (
    as_bytes,
    as_field,
    as_varint,
    fields,
    number,
    part,
    raw_fields,
    varint,
)

_MOST = 1 << 20
"""Bytes of the tail at most, which each open file holds back. A stripe adds some 30, a column some 100."""
_FOOTER_LENGTH = 0x08
_CALENDAR = b"\x58\x02"
"""`calendar = PROLEPTIC_GREGORIAN` as protobuf has it: field 11, value 2."""
_POSTSCRIPT, _FOOTER = 1, 2
"""Numbers of fields of a `FileTail`."""
_FOOTER_BYTES, _COMPRESSION, _METADATA_BYTES, _VERSION, _STRIPE_STATISTICS_BYTES = 1, 2, 5, 6, 7
"""Of a `PostScript`."""
_CONTENT_BYTES, _STRIPE, _TYPE, _ROWS, _STATISTICS, _WRITER, _CALENDAR_FIELD = 2, 3, 4, 6, 7, 9, 11
"""Of a `Footer`."""
_NAME = 3
"""Of a `Type`."""
_OFFSET, _INDEX_BYTES, _DATA_BYTES, _END_BYTES, _STRIPE_ROWS = 1, 2, 3, 4, 5
"""Of a `StripeInformation`."""
_SUMS = {4: 3, 8: 1}
"""Of `ColumnStatistics`, those of texts and of bytes, each with its field for the sum of their lengths."""
_JULIAN, _PROLEPTIC = 1, 2
_JAVA = 0
_OF_HIVE_3 = 7
"""Version of Java's writer (ORC-517) from which on Hive counts as it likes: 3.1 by today's calendar without telling."""
_HEADER = 3
"""Bytes before the first stripe."""
_CHUNK = 1 << 17
"""Bytes in a chunk that is not compressed."""


class ProlepticTail(io.RawIOBase):
    """Passes a file on and completes its footer. pyarrow counts days by the calendar of today back to the year 1, but
    does not say so; Java's readers take a file that says nothing for one of old, in which days before 1582-10-15
    follow the Julian calendar, and would show other dates than were written.

    A footer is a row of chunks and of protobuf's fields, so the field is added behind the others.
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
        length, rest = varint(memoryview(postscript)[1:])
        if postscript[0] != _FOOTER_LENGTH or length > start:
            raise PermanentError("ORC", "the footer is larger than 1 MiB", "write fewer columns, or Parquet")
        added = _chunk(_CALENDAR) if number(dict(fields(rest)).get(_COMPRESSION)) else _CALENDAR
        postscript = postscript[:1] + as_varint(length + len(added)) + rest
        self._file.write(bytes(self._held[:start]) + added + postscript + bytes([len(postscript)]))
        self._held.clear()


def is_proleptic(tail: bytes) -> bool | None:
    """Whether a file counts all days by today's calendar, by its tail (a `FileTail` of protobuf); None if its maker may
    have counted by either. Where it says nothing, Java's writers mean the Julian calendar, as the specification has it,
    but for some; others know only today's."""
    parts = dict(fields(tail))
    postscript, footer = (dict(fields(part(parts.get(each)))) for each in (_POSTSCRIPT, _FOOTER))
    calendar = footer.get(_CALENDAR_FIELD)
    if calendar in (_JULIAN, _PROLEPTIC):
        return calendar == _PROLEPTIC
    if number(footer.get(_WRITER)) != _JAVA:
        return True
    return None if number(postscript.get(_VERSION)) >= _OF_HIVE_3 else False


class Stripe(NamedTuple):
    """Where a stripe is in its file, and how much it holds."""

    end: int
    """Offset of the first byte behind it."""
    bytes: int
    """As it stands in the file, packed."""
    rows: int
    entry: memoryview
    """What the footer says of it."""


class Stripes:
    """The stripes of an ORC file, by its tail (a `FileTail` of protobuf, which has the footer unpacked)."""

    def __init__(self, tail: bytes) -> None:
        parts = dict(fields(tail))
        self._postscript = part(parts.get(_POSTSCRIPT))
        self._stripes: list[Stripe] = []
        self._others: list[bytes | memoryview] = []
        self._types = texts = rows = 0
        for field, value, raw in raw_fields(part(parts.get(_FOOTER))):
            if field == _STRIPE:
                self._stripes.append(_stripe(part(value), raw))
            elif field == _STATISTICS:
                texts += _bytes_of_texts(part(value))
            elif field == _ROWS:
                rows = number(value)
            elif field == _TYPE:
                self._others.append(raw if self._types else _numbered(part(value)))
                self._types += 1
            elif field != _CONTENT_BYTES:
                self._others.append(raw)
        self._row_bytes = 8 * self._types + texts // max(rows, 1)

    def __getitem__(self, place: int) -> Stripe:
        return self._stripes[place]

    @property
    def types(self) -> int:
        """How many types a record is made of: columns, and what is in them."""
        return self._types

    def bytes_of_a_row(self, stripe: Stripe) -> int:
        """About how large a row of a stripe is in memory: by the file's statistics, and at least as it is packed."""
        return max(self._row_bytes, stripe.bytes // max(stripe.rows, 1), 1)

    def tail_with(self, stripe: Stripe) -> bytes:
        """How the file would end if it had this stripe alone, and columns called 0, 1, 2 and so on: some names are
        taken by others, or by those who read. Statistics are left out, as the format allows."""
        footer = b"".join([*self._others, stripe.entry])
        footer += as_field(_ROWS, stripe.rows) + as_field(_CONTENT_BYTES, stripe.end - _HEADER)
        told, kept = dict(fields(self._postscript)), b""
        if number(told.get(_COMPRESSION)):
            footer = b"".join(_chunk(footer[at : at + _CHUNK]) for at in range(0, len(footer), _CHUNK))
        for field, _, raw in raw_fields(self._postscript):
            kept += b"" if field in (_FOOTER_BYTES, _METADATA_BYTES, _STRIPE_STATISTICS_BYTES) else raw
        postscript = as_field(_FOOTER_BYTES, len(footer)) + kept
        return footer + postscript + bytes([len(postscript)])


def _stripe(told: memoryview, entry: memoryview) -> Stripe:
    found = {field: number(value) for field, value in fields(told)}
    size = sum(found.get(each, 0) for each in (_INDEX_BYTES, _DATA_BYTES, _END_BYTES))
    return Stripe(found.get(_OFFSET, 0) + size, size, found.get(_STRIPE_ROWS, 0), entry)


def _numbered(record: memoryview) -> bytes:
    """The type of the file's rows, its columns called by their places."""
    kept, names = b"", 0
    for field, _, raw in raw_fields(record):
        kept += as_bytes(_NAME, str(names).encode()) if field == _NAME else raw
        names += field == _NAME
    return as_bytes(_TYPE, kept)


def _bytes_of_texts(statistics: memoryview) -> int:
    for kind, told in fields(statistics):
        if kind in _SUMS:
            zigzag = number(dict(fields(part(told))).get(_SUMS[kind]))
            return zigzag >> 1
    return 0


def _chunk(data: bytes) -> bytes:
    """A chunk of a compressed file that is itself not compressed: its length, with a bit that says so."""
    return (len(data) << 1 | 1).to_bytes(3, "little") + data
