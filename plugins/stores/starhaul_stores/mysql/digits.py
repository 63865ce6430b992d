"""Decimals out of texts and into texts, eight digits at a time.

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

_EIGHT_DIGITS = np.uint64(10**8)
_HALVES = tuple(
    (np.uint64(base), np.uint64(factor), None if shift is None else np.uint64(shift), np.uint64(mask), np.uint64(bits))
    for base, factor, shift, mask, bits in (
        (10_000, 0, None, 0, 32),
        (100, 5243, 19, 0x0000007F0000007F, 16),
        (10, 103, 10, 0x000F000F000F000F, 8),
    )
)
"""How a number is split into two of half as many digits, in each of its parts: by a division, or by a multiplication
that comes to the same; and how far apart they are put."""


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


def printed(values: pa.Array) -> pa.Array | None:
    """A column of decimal128 as texts of one length, with zeros in front; None if one of its values is negative or has
    more digits than fit."""
    scale = values.type.scale
    if not 0 <= scale <= _MOST_FRACTION or not len(values):
        return None
    halves = np.frombuffer(values.buffers()[1], "<u8")[2 * values.offset : 2 * (values.offset + len(values))]
    numbers, upper = halves[::2], halves[1::2]
    null = values.is_null().to_numpy(zero_copy_only=False) if values.null_count else None
    if null is not None:
        numbers, upper = np.where(null, 0, numbers), np.where(null, 0, upper)
    most = int(numbers.max())
    width = max(len(str(most)), scale + 1) + (scale > 0)
    if width > _MOST or upper.any():
        return None
    words = np.empty((len(numbers), 2), "<u8")
    before = numbers // _EIGHT_DIGITS
    words[:, 0], words[:, 1] = _characters(before), _characters(numbers - before * _EIGHT_DIGITS)
    if scale:
        _insert_point(words, scale)
    cut = np.ndarray(len(words), f"V{width}", words, _MOST - width, (_MOST,)).copy()
    offsets = np.arange(0, width * (len(words) + 1), width, dtype=np.int32)
    validity = None if null is None else pa.py_buffer(np.packbits(~null, bitorder="little"))
    return pa.Array.from_buffers(pa.string(), len(words), [validity, pa.py_buffer(offsets), pa.py_buffer(cut)])


def _characters(numbers: Any) -> Any:
    """Numbers below 100,000,000 as eight characters each, the first in the lowest byte: halved three times."""
    for base, factor, shift, mask, bits in _HALVES:
        upper = numbers // base if shift is None else ((numbers * factor) >> shift) & mask
        numbers = upper | ((numbers - upper * base) << bits)
    return numbers | _ZEROS


def _insert_point(words: Any, scale: int) -> None:
    """Put a point before the last `scale` of sixteen digits; the first of them, a zero, makes room."""
    place = 8 * (7 - scale)
    first, last = words[:, 0].copy(), words[:, 1].copy()
    words[:, 0] = (first >> np.uint64(8)) | (last << np.uint64(56))
    before, after = np.uint64((1 << place) - 1), np.uint64(_ALL & ~((1 << place + 8) - 1))
    words[:, 1] = ((last >> np.uint64(8)) & before) | np.uint64(ord(".") << place) | (last & after)
