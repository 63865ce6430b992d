"""What to select of a table or query, and the Arrow schema it comes in."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pyarrow as pa

from starhaul import ConfigError, with_native_type
from starhaul_stores.rdbms.catalog import Column, Table
from starhaul_stores.rdbms.connection import Connection
from starhaul_stores.rdbms.described import UNTOLD, looked_at, query_columns
from starhaul_stores.rdbms.spelling import read_as
from starhaul_stores.rdbms.type_names import TypeName, arrow_type, type_name
from starhaul_stores.relational.names import told_apart

EVERY_COLUMN = ("*",)
_LOOKED_AT = 1000


@dataclass(frozen=True, slots=True)
class Selection:
    """A SELECT without its WHERE clause."""

    sql: str
    schema: pa.Schema


def of_query(db: Connection, query: str) -> Selection:
    """Of a query, whose text stays as it is. Where the driver tells nothing of a column, its first values do."""
    columns = query_columns(db, query)
    if any(_untold(db, kind) for _, kind in columns):
        with db.stream(query) as fetch:
            rows = fetch(_LOOKED_AT)
        for number, (name, kind) in enumerate(columns):
            if _untold(db, kind):
                columns[number] = (name, looked_at([row[number] for row in rows]))
    return Selection(query, _told_apart([_field(db, name, kind, nullable=True) for name, kind in columns]))


def of_table(db: Connection, table: Table, wanted: Sequence[str], hint: str = "") -> Selection:
    """Of a table, with the columns as the job gives them: names of columns are quoted, everything else is SQL."""
    if tuple(wanted) == EVERY_COLUMN:
        wanted = [column.name for column in table.columns]
    known = [table.column(text) for text in wanted]
    told = {}
    if None in known:
        texts = [text for text, column in zip(wanted, known, strict=True) if column is None]
        others = of_query(db, f"SELECT {', '.join(texts)} FROM {table.sql}").schema
        if len(others) != len(texts):
            raise ConfigError("column", "one text stands for several columns", "name each column")
        told = dict(zip(texts, others, strict=True))
    parts, fields = [], []
    for text, column in zip(wanted, known, strict=True):
        if column is None:
            parts.append(text)
            fields.append(told[text])
        else:
            field = _field(db, column.name, column.type, nullable=not column.not_null)
            parts.append(_read(db, column, field))
            fields.append(field)
    return Selection(f"SELECT {hint}{', '.join(parts)} FROM {table.sql}", _told_apart(fields))


def _read(db: Connection, column: Column, field: pa.Field) -> str:
    sql = db.quoted(column.name)
    if db.traits.unknown_as_text and arrow_type(column.type, db.dialect) is None:
        return f"CAST({sql} AS TEXT)"
    return read_as(sql, column.type, db.dialect)


def _told_apart(fields: Sequence[pa.Field]) -> pa.Schema:
    names = told_apart([field.name for field in fields], by_case=True)
    return pa.schema([field.with_name(name) for name, field in zip(names, fields, strict=True)])


def _untold(db: Connection, kind: TypeName) -> bool:
    return kind == UNTOLD or kind == type_name("")


def _field(db: Connection, name: str, kind: TypeName, *, nullable: bool) -> pa.Field:
    found = arrow_type(kind, db.dialect)
    if found is None and db.traits.unknown_as_text and kind.head:
        found = pa.string()
    if found is None:
        told = (
            f"is of type {kind.text}"
            if kind.text and kind.text != "NULL"
            else "is of a type that SQLAlchemy does not know"
        )
        hint = "cast it to text in `column` or querySql"
        raise ConfigError(f"column {name!r}", f"{told}, which has no equal in Arrow", hint)
    return with_native_type(pa.field(name, found, nullable=nullable), kind.text)
