"""How values pass between a database and its driver where the driver would alter them: as text, by SQL."""

from __future__ import annotations

from starhaul_stores.rdbms.type_names import TypeName

_ORACLE_CLOCK = 'YYYY-MM-DD" "HH24:MI:SS'


def read_as(sql: str, name: TypeName, dialect: str) -> str:
    """SQL of a column in a form that its driver gives exactly: `oracledb` cuts nanoseconds and zones off, `pymssql` the
    seventh digit of a second, MySQL prints a FLOAT with six digits."""
    if dialect == "oracle":
        if name.head == "TIMESTAMP" and name.zoned:
            return f"TO_CHAR(SYS_EXTRACT_UTC({sql}), '{_ORACLE_CLOCK}.FF9\"Z\"')"
        if name.head == "TIMESTAMP":
            return f"TO_CHAR({sql}, '{_ORACLE_CLOCK}.FF9')"
        if name.head == "DATE":
            return f"TO_CHAR({sql}, '{_ORACLE_CLOCK}')"
    if dialect == "mssql":
        return _read_sqlserver(sql, name)
    if dialect in ("mysql", "mariadb") and name.head == "FLOAT":
        return f"({sql} * 1e0)"
    if dialect == "postgresql" and name.head in ("JSON", "JSONB", "MONEY", "XML"):
        return f"CAST({sql} AS {'NUMERIC(19,4)' if name.head == 'MONEY' else 'TEXT'})"
    return sql


def _read_sqlserver(sql: str, name: TypeName) -> str:
    if name.head == "DATETIMEOFFSET":
        return f"CONVERT(VARCHAR(27), CAST(SWITCHOFFSET({sql}, '+00:00') AS DATETIME2(7)), 121) + 'Z'"
    if name.head in ("DATETIME", "DATETIME2", "SMALLDATETIME", "TIME"):
        return f"CONVERT(VARCHAR(27), {sql}, 121)"
    if name.head == "DATE":
        return f"CONVERT(VARCHAR(10), {sql}, 23)"
    if name.head in ("MONEY", "SMALLMONEY"):
        return f"CAST({sql} AS DECIMAL({19 if name.head == 'MONEY' else 10},4))"
    if name.head == "UNIQUEIDENTIFIER":
        return f"CAST({sql} AS CHAR(36))"
    if name.head in ("XML", "NTEXT", "TEXT"):
        return f"CAST({sql} AS NVARCHAR(MAX))"
    return sql


def bound_as(mark: str, name: TypeName, dialect: str) -> str:
    """SQL that makes the value of a column out of the parameter `mark`; `bound_as_text` says where that is text."""
    if dialect == "oracle":
        if name.head == "DATE":
            return f"TO_DATE({mark}, '{_ORACLE_CLOCK}')"
        if name.head == "TIMESTAMP" and name.zoned:
            return f"TO_TIMESTAMP_TZ({mark}, '{_ORACLE_CLOCK}.FF9TZH:TZM')"
        if name.head == "TIMESTAMP":
            return f"TO_TIMESTAMP({mark}, '{_ORACLE_CLOCK}.FF9')"
    if dialect == "mssql" and name.head in ("DATE", "DATETIME", "DATETIME2", "DATETIMEOFFSET", "SMALLDATETIME", "TIME"):
        return f"CONVERT({name.text}, {mark}, 121)"
    return mark


def bound_as_text(dialect: str) -> bool:
    """Whether dates and times go to the driver as ISO text."""
    return dialect in ("oracle", "mssql", "sqlite")
