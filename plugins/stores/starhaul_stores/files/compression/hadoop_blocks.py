"""Hadoop's block format, by the codecs that have it.

Blocks of a length in four bytes, big-endian, of what is packed, then chunks of a length in four bytes and so many
packed bytes, until the block's length is reached (`BlockCompressorStream`).
"""

from __future__ import annotations

import struct
from abc import abstractmethod
from typing import Any

import pyarrow as pa

from starhaul_stores.files.compression.packings import Packing, Unpacked, bounded, raw_snappy
from starhaul_stores.files.streams import ByteStream

_FRAME = bytes.fromhex("04224d18607073")
"""How a file in LZ4's own format begins: blocks of up to 4 MiB that stand alone, without checksums; and a checksum of
this."""
_LZ4_MAGIC = (b"\x04\x22\x4d\x18", b"\x02\x21\x4c\x18", *(bytes([0x50 + n]) + b"\x2a\x4d\x18" for n in range(16)))
"""How files in LZ4's own formats may begin. Hadoop's would have to have a block of 33 MiB or more, written at once."""


class HadoopBlocks(Unpacked):
    """Subclasses know what is in a chunk."""

    _left = 0

    def _next(self) -> bytes:
        while not self._left:
            head = self.exactly(4, end=True)
            if not head:
                return b""
            self._left = int.from_bytes(head, "big")
        data = self._chunk(self.exactly(bounded(int.from_bytes(self.exactly(4), "big"))), self._left)
        if not 0 < len(data) <= self._left:
            raise ValueError("a chunk is longer than its block" if data else "a chunk is empty")
        self._left -= len(data)
        return data

    @abstractmethod
    def _chunk(self, packed: bytes, most: int) -> bytes:
        """What is in a chunk of a block that has `most` bytes left."""


class HadoopSnappy(HadoopBlocks):
    """As `SnappyCodec` of Hadoop and Hive writes it."""

    def _chunk(self, packed: bytes, most: int) -> bytes:
        del most
        return raw_snappy(packed)


class HadoopLz4(HadoopBlocks):
    """As `Lz4Codec` of Hadoop writes it. A chunk may have 4 MiB; Hadoop's have 256 KiB unless it is told otherwise."""

    def _chunk(self, packed: bytes, most: int) -> bytes:
        del most
        # As a file in LZ4's own format, which says how long it becomes; a bare block does not.
        framed = _FRAME + struct.pack("<I", len(packed)) + packed + bytes(4)
        with pa.CompressedInputStream(pa.BufferReader(framed), "lz4") as stream:
            data: bytes = stream.read()
        return data


def lz4(file: Any) -> Any:
    """LZ4 in its own format or, as it begins otherwise, in Hadoop's, whose files end with `.lz4` as well."""
    head = b""
    while len(head) < 4 and (data := file.read(4 - len(head))):
        head += data
    begun = _Begun(head, file)
    if len(head) < 4 or head in _LZ4_MAGIC:
        return pa.CompressedInputStream(begun, "lz4")
    return HadoopLz4(begun)


class _Begun(Unpacked):
    """A file whose first bytes have been read."""

    def __init__(self, head: bytes, file: ByteStream) -> None:
        super().__init__(file)
        self._ready = memoryview(head)

    def _next(self) -> bytes:
        return self._file.read(1 << 20)


class HadoopSnappyPacking(Packing):
    """As `SnappyCodec` reads it."""

    def _packed(self, data: bytes) -> bytes:
        packed = pa.compress(data, codec="snappy", asbytes=True)
        return struct.pack(">II", len(data), len(packed)) + packed


class HadoopLz4Packing(Packing):
    """As `Lz4Codec` reads it."""

    def _packed(self, data: bytes) -> bytes:
        packed = pa.compress(data, codec="lz4_raw", asbytes=True)
        return struct.pack(">II", len(data), len(packed)) + packed
