"""ORC's timestamps of distant years, which `pyarrow` refuses: it holds them in nanoseconds, from 1677 to 2262."""

from __future__ import annotations

from typing import Any

import pyarrow as pa

from starhaul import PermanentError

_REFUSAL = "out of range for nanosecond resolution"


def stripe(file: Any, native: Any, number: int, columns: list[str], name: str) -> pa.RecordBatch:
    """A stripe of an ORC file; where `pyarrow` refuses its timestamps, these by `pyorc` and in microseconds."""
    try:
        return file.read_stripe(number, columns)
    except pa.ArrowInvalid as error:
        distant = [column for column in columns if pa.types.is_timestamp(file.schema.field(column).type)]
        if _REFUSAL not in str(error) or not distant:
            raise
    others = [column for column in columns if column not in distant]
    arrays = dict(zip(distant, _by_pyorc(native, number, distant, file.schema, name), strict=True))
    if others:
        rest = file.read_stripe(number, others)
        arrays |= {column: rest.column(column) for column in others}
    return pa.RecordBatch.from_arrays([arrays[column] for column in columns], names=columns)


def _by_pyorc(native: Any, number: int, columns: list[str], schema: pa.Schema, name: str) -> list[pa.Array]:
    try:
        import pyorc
    except ImportError as error:
        hint = "pip install 'starhaul[orc]'"
        raise PermanentError(name, "holds timestamps before 1677 or after 2262", hint) from error

    class Nanoseconds(pyorc.converters.ORCConverter):
        @staticmethod
        def from_orc(seconds: int, nanoseconds: int, timezone: Any) -> int:
            return seconds * 10**9 + nanoseconds

        @staticmethod
        def to_orc(obj: Any, timezone: Any) -> Any:
            raise NotImplementedError

    native.seek(0)
    kinds = (pyorc.TypeKind.TIMESTAMP, pyorc.TypeKind.TIMESTAMP_INSTANT)
    reader = pyorc.Reader(native, column_names=columns, converters=dict.fromkeys(kinds, Nanoseconds))
    rows = reader.read_stripe(number).read()
    return [
        _micros([row[place] for row in rows], schema.field(column).type, name) for place, column in enumerate(columns)
    ]


def _micros(values: list[int | None], kind: pa.DataType, name: str) -> pa.Array:
    if any(value is not None and value % 1000 for value in values):
        raise PermanentError(name, "holds both nanoseconds and timestamps before 1677 or after 2262")
    micros = [None if value is None else value // 1000 for value in values]
    return pa.array(micros, pa.int64()).cast(pa.timestamp("us", kind.tz))
