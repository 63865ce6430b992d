"""The types of a query's columns, as far as the driver tells them. Each driver has its own way to."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any

from starhaul import ConfigError
from starhaul_stores.rdbms.connection import MARK, Connection
from starhaul_stores.rdbms.type_names import TypeName, type_name
from starhaul_stores.relational.refusal import Refused

UNTOLD = type_name("")
"""The driver tells nothing: the values have to be looked at."""


def query_columns(db: Connection, query: str) -> list[tuple[str, TypeName]]:
    """Name and type of each column of a query. SQL Server itself tells, of the others the driver. Reads no row."""
    if db.dialect == "mssql":
        return _of_sqlserver(db, query)
    description = _described(db, query)
    names = [str(column[0]) for column in description]
    told = _TOLD.get(db.driver_name)
    return list(zip(names, told(db, description) if told else _by_text(db, description), strict=True))


def _described(db: Connection, query: str) -> list[tuple[Any, ...]]:
    """Of a SELECT around the query, which gives no rows; of the query itself where the database takes no such thing
    (two columns of one name, WITH, ORDER BY)."""
    try:
        return db.described(f"SELECT * FROM ({query}\n) starhaul_q WHERE 1 = 0")
    except (ConfigError, Refused):  # MySQL speaks of duplicate names as of duplicate keys
        return db.described(query)


def _of_sqlserver(db: Connection, query: str) -> list[tuple[str, TypeName]]:
    """https://learn.microsoft.com/sql/relational-databases/system-dynamic-management-views/sys-dm-exec-describe-first-result-set-transact-sql"""
    rows = db.execute(
        "SELECT name, system_type_name, error_message FROM sys.dm_exec_describe_first_result_set("
        f"{MARK}, NULL, 0) ORDER BY column_ordinal",
        [query],
    )
    if rows and rows[0][2]:
        raise ConfigError("querySql", str(rows[0][2]))
    return [
        (str(name or f"column{number}"), type_name(str(kind or ""))) for number, (name, kind, _) in enumerate(rows, 1)
    ]


def _of_psycopg(db: Connection, description: Sequence[tuple[Any, ...]]) -> list[TypeName]:
    """By the catalog, of type's number, precision and scale."""
    names = []
    for _, code, _, _, precision, scale, *_ in description:
        text = str(db.value(f"SELECT format_type({int(code)}, NULL)"))
        names.append(type_name(f"{text}({precision},{scale})" if text == "numeric" and precision else text))
    return names


def _of_pymysql(db: Connection, description: Sequence[tuple[Any, ...]]) -> list[TypeName]:
    return [type_name(_MYSQL.get(code, "")) for _, code, *_ in description]


_MYSQL: Mapping[int, str] = MappingProxyType(
    {
        0: "LONGTEXT", 1: "BIGINT", 2: "BIGINT", 3: "BIGINT", 4: "DOUBLE", 5: "DOUBLE", 7: "TIMESTAMP(6)", 8: "BIGINT",
        9: "BIGINT", 10: "DATE", 11: "TIME", 12: "DATETIME(6)", 13: "YEAR", 245: "JSON", 246: "LONGTEXT",
        247: "LONGTEXT", 248: "LONGTEXT",
    }
)  # fmt: skip
"""Without flags nobody knows of integers whether they are signed, nor of texts whether they are bytes: see below."""


def _of_oracledb(db: Connection, description: Sequence[tuple[Any, ...]]) -> list[TypeName]:
    """Names such as DB_TYPE_NUMBER, with precision and scale where those say something (scale -127: none)."""
    names = []
    for name, code, _, _, precision, scale, *_ in description:
        text = str(getattr(code, "name", code)).removeprefix("DB_TYPE_")
        if text == "NUMBER" and precision and scale is not None and scale != -127:
            text = f"NUMBER({precision},{scale})"
        if text.startswith("TIMESTAMP") or text == "DATE":
            raise ConfigError(
                "querySql", f"column {name!r} is a {text}, which the driver cuts", "TO_CHAR it in the query"
            )
        names.append(type_name({"BINARY_INTEGER": "NUMBER(38,0)", "LONG_RAW": "RAW"}.get(text, text)))
    return names


def _by_text(db: Connection, description: Sequence[tuple[Any, ...]]) -> list[TypeName]:
    """Of a driver that is not known here: its types may be Python's, or named as in SQL."""
    names = []
    for _, code, _, _, precision, scale, *_ in description:
        if isinstance(code, type):
            text = _PYTHON.get(code.__name__, "")
            names.append(type_name(f"DECIMAL({precision},{scale})" if text == "DECIMAL" and precision else text))
        else:
            names.append(UNTOLD if code is None or isinstance(code, int) else type_name(str(code)))
    return names


_PYTHON: Mapping[str, str] = MappingProxyType(
    {
        "int": "BIGINT", "float": "DOUBLE", "str": "TEXT", "bytes": "BLOB", "bytearray": "BLOB", "bool": "BOOLEAN",
        "Decimal": "DECIMAL", "datetime": "TIMESTAMP", "date": "DATE", "time": "TIME", "UUID": "UUID",
    }
)  # fmt: skip
_TOLD: Mapping[str, Callable[[Connection, Sequence[tuple[Any, ...]]], list[TypeName]]] = MappingProxyType(
    {"psycopg": _of_psycopg, "pymysql": _of_pymysql, "oracledb": _of_oracledb}
)


def looked_at(values: Sequence[Any]) -> TypeName:
    """The type of a column of which only values are known: what holds them all, or text."""
    known = {type(value).__name__ for value in values if value is not None}
    if known == {"Decimal"}:
        return type_name("DECIMAL")
    if len(known) == 1:
        return type_name(_PYTHON.get(known.pop(), "TEXT"))
    return type_name("DOUBLE" if known == {"int", "float"} else "TEXT")
