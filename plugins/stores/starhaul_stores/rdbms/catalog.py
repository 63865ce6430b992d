"""What the database knows of tables and columns, by SQLAlchemy's reflection."""

from __future__ import annotations

import re
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from starhaul import ConfigError
from starhaul_stores.rdbms.connection import MARK, Connection
from starhaul_stores.rdbms.engine import reflecting
from starhaul_stores.rdbms.traits import Traits
from starhaul_stores.rdbms.type_names import TypeName, type_name
from starhaul_stores.relational.names import name_parts, suggestion, unquoted

if TYPE_CHECKING:
    from sqlalchemy.engine.reflection import Inspector

QUOTES = ('""', "``", "[]")
"""What stands around names in the dialects of all databases."""
_BRACKETS = re.compile(r"\[([^\]]*)\]")


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table."""

    name: str
    type: TypeName
    not_null: bool
    generated: bool
    identity: bool
    alchemy: Any = None
    """SQLAlchemy's type."""
    numbers: bool = False
    """Whether it numbers the rows where it is given NULL, as SQLite's INTEGER PRIMARY KEY."""


@dataclass(frozen=True, slots=True)
class Table:
    """A table or view."""

    schema: str | None
    name: str
    sql: str
    """Its full name."""
    columns: tuple[Column, ...]
    key: tuple[str, ...]
    """The columns of its primary key."""
    unique_keys: tuple[tuple[str, ...], ...]
    """The column sets that the table holds unique, the primary key first."""

    def column(self, text: str) -> Column | None:
        """The column that a job means: of exactly this name, or in any case, perhaps quoted as in SQL."""
        for each in self.columns:
            if each.name == text:
                return each
        name = unquoted(text, QUOTES)
        exact = next((each for each in self.columns if each.name == name), None)
        alike = [each for each in self.columns if each.name.casefold() == name.casefold()]
        return exact or (alike[0] if len(alike) == 1 else None)


def find_table(db: Connection, text: str) -> Table | None:
    """The table that a name in a job means, in any case; None if there is none."""
    schema, name = full_name(db.traits, text)
    inspector = db.inspector()
    with db.failures(), reflecting():
        if not inspector.has_table(name, schema=schema):
            alike = [each for each in _names(inspector, schema) if each.casefold() == name.casefold()]
            if len(alike) != 1:
                return None
            name = alike[0]
        columns = tuple(_column(db, told) for told in inspector.get_columns(name, schema=schema))
        key, unique = _keys(inspector, name, schema)
        if db.dialect == "sqlite" and len(key) == 1:
            columns = tuple(replace(each, numbers=_is_rowid(db, name, schema, each, key)) for each in columns)
    if not columns:
        return None
    return Table(schema, name, sql_name(db, schema, name), columns, key, unique)


def full_name(traits: Traits, text: str) -> tuple[str | None, str]:
    """Schema and name of the table that a name in a job means. A name without quotes is taken as the database would
    take it, in SQLAlchemy's view."""
    parts = parts_of(traits, text)
    return ".".join(parts[:-1]) or None, parts[-1]


def parts_of(traits: Traits, text: str) -> list[str]:
    """The parts of a dotted name, as `full_name` takes them."""
    if traits.brackets:
        text = _BRACKETS.sub(lambda matched: '"' + matched[1].replace('"', '""') + '"', text)
    parts = name_parts(text, '"`', str.lower if traits.folds_to == "lower" else str)
    if len(parts) > 3:
        raise ConfigError("table", f"{text!r} is not a name", "write NAME or SCHEMA.NAME")
    return parts


def sql_name(db: Connection, schema: str | None, name: str) -> str:
    """A full name as SQL. A schema may be that of another database, `database.schema`."""
    parts = [*(schema.split(".") if schema else ()), name]
    return ".".join(map(db.quoted, parts))


def no_such_table(db: Connection, text: str, hint: str = "") -> ConfigError:
    """The error to raise for a table that the job names and the database does not have."""
    schema, name = full_name(db.traits, text)
    names: list[str] = []
    with suppress(Exception):  # there may be no such schema either
        names = _names(db.inspector(), schema)
    close = suggestion(name, sorted(names)) if names else ""
    return ConfigError("table", f"{db.where} has no table {text!r}", "; ".join(filter(None, [close, hint])))


def to_create(db: Connection, text: str) -> str:
    """The full name, as SQL, that a table which is not there yet will have."""
    return sql_name(db, *full_name(db.traits, text))


def column_list(db: Connection, names: Sequence[str]) -> str:
    """Names as SQL, with commas."""
    return ", ".join(map(db.quoted, names))


def _names(inspector: Inspector, schema: str | None) -> list[str]:
    found = list(inspector.get_table_names(schema=schema))
    with suppress(NotImplementedError):
        found += inspector.get_view_names(schema=schema)
    return [str(name) for name in found]


def _column(db: Connection, told: Any) -> Column:
    return Column(
        str(told["name"]),
        type_name(db.type_text(told["type"])),
        not told.get("nullable", True),
        bool(told.get("computed")),
        told.get("identity") is not None,  # of SQL Server it may be empty
        told["type"],
    )


def _is_rowid(db: Connection, table: str, schema: str | None, column: Column, key: tuple[str, ...]) -> bool:
    """Whether it is SQLite's INTEGER PRIMARY KEY. SQLAlchemy calls an INT so, too, which is another thing."""
    if key != (column.name,):
        return False
    declared = f"SELECT upper(type) FROM pragma_table_info({MARK}, {MARK}) WHERE pk"
    return bool(db.value(declared, [table, schema or "main"]) == "INTEGER")


def _keys(inspector: Inspector, name: str, schema: str | None) -> tuple[tuple[str, ...], tuple[tuple[str, ...], ...]]:
    """The primary key, and all column sets that are unique; what a dialect cannot tell is not there."""
    key: tuple[str, ...] = ()
    unique: list[tuple[str, ...]] = []
    with suppress(NotImplementedError):
        told = inspector.get_pk_constraint(name, schema=schema)
        key = tuple(str(each) for each in (told or {}).get("constrained_columns") or ())
    if key:
        unique.append(key)
    with suppress(NotImplementedError):
        unique += [tuple(each["column_names"]) for each in inspector.get_unique_constraints(name, schema=schema)]
    with suppress(NotImplementedError):
        for index in inspector.get_indexes(name, schema=schema):
            partial = any(option.endswith("_where") for option in index.get("dialect_options") or {})
            if index.get("unique") and not partial and None not in index["column_names"]:
                unique.append(tuple(str(each) for each in index["column_names"]))
    return key, tuple(dict.fromkeys(unique))
