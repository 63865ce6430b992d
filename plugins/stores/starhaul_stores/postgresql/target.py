"""The table to write: which columns, which key, and how to create it."""

from __future__ import annotations

from collections.abc import Sequence

import pyarrow as pa

from starhaul import ConfigError, PermanentError, native_type, with_native_type
from starhaul_stores.postgresql.catalog import NAME_BYTES, Column, Table, unique_keys
from starhaul_stores.postgresql.connection import Connection, quoted
from starhaul_stores.postgresql.types import MONEY, accepted, declaration, oid_of
from starhaul_stores.relational import target
from starhaul_stores.relational.blueprint import carried_all
from starhaul_stores.relational.target import names_in_table

_QUOTES = ('""',)
_SYSTEM = frozenset({"tableoid", "xmin", "cmin", "xmax", "cmax", "ctid"})


def fields_for(columns: Sequence[Column], source: pa.Schema) -> pa.Schema:
    """What arrives in these columns without loss; the source decides where a column leaves its type open. Given its own
    answer it gives it again."""
    unknown = pa.field("", pa.string())
    pairs = zip(columns, [*source, *[unknown] * len(columns)], strict=False)
    kinds = [(column, accepted(column.type, column.modifier, column.told, field)) for column, field in pairs]
    return pa.schema([with_native_type(pa.field(column.name, kind), column.told) for column, kind in kinds])


def require_as_planned(columns: Sequence[Column], planned: pa.Schema) -> None:
    """Raise `PermanentError` if the table has changed since `fields_for` looked at it: the server would convert values
    on its own."""
    now = fields_for(columns, planned)
    for field, wanted in zip(now, planned, strict=True):
        if field.type != wanted.type:
            told = f"is {native_type(field)} now, values come as {wanted.type}"
            raise PermanentError(f"column {field.name!r}", told, "do not change it once a run is planned")


def require_same_types(columns: Sequence[Column], planned: pa.Schema) -> None:
    """The same for rows that come as the source's server sent them, which need the very types of the plan."""
    for column, wanted in zip(columns, planned, strict=True):
        if column.told != native_type(wanted):
            told = f"is {column.told} now, values come as {native_type(wanted)}"
            raise PermanentError(f"column {column.name!r}", told, "do not change it once a run is planned")


def fields_to_create(names: Sequence[str], source: pa.Schema) -> pa.Schema:
    """The same for a table that `creation` will create; its types to declare travel as native types, beside what the
    source knows of its table."""
    fields = []
    for name, field in zip(names, source, strict=True):
        told = declaration(field)
        kind = accepted(*oid_of(told), told, field.with_name(name))
        fields.append(with_native_type(pa.field(name, kind, nullable=field.nullable), told))
    return carried_all(fields, source)


def names_to_create(wanted: Sequence[str], source: pa.Schema) -> list[str]:
    """The columns of a table that is to be created: `wanted`, or the source's."""
    names = target.names_to_create(wanted, source.names, _QUOTES)
    for name in names:
        if names.count(name) > 1:
            raise ConfigError("column", f"{name!r} is the name of two columns")
        if not name or "\0" in name or len(name.encode()) > NAME_BYTES:
            raise ConfigError("column", f"{name!r} is no name", f"a name has 1 to {NAME_BYTES} bytes and no NUL")
        if name in _SYSTEM:
            raise ConfigError("column", f"{name!r} is a system column in PostgreSQL", "name the columns in `column`")
    return names


def conflict_target(db: Connection, table: Table, keys: Sequence[str]) -> tuple[str, ...]:
    """The columns that tell whether a row is there already: `keys`, or the primary key. Raises `ConfigError` if the
    table does not keep them unique."""
    chosen = tuple(names_in_table(table, keys, "keys")) or table.key
    return target.require_unique(table, chosen, unique_keys(db, table), "primary key")


def deferred_constraints(db: Connection, table: str) -> list[str]:
    """Full names as SQL of the constraints of a table (full name as SQL) that the server would look at no earlier than
    at COMMIT, and that no row of the same table which comes later can mend: keys, and references to other tables."""
    rows = db.execute(
        "SELECT DISTINCT n.nspname::text, k.conname::text FROM pg_constraint k "
        "JOIN pg_namespace n ON n.oid = k.connamespace WHERE k.condeferred AND k.conrelid = to_regclass(%s) "
        "AND (k.contype IN ('p', 'u', 'x') OR (k.contype = 'f' AND k.confrelid <> k.conrelid))",
        [table],
    )
    return [".".join(map(quoted, names)) for names in rows]


def require_readable_money(db: Connection, columns: Sequence[Column]) -> None:
    """Raise `ConfigError` if the server would take 0.99 for something else."""
    if any(column.type == MONEY for column in columns):
        text = db.value("SELECT '1234.56'::money::numeric::text")
        if text != "1234.56":
            hint = "set lc_monetary to C in `session`, or use numeric"
            raise ConfigError("column", f"the server reads 1234.56 as {text} of its money", hint)


def require_privileges(db: Connection, table: Table, privileges: Sequence[str]) -> None:
    """Raise `ConfigError` naming the first of these privileges on the table that the user lacks."""
    for privilege in privileges:
        if not db.value(f"SELECT has_table_privilege({table.oid}, '{privilege}')"):
            if privilege != "DELETE" and db.value(f"SELECT has_any_column_privilege({table.oid}, '{privilege}')"):
                continue
            raise ConfigError(
                "table", f"no {privilege} privilege on {table.sql}", f"GRANT {privilege} ON {table.sql} TO the user"
            )
