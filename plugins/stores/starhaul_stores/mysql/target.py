"""The table to write: which columns, which key, and how to create it."""

from __future__ import annotations

from collections.abc import Sequence

import pyarrow as pa

from starhaul import ConfigError, PermanentError, with_native_type
from starhaul_stores.mysql.catalog import NAME_CHARACTERS, Column, Table, column_list
from starhaul_stores.mysql.connection import Connection, quoted
from starhaul_stores.mysql.types import accepted, declaration, declared
from starhaul_stores.relational import target
from starhaul_stores.relational.blueprint import carried_all, key_of
from starhaul_stores.relational.target import (
    EVERY_COLUMN,
    NAME_IT,
    NAME_THE_KEY,
    given_by_rows,
    names_in_table,
    require_written,
)

_QUOTES = ("``",)
TRANSACTIONAL = frozenset({"innodb", "rocksdb", "tokudb", "ndbcluster", "oceanbase"})


def target_columns(table: Table, wanted: Sequence[str], source: Sequence[str] = ()) -> list[Column]:
    """As that of `relational.target`, and without those that are invisible, unless the job names them."""
    columns = target.target_columns(table, wanted, source)
    return [column for column in columns if not column.invisible] if tuple(wanted) == EVERY_COLUMN else columns


def fields_for(columns: Sequence[Column], source: pa.Schema) -> pa.Schema:
    """What arrives in these columns without loss; the source decides where a column takes several types."""
    unknown = pa.field("", pa.string())
    pairs = zip(columns, [*source, *[unknown] * len(columns)], strict=False)
    return pa.schema([(column.name, accepted(column.type, field)) for column, field in pairs])


def require_as_planned(columns: Sequence[Column], planned: pa.Schema) -> None:
    """Raise `PermanentError` if the table has changed since `fields_for` looked at it: values that come as texts of
    bits do not tell so here, and are looked at each."""
    now = fields_for(columns, planned)
    for column, field, wanted in zip(columns, now, planned, strict=True):
        if field.type != wanted.type and not (column.type.name == "bit" and pa.types.is_string(wanted.type)):
            told = f"is {column.type.text} now, values come as {wanted.type}"
            raise PermanentError(f"column {field.name!r}", told, "do not change it once a run is planned")


def fields_to_create(names: Sequence[str], source: pa.Schema, keys: Sequence[str]) -> pa.Schema:
    """The same for a table that `creation` will create; its types to declare travel as native types, beside what the
    source knows of its table."""
    fields, keyed = [], key_of(names, source, keys)
    for name, field in zip(names, source, strict=True):
        text = declaration(field, in_key=name in keyed)
        kind = accepted(declared("tinyint(1)" if text == "boolean" else text), field)
        fields.append(with_native_type(pa.field(name, kind, nullable=field.nullable), text))
    return carried_all(fields, source)


def names_to_create(wanted: Sequence[str], source: pa.Schema) -> list[str]:
    """The columns of a table to create, as the job names them or else the source. Raises `ConfigError` for names that
    MySQL does not take or tell apart."""
    names = target.names_to_create(wanted, source.names, _QUOTES)
    for name in names:
        if not 0 < len(name) <= NAME_CHARACTERS or name.endswith(" ") or max(name) > "\uffff" or "\0" in name:
            limits = f"1 to {NAME_CHARACTERS} characters, none beyond U+FFFF, no blank at the end"
            raise ConfigError("column", f"{name!r} cannot be the name of a column in MySQL", limits)
    target.require_distinct(names, str.casefold, "in MySQL")
    return names


def check_keys(table: Table, keys: Sequence[str], mode: str, written: Sequence[Column]) -> tuple[str, ...]:
    """The columns that tell whether a row is there already: `keys`, or else the `written_key`. Raises `ConfigError` if
    the table does not keep them unique, or rows come without one of them: each would be new."""
    chosen = tuple(key if (column := table.column(key)) is None else column.name for key in keys)
    if not chosen and table.unique_keys:
        chosen = written_key(table, written) or table.unique_keys[0]
    target.require_unique(table, chosen, table.unique_keys, f"primary key or unique index, which {mode} needs")
    require_written(chosen, given_by_rows(table, written), mode, NAME_THE_KEY)
    return chosen


def written_key(table: Table, written: Sequence[Column]) -> tuple[str, ...] | None:
    """The first unique key, the primary key before others, whose columns rows of the columns `written` have; None if
    there is none."""
    given = given_by_rows(table, written)
    return next((key for key in table.unique_keys if given.issuperset(key)), None)


def columns_to_update(table: Table, names: Sequence[str], written: Sequence[Column]) -> list[str]:
    """The columns of `updateColumns`, as the table calls them. Raises `ConfigError` for one that is not `written`."""
    found = names_in_table(table, names, "updateColumns")
    require_written(found, {column.name for column in written}, "updateColumns", NAME_IT)
    return found


def takes_files(db: Connection) -> bool:
    """Whether LOAD DATA LOCAL works, and in the transaction that it is said in."""
    if db.product in ("OceanBase", "TiDB"):
        return False
    return str(db.value("SELECT @@GLOBAL.local_infile")) in ("1", "ON")


def temporary(db: Connection, table: Table, columns: Sequence[Column]) -> str:
    """A temporary table with these columns and no key, as SQL; empty where the user or the server has none."""
    name = f"{quoted(table.schema)}._starhaul_rows"
    empty = f"SELECT {column_list([column.name for column in columns])} FROM {table.sql} LIMIT 0"
    try:
        db.execute(f"CREATE TEMPORARY TABLE {name} ENGINE = InnoDB {empty}")
    except (ConfigError, PermanentError):
        return ""
    return name
