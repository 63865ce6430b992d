"""Creating a table: the statements, and what of the source they leave out."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import pyarrow as pa

from starhaul import Creation
from starhaul_stores.rdbms.catalog import full_name
from starhaul_stores.rdbms.connection import Connection, escaped
from starhaul_stores.rdbms.declaration import declared
from starhaul_stores.relational.blueprint import Blueprint, NewColumn, blueprint, constant

_NO_DIALECT = "sqlalchemy"
"""No reader's: the source's own SQL is never taken as it stands."""
_COMMENTS_INLINE = ("mysql", "mariadb")
_COMMENTS_APART = ("postgresql", "oracle")
_COMMENT_CHARACTERS = 1024
"""Most that every database with comments takes."""


def creation(db: Connection, text: str, names: Sequence[str], schema: pa.Schema, keys: Sequence[str]) -> Creation:
    """How to create a table (`text` is its name as the job has it) for columns of these names and the types of
    `schema`: its primary key (`keys`, or the source's), NOT NULL, constants as defaults, comments. MySQL compares texts
    by code point then, so that what is different stays different. Raises `ConfigError` for what cannot be."""
    import sqlalchemy as sa
    from sqlalchemy.schema import CreateTable, SetColumnComment, SetTableComment

    plan = blueprint(names, schema, keys, _NO_DIALECT)
    left = list(plan.left_out)
    key = _key(db, plan, keys, left)
    columns = [_column(db, column, key, keys, left) for column in plan.columns]
    place, name = full_name(db.traits, text)
    table = sa.Table(
        name, sa.MetaData(), *columns, schema=place, comment=_comment(db, plan.comment, "the table", left),
        mysql_engine="InnoDB", mysql_charset="utf8mb4", mysql_collate="utf8mb4_bin",
        mariadb_engine="InnoDB", mariadb_charset="utf8mb4", mariadb_collate="utf8mb4_bin",
    )  # fmt: skip
    if key:
        table.append_constraint(sa.PrimaryKeyConstraint(*key))
    statements = [db.ddl(CreateTable(table))]
    if db.dialect in _COMMENTS_APART:
        statements += [db.ddl(SetTableComment(table))] if table.comment else []
        statements += [db.ddl(SetColumnComment(column)) for column in columns if column.comment]
    left += _indexes(plan)
    return Creation(tuple(statements), tuple(dict.fromkeys(left)))


def _key(db: Connection, plan: Blueprint, keys: Sequence[str], left: list[str]) -> Sequence[str]:
    """The columns of the primary key. The source's is not taken over where the database would limit its texts for it,
    or has no such key: rows that the source has would be rejected."""
    if keys or not plan.key:
        return plan.key
    for column in plan.columns:
        if column.name in plan.key:
            types = [db.type_text(declared(column.field, db.dialect, in_key=each)) for each in (False, True)]
            zoned = pa.types.is_timestamp(column.field.type) and column.field.type.tz is not None
            if types[0] != types[1] or (zoned and db.dialect == "oracle"):
                left.append(f"primary key ({', '.join(plan.key)}), as {types[0]} is no type for a key here")
                return ()
    return plan.key


def _column(db: Connection, column: NewColumn, key: Sequence[str], keys: Sequence[str], left: list[str]) -> Any:
    import sqlalchemy as sa

    facts = column.facts
    default, comment = None, ""
    if facts is not None:
        comment = _comment(db, facts.comment, f"column {column.name}", left) or ""
        if facts.identity:
            left.append(f"numbering of column {column.name}")
        elif facts.default is not None:
            default = _default(db, column)
            if default is None and (facts.default.literal is not None or facts.default.now):
                left.append(f"default of column {column.name}: {facts.default.native}")
    return sa.Column(
        column.name,
        declared(column.field, db.dialect, in_key=column.name in keys),
        nullable=column.field.nullable and column.name not in key,
        autoincrement=False,
        server_default=None if default is None else sa.text(escaped(default)),
        comment=comment or None,
    )


def _default(db: Connection, column: NewColumn) -> str | None:
    """A default as SQL that every database understands: a number or a text; None if there is none."""
    text, kind = constant(column), column.field.type
    if text is None:
        return None
    if pa.types.is_boolean(kind):
        return text if db.dialect in ("postgresql", "duckdb") else {"true": "1", "false": "0"}[text]
    if pa.types.is_integer(kind) or pa.types.is_decimal(kind):
        declares_text = "CHAR" in db.type_text(declared(column.field, db.dialect)).upper()
        return f"'{text}'" if declares_text else text
    plain = pa.types.is_string(kind) and text != "" and "\0" not in text
    if not plain or db.dialect in ("mysql", "mariadb"):  # which has none for a text of any length
        return None
    literal = "'" + text.replace("'", "''") + "'"
    return f"N{literal}" if db.dialect == "mssql" else literal


def _comment(db: Connection, text: str, what: str, left: list[str]) -> str | None:
    if not text:
        return None
    if db.dialect not in (*_COMMENTS_INLINE, *_COMMENTS_APART) or len(text) > _COMMENT_CHARACTERS or "\0" in text:
        left.append(f"comment of {what}: {text}")
        return None
    return text


def _indexes(plan: Blueprint) -> Iterator[str]:
    for index in plan.indexes:
        yield f"{'unique key' if index.facts.unique else 'index'} {index.facts.name} ({', '.join(index.columns)})"
