"""Bytes to hexadecimal digits and back, a whole column at a time."""

from __future__ import annotations

import pyarrow as pa


def to_hex(values: pa.Array) -> pa.Array:
    """The digits of a binary column, as large_string, or of a fixed-size one (UUIDs), as string."""
    if pa.types.is_fixed_size_binary(values.type):
        width = values.type.byte_width
        data = values.buffers()[1].slice(values.offset * width, len(values) * width)
        digits = pa.py_buffer(bytes(data).hex().encode())
        offsets = pa.array(range(0, (len(values) + 1) * width * 2, width * 2), pa.int32())
        whole = pa.Array.from_buffers(pa.string(), len(values), [None, offsets.buffers()[1], digits])
        return _with_nulls_of(whole, values)
    import pyarrow.compute as pc

    values = values.cast(pa.large_binary())
    _, offsets, data = values.buffers()
    places = pa.Array.from_buffers(pa.int64(), len(values) + 1, [None, offsets], offset=values.offset)
    first, last = places[0].as_py(), places[-1].as_py()
    digits = bytes(data.slice(first, last - first)).hex().encode() if data is not None else b""
    doubled = pc.multiply(pc.subtract(places, first), 2)
    buffers = [None, doubled.buffers()[1], pa.py_buffer(digits)]
    return _with_nulls_of(pa.Array.from_buffers(pa.large_string(), len(values), buffers), values)


def from_hex(values: pa.Array, prefix: bytes) -> pa.Array:
    """The bytes of a binary column of hexadecimal digits, each value after the same prefix. Raises `ValueError` if
    there are others."""
    import pyarrow.compute as pc

    if not len(values):
        return values
    plain = pc.fill_null(values, prefix)
    _, offsets, data = plain.buffers()
    places = pa.Array.from_buffers(pa.int32(), len(plain) + 1, [None, offsets], offset=plain.offset)
    first, last = places[0].as_py(), places[-1].as_py()
    octets = bytes.fromhex(bytes(data.slice(first, last - first)).replace(prefix, b"").decode())
    prefixes = pa.array(range(first, first + len(prefix) * (len(plain) + 1), len(prefix)), pa.int32())
    halved = pc.divide(pc.subtract(places, prefixes), pa.scalar(2, pa.int32()))
    whole = pa.Array.from_buffers(pa.binary(), len(plain), [None, halved.buffers()[1], pa.py_buffer(octets)])
    return _with_nulls_of(whole, values)


def _with_nulls_of(values: pa.Array, original: pa.Array) -> pa.Array:
    if not original.null_count:
        return values
    import pyarrow.compute as pc

    return pc.if_else(original.is_valid(), values, pa.scalar(None, values.type))
