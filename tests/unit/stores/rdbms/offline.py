"""Connections to servers that cannot be had: they quote and name types by their dialect, and keep what is asked."""

from __future__ import annotations

from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any, cast

import sqlalchemy

from starhaul_stores.rdbms.catalog import Column, Table, sql_name
from starhaul_stores.rdbms.connection import Connection
from starhaul_stores.rdbms.type_names import type_name


class Offline(Connection):
    """Answers every statement with `answers`, in turn."""

    def __init__(self, url: str, *answers: list[tuple[Any, ...]]) -> None:
        dialect = sqlalchemy.create_engine(url).dialect
        dialect.server_version_info = (19, 0)  # which a connection would tell
        super().__init__(cast(sqlalchemy.Connection, SimpleNamespace(dialect=dialect)), "offline")
        self.asked: list[tuple[str, list[Any]]] = []
        self._answers = list(answers)

    def execute(self, sql: str, parameters: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        self.asked.append((sql, list(parameters)))
        return self._answers.pop(0) if self._answers else []

    def define(self, ddl: Any) -> None:
        text = str(ddl.compile(dialect=self._driver.dialect))
        self.asked.append((" ".join(text.split()), []))


def oracle(*answers: list[tuple[Any, ...]]) -> Offline:
    return Offline("oracle+oracledb://host/sid", *answers)


def sqlserver(*answers: list[tuple[Any, ...]]) -> Offline:
    return Offline("mssql+pymssql://host/db", *answers)


def table(db: Connection, name: str, key: Sequence[str], schema: str | None = None, /, **columns: str) -> Table:
    """A table with these columns: name → type."""
    made = tuple(Column(each, type_name(kind), each in key, False, False) for each, kind in columns.items())
    return Table(schema, name, sql_name(db, schema, name), made, tuple(key), (tuple(key),) if key else ())


def orders_of_oracle(db: Connection) -> Table:
    return table(
        db, "orders", ["id"], "shop", id="NUMBER(18, 0)", total="NUMBER(12, 2)", free="NUMBER", made="DATE",
        seen="TIMESTAMP", at="TIMESTAMP WITH TIME ZONE", note="CLOB", raw="RAW(16)", ratio="BINARY_DOUBLE",
    )  # fmt: skip


def orders_of_sqlserver(db: Connection) -> Table:
    return table(
        db, "Orders", ["id"], "dbo", id="BIGINT", total="DECIMAL(12, 2)", made="DATETIME", seen="DATETIME2(7)",
        at="DATETIMEOFFSET(3)", cash="MONEY", code="UNIQUEIDENTIFIER", version="TIMESTAMP", note="NVARCHAR(max)",
    )  # fmt: skip
