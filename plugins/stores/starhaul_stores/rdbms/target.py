"""The table to write: which columns, which key, and how to create it."""

from __future__ import annotations

from collections.abc import Sequence

import pyarrow as pa

from starhaul import ConfigError, PermanentError, with_native_type
from starhaul_stores.rdbms.catalog import QUOTES, Column, Table
from starhaul_stores.rdbms.connection import Connection
from starhaul_stores.rdbms.declaration import accepted, declared
from starhaul_stores.rdbms.type_names import type_name
from starhaul_stores.relational import target
from starhaul_stores.relational.blueprint import carried_all
from starhaul_stores.relational.target import names_in_table


def fields_for(db: Connection, columns: Sequence[Column], source: pa.Schema) -> pa.Schema:
    """What arrives in these columns without loss; the source decides where a column takes several types."""
    kinds = [*source.types, *[pa.string()] * len(columns)]
    pairs = zip(columns, kinds[: len(columns)], strict=True)
    return pa.schema([(column.name, accepted(column.type, kind, db.dialect)) for column, kind in pairs])


def require_as_planned(db: Connection, columns: Sequence[Column], planned: pa.Schema) -> None:
    """Raise `PermanentError` if the table has changed since `fields_for` looked at it."""
    now = fields_for(db, columns, planned)
    for field, wanted in zip(now, planned, strict=True):
        if field.type != wanted.type:
            told = f"takes {field.type} now, values come as {wanted.type}"
            raise PermanentError(f"column {field.name!r}", told, "do not change the table once a run is planned")


def names_to_create(db: Connection, wanted: Sequence[str], source: pa.Schema) -> list[str]:
    """The columns of a table to create, as the job names them or else the source. Raises `ConfigError` for names that
    databases do not tell apart."""
    names = target.names_to_create(wanted, source.names, QUOTES)
    for name in names:
        if not name or "\0" in name or len(name) > db.name_characters or db.refuses_name(name):
            raise ConfigError("column", f"{name!r} cannot be the name of a column here", "name the columns in `column`")
    target.require_distinct(names, str if db.dialect == "postgresql" else str.casefold, "to this database")
    return names


def fields_to_create(db: Connection, names: Sequence[str], source: pa.Schema, keys: Sequence[str]) -> pa.Schema:
    """What a table that `creation` will create takes; its types to declare travel as native types, beside what the
    source knows of its table."""
    fields = []
    for name, field in zip(names, source, strict=True):
        text = db.type_text(declared(field, db.dialect, in_key=name in keys))
        kind = accepted(type_name(text), field.type, db.dialect)
        fields.append(with_native_type(pa.field(name, kind, nullable=field.nullable), text))
    return carried_all(fields, source)


def check_keys(table: Table, keys: Sequence[str], mode: str) -> tuple[str, ...]:
    """The columns that tell whether a row is there already: `keys`, or the primary key, or the only unique one. Raises
    `ConfigError` if the table does not keep them unique."""
    chosen = tuple(names_in_table(table, keys, "keys")) or next(iter(table.unique_keys), ())
    return target.require_unique(table, chosen, table.unique_keys, f"primary key or unique index, which {mode} needs")
