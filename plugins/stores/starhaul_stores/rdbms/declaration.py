"""Columns to write: which Arrow type arrives in them without loss, and how to declare new ones."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pyarrow as pa

from starhaul import ConfigError
from starhaul_stores.rdbms.type_names import TypeName, arrow_type

_KEY_CHARACTERS = 255
_SQLITE_DIGITS = 15


def accepted(name: TypeName, source: pa.DataType, dialect: str) -> pa.DataType:
    """The type that arrives in a column of this type; the source decides where a column takes several. Raises
    `ConfigError` for a column that takes none of ours."""
    if dialect == "oracle" and name.head in ("NUMBER", "FLOAT", "DOUBLE", "REAL"):
        number = _accepted_number(name, source)
        if number is not None:
            return number
    found = None if name.head == "SET" else arrow_type(name, dialect)
    if found is None and name.head == "INTERVAL":
        return pa.duration("us")
    if found is None:
        raise ConfigError("column", f"values of type {name.text} cannot be written", "leave the column out")
    types = pa.types
    if dialect == "sqlite" and name.head in ("NUMERIC", "DECIMAL"):  # kept as a float
        scale = name.numbers[1] if len(name.numbers) > 1 else 0
        precision = min(name.numbers[0], _SQLITE_DIGITS) if name.numbers else _SQLITE_DIGITS
        return pa.decimal128(precision, min(scale, precision))
    if types.is_duration(found) and types.is_time(source):
        return pa.time64("us")
    if name.head in ("TINYINT", "NUMBER", "BIT") and types.is_boolean(source):
        return pa.bool_()
    if types.is_string(found) and getattr(source, "extension_name", "") == "arrow.json" and name.head.endswith("TEXT"):
        return source
    return found


def _accepted_number(name: TypeName, source: pa.DataType) -> pa.DataType | None:
    """Of Oracle's NUMBER without digits whatever 38 digits hold; with a negative scale it would round."""
    if name.head != "NUMBER":
        return pa.float64()
    if len(name.numbers) == 2 and name.numbers[1] < 0:
        raise ConfigError("column", f"{name.text} rounds what is written", "leave the column out")
    if name.numbers:
        return None
    types = pa.types
    if types.is_integer(source) or (types.is_decimal(source) and source.precision <= 38):
        return source
    return pa.decimal128(38, 10)


def declared(field: pa.Field, dialect: str, *, in_key: bool = False) -> Any:
    """The SQLAlchemy type to declare for a new column that takes this field exactly. Raises `ConfigError` where the
    database has none."""
    import sqlalchemy as sa

    kind, types = field.type, pa.types
    if types.is_dictionary(kind):
        return declared(field.with_type(kind.value_type), dialect, in_key=in_key)
    if types.is_temporal(kind) and not types.is_date(kind):
        return _clock(field, dialect)
    if types.is_decimal(kind) or types.is_uint64(kind):
        return _number(kind, dialect)
    if types.is_boolean(kind):
        return _decimal(1, 0, dialect) if dialect == "oracle" else sa.Boolean()
    if types.is_integer(kind):
        return _integer(kind, dialect)
    if types.is_floating(kind):
        return _float(kind, dialect)
    if types.is_date(kind):
        return sa.Date()
    if getattr(kind, "extension_name", "") == "arrow.uuid":
        return _uuid(dialect)
    if getattr(kind, "extension_name", "") == "arrow.json" or types.is_nested(kind):
        return sa.JSON() if dialect == "postgresql" else _text(dialect, in_key=False)
    if types.is_string(kind) or types.is_large_string(kind) or types.is_string_view(kind) or types.is_null(kind):
        return _text(dialect, in_key=in_key)
    if types.is_binary(kind) or types.is_large_binary(kind) or types.is_fixed_size_binary(kind):
        return _bytes(dialect, in_key=in_key)
    raise _no_place(field)


def _no_place(field: pa.Field) -> ConfigError:
    told = f"this database has no type that holds every {field.type}"
    return ConfigError(f"column {field.name!r}", told, "cast it in the job, or create the table in preSql")


