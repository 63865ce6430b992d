"""The table to write: which columns, which key, and how to create it."""

from __future__ import annotations

from collections.abc import Sequence

import pyarrow as pa

from starhaul import ConfigError, with_native_type
from starhaul_stores.relational.blueprint import carried_all
from starhaul_stores.relational.names import require_not_given
from starhaul_stores.relational.target import (
    EVERY_COLUMN,
    NAME_IT,
    NAME_THE_KEY,
    given_by_rows,
    names_in_table,
    refuse_cascading,
    require_distinct,
    require_unique,
    require_written,
)
from starhaul_stores.sqlite.catalog import Column, Table, fold, unique_keys
from starhaul_stores.sqlite.connection import Connection
from starhaul_stores.sqlite.types import accepted, declaration, declared


def target_names(wanted: Sequence[str], table: Table | None, source: pa.Schema) -> list[str]:
    """The target's columns as the job names them (`wanted`), or else the table, or else the source.

    Raises `ConfigError` where two of them are one to SQLite, or a table to create would not have one for each of the
    source's, or the source gives what the table computes.
    """
    if tuple(wanted) == EVERY_COLUMN:
        require_not_given([column.name for column in table.columns if column.generated] if table else (), source.names)
        names = [column.name for column in table.columns if not column.generated] if table else source.names
    else:
        names = list(wanted)
        if table is None and len(names) != len(source):
            raise ConfigError("column", f"names {len(names)} columns, the source has {len(source)}")
    require_distinct(names, fold, "in SQLite")
    return names


def fields_for(columns: Sequence[Column], source: pa.Schema) -> pa.Schema:
    """What arrives in these columns without loss; the source decides where a column leaves its type open."""
    kinds = [*source.types, *[pa.string()] * len(columns)]
    pairs = zip(columns, kinds[: len(columns)], strict=True)
    return pa.schema([(column.name, accepted(column.type, kind)) for column, kind in pairs])


def fields_to_create(names: Sequence[str], source: pa.Schema) -> pa.Schema:
    """The same for a table that `creation` will create; its types to declare travel as native types, beside what the
    source knows of its table."""
    fields = []
    for name, field in zip(names, source, strict=True):
        text = declaration(field)
        kind = accepted(declared(text), field.type)
        fields.append(with_native_type(pa.field(name, kind, nullable=field.nullable), text))
    return carried_all(fields, source)


def upsert(
    db: Connection, table: Table, written: Sequence[Column], keys: Sequence[str], updated: Sequence[str]
) -> tuple[Sequence[str], Sequence[str]]:
    """The columns that tell whether a row is there already (`keys`, or the primary key), and those to set then.

    Raises `ConfigError` if the table does not have or not keep them unique, or they are not among those `written`.
    """
    setting = names_in_table(table, updated, "updateColumns")
    found = _conflict_target(db, table, keys)
    require_written(found, given_by_rows(table, written), "update", NAME_THE_KEY)
    require_written(setting, {column.name for column in written}, "updateColumns", NAME_IT)
    return found, setting


def _conflict_target(db: Connection, table: Table, keys: Sequence[str]) -> tuple[str, ...]:
    """The columns that tell whether a row is there already: `keys`, or the primary key.

    Raises `ConfigError` if the table does not keep them unique.
    """
    chosen = tuple(key if (column := table.column(key)) is None else column.name for key in keys) or table.key
    return require_unique(table, chosen, unique_keys(db, table), "primary key")


def refuse_cascades(db: Connection, table: Table) -> None:
    """Raise `ConfigError` if foreign keys, where the connection looks at them, would delete or alter what refers to a
    row that REPLACE deletes."""
    found = db.execute(
        "SELECT DISTINCT m.name, f.on_delete FROM pragma_foreign_keys p, sqlite_master m, "
        "pragma_foreign_key_list(m.name) f WHERE p.foreign_keys = 1 AND m.type = 'table' "
        "AND lower(f.\"table\") = lower(?) AND f.on_delete IN ('CASCADE', 'SET NULL', 'SET DEFAULT') ORDER BY 1, 2",
        [table.name],
    )
    refuse_cascading([f"one of {name} (ON DELETE {rule})" for name, rule in found])


def require_a_key(db: Connection, table: Table, written: Sequence[Column]) -> None:
    """Raise `ConfigError` if the table has keys and each has a column that is not `written`: every row would be new."""
    given, keys = given_by_rows(table, written), unique_keys(db, table)
    if keys and not any(given.issuperset(key) for key in keys):
        require_written(keys[0], given, "replace", NAME_THE_KEY)
