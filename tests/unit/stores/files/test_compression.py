"""Packed files: what is written reads back, what others wrote reads, and damage is never silent."""

from __future__ import annotations

import bz2
import gzip
import io
import struct
import zipfile
import zlib
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import cramjam
import pyarrow as pa
import pytest

from starhaul import PermanentError
from starhaul_stores.files.compression.codecs import (
    WRITTEN,
    Codec,
    codec_of,
    compressed,
    decompressed,
    members,
    suffix_of,
)

FIXTURES = Path(__file__).parents[3] / "fixtures" / "hadoop"
TEXT = "".join(f"{row},text ü {'x' * (row % 200)}\n" for row in range(3000)).encode()
"""What `MakePackedFiles.java` there packs."""
CONTENT = b"".join(b"line %d of some text\n" % n for n in range(20_000))
PACKED = [codec for codec in WRITTEN if codec != "none"]


def unpack(data: bytes, codec: Codec, at_once: int = 100_000) -> bytes:
    parts = []
    with decompressed(io.BytesIO(data), codec, "file") as stream:
        while part := stream.read(at_once):
            assert len(part) <= at_once
            parts.append(part)
    return b"".join(parts)


def pack(data: bytes, codec: Codec) -> bytes:
    file = io.BytesIO()
    with compressed(file, codec) as sink:  # type: ignore[arg-type]
        for start in range(0, len(data), 33_333):
            sink.write(data[start : start + 33_333])
    return file.getvalue()


def hadoop(codec: str, *blocks: list[bytes]) -> bytes:
    """As Hadoop writes it when a block takes several chunks."""
    parts = []
    for block in blocks:
        parts.append(struct.pack(">I", sum(map(len, block))))
        for chunk in block:
            packed = pa.compress(chunk, codec=codec, asbytes=True)
            parts.append(struct.pack(">I", len(packed)) + packed)
    return b"".join(parts)


BLOCKS: tuple[list[bytes], ...] = ([CONTENT[:1000], CONTENT[1000:50_000]], [CONTENT[50_000:]], [], [b"more"])


@pytest.mark.parametrize("codec", PACKED)
@pytest.mark.parametrize("at_once", [1000, 10_000_000])
def test_what_is_packed_reads_back(codec: Codec, at_once: int) -> None:
    packed = pack(CONTENT, codec)
    assert len(packed) < len(CONTENT) / 2
    assert unpack(packed, codec, at_once) == CONTENT
    assert unpack(pack(b"", codec), codec) == b""
    assert unpack(packed, codec_of(f"x{suffix_of(codec)}"), at_once) == CONTENT


@pytest.mark.parametrize(
    ("codec", "packed"),
    [
        ("gzip", gzip.compress(CONTENT) + gzip.compress(b"more")),
        ("bz2", bz2.compress(CONTENT) + bz2.compress(b"more")),
        ("zstd", bytes(cramjam.zstd.compress(CONTENT)) + bytes(cramjam.zstd.compress(b"more"))),
        ("lz4", bytes(cramjam.lz4.compress(CONTENT)) + bytes(cramjam.lz4.compress(b"more"))),
        ("deflate", zlib.compress(CONTENT + b"more")),
        ("hadoop-snappy", hadoop("snappy", *BLOCKS)),
        ("hadoop-lz4", hadoop("lz4_raw", *BLOCKS)),
        ("lz4", hadoop("lz4_raw", *BLOCKS)),
        ("framing-snappy", bytes(cramjam.snappy.compress(CONTENT)) + bytes(cramjam.snappy.compress(b"more"))),
    ],
)
def test_what_others_packed(codec: Codec, packed: bytes) -> None:
    """Also as two files one behind the other, where the packing allows that."""
    assert unpack(packed, codec) == CONTENT + b"more"


@pytest.mark.parametrize("codec", ["lz4", "hadoop-lz4"])
def test_lz4_that_hadoop_wrote(codec: Codec) -> None:
    """One block of several chunks, then many blocks."""
    assert unpack((FIXTURES / "text.lz4").read_bytes(), codec) == TEXT * 2


LZO = {"text.lzo": "lzo", "text-adler32.lzo": "lzo", "text-crc32.lzo": "lzo", "text.lzo_deflate": "lzo_deflate"}
"""`text-adler32.lzo` was made by `lzop -9`, `text-crc32.lzo` by `lzop -C --crc32`, of version 1.04."""


