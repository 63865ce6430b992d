"""Parquet's intervals: months, days and milliseconds, for which `pyarrow` has bytes only."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from typing import Any

import pyarrow as pa

_LAYOUT = struct.Struct("<III")


def intervals_of(file: Any) -> list[str]:
    """Those columns of a `ParquetFile` that are intervals."""
    leaves = [file.schema.column(number) for number in range(len(file.schema))]
    found = {leaf.path for leaf in leaves if leaf.converted_type == "INTERVAL"}
    return [field.name for field in file.schema_arrow if field.name in found and field.type == pa.binary(12)]


def with_texts(schema: pa.Schema, intervals: Sequence[str]) -> pa.Schema:
    """The fields as `mended` gives them."""
    return pa.schema([field.with_type(pa.string()) if field.name in intervals else field for field in schema])


def mended(batch: pa.RecordBatch, intervals: Sequence[str]) -> pa.RecordBatch:
    """The batch with ISO 8601's texts in these columns, as far as it has them: `P14M3DT1.500S`."""
    for name in intervals:
        place = batch.schema.get_field_index(name)
        if place >= 0:
            texts = [
                None if value is None else _text(*_LAYOUT.unpack(value)) for value in batch.column(place).to_pylist()
            ]
            batch = batch.set_column(place, name, pa.array(texts, pa.string()))
    return batch


def _text(months: int, days: int, milliseconds: int) -> str:
    seconds = f"T{milliseconds // 1000}.{milliseconds % 1000:03}S" if milliseconds or not (months or days) else ""
    return f"P{f'{months}M' if months else ''}{f'{days}D' if days else ''}{seconds}"
