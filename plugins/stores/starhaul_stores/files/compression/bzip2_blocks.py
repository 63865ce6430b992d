"""bzip2 read from the middle: its blocks begin with a mark, at any bit, and each can be unpacked by itself.

The format: streams of `BZh1` to `BZh9`, blocks (48 bits of mark, 32 of checksum, and what is packed), the mark of the
end with a checksum of all, and zeros up to the next byte.
"""

from __future__ import annotations

import bz2
from collections.abc import Iterator

from starhaul_stores.files.compression.packings import Unpacked
from starhaul_stores.files.streams import ByteStream

_BLOCK, _END = 0x314159265359, 0x177245385090
"""The first digits of pi, and of its square root."""
_MARK, _SUM = 48, 32
"""Bits of a mark, and of a checksum."""
_SEEN = 7
"""Bytes that a mark touches at most."""
_HEAD = b"BZh9"
_READ = 1 << 20
_LONGEST = 16 << 20
"""Bytes in which a block must end. Those of bzip2 have 900 kB before they are packed."""


class Bzip2Lines(Unpacked):
    """The lines that begin in the blocks of a range of bytes, but for the first line of a range that is not the first,
    and with the first line of the next range: wherever ranges meet, each line is in one of them."""

    def __init__(self, file: ByteStream, start: int, end: int, line_end: bytes) -> None:
        """`file` is at byte `start`, and goes on behind `end`."""
        super().__init__(file)
        self._pieces = _lines(file, start, end, line_end)

    def _next(self) -> bytes:
        return next(self._pieces, b"")


def _lines(file: ByteStream, start: int, end: int, line_end: bytes) -> Iterator[bytes]:
    began = not start
    for place, text in _blocks(file, start):
        behind = text.find(line_end) + 1
        if place >= end:
            if began:
                yield text[: behind or len(text)]
            if behind or not began:
                return
        elif began:
            yield text
        elif behind:
            began = True
            if text[behind:]:
                yield text[behind:]


def _blocks(file: ByteStream, start: int) -> Iterator[tuple[int, bytes]]:
    """What is in each block whose mark begins at byte `start` or behind it, with the byte in which it begins."""
    data, base, searched = b"", start, 0
    block: int | None = None  # the bit at which one begins that has not ended yet
    stream = None if start else 0  # the byte at which one must begin, where that is known
    while more := file.read(_READ):
        data += more
        for bit, mark in _marks(data, searched):
            if stream is not None:
                if base * 8 + bit != (stream + len(_HEAD)) * 8 or data[stream - base :][:3] != _HEAD[:3]:
                    raise ValueError(f"no stream begins at byte {stream}")
                stream = None
            if block is not None:
                yield block // 8, _text(data, block - base * 8, bit)
            block = base * 8 + bit if mark == _BLOCK else None
            if mark == _END:
                stream = base + (bit + _MARK + _SUM + 7) // 8
        searched = max(len(data) - _SEEN + 1, 0)
        needed = [each - base for each in (None if block is None else block // 8, stream) if each is not None]
        done = max(min([searched, *needed]), 0)
        data, base, searched = data[done:], base + done, searched - done
        if len(data) > _LONGEST:
            raise ValueError(f"nothing ends in the {len(data)} bytes from {base} on")
    if block is not None or stream not in (None, base + len(data)):
        raise EOFError("it ends too early")


def _marks(data: bytes, start: int) -> list[tuple[int, int]]:
    """The bits at which marks begin, in order, and which they are; those that begin in a byte from `start` on."""
    found = []
    for mark in (_BLOCK, _END):
        for shift in range(8):
            spread = (mark << (8 - shift)).to_bytes(_SEEN, "big")
            whole, first, last = spread[1:6], 0xFF >> shift, 0xFF00 >> shift & 0xFF
            place = data.find(whole, start + 1)
            while place >= 0 and place + 6 <= len(data):
                if data[place - 1] & first == spread[0] and data[place + 5] & last == spread[6]:
                    found.append(((place - 1) * 8 + shift, mark))
                place = data.find(whole, place + 1)
    return sorted(found)


def _text(data: bytes, start: int, end: int) -> bytes:
    """What is in the block between two bits: it is unpacked as the only one of a stream. Checked by its checksum."""
    size = end - start
    block = int.from_bytes(data[start // 8 : (end + 7) // 8], "big") >> -end % 8 & (1 << size) - 1
    checksum = block >> size - _MARK - _SUM & (1 << _SUM) - 1
    packed = (block << _MARK | _END) << _SUM | checksum
    pad = -(size + _MARK + _SUM) % 8
    return bz2.decompress(_HEAD + (packed << pad).to_bytes((size + _MARK + _SUM + pad) // 8, "big"))
