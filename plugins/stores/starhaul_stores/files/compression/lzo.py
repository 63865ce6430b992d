"""LZO, read: Hadoop's blocks (`.lzo_deflate`) and the files of lzop (`.lzo`)."""

from __future__ import annotations

import zlib
from collections.abc import Callable
from importlib.util import find_spec

from starhaul import ConfigError
from starhaul_stores.files.compression.hadoop_blocks import HadoopBlocks
from starhaul_stores.files.compression.packings import Unpacked, bounded

_MAGIC = b"\x89LZO\x00\r\n\x1a\n"
_FIRST_WITH_LEVEL = 0x0940
"""From this version on, headers name the level and the version that is needed to read them."""
_METHODS = (1, 2, 3)
"""LZO1X-1, LZO1X-1(15) and LZO1X-999, which are read alike."""
_EXTRA, _FILTER, _HEADER_CRC = 0x40, 0x800, 0x1000
_PLAIN_SUMS: tuple[tuple[int, Callable[[bytes], int]], ...] = ((0x1, zlib.adler32), (0x100, zlib.crc32))
_PACKED_SUMS: tuple[tuple[int, Callable[[bytes], int]], ...] = ((0x2, zlib.adler32), (0x200, zlib.crc32))
"""Flag of a header → which checksum each block has, of what is unpacked and of what is packed."""


def expect_lzo() -> None:
    """Raise `ConfigError` if what unpacks LZO is not installed."""
    if find_spec("lzallright") is None:
        raise ConfigError("compress", "lzo needs lzallright", "pip install 'starhaul[lzo]'")


class HadoopLzo(HadoopBlocks):
    """As `LzoCodec` writes it."""

    def _chunk(self, packed: bytes, most: int) -> bytes:
        return _raw(packed, min(most, 1 << 20))


class Lzop(Unpacked):
    """As lzop and `LzopCodec` write it: a header, then blocks until a length of zero. Checksums are checked, where
    there are any. Several files may stand one behind the other."""

    _flags: int | None = None

    def _next(self) -> bytes:
        while True:
            if self._flags is None:
                magic = self.exactly(len(_MAGIC), end=True)
                if not magic:
                    return b""
                if magic != _MAGIC:
                    raise ValueError("it does not begin as the files of lzop do")
                self._flags = self._header()
            size = self._number(4)
            if size:
                return self._block(bounded(size), self._flags)
            self._flags = None

    def _header(self) -> int:
        """The flags of a header that holds its checksum."""
        head = self.exactly(4)
        version = int.from_bytes(head[:2], "big")
        newer = version >= _FIRST_WITH_LEVEL
        head += self.exactly(8 if newer else 5)
        method, flags = head[6 if newer else 4], int.from_bytes(head[-4:], "big")
        if method not in _METHODS:
            raise ValueError(f"its method {method} is not known")
        if flags & _FILTER:
            raise ValueError("it has a filter, which is not supported")
        head += self.exactly(12 if newer else 8)  # the mode and the time of the file
        head += self.exactly(1)
        head += self.exactly(head[-1])  # its name
        checked = zlib.crc32(head) if flags & _HEADER_CRC else zlib.adler32(head)
        if self._number(4) != checked:
            raise ValueError("its header does not have its checksum")
        if flags & _EXTRA:
            self.exactly(bounded(self._number(4)) + 4)
        return flags

    def _block(self, size: int, flags: int) -> bytes:
        packed_size = self._number(4)
        if packed_size > size:
            raise ValueError("a block is longer than what is in it")
        sums = [(self._number(4), check) for flag, check in _PLAIN_SUMS if flags & flag]
        packed_sums = [] if packed_size == size else [
            (self._number(4), check) for flag, check in _PACKED_SUMS if flags & flag
        ]  # fmt: skip
        packed = self.exactly(packed_size)
        _expect(packed, packed_sums)
        data = packed if packed_size == size else _raw(packed, size)
        if len(data) != size:
            raise ValueError(f"a block holds {len(data)} bytes instead of {size}")
        _expect(data, sums)
        return data

    def _number(self, size: int) -> int:
        return int.from_bytes(self.exactly(size), "big")


def _expect(data: bytes, sums: list[tuple[int, Callable[[bytes], int]]]) -> None:
    if any(check(data) != told for told, check in sums):
        raise ValueError("a block does not have its checksum")


def _raw(packed: bytes, size: int) -> bytes:
    """What is in a bare block of about `size` bytes."""
    import lzallright

    try:
        return bytes(lzallright.LZOCompressor.decompress(packed, size))
    except lzallright.LZOError as error:
        raise ValueError(f"a block is no LZO ({error.args[0]})") from None
