"""Strings of bits, which to PostgreSQL are digits and to MySQL a number."""

from __future__ import annotations

import pyarrow as pa


def digits_of(numbers: pa.Array, width: int) -> pa.Array:
    """Unsigned numbers of 64 bits, none of which needs more than `width` bits, as so many binary digits each."""
    import numpy as np
    import pyarrow.compute as pc

    count = len(numbers)
    octets = numbers.fill_null(0).to_numpy(zero_copy_only=False).astype(">u8").view(np.uint8).reshape(count, 8)
    digits = np.unpackbits(octets, axis=1)[:, 64 - width :] + ord("0")
    ends = np.arange(0, (count + 1) * width, width, dtype=np.int32)
    valid = pc.is_valid(numbers).buffers()[1] if numbers.null_count else None
    buffers = [valid, pa.py_buffer(ends), pa.py_buffer(np.ascontiguousarray(digits))]
    return pa.Array.from_buffers(pa.string(), count, buffers)


def numbers_of(digits: pa.Array, width: int) -> tuple[pa.Array, pa.BooleanArray]:
    """The other way round, and where a text is something else than `width` binary digits, so that its number is
    none."""
    import numpy as np
    import pyarrow.compute as pc

    right = pc.fill_null(pc.match_substring_regex(digits, rf"^[01]{{{width}}}$"), False)
    octets = pc.binary_join(pa.ListArray.from_arrays([0, len(digits)], pc.if_else(right, digits, "0" * width)), "")
    padded = np.zeros((len(digits), 64), np.uint8)
    padded[:, 64 - width :] = np.frombuffer(octets[0].as_buffer(), np.uint8).reshape(-1, width) & 1
    numbers = np.packbits(padded, axis=1).view(">u8").reshape(-1).astype(np.uint64)
    return pa.array(numbers, mask=~pc.is_valid(digits).to_numpy(zero_copy_only=False)), pc.and_not(
        digits.is_valid(), right
    )
