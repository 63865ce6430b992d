"""Decimals out of the texts that MySQL prints, eight digits at a time.

Eight bytes are read as one number of 64 bits; three multiplications make it the number that its digits say
(https://lemire.me/blog/2022/01/21/swar-explained-parsing-eight-digits/). Imported on first use: it needs numpy.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa

from starhaul_stores.mysql.rows import Values

_MOST = 16
"""Characters of a value, its sign apart."""
_MOST_FRACTION = 6
_ALL = (1 << 64) - 1
_ZEROS, _SIXES, _HIGH = (np.uint64(0x0101010101010101 * byte) for byte in (ord("0"), 6, 0xF0))
_STEPS = tuple(
    (np.uint64(mask), np.uint64(factor), np.uint64(shift))
    for mask, factor, shift in (
        (_ALL, 1 + (10 << 8), 8),
        (0x00FF00FF00FF00FF, 1 + (100 << 16), 16),
        (0x0000FFFF0000FFFF, 1 + (10_000 << 32), 32),
    )
)
_LENGTHS = range(_MOST + 1)
# By the length of a text, for its last eight characters as a number whose lowest byte is the first of them:
_KEPT = np.array([_ALL & ~(_ALL >> 8 * min(length, 8)) for length in _LENGTHS], np.uint64)
_SHIFT = np.array([min(64 - 8 * min(length, 8), 63) for length in _LENGTHS], np.uint64)
# And for the eight before them:
_KEPT_BEFORE = np.array([_ALL & ~(_ALL >> 8 * max(length - 8, 0)) for length in _LENGTHS], np.uint64)
_SHIFT_BEFORE = np.array([8 * (16 - max(length, 9)) for length in _LENGTHS], np.uint64)


def decimals(values: Values, kind: pa.DataType) -> pa.Array | None:
    """A column of DECIMAL as `kind` (decimal128), or None if one of its values is anything but a few plain digits."""
    null, scale = values.null, kind.scale
    begin, end = values.offsets[:, 0], values.offsets[:, 1]
    octets = np.frombuffer(values.data, np.uint8)
    negative = octets[begin] == ord("-")
    if null is not None:
        negative &= ~null
    signed = bool(negative.any())
    if signed:
        begin = begin + negative
    length = end - begin
    longest, shortest = int(length.max()), int(length.min() if null is None else length.min(where=~null, initial=1))
    if scale > _MOST_FRACTION or longest > min(_MOST, kind.precision + (scale > 0)) or not shortest:
        return None
    numbers = _numbers(values, begin, length, scale, longest)
    if numbers is None:
        return None
    if signed:
        numbers = np.where(negative, -numbers, numbers)
    wide = np.zeros((len(numbers), 2), "<i8")
    wide[:, 0] = numbers
    if signed:
        wide[:, 1] = numbers >> 63
    validity = None if null is None else pa.py_buffer(np.packbits(~null, bitorder="little"))
    return pa.Array.from_buffers(kind, len(numbers), [validity, pa.py_buffer(wide)])


def _numbers(values: Values, begin: Any, length: Any, scale: int, longest: int) -> Any:
    """The texts without their signs and points, as integers; None if one of them has anything but digits."""
    words = np.ndarray((values.data.nbytes - 7,), "<u8", values.data, 0, (1,))
    last = words[begin + np.maximum(length - 8, 0) if longest > 8 else begin] << _SHIFT[length]
    kept = _KEPT[length]
    if values.null is not None:
        last &= kept
    if scale:
        point = np.uint64(8 * (7 - scale))
        dots = (last >> point) & np.uint64(0xFF) == ord(".")
        if not (dots if values.null is None else dots | values.null).all():
            return None
        before, after = np.uint64((1 << int(point)) - 1), np.uint64(_ALL & ~((1 << int(point) + 8) - 1))
        last = (last & after) | ((last & before) << np.uint64(8))
        kept = kept << np.uint64(8)
    numbers = _parsed(last, kept)
    if numbers is None or longest <= 8:
        return numbers
    kept = _KEPT_BEFORE[length]
    more = _parsed((words[begin] << _SHIFT_BEFORE[length]) & kept, kept)
    return None if more is None else numbers + more * 10 ** (7 if scale else 8)


def _parsed(digits: Any, kept: Any) -> Any:
    """Eight characters each, of which those that are `kept` must be digits and the others are zero bytes."""
    digits = digits ^ (kept & _ZEROS)
    if ((digits | (digits + _SIXES)) & _HIGH).any():
        return None
    for mask, factor, shift in _STEPS:
        digits &= mask
        digits *= factor
        digits >>= shift
    return digits.view("<i8")
