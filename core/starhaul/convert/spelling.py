"""Cheap questions about a whole column of text, to see whether a closer look is needed."""

from __future__ import annotations

import struct

import pyarrow as pa
import pyarrow.compute as pc

from starhaul.convert.attempt import Kernel, refuse_where


def longest(values: pa.Array) -> int:
    """Bytes of the longest text; 0 if there is none."""
    return pc.max(pc.binary_length(values)).as_py() or 0


def any_byte(values: pa.Array, wanted: bytes) -> bool:
    """Whether any of the bytes `wanted` occurs in a string or large_string column. May also say yes because of bytes
    that lie beneath a null. One `memchr` over the column's buffer: 20 times as fast as a search per row."""
    if not len(values):
        return False
    data = values.buffers()[2]
    if data is None:
        return False
    offset = "=q" if pa.types.is_large_string(values.type) else "=i"
    width = struct.calcsize(offset)
    start = struct.unpack_from(offset, values.buffers()[1], values.offset * width)[0]
    end = struct.unpack_from(offset, values.buffers()[1], (values.offset + len(values)) * width)[0]
    text = data.slice(start, end - start).to_pybytes()
    return any(text.find(byte) >= 0 for byte in (bytes([one]) for one in wanted))


def matches(values: pa.Array, pattern: str) -> pa.BooleanArray:
    """Whether each text as a whole matches an RE2 pattern; null for null."""
    return pc.match_substring_regex(values, rf"\A(?:{pattern})\z")


def shaped(kernel: Kernel, pattern: str) -> Kernel:
    """A kernel for text which, when it refuses, first names all texts that do not look like the RE2 `pattern`. Those
    that do and still do not fit (30 February) are left to be searched for, which costs far more for each."""

    def run(values: pa.Array) -> pa.Array:
        try:
            return kernel(values)
        except pa.ArrowInvalid:
            refuse_where(pc.invert(matches(values, pattern)))
            raise

    return run