def _clock(field: pa.Field, dialect: str) -> Any:
    """Times and timestamps. Oracle counts nanoseconds, SQL Server hundreds of them, the others microseconds."""
    import sqlalchemy as sa
    from sqlalchemy.dialects import mssql, mysql

    kind, types = field.type, pa.types
    if kind.unit == "ns" or types.is_duration(kind):
        raise _no_place(field)
    if types.is_time(kind):
        if dialect == "oracle":
            raise _no_place(field)
        if dialect == "mysql" or dialect == "mariadb":
            return mysql.TIME(fsp=6)
        return _made(mssql.TIME, 6) if dialect == "mssql" else sa.Time()
    if dialect in ("mysql", "mariadb"):
        return mysql.TIMESTAMP(fsp=6) if kind.tz else mysql.DATETIME(fsp=6)
    if dialect == "mssql":
        return _made(mssql.DATETIMEOFFSET if kind.tz else mssql.DATETIME2, 6)
    if dialect == "sqlite":
        return sa.Text() if kind.tz else sa.DateTime()
    return sa.TIMESTAMP(timezone=bool(kind.tz))


def _made(kind: Callable[..., Any], *sizes: int | str) -> Any:
    """SQLAlchemy declares no types for the constructors of some types."""
    return kind(*sizes)


def _number(kind: pa.DataType, dialect: str) -> Any:
    import sqlalchemy as sa

    precision, scale = (20, 0) if pa.types.is_uint64(kind) else (kind.precision, kind.scale)
    if scale < 0:
        precision, scale = precision - scale, 0
    most, most_scale = {
        "sqlite": (_SQLITE_DIGITS, _SQLITE_DIGITS), "postgresql": (1000, 1000), "mysql": (65, 30), "mariadb": (65, 30),
    }.get(dialect, (38, 38))  # fmt: skip
    fits = precision <= most and scale <= most_scale
    return _decimal(precision, scale, dialect) if fits else sa.String(100)


def _decimal(precision: int, scale: int, dialect: str) -> Any:
    """By the name by which the database will call it."""
    import sqlalchemy as sa
    from sqlalchemy.dialects import oracle

    return _made(oracle.NUMBER, precision, scale) if dialect == "oracle" else sa.Numeric(precision, scale)


def _integer(kind: pa.DataType, dialect: str) -> Any:
    import sqlalchemy as sa

    if dialect == "oracle":
        return _decimal(19, 0, dialect)
    bits = kind.bit_width * (2 if pa.types.is_unsigned_integer(kind) else 1)
    return sa.SmallInteger() if bits <= 16 else sa.Integer() if bits <= 32 else sa.BigInteger()


def _float(kind: pa.DataType, dialect: str) -> Any:
    import sqlalchemy as sa
    from sqlalchemy.dialects import mysql, oracle

    single = kind.bit_width < 64
    if dialect == "oracle":
        return oracle.BINARY_FLOAT() if single else oracle.BINARY_DOUBLE()
    if dialect in ("mysql", "mariadb"):
        return mysql.FLOAT() if single else mysql.DOUBLE()
    return sa.REAL() if single else sa.Double()


def _uuid(dialect: str) -> Any:
    import sqlalchemy as sa

    return sa.Uuid(as_uuid=False) if dialect in ("postgresql", "mssql", "duckdb") else sa.CHAR(36)


def _text(dialect: str, *, in_key: bool) -> Any:
    import sqlalchemy as sa
    from sqlalchemy.dialects import mssql, mysql

    if in_key and dialect not in ("sqlite", "postgresql", "duckdb"):
        return sa.Unicode(_KEY_CHARACTERS)
    if dialect in ("mysql", "mariadb"):
        return mysql.LONGTEXT()
    return mssql.NVARCHAR() if dialect == "mssql" else sa.Text()


def _bytes(dialect: str, *, in_key: bool) -> Any:
    import sqlalchemy as sa
    from sqlalchemy.dialects import mssql, mysql

    if in_key and dialect not in ("sqlite", "postgresql", "duckdb"):
        return sa.VARBINARY(_KEY_CHARACTERS)
    if dialect in ("mysql", "mariadb"):
        return mysql.LONGBLOB()
    return _made(mssql.VARBINARY, "max") if dialect == "mssql" else sa.LargeBinary()
