"""A stream of which exactly so many bytes are asked."""

from __future__ import annotations

from typing import Any

_AT_ONCE = 1 << 20


class ExactBytes:
    """A stream with its position in the file. Everything raises `EOFError` where the stream ends too early, and
    `ValueError` for what cannot be a length."""

    def __init__(self, stream: Any, position: int = 0, *, longest: int = 256 << 20) -> None:
        """`position` is where in the file the stream begins, `longest` what may be asked for at once: a length is read
        before memory is taken, and may be damaged."""
        self._stream = stream
        self._held = b""
        self._longest = longest
        self.position = position

    @property
    def ended(self) -> bool:
        """Whether nothing is left."""
        self._held = self._held or self._stream.read(_AT_ONCE)
        return not self._held

    def take(self, size: int) -> bytes:
        """The next `size` bytes."""
        if not 0 <= size <= self._longest:
            raise ValueError(f"at {self.position}: a length of {size} bytes")
        parts, left = [], size
        while left:
            if self.ended:
                raise EOFError(f"at {self.position}: it ends too early")
            part, self._held = self._held[:left], self._held[left:]
            parts.append(part)
            left -= len(part)
            self.position += len(part)
        return parts[0] if len(parts) == 1 else b"".join(parts)

    def integer(self) -> int:
        """Four bytes, big-endian, signed."""
        return int.from_bytes(self.take(4), "big", signed=True)

    def zigzag(self) -> int:
        """A number as Avro has it."""
        value = shift = 0
        while shift < 70:
            byte = self.take(1)[0]
            value |= (byte & 0x7F) << shift
            if byte < 0x80:
                return (value >> 1) ^ -(value & 1)
            shift += 7
        raise ValueError(f"at {self.position}: no number")

    def vint(self) -> int:
        """A number as `WritableUtils.writeVInt` of Hadoop has it."""
        first = int.from_bytes(self.take(1), "big", signed=True)
        if first >= -112:
            return first
        size = -113 - first + 1 if first >= -120 else -121 - first + 1
        value = int.from_bytes(self.take(size), "big")
        return ~value if first < -120 else value

    def skip_past(self, mark: bytes) -> bool:
        """To behind the next `mark`, or to the end; whether there was one."""
        window = b""
        while True:
            place = window.find(mark)
            if place >= 0:
                self._held = window[place + len(mark) :] + self._held
                self.position -= len(window) - place - len(mark)
                return True
            if self.ended:
                return False
            window = window[-len(mark) + 1 :] + self._held
            self.position += len(self._held)
            self._held = b""
