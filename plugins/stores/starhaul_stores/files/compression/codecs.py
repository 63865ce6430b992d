"""Compressed files as streams of bytes, and back."""

from __future__ import annotations

import bz2
import gzip
import io
import re
import zipfile
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from types import MappingProxyType
from typing import Any, Literal, TypeAlias

import pyarrow as pa

from starhaul import PermanentError
from starhaul_stores.files.compression.bzip2_blocks import Bzip2Lines
from starhaul_stores.files.compression.hadoop_blocks import (
    HadoopLz4,
    HadoopLz4Packing,
    HadoopSnappy,
    HadoopSnappyPacking,
    lz4,
)
from starhaul_stores.files.compression.lzo import HadoopLzo, Lzop, expect_lzo
from starhaul_stores.files.compression.packings import (
    Bzip2,
    Deflate,
    DeflatePacking,
    FramedSnappy,
    FramedSnappyPacking,
    expect_cramjam,
)
from starhaul_stores.files.streams import ByteStream

Codec: TypeAlias = Literal[
    "none", "gzip", "bz2", "zstd", "zip", "lz4", "deflate", "hadoop-snappy", "framing-snappy", "hadoop-lz4", "lzo",
    "lzo_deflate",
]  # fmt: skip

SUFFIXES: tuple[tuple[str, Codec], ...] = (
    (".gz", "gzip"),
    (".bz2", "bz2"),
    (".zst", "zstd"),
    (".zip", "zip"),
    (".lz4", "lz4"),
    (".deflate", "deflate"),
    (".snappy", "hadoop-snappy"),
    (".sz", "framing-snappy"),
    (".lz4", "hadoop-lz4"),
    (".lzo", "lzo"),
    (".lzo_deflate", "lzo_deflate"),
)
"""By which suffix of a file's name each codec is known; `lz4` takes files of Hadoop's as well."""

WRITTEN: tuple[Codec, ...] = (
    "none", "gzip", "bz2", "zstd", "lz4", "deflate", "hadoop-snappy", "framing-snappy", "hadoop-lz4",
)  # fmt: skip
"""The codecs that files can be written with."""

ALIASES: Mapping[str, Codec] = MappingProxyType(
    {"bzip2": "bz2", "snappy": "hadoop-snappy", "zlib": "deflate", "lzop": "lzo", "": "none"}
)
"""Other names of codecs in jobs."""

_HIDDEN = re.compile(r"(?:^|/)(?:__MACOSX/|\.[^./])")
"""How names in a zip file tell that they are hidden."""

_DAMAGED = (
    EOFError,
    ValueError,
    zlib.error,
    gzip.BadGzipFile,
    zipfile.BadZipFile,
    NotImplementedError,
    RuntimeError,
    OSError,
)


def codec_of(name: str) -> Codec:
    """The codec that the suffix of a file's name tells."""
    return next((codec for suffix, codec in SUFFIXES if name.lower().endswith(suffix)), "none")


def suffix_of(codec: Codec) -> str:
    """The suffix that a file of this codec gets; empty for none."""
    return next((suffix for suffix, each in SUFFIXES if each == codec), "")


def members(file: Any, codec: Codec, name: str) -> list[str]:
    """The names of the files packed in one file, in their order; for all codecs but zip that is one, without a name.
    Hidden ones, as macOS packs them beside each file, are left out unless there are no others."""
    if codec != "zip":
        return [""]
    with _damage_told(name, codec), zipfile.ZipFile(file) as archive:
        names = [info.filename for info in archive.infolist() if not info.is_dir()]
    names = [each for each in names if not _HIDDEN.search(each)] or names
    if twice := next((each for each in names if names.count(each) > 1), None):
        raise PermanentError(name, f"holds two files that are called {twice!r}", "pack them by different names")
    return names


@contextmanager
def decompressed(file: Any, codec: Codec, name: str, member: str = "") -> Iterator[ByteStream]:
    """The bytes packed in `file`. Reading raises `PermanentError` naming `name` where they are damaged or cut short."""
    if codec == "none":
        yield file
        return
    if codec == "framing-snappy":
        expect_cramjam()
    if codec in ("lzo", "lzo_deflate"):
        expect_lzo()
    with _damage_told(name, codec):
        stream, archive = _opened(file, codec, member)
    try:
        yield _Checked(stream, codec, name)
    finally:
        stream.close()
        if archive is not None:
            archive.close()


def bzip2_lines(file: Any, start: int, end: int, line_end: str, name: str) -> ByteStream:
    """The lines of a range of a bzip2 file, as `Bzip2Lines` has them. Errors as in `decompressed`."""
    return _Checked(Bzip2Lines(file, start, end, line_end.encode()), "bz2", name)


@contextmanager
def compressed(file: io.RawIOBase, codec: Codec) -> Iterator[Any]:
    """A stream that packs what is written to it into `file`. Closing it finishes the packing, not the file."""
    if codec == "none":
        yield file
        return
    stream: Any
    if codec == "framing-snappy":
        expect_cramjam()
    if codec in _PACKING:
        stream = _PACKING[codec](file)
    elif codec == "gzip":
        stream = gzip.GzipFile(filename="", mode="wb", compresslevel=6, fileobj=file, mtime=0)
    elif codec == "bz2":
        stream = bz2.BZ2File(file, "wb")
    else:
        stream = pa.CompressedOutputStream(_Unclosed(file), codec)
    with stream:
        yield stream


def _opened(file: Any, codec: Codec, member: str) -> tuple[Any, zipfile.ZipFile | None]:
    if codec == "gzip":
        return gzip.GzipFile(fileobj=file, mode="rb"), None
    if codec in _UNPACKING:
        return _UNPACKING[codec](file), None
    if codec == "zstd":
        return pa.CompressedInputStream(file, codec), None
    archive = zipfile.ZipFile(file)
    return archive.open(member), archive


_UNPACKING: Mapping[str, Callable[[ByteStream], Any]] = MappingProxyType(
    {"bz2": Bzip2, "deflate": Deflate, "hadoop-snappy": HadoopSnappy, "framing-snappy": FramedSnappy, "lz4": lz4,
     "hadoop-lz4": HadoopLz4, "lzo": Lzop, "lzo_deflate": HadoopLzo}
)  # fmt: skip
_PACKING: Mapping[str, Callable[[Any], Any]] = MappingProxyType(
    {"deflate": DeflatePacking, "hadoop-snappy": HadoopSnappyPacking, "framing-snappy": FramedSnappyPacking,
     "hadoop-lz4": HadoopLz4Packing}
)  # fmt: skip


class _Unclosed(io.RawIOBase):
    """A file that Arrow may close without closing it."""

    def __init__(self, file: io.RawIOBase) -> None:
        self._file = file

    def writable(self) -> bool:
        return True

    def write(self, data: Any, /) -> int:
        return self._file.write(data) or 0


class _Checked:
    """Passes bytes on, and says which file it was when they are damaged."""

    def __init__(self, stream: Any, codec: Codec, name: str) -> None:
        self._stream = stream
        self._codec = codec
        self._name = name

    def read(self, size: int, /) -> bytes:
        with _damage_told(self._name, self._codec):
            return bytes(self._stream.read(size))


@contextmanager
def _damage_told(name: str, codec: Codec) -> Iterator[None]:
    try:
        yield
    except (*_DAMAGED, pa.ArrowException) as error:
        raise PermanentError(
            name, f"cannot be read as {codec}: {error or 'it ends too early'}", "is it damaged, or is `compress` wrong?"
        ) from error
