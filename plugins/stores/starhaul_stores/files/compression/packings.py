"""Packings that the standard library and pyarrow have not, or not exactly, as streams of bytes.

Snappy's own is its framing format (framing_format.txt of Snappy), each chunk with a checksum. `hadoop_blocks` has
Hadoop's.
"""

from __future__ import annotations

import bz2
import io
import zlib
from abc import abstractmethod
from importlib.util import find_spec
from typing import Any

import pyarrow as pa

from starhaul import ConfigError
from starhaul_stores.files.streams import ByteStream

FRAMING = b"\xff\x06\x00\x00sNaPpY"
"""How a file in Snappy's framing format begins."""
_MOST = 64 << 20
"""Bytes that one chunk may unpack to: a length is read before memory is taken, and may be damaged."""
_CHUNK = 64 << 10
_READ = 1 << 20


class Unpacked(io.RawIOBase):
    """A stream that is unpacked chunk by chunk. Subclasses write `_next`."""

    def __init__(self, file: ByteStream) -> None:
        super().__init__()
        self._file = file
        self._ready = memoryview(b"")

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1, /) -> bytes:
        """Up to `size` bytes; none at the end. Raises `EOFError` or `ValueError` where the file is damaged."""
        if not self._ready:
            self._ready = memoryview(self._next())
        data = self._ready if size < 0 else self._ready[:size]
        self._ready = self._ready[len(data) :]
        return bytes(data)

    @abstractmethod
    def _next(self) -> bytes:
        """Some unpacked bytes; none at the end."""

    def exactly(self, size: int, *, end: bool = False) -> bytes:
        """So many bytes of the file; none if it may `end` here and does."""
        parts = []
        left = size
        while left and (data := self._file.read(left)):
            parts.append(data)
            left -= len(data)
        if left and not (end and left == size):
            raise EOFError("it ends too early")
        return b"".join(parts)


class FramedSnappy(Unpacked):
    """Snappy's framing format. Checksums are checked."""

    _begun = False

    def _next(self) -> bytes:
        import cramjam

        while True:
            head = self.exactly(4, end=True)
            if not head:
                return b""
            kind, size = head[0], int.from_bytes(head[1:], "little")
            body = self.exactly(size)
            if not self._begun and kind != 0xFF:
                raise ValueError("it does not begin as Snappy's framing format does")
            self._begun = True
            if kind in (0x00, 0x01):
                bounded(_preamble(body[4:]) if kind == 0x00 else size)
                try:
                    data = bytes(cramjam.snappy.decompress(FRAMING + head + body))
                except cramjam.DecompressionError as error:
                    raise ValueError(str(error)) from error
                if data:
                    return data
            elif 0x02 <= kind <= 0x7F:
                raise ValueError(f"there is a chunk of the unknown kind {kind}")


class Bzip2(Unpacked):
    """bzip2, one stream or several. What follows the last is no part of it, and is not passed over in silence."""

    def __init__(self, file: ByteStream) -> None:
        super().__init__(file)
        self._decompressor: bz2.BZ2Decompressor | None = None
        self._rest = b""

    def _next(self) -> bytes:
        while True:
            if self._decompressor is None:
                self._rest = self._rest or self._file.read(_READ)
                if not self._rest:
                    return b""
                self._decompressor = bz2.BZ2Decompressor()
            packed = b""
            if self._decompressor.needs_input:
                packed = self._rest or self._file.read(_READ)
                if not packed:
                    raise EOFError("it ends too early")
            self._rest = b""
            data = self._decompressor.decompress(packed, _READ)
            if self._decompressor.eof:
                self._rest = self._decompressor.unused_data
                self._decompressor = None
            if data:
                return data


class Packing(io.RawIOBase):
    """Packs what is written into a file, in chunks of 64 KiB. Closing it finishes the packing, not the file."""

    def __init__(self, file: Any) -> None:
        super().__init__()
        self._file = file
        self._held = bytearray()

    def writable(self) -> bool:
        return True

    def write(self, data: Any, /) -> int:
        self._held += data
        whole = len(self._held) - len(self._held) % _CHUNK
        for start in range(0, whole, _CHUNK):
            self._file.write(self._packed(bytes(self._held[start : start + _CHUNK])))
        del self._held[:whole]
        return memoryview(data).nbytes

    def close(self) -> None:
        if not self.closed:
            super().close()
            if self._held:
                self._file.write(self._packed(bytes(self._held)))

    @abstractmethod
    def _packed(self, data: bytes) -> bytes:
        """A piece as it stands in the file."""


class FramedSnappyPacking(Packing):
    """Snappy's framing format."""

    _begun = False

    def _packed(self, data: bytes) -> bytes:
        import cramjam

        packed = bytes(cramjam.snappy.compress(data))
        begun, self._begun = self._begun, True
        return packed.removeprefix(FRAMING) if begun else packed


class Deflate(Unpacked):
    """zlib's format, as `DefaultCodec` of Hadoop writes it (`.deflate`)."""

    def __init__(self, file: ByteStream) -> None:
        super().__init__(file)
        self._decompressor = zlib.decompressobj()

    def _next(self) -> bytes:
        while not self._decompressor.eof:
            packed = self._decompressor.unconsumed_tail or self._file.read(_READ)
            if not packed:
                raise EOFError("it ends too early")
            if data := self._decompressor.decompress(packed, _READ):
                return data
        if self._decompressor.unused_data or self._file.read(1):
            raise ValueError("there is something behind its end")
        return b""


class DeflatePacking(io.RawIOBase):
    """zlib's format."""

    def __init__(self, file: Any) -> None:
        super().__init__()
        self._file = file
        self._compressor = zlib.compressobj()

    def writable(self) -> bool:
        return True

    def write(self, data: Any, /) -> int:
        self._file.write(self._compressor.compress(data))
        return memoryview(data).nbytes

    def close(self) -> None:
        if not self.closed:
            super().close()
            self._file.write(self._compressor.flush())


def expect_cramjam() -> None:
    """Raise `ConfigError` if what checks the checksums of Snappy's framing format is not installed."""
    if find_spec("cramjam") is None:
        raise ConfigError("compress", "framing-snappy needs cramjam", "pip install 'starhaul[snappy]'")


def raw_snappy(packed: bytes) -> bytes:
    """What is in a raw chunk of Snappy. `ValueError` if it is damaged or longer than 64 MiB."""
    data: bytes = pa.decompress(packed, bounded(_preamble(packed)), codec="snappy", asbytes=True)
    return data


def _preamble(packed: bytes) -> int:
    """The length of what is packed, which a raw Snappy chunk begins with, as a varint."""
    size = shift = 0
    for byte in packed[:5]:
        size |= (byte & 0x7F) << shift
        if byte < 0x80:
            return size
        shift += 7
    raise ValueError("a chunk has no length")


def bounded(size: int) -> int:
    """The length, if a chunk may have it: 64 MiB at most. Else `ValueError`."""
    if size > _MOST:
        raise ValueError(f"a chunk of {size} bytes is too long")
    return size
