"""Values that a column takes and silently makes others of: rounded times and floats, padded bytes, numbers of years
and enums, texts that are cut."""

from __future__ import annotations

import pyarrow as pa

from starhaul_stores.rdbms.catalog import Column

_OCTETS = {"TINYTEXT": 2**8 - 1, "TEXT": 2**16 - 1, "MEDIUMTEXT": 2**24 - 1}
"""What MySQL's texts hold: blanks beyond that it leaves out with a note."""
_NUMERAL = r"^\s*[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?\s*$"
_WHOLE = r"^(?:0|-?[1-9]\d{0,17})$"
_TICKS = {"s": 0, "ms": 3, "us": 6, "ns": 9}


def coarser(values: pa.Array, column: Column, dialect: str) -> pa.Array | None:
    """Which values would not stay as they are; None where all would."""
    import pyarrow.compute as pc

    kind, head = values.type, column.type.head
    if dialect == "postgresql" and head == "MONEY" and pa.types.is_decimal(kind):
        return pc.not_equal(pc.round(values, 2), values)
    if dialect == "sqlite" and head == "JSON":  # SQLite takes it for a number
        texts = values.storage if isinstance(values, pa.ExtensionArray) else values
        numeral = pc.match_substring_regex(texts, _NUMERAL)
        return pc.and_(numeral, pc.invert(pc.match_substring_regex(texts, _WHOLE)))
    if dialect in ("mysql", "mariadb") and head in _OCTETS and pa.types.is_string(kind):
        return pc.and_(pc.greater(pc.binary_length(values), _OCTETS[head]), pc.ends_with(values, " "))
    if dialect == "mssql" and head == "DATETIME" and pa.types.is_timestamp(kind):  # counts 300ths of a second
        last = _rest(_ticks(values), 10)
        return pc.invert(pc.is_in(last, pa.array([0, 3, 7], pa.int64())))
    if pa.types.is_timestamp(kind) or pa.types.is_time(kind) or pa.types.is_duration(kind):
        step = _step(column, kind, dialect)
        return pc.not_equal(_rest(_ticks(values), step), 0) if step > 1 else None
    if head == "YEAR":  # 5 is 2005 there
        return pc.and_(pc.not_equal(values, 0), pc.less(values, 1901))
    if (
        head in ("FLOAT", "DOUBLE") and pa.types.is_floating(kind) and len(column.type.numbers) > 1
    ):  # MySQL's FLOAT(M,D)
        rounded = pc.round(values.cast(pa.float64()), column.type.numbers[1]).cast(kind, safe=False)
        return pc.not_equal(rounded, values)
    if head == "BINARY" and pa.types.is_binary(kind) and column.type.length is not None:
        return pc.less(pc.binary_length(values), column.type.length)
    members = getattr(column.alchemy, "enums", None)
    if head == "ENUM" and members and pa.types.is_string(kind):  # '2' is the second of them there, 'A' is 'a'
        return pc.invert(pc.is_in(values, pa.array([*members, None], pa.string())))
    return None


def _step(column: Column, kind: pa.DataType, dialect: str) -> int:
    """How many ticks of `kind` the column counts at once."""
    if column.type.head == "SMALLDATETIME":
        return 60 * 10 ** _TICKS[kind.unit]
    if column.type.numbers:
        digits = column.type.numbers[0]
    elif dialect in ("mysql", "mariadb"):
        digits = 0
    else:
        digits = 7 if dialect == "mssql" else _TICKS[kind.unit]
    if dialect == "mssql":
        digits = min(digits, 7)
    return int(10 ** max(0, _TICKS[kind.unit] - digits))


def _ticks(values: pa.Array) -> pa.Array:
    return values.cast(pa.int32() if values.type.bit_width == 32 else pa.int64()).cast(pa.int64())


def _rest(ticks: pa.Array, step: int) -> pa.Array:
    """Of a division, not negative."""
    import pyarrow.compute as pc

    rest = pc.subtract(ticks, pc.multiply(pc.divide(ticks, step), step))
    return pc.if_else(pc.less(rest, 0), pc.add(rest, step), rest)
