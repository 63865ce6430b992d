"""Whether a Parquet file has the fields that a job's `parquetSchema` says."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pyarrow as pa

from starhaul import PermanentError
from starhaul_stores.files.parquet_schema import Node
from starhaul_stores.files.parquet_types import arrow_field, leaves_of, unit_of

_PHYSICAL = {"binary": "BYTE_ARRAY"}
_UNITS = {"ms": "milliseconds", "us": "microseconds", "ns": "nanoseconds"}


def claimed(own: pa.Schema, nodes: Sequence[Node]) -> pa.Schema:
    """The file's fields that the schema names, in its order. Bytes that it says are text (`UTF8`) are text; what the
    file lacks is of the schema's type, which other files have."""
    fields = []
    for node in nodes:
        field = own.field(node.name) if node.name in own.names else pa.field(node.name, _told(node))
        text = node.annotation in ("UTF8", "STRING") and pa.types.is_binary(field.type)
        fields.append(field.with_type(pa.string()) if text else field)
    return pa.schema(fields)


def expect_claimed(file: Any, nodes: Sequence[Node], name: str, *, missing_as_null: bool) -> None:
    """`PermanentError` if a file (`pyarrow.parquet.ParquetFile`) lacks a field of the schema or has it otherwise.

    What the schema leaves open may be anything: a plain `binary` may be text in the file.
    """
    if not nodes:
        return
    columns = [file.schema.column(place) for place in range(len(file.schema))]
    there = file.schema_arrow.names
    for node in nodes:
        if node.name not in there:
            if missing_as_null:
                continue
            has = ", ".join(map(repr, there[:20]))
            raise PermanentError(name, f"has no field {node.name!r}, which `parquetSchema` names", f"it has {has}")
        leaves = list(leaves_of(node))
        found = [each for each in columns if each.path == node.name or each.path.startswith(f"{node.name}.")]
        if len(found) != len(leaves) or not all(map(_agrees, leaves, found)):
            as_found = ", ".join(_shown(each) for each in found)
            as_told = ", ".join(map(str, leaves))
            raise PermanentError(
                name,
                f"has the field {node.name!r} as {as_found}; `parquetSchema` says {as_told}",
                "write it as it is in the files, or leave `parquetSchema` out",
            )


def _told(node: Node) -> pa.DataType:
    """The type that files have by this word; null if it tells none."""
    try:
        return arrow_field(node).type
    except ValueError:  # what pyarrow does not write, it may read all the same
        return pa.null()


def _agrees(node: Node, column: Any) -> bool:
    if column.physical_type != _PHYSICAL.get(node.physical, node.physical.upper()):
        return False
    if node.length and column.length != node.length:
        return False
    meaning = column.logical_type.type
    if node.annotation == "DECIMAL":
        scale = node.arguments[1] if len(node.arguments) > 1 else "0"
        return meaning == "DECIMAL" and node.arguments[:1] == (str(column.precision),) and scale == str(column.scale)
    if node.annotation == "DATE":
        return bool(meaning == "DATE")
    unit = unit_of(node)
    return unit is None or (meaning == node.annotation.split("_")[0] and _UNITS[unit] in str(column.logical_type))


def _shown(column: Any) -> str:
    meaning = str(column.logical_type).partition(", is_from_converted_type")[0]
    length = f"({column.length})" if column.physical_type == "FIXED_LEN_BYTE_ARRAY" else ""
    return f"{column.physical_type}{length}" + ("" if meaning == "None" else f" {meaning}")
