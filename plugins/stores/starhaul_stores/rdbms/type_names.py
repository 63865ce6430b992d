"""Names of SQL types, as SQLAlchemy and drivers spell them, and the Arrow types that hold their values."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

import pyarrow as pa

_NAME = re.compile(r"(?P<head>[A-Za-z_][\w$]*(?: +[A-Za-z_]\w*)*)\s*(?:\((?P<inside>[^)]*)\))?(?P<tail>.*)", re.DOTALL)
_MICROSECONDS = 6
_PLAIN: Mapping[str, pa.DataType] = MappingProxyType(
    {
        **dict.fromkeys(("BOOLEAN", "BOOL", "BIT"), pa.bool_()),
        **dict.fromkeys(("TINYINT", "INT1"), pa.int8()),
        **dict.fromkeys(("SMALLINT", "INT2", "SMALLSERIAL", "YEAR"), pa.int16()),
        **dict.fromkeys(("INTEGER", "INT", "INT4", "MEDIUMINT", "SERIAL"), pa.int32()),
        **dict.fromkeys(("BIGINT", "INT8", "BIGSERIAL"), pa.int64()),
        **dict.fromkeys(("UTINYINT",), pa.uint8()),
        **dict.fromkeys(("USMALLINT",), pa.uint16()),
        **dict.fromkeys(("UINTEGER",), pa.uint32()),
        **dict.fromkeys(("UBIGINT",), pa.uint64()),
        **dict.fromkeys(("HUGEINT", "INT128"), pa.decimal256(39, 0)),
        **dict.fromkeys(("REAL", "FLOAT4", "BINARY_FLOAT"), pa.float32()),
        **dict.fromkeys(("DOUBLE", "FLOAT8", "BINARY_DOUBLE"), pa.float64()),
        **dict.fromkeys(
            ("CHAR", "VARCHAR", "NCHAR", "NVARCHAR", "VARCHAR2", "NVARCHAR2", "TEXT", "NTEXT", "CLOB", "NCLOB", "LONG",
             "TINYTEXT", "MEDIUMTEXT", "LONGTEXT", "CHARACTER", "STRING", "BPCHAR", "ENUM", "SET", "SYSNAME", "XML",
             "CITEXT", "NAME", "LONGVARCHAR", "DBCLOB", "VARGRAPHIC", "GRAPHIC", "NATIONAL", "UNITEXT", "ROWID"),
            pa.string(),
        ),
        **dict.fromkeys(
            ("BINARY", "VARBINARY", "BLOB", "TINYBLOB", "MEDIUMBLOB", "LONGBLOB", "BYTEA", "RAW", "IMAGE", "ROWVERSION",
             "LONGVARBINARY"),
            pa.binary(),
        ),
        "DATE": pa.date32(),
        "SMALLDATETIME": pa.timestamp("s"),
        "DATETIMEOFFSET": pa.timestamp("ns", "UTC"),
        "JSON": pa.json_(),
        "JSONB": pa.json_(),
        "MONEY": pa.decimal128(19, 4),
        "SMALLMONEY": pa.decimal128(10, 4),
        **dict.fromkeys(("UUID", "UNIQUEIDENTIFIER"), pa.uuid()),
    }
)  # fmt: skip
_UNSIGNED = {pa.int8(): pa.uint8(), pa.int16(): pa.uint16(), pa.int32(): pa.uint32(), pa.int64(): pa.uint64()}


@dataclass(frozen=True, slots=True)
class TypeName:
    """A type's name taken apart."""

    text: str
    """As the database or SQLAlchemy spells it."""
    head: str
    """Its first word, upper case."""
    numbers: tuple[int, ...]
    """What stands in its brackets, as far as it is numbers."""
    words: str
    """All of it but the brackets, upper case."""

    @property
    def zoned(self) -> bool:
        """Whether it is a point in time, not a reading of a clock."""
        return "WITH TIME ZONE" in self.words or "WITH LOCAL TIME ZONE" in self.words or self.head == "TIMESTAMPTZ"

    @property
    def length(self) -> int | None:
        """Most characters or bytes of a text or binary type."""
        return self.numbers[0] if self.numbers and self.head not in ("ENUM", "SET") else None


def type_name(text: str) -> TypeName:
    """Take a name apart. Whatever is not a name has an empty head."""
    matched = _NAME.match(text.strip())
    if matched is None:
        return TypeName(text, "", (), "")
    words = f"{matched['head']} {matched['tail']}".upper()
    inside = re.findall(r"-?\d+", matched["inside"] or "") if "'" not in (matched["inside"] or "") else []
    return TypeName(text, words.split()[0], tuple(map(int, inside)), " ".join(words.split()))


def arrow_type(name: TypeName, dialect: str) -> pa.DataType | None:
    """The type that holds every value of a column, or every one that Arrow can hold; None where there is none."""
    own = {
        "oracle": _of_oracle, "mssql": _of_sqlserver, "mysql": _of_mysql, "mariadb": _of_mysql, "sqlite": _of_sqlite,
        "postgresql": _of_postgresql,
    }  # fmt: skip
    found = own[dialect](name) if dialect in own else None
    return found if found is not None else _of_standard(name)


