"""Values as Java's `org.apache.hadoop.hbase.util.Bytes` writes them: big-endian, without a length or a type.

`encode` and `decode` are vectorised; they know whole columns. Imported on first use: it needs numpy.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Context, Decimal, localcontext
from types import MappingProxyType
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from starhaul import Formats, cast
from starhaul_stores.hbase.row_keys import to_binary_text
from starhaul_stores.hbase.types import CellType

_FIXED: Mapping[str, tuple[str, pa.DataType]] = MappingProxyType(
    {
        "boolean": ("u1", pa.uint8()),
        "short": (">i2", pa.int16()),
        "int": (">i4", pa.int32()),
        "long": (">i8", pa.int64()),
        "float": (">f4", pa.float32()),
        "double": (">f8", pa.float64()),
    }
)
"""Type → numpy's name of what Java writes, and the type of the number."""
_LONGEST_DECIMAL = 128
"""Bytes of the digits of a BigDecimal that is read, at most."""
_LARGEST_SCALE = 500
"""Its digits behind the point, or zeros in front of it, at most."""
_EXACT = Context(prec=1000)
"""Holds every BigDecimal within these bounds (309 digits, and 500 zeros) and what it becomes, without rounding."""


@dataclass(frozen=True)
class Converted:
    """A column that was encoded or decoded."""

    values: pa.Array
    bad: Mapping[int, str]
    """Row → why its value could not be; `values` holds null there."""


def encode(values: pa.Array, kind: CellType, encoding: str) -> Converted:
    """An array of `kind.arrow` (of any decimal for a decimal) as binary; null stays null."""
    if kind.name in _FIXED:
        return Converted(_encode_fixed(values, kind.name), {})
    if kind.name == "decimal":
        return Converted(
            pa.array([None if v is None else _decimal_bytes(v) for v in values.to_pylist()], pa.binary()), {}
        )
    if pa.types.is_binary(values.type):
        return Converted(values, {})
    if encoding.lower().replace("-", "").replace("_", "") == "utf8":
        return Converted(values.cast(pa.binary()), {})
    return _cast(values, pa.binary(), Formats(encoding=encoding))


def decode(cells: pa.Array, kind: CellType, encoding: str) -> Converted:
    """A binary array as an array of `kind.arrow`. An empty cell is null, but for texts and bytes."""
    if kind.name in _FIXED:
        return _decode_fixed(cells, kind)
    if kind.name == "bytes":
        return Converted(cells, {})
    if kind.name == "string":
        return _cast(cells, pa.string(), Formats(encoding=encoding))
    if kind.name == "binarystring":
        texts = [None if cell is None else to_binary_text(cell) for cell in cells.to_pylist()]
        return Converted(pa.array(texts, pa.string()), {})
    cells = _empty_as_null(cells)
    if kind.name == "decimal":
        return _decode_decimals(cells, kind.arrow)
    decoded = _cast(cells, pa.string(), Formats(encoding=encoding))
    times = _cast(decoded.values, kind.arrow, Formats(datetime=kind.format, date=kind.format))
    return Converted(times.values, {**times.bad, **decoded.bad})


def _encode_fixed(values: pa.Array, name: str) -> pa.Array:
    layout, number = _FIXED[name]
    plain = values
    if name == "boolean":  # Java writes -1 for true
        plain = pc.if_else(values, pa.scalar(255, number), pa.scalar(0, number))
    valid = None
    if plain.null_count:
        valid = plain.is_valid()
        plain = plain.fill_null(pa.scalar(0, number))
    raw = np.ascontiguousarray(plain.to_numpy(zero_copy_only=False).astype(layout))
    width = raw.dtype.itemsize
    offsets = pa.py_buffer(np.arange(0, (len(raw) + 1) * width, width, dtype="i4"))
    encoded = pa.Array.from_buffers(pa.binary(), len(raw), [None, offsets, pa.py_buffer(raw.view("u1"))])
    return encoded if valid is None else pc.if_else(valid, encoded, pa.scalar(None, pa.binary()))


