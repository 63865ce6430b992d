"""What passes between places, packings and formats."""

from __future__ import annotations

from typing import Protocol


class ByteStream(Protocol):
    """Bytes to read from the beginning to the end, once."""

    def read(self, size: int, /) -> bytes:
        """Up to `size` bytes; none at the end."""


class Range:
    """The bytes of a stream from its present position on, `size` of them at most."""

    def __init__(self, stream: ByteStream, size: int) -> None:
        self._stream = stream
        self._left = size

    def read(self, size: int, /) -> bytes:
        """Up to `size` bytes; none at the end."""
        data = self._stream.read(min(size, self._left))
        self._left -= len(data)
        return data
