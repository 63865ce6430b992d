"""ORC's timestamps of distant years, which `pyarrow` refuses: it holds them in nanoseconds, from 1677 to 2262."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pyarrow as pa

from starhaul import PermanentError
from starhaul_stores.files.formats.matching import rows_at_once
from starhaul_stores.files.formats.orc_stripe import stripe_batches
from starhaul_stores.files.formats.orc_tail import Stripes

_REFUSAL = "out of range for nanosecond resolution"


def batches(
    file: Any, native: Any, stripes: Stripes, number: int, columns: list[str], name: str
) -> Iterator[pa.RecordBatch]:
    """The rows of a stripe of an ORC file, some at a time. Where `pyarrow` refuses its timestamps, all that are left at
    once: these by `pyorc` and in microseconds."""
    there, seen = file.schema.names, 0
    try:
        for batch in stripe_batches(native, stripes, number, [there.index(column) for column in columns]):
            yield batch.rename_columns(columns)
            seen += batch.num_rows
        return
    except pa.ArrowInvalid as error:
        distant = [column for column in columns if pa.types.is_timestamp(file.schema.field(column).type)]
        if _REFUSAL not in str(error) or not distant:
            raise
    others = [column for column in columns if column not in distant]
    arrays = dict(zip(distant, _by_pyorc(native, number, distant, file.schema, name), strict=True))
    if others:
        rest = file.read_stripe(number, others)
        arrays |= {column: rest.column(column) for column in others}
    yield from _slices(pa.RecordBatch.from_arrays([arrays[column] for column in columns], names=columns).slice(seen))


def _slices(batch: pa.RecordBatch) -> Iterator[pa.RecordBatch]:
    at_once = rows_at_once(batch.num_rows, batch.nbytes)
    for first in range(0, batch.num_rows, at_once):
        yield batch.slice(first, at_once)


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
