"""The table to write: which columns, which key, and how to create it."""

from __future__ import annotations

from collections.abc import Sequence

import pyarrow as pa

from starhaul import ConfigError, PermanentError, with_native_type
from starhaul_stores.rdbms.catalog import QUOTES, Column, Table
from starhaul_stores.rdbms.connection import Connection
from starhaul_stores.rdbms.declaration import accepted, declared
from starhaul_stores.rdbms.type_names import type_name
from starhaul_stores.relational.blueprint import carried_all
from starhaul_stores.relational.names import unquoted
from starhaul_stores.relational.target import EVERY_COLUMN, names_in_table


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
    names = list(source.names) if tuple(wanted) == EVERY_COLUMN else [unquoted(name, QUOTES) for name in wanted]
    if len(names) != len(source):
        raise ConfigError("column", f"names {len(names)} columns, the source has {len(source)}")
    seen: dict[str, str] = {}
    for name in names:
        if not name or "\0" in name or len(name) > db.name_characters or db.refuses_name(name):
            raise ConfigError("column", f"{name!r} cannot be the name of a column here", "name the columns in `column`")
        folded = name if db.dialect == "postgresql" else name.casefold()
        if folded in seen:
            raise ConfigError("column", f"{seen[folded]!r} and {name!r} are the same column to this database")
        seen[folded] = name
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
    chosen = names_in_table(table, keys, "keys")
    there = " or ".join(f"({', '.join(each)})" for each in table.unique_keys)
    hint = f"there is {there}" if there else "create one, or use writeMode insert"
    if not chosen:
        if not table.unique_keys:
            told = f"{table.name!r} has no primary key or unique index, which {mode} needs"
            raise ConfigError("keys", told, hint)
        return table.unique_keys[0]
    if set(chosen) not in [set(each) for each in table.unique_keys]:
        told = f"no primary key or unique index of {table.name!r} is on ({', '.join(chosen)})"
        raise ConfigError("keys", told, hint)
    return tuple(chosen)
