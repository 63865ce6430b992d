"""Hadoop's compression codecs by the names of their classes, and what they packed in a file."""

from __future__ import annotations

import io
from collections.abc import Mapping
from types import MappingProxyType

from starhaul_stores.files.compression.codecs import Codec, decompressed

_MOST = 256 << 20
_CODECS: Mapping[str, Codec] = MappingProxyType(
    {
        "DefaultCodec": "deflate",
        "DeflateCodec": "deflate",
        "GzipCodec": "gzip",
        "BZip2Codec": "bz2",
        "SnappyCodec": "hadoop-snappy",
        "Lz4Codec": "hadoop-lz4",
        "LzoCodec": "lzo_deflate",
        "LzopCodec": "lzo",
        "ZStandardCodec": "zstd",
    }
)


def codec_of_class(name: str) -> Codec:
    """The codec of a class such as `org.apache.hadoop.io.compress.GzipCodec`. `ValueError` if it is not known."""
    short = name.rpartition(".")[2]
    if short not in _CODECS:
        raise ValueError(f"the codec {short} is not known; {', '.join(_CODECS)} are")
    return _CODECS[short]


def unpacked(data: bytes, codec: Codec) -> bytes:
    """What is in a packed part of a file; 256 MiB at most."""
    with decompressed(io.BytesIO(data), codec, "a part of it") as stream:
        parts, size = [], 0
        while part := stream.read(1 << 20):
            parts.append(part)
            size += len(part)
            if size > _MOST:
                raise ValueError("a part of it is too long")
    return b"".join(parts)