@pytest.mark.parametrize("name", LZO)
def test_lzo_that_lzop_and_hadoop_wrote(name: str) -> None:
    packed = (FIXTURES / name).read_bytes()
    codec = codec_of(name)
    assert codec == LZO[name]
    once = TEXT if "-" in name else TEXT * 2
    assert unpack(packed, codec) == once
    assert unpack(packed * 2, codec) == once * 2
    for end in (1, 8, 12, 30, 60, len(packed) // 2, len(packed) - 1):
        with pytest.raises(PermanentError, match=f"file: cannot be read as {codec}"):
            unpack(packed[:end], codec)
    with pytest.raises(PermanentError, match="cannot be read as"):
        unpack(packed + b"\x01garbage\x00", codec)


@pytest.mark.parametrize("name", ["text-adler32.lzo", "text-crc32.lzo"])
def test_bits_that_turned_in_lzo_are_noticed(name: str) -> None:
    packed = (FIXTURES / name).read_bytes()
    noticed = 0
    for place in [*range(48), *range(48, len(packed), len(packed) // 60)]:
        damaged = packed[:place] + bytes([packed[place] ^ 0x10]) + packed[place + 1 :]
        try:
            assert unpack(damaged, "lzo") == TEXT  # a distance within a run of one byte
            assert place >= 48
        except PermanentError:
            noticed += 1
    assert noticed > 80


def test_a_block_of_lzop_that_is_not_packed() -> None:
    head = (FIXTURES / "text.lzo").read_bytes()[:38]
    assert unpack(head + struct.pack(">II", 3, 3) + b"abc" + bytes(4), "lzo") == b"abc"
    for size in (4, 2**31):
        with pytest.raises(PermanentError, match=r"longer than what is in it|too long"):
            unpack(head + struct.pack(">II", size - 1, size) + b"abcd" + bytes(4), "lzo")


@pytest.mark.parametrize(
    ("packed", "reason"),
    [
        (struct.pack(">III", 5, 0, 1), "Truncated"),
        (struct.pack(">II", 5, 1) + b"\x00", "a chunk is empty"),
        (struct.pack(">II", 2, 4) + b"\x30abc", "a chunk is longer than its block"),
        (struct.pack(">II", 3, 5) + b"\x30abcd", ""),
        (struct.pack(">II", 2**31, 2**31) + b"\x30abc", "a chunk of 2147483648 bytes is too long"),
    ],
)
def test_blocks_of_lz4_that_are_none(packed: bytes, reason: str) -> None:
    with pytest.raises(PermanentError, match=f"cannot be read as hadoop-lz4: .*{reason}"):
        unpack(packed + hadoop("lz4_raw", [b"more"]), "hadoop-lz4")


@pytest.mark.parametrize("codec", PACKED)
def test_cut_files_are_noticed(codec: Codec) -> None:
    packed = pack(CONTENT, codec)
    for end in (1, 3, 5, 9, len(packed) // 2, len(packed) - 5, len(packed) - 1):
        with pytest.raises(PermanentError, match=f"file: cannot be read as {codec}"):
            unpack(packed[:end], codec)


@pytest.mark.parametrize("codec", PACKED)
def test_what_follows_is_not_passed_over(codec: Codec) -> None:
    with pytest.raises(PermanentError, match="cannot be read as"):
        unpack(pack(CONTENT, codec) + b"\x01garbage\x00", codec)


@pytest.mark.parametrize("codec", ["gzip", "bz2", "deflate", "framing-snappy", "zip"])
def test_bits_that_turned_are_noticed(codec: Codec) -> None:
    """By the checksums that these packings have."""
    if codec == "zip":
        file = io.BytesIO()
        with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("a", CONTENT)
        packed, member = file.getvalue(), "a"
    else:
        packed, member = pack(CONTENT, codec), ""
    for place in range(40, len(packed) - 200, len(packed) // 20):
        damaged = packed[:place] + bytes([packed[place] ^ 0x10]) + packed[place + 1 :]
        try:
            with decompressed(io.BytesIO(damaged), codec, "file", member) as stream:
                data = b"".join(iter(lambda: stream.read(100_000), b""))
        except PermanentError:
            continue
        assert data == CONTENT  # a bit that means nothing


@pytest.mark.parametrize("codec", ["hadoop-snappy", "framing-snappy"])
def test_a_length_that_is_not_believed(codec: Codec) -> None:
    """A file of twenty bytes that says it unpacks to gigabytes."""
    huge = b"\xff\xff\xff\xff\x0f" + b"\x00" * 15
    packed = struct.pack(">II", 2**32 - 1, len(huge)) + huge
    if codec == "framing-snappy":
        packed = b"\xff\x06\x00\x00sNaPpY\x00" + (len(huge) + 4).to_bytes(3, "little") + b"\0\0\0\0" + huge
    with pytest.raises(PermanentError, match="too long"):
        unpack(packed, codec)


@contextmanager
def _counted(limit: int) -> Any:
    import tracemalloc

    tracemalloc.start()
    try:
        yield
        assert tracemalloc.get_traced_memory()[1] < limit
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("codec", ["gzip", "bz2", "deflate", "hadoop-snappy", "hadoop-lz4", "framing-snappy"])
def test_a_bomb_takes_no_memory(codec: Codec) -> None:
    """200 MB of zeros in a few KB: read as a stream, piece by piece."""
    file = io.BytesIO()
    zeros = bytes(1 << 20)
    with compressed(file, codec) as sink:  # type: ignore[arg-type]
        for _ in range(200):
            sink.write(zeros)
    file.seek(0)
    total = 0
    with _counted(20 << 20), decompressed(file, codec, "file") as stream:
        while part := stream.read(1 << 20):
            total += len(part)
    assert total == 200 << 20


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_a_zip_with_two_files_of_one_name_is_refused() -> None:
    """By its name only the last one could be read, twice."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("a", "1\n")
        archive.writestr("a", "2\n")
    with pytest.raises(PermanentError, match="holds two files that are called 'a'"):
        members(buffer, "zip", "x.zip")


def test_hidden_files_in_a_zip_are_left_out() -> None:
    """macOS packs one beside each file."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name in ("./a.csv", "__MACOSX/._a.csv", "b/.c/d", ".DS_Store", "b/c.d"):
            archive.writestr(name, "1\n")
    assert members(buffer, "zip", "x.zip") == ["./a.csv", "b/c.d"]
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr(".a", "1\n")
    assert members(buffer, "zip", "x.zip") == [".a"]
