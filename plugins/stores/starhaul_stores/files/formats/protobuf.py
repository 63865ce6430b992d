"""Messages of protobuf without their schema, as the ends of ORC files are made of.

The format is at https://protobuf.dev/programming-guides/encoding/.
"""

from __future__ import annotations

from collections.abc import Iterator

from starhaul import PermanentError

_LENGTH_TOLD = 2
"""How a field is marked whose length stands before it."""


def fields(message: bytes | memoryview) -> Iterator[tuple[int, int | memoryview]]:
    """The fields of a message with their numbers: numbers, or the bytes of all others."""
    for number, value, _ in raw_fields(message):
        yield number, value


def raw_fields(message: bytes | memoryview) -> Iterator[tuple[int, int | memoryview, memoryview]]:
    """The same, each with all of its own bytes."""
    view = memoryview(message)
    while view:
        key, rest = varint(view)
        value: int | memoryview
        if key & 7 == 0:
            value, rest = varint(rest)
        else:
            size = 8 if key & 7 == 1 else 4
            if key & 7 == _LENGTH_TOLD:
                size, rest = varint(rest)
            value, rest = rest[:size], rest[size:]
        yield key >> 3, value, view[: len(view) - len(rest)]
        view = rest


def part(value: int | memoryview | None) -> memoryview:
    """A field that is a message; an empty one where it is missing."""
    return value if isinstance(value, memoryview) else memoryview(b"")


def number(value: int | memoryview | None) -> int:
    """A field that is a number; 0 where it is missing, as protobuf has it."""
    return value if isinstance(value, int) else 0


def varint(data: memoryview) -> tuple[int, memoryview]:
    """A number at the start of data, and what follows. `PermanentError` if it does not end."""
    value = 0
    for place, byte in enumerate(data):
        value |= (byte & 0x7F) << 7 * place
        if byte < 0x80:
            return value, data[place + 1 :]
    raise PermanentError("ORC", "the file's tail ends within a number")


def as_varint(value: int) -> bytes:
    """A number that is not negative."""
    found = bytearray()
    while value >= 0x80:
        found.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*found, value])


def as_field(number: int, value: int) -> bytes:
    """A field that is a number."""
    return as_varint(number << 3) + as_varint(value)


def as_bytes(number: int, value: bytes) -> bytes:
    """A field that is a message, a text or the like."""
    return as_varint(number << 3 | _LENGTH_TOLD) + as_varint(len(value)) + value