def _of_standard(name: TypeName) -> pa.DataType | None:
    head, first = name.head, name.numbers[0] if name.numbers else None
    if "[]" in name.words or head == "ARRAY":
        return None
    if head in ("NUMERIC", "DECIMAL", "DEC", "NUMBER"):
        return _decimal(name.numbers)
    if head == "FLOAT":
        return pa.float32() if first is not None and first <= 24 else pa.float64()
    if head in ("TIMESTAMP", "DATETIME", "DATETIME2", "TIMESTAMPTZ", "TIMESTAMP_NS", "TIMESTAMP_S", "TIMESTAMP_MS"):
        unit = {"TIMESTAMP_NS": "ns", "TIMESTAMP_S": "s", "TIMESTAMP_MS": "ms"}.get(head) or _unit(first)
        return pa.timestamp(unit, "UTC" if name.zoned else None)
    if head == "TIME":
        return None if name.zoned else pa.time64("ns" if (first or 0) > _MICROSECONDS else "us")
    if head in ("CHAR", "CHARACTER", "LONG") and ("FOR BIT DATA" in name.words or "RAW" in name.words):
        return pa.binary()
    if head == "BIT" and (first or 1) > 1:
        return None
    found = _PLAIN.get(head)
    return _UNSIGNED.get(found, found) if "UNSIGNED" in name.words else found


def _of_postgresql(name: TypeName) -> pa.DataType | None:
    return pa.uint32() if name.head == "OID" else None


def _of_oracle(name: TypeName) -> pa.DataType | None:
    """NUMBER without digits holds any number of up to 40 digits anywhere, which is text; DATE has a time."""
    if name.head == "DATE":
        return pa.timestamp("s")
    if name.head == "FLOAT":
        return pa.string()
    if name.head in ("INTEGER", "INT", "SMALLINT"):
        return pa.decimal128(38, 0)
    if name.head == "DOUBLE" or name.head == "REAL":  # of binary precision 126 and 63: decimal inside
        return pa.string()
    if name.head == "NUMBER" and len(name.numbers) == 2 and name.numbers[1] == 0 and name.numbers[0] <= 18:
        return pa.int64()
    if name.head == "NUMBER" and len(name.numbers) == 1 and name.numbers[0] <= 18:
        return pa.int64()
    return None


def _of_sqlserver(name: TypeName) -> pa.DataType | None:
    if name.head == "TINYINT":
        return pa.uint8()
    if name.head == "TIMESTAMP":  # a row's version
        return pa.binary()
    if name.head == "DATETIME":
        return pa.timestamp("ms")
    if name.head in ("DATETIME2", "DATETIMEOFFSET"):
        digits = name.numbers[0] if name.numbers else 7
        return pa.timestamp(_unit(digits), "UTC" if name.head == "DATETIMEOFFSET" else None)
    if name.head == "TIME":
        return pa.time64("ns" if not name.numbers or name.numbers[0] > _MICROSECONDS else "us")
    if name.head in ("DECIMAL", "NUMERIC") and not name.numbers:
        return pa.decimal128(18, 0)
    return None


def _of_mysql(name: TypeName) -> pa.DataType | None:
    if name.head in ("TIMESTAMP", "DATETIME"):
        return pa.timestamp(_unit(name.numbers[0] if name.numbers else 0), "UTC" if name.head == "TIMESTAMP" else None)
    if name.head == "TIME":
        return pa.duration("us")
    if name.head == "FLOAT":
        return pa.float32()
    if name.head in ("DECIMAL", "NUMERIC") and not name.numbers:
        return pa.decimal128(10, 0)
    if name.head == "REAL":
        return pa.float64()
    return None


def _of_sqlite(name: TypeName) -> pa.DataType | None:
    """SQLite stores integers of 64 bits whatever they are called, floats of 64 bits, and decimals as such a float."""
    if name.head in ("INTEGER", "INT", "BIGINT", "SMALLINT", "TINYINT", "MEDIUMINT"):
        return pa.int64()
    if name.head in ("REAL", "FLOAT"):
        return pa.float64()
    return None


def _decimal(numbers: tuple[int, ...]) -> pa.DataType | None:
    if not numbers:
        return pa.string()
    precision, scale = numbers[0], numbers[1] if len(numbers) > 1 else 0
    if scale > precision:  # 0.00012 in a NUMBER(2,5)
        precision = scale
    elif scale < 0:
        precision, scale = precision - scale, 0
    if precision > 76:
        return pa.string()
    return pa.decimal128(precision, scale) if precision <= 38 else pa.decimal256(precision, scale)


def _unit(digits: int | None) -> str:
    """Of a time with so many digits of a second; six where nothing is said."""
    return "us" if digits is None else ("s", "ms", "ms", "ms", "us", "us", "us", "ns", "ns", "ns")[min(digits, 9)]
