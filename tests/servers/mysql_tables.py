"""Tables of a MySQL server as Arrow tables, by PyMySQL's own decoding and not through the plugins."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, timedelta
from typing import Any

import pyarrow as pa

from tests.conftest import MysqlDatabase

_EPOCH = datetime(1970, 1, 1)
_TICKS = {"s": 1, "ms": 10**3, "us": 10**6}


def read_table(mysql: MysqlDatabase, table: str, schema: pa.Schema) -> pa.Table:
    """The rows of a table as `schema`; none if there is no table."""
    if not mysql.execute(f"SHOW TABLES LIKE '{table}'"):
        return schema.empty_table()
    names = ", ".join(
        f"`{field.name.replace('`', '``')}`{' * 1e0' if pa.types.is_float32(field.type) else ''}" for field in schema
    )
    rows = mysql.execute(f"SELECT {names} FROM `{table}`")
    columns = zip(*rows, strict=True) if rows else [()] * len(schema)
    arrays = [_array(values, field.type) for values, field in zip(columns, schema, strict=True)]
    return pa.Table.from_arrays(arrays, schema=schema)


def _array(values: Any, kind: pa.DataType) -> pa.Array:
    if isinstance(kind, pa.BaseExtensionType):
        return pa.ExtensionArray.from_storage(kind, pa.array(values, kind.storage_type))
    if pa.types.is_boolean(kind):
        return pa.array([None if value is None else bool(value) for value in values], kind)
    convert = _converter(kind)
    if convert is None:
        return pa.array(values, kind)
    ticks = [None if value is None else convert(value) for value in values]
    width = pa.int32() if kind.bit_width == 32 else pa.int64()
    return pa.array(ticks, width).view(kind)


def _converter(kind: pa.DataType) -> Callable[[Any], int] | None:
    """How many units of a temporal type a value of PyMySQL is. It has no object for what is beyond Python's own."""
    types = pa.types
    if types.is_date(kind):
        return lambda value: (value - date(1970, 1, 1)).days
    if types.is_timestamp(kind):
        return lambda value: _exactly(value.replace(tzinfo=None) - _EPOCH, kind.unit)
    if types.is_time(kind) or types.is_duration(kind):
        return lambda value: _exactly(value, kind.unit)
    return None


def _exactly(value: timedelta, unit: str) -> int:
    micros = (value.days * 86400 + value.seconds) * 10**6 + value.microseconds
    ticks, rest = divmod(micros * _TICKS[unit], 10**6)
    assert not rest, f"{value} has no whole {unit}"
    return ticks
