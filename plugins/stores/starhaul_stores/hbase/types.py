"""The types of cells under DataX's names."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

import pyarrow as pa

from starhaul import parse_type

DATE_FORMAT = "yyyy-MM-dd HH:mm:ss"
_ARROW: Mapping[str, pa.DataType] = MappingProxyType(
    {
        "boolean": pa.bool_(),
        "short": pa.int16(),
        "int": pa.int32(),
        "long": pa.int64(),
        "float": pa.float32(),
        "double": pa.float64(),
        "string": pa.string(),
        "binarystring": pa.string(),
        "bytes": pa.binary(),
        "date": pa.timestamp("ms"),
    }
)
KINDS = f"{', '.join(_ARROW)}, decimal(P,S)"


@dataclass(frozen=True)
class CellType:
    """How the bytes of a cell are to be understood."""

    name: str
    """DataX's, or `decimal` or `bytes`."""
    arrow: pa.DataType
    """What it is to the hub."""
    format: str = DATE_FORMAT
    """The pattern of a date."""


def cell_type(text: str, pattern: str | None = None) -> CellType:
    """The type that a job names, in any case. `ValueError` if there is none of that name."""
    name = text.strip().lower()
    name = {"bool": "boolean", "binary": "bytes", "binary_string": "binarystring", "integer": "int"}.get(name, name)
    if name in _ARROW:
        return CellType(name, _ARROW[name], pattern or DATE_FORMAT)
    if name.startswith("decimal"):
        arrow = parse_type(name)
        if pa.types.is_decimal(arrow):
            return CellType("decimal", arrow)
    raise ValueError(f"there is no type {text!r} here: it is one of {KINDS}")


def natural_type(source: pa.DataType) -> CellType:
    """The type that holds every value of an Arrow type; texts where HBase has nothing of its own."""
    types = pa.types
    if types.is_boolean(source):
        return cell_type("boolean")
    if types.is_uint64(source):
        return CellType("decimal", pa.decimal128(20, 0))
    if types.is_integer(source):
        narrow = source.bit_width + types.is_unsigned_integer(source)
        return cell_type("short" if narrow <= 16 else "int" if narrow <= 32 else "long")
    if types.is_floating(source):
        return cell_type("double" if types.is_float64(source) else "float")
    if types.is_decimal(source):
        return CellType("decimal", source)
    if types.is_binary(source) or types.is_large_binary(source) or types.is_fixed_size_binary(source):
        return cell_type("bytes")
    return cell_type("string")