def _decode_fixed(cells: pa.Array, kind: CellType) -> Converted:
    layout, number = _FIXED[kind.name]
    dtype = np.dtype(layout)
    bad: dict[int, str] = {}
    lengths = _lengths(cells)
    if cells.null_count or (lengths != dtype.itemsize).any():
        cells, bad = _of_width(cells, lengths, dtype.itemsize, kind.name)
    raw = np.frombuffer(cells.buffers()[2] or b"", dtype, len(lengths), cells.offset * dtype.itemsize)
    there = lengths == dtype.itemsize
    mask = None if there.all() else ~there
    if kind.name == "boolean":
        return Converted(pa.array(raw != 0, pa.bool_(), mask=mask), bad)
    return Converted(pa.array(raw.astype(dtype.newbyteorder("=")), number, mask=mask), bad)


def _lengths(cells: pa.Array) -> np.ndarray[Any, Any]:
    """Bytes of each cell; of one that is null, none."""
    offsets = np.frombuffer(cells.buffers()[1] or b"", "i4", len(cells) + 1 if len(cells) else 0, cells.offset * 4)
    return np.diff(offsets)


def _of_width(cells: pa.Array, lengths: np.ndarray[Any, Any], width: int, name: str) -> tuple[pa.Array, dict[int, str]]:
    """The cells with those of another length as zeros, and what is wrong with the latter unless they are empty."""
    wrong = np.flatnonzero((lengths != width) & (lengths != 0))
    bad = {int(row): f"{cells[row].as_py()[:32].hex(' ')} is no {name}, which has {width} bytes" for row in wrong}
    keep = pa.array(lengths == width)
    return pc.if_else(keep, cells, pa.scalar(b"\0" * width, pa.binary())), bad


def _decode_decimals(cells: pa.Array, target: pa.DataType) -> Converted:
    bad: dict[int, str] = {}
    made: list[Decimal | None] = []
    for row, cell in enumerate(cells.to_pylist()):
        value = None
        if cell is not None:
            try:
                value = _exactly(_decimal(cell), target)
            except ValueError as error:
                bad[row] = str(error)
        made.append(value)
    return Converted(pa.array(made, target), bad)


def _decimal(cell: bytes) -> Decimal:
    """A BigDecimal: its scale as an int, then its digits as a number in two's complement. `ValueError` for what is none
    or is far beyond every type, as texts mostly are by their first four bytes."""
    if len(cell) < 5:
        raise ValueError(f"{cell.hex(' ')} is no decimal, which has 5 bytes or more")
    shown = cell[:32].hex(" ")
    scale = int.from_bytes(cell[:4], "big", signed=True)
    if abs(scale) > _LARGEST_SCALE:
        raise ValueError(f"{shown} is no decimal that can be read: its scale would be {scale}")
    if len(cell) - 4 > _LONGEST_DECIMAL:
        raise ValueError(f"{shown}… is no decimal that can be read: it has {len(cell)} bytes")
    return Decimal(int.from_bytes(cell[4:], "big", signed=True)).scaleb(-scale, _EXACT)


def _exactly(value: Decimal, target: pa.DataType) -> Decimal:
    """The value with the digits of the target; `ValueError` if it has more."""
    with localcontext(_EXACT):
        fitted = round(value, target.scale)
        if fitted != value or len(fitted.as_tuple().digits) > target.precision:
            raise ValueError(f"{value} does not fit {target}")
    return fitted


def _decimal_bytes(value: Decimal) -> bytes:
    sign, digits, exponent = value.as_tuple()
    assert isinstance(exponent, int)  # noqa: S101  Arrow holds finite decimals only
    number = int("".join(map(str, digits)))
    if sign:
        number = -number
    length = (number if number >= 0 else ~number).bit_length() // 8 + 1
    return (-exponent).to_bytes(4, "big", signed=True) + number.to_bytes(length, "big", signed=True)


def _empty_as_null(cells: pa.Array) -> pa.Array:
    empty = pc.equal(pc.binary_length(cells), 0)
    return pc.if_else(empty, pa.scalar(None, pa.binary()), cells) if pc.any(empty).as_py() else cells


def _cast(values: pa.Array, target: pa.DataType, formats: Formats) -> Converted:
    made = cast(values, target, formats)
    return Converted(made.values, made.misfits())
