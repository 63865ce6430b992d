"""A table to create: what the source tells of its own (see `starhaul.TableFacts`), sorted by what can be taken over."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pyarrow as pa

from starhaul import (
    ColumnFacts,
    ConfigError,
    IndexFacts,
    TableFacts,
    cast,
    column_facts,
    renamed_columns,
    table_facts,
    with_column_facts,
)
from starhaul_stores.relational.names import suggestion


@dataclass(frozen=True, slots=True)
class NewColumn:
    """A column to create."""

    name: str
    field: pa.Field
    facts: ColumnFacts | None
    same: bool
    """Whether the source's SQL is the target's: native texts of `facts` may be taken as they stand."""


@dataclass(frozen=True, slots=True)
class NewIndex:
    """An index to create."""

    facts: IndexFacts
    columns: tuple[str, ...]
    """The target's names of its columns."""
    native: str
    """Its definition as it stands in the source; empty if that means nothing here."""


@dataclass(frozen=True, slots=True)
class Blueprint:
    """A table to create."""

    columns: tuple[NewColumn, ...]
    key: tuple[str, ...]
    """The target's names of the columns of the primary key."""
    primary: NewIndex | None
    """The source's primary key, if that is what `key` is."""
    indexes: tuple[NewIndex, ...]
    comment: str
    native: str
    """What follows the table's name in CREATE TABLE, where all of it can be taken as it stands; else empty."""
    left_out: tuple[str, ...]
    """What the source has and no copy of it in this dialect can have, a sentence each."""


def blueprint(names: Sequence[str], schema: pa.Schema, keys: Sequence[str], dialect: str) -> Blueprint:
    """The table to create for columns of these names and the types of `schema`, in a dialect. `keys` are the columns of
    the primary key that the job names, if it names any; else it is the source's. Raises `ConfigError` if one of them is
    not there."""
    for key in keys:
        if key not in names:
            raise ConfigError("keys", f"there is no column {key!r} to be a key", suggestion(key, names))
    facts = table_facts(schema)
    columns = tuple(_column(name, field, dialect) for name, field in zip(names, schema, strict=True))
    left = [sentence for column in columns for sentence in _left_of(column)]
    if facts is None:
        return Blueprint(columns, tuple(keys), None, (), "", "", tuple(left))
    primary = _index(facts.key, schema, names, facts, dialect) if facts.key else None
    if facts.key is not None and primary is None and not keys:
        left.append(f"primary key ({', '.join(facts.key.columns)})")
    if keys and primary is not None and primary.columns != tuple(keys):
        primary = None
    indexes = []
    for each in facts.indexes:
        found = _index(each, schema, names, facts, dialect)
        if found is not None:
            indexes.append(found)
        else:
            told = each.native or f"({', '.join(each.columns)})"
            left.append(f"{'unique key' if each.unique else 'index'} {each.name} {told}")
    whole = facts.dialect == dialect and facts.whole(schema) and tuple(names) == facts.columns
    native = facts.native if whole and (not keys or primary is not None) else ""
    if not native:
        left += facts.constraints
    chosen = tuple(keys) or (primary.columns if primary else ())
    return Blueprint(columns, chosen, primary, tuple(indexes), facts.comment, native, (*left, *facts.left_out))


def carried(field: pa.Field, source: pa.Field) -> pa.Field:
    """A field of the target with what its source knows of it."""
    facts = column_facts(source)
    return field if facts is None else with_column_facts(field, facts)


def carried_all(fields: Sequence[pa.Field], source: pa.Schema) -> pa.Schema:
    """The target's fields as a schema that knows what the source's knows."""
    return pa.schema([carried(*pair) for pair in zip(fields, source, strict=True)], source.metadata)


def key_of(names: Sequence[str], source: pa.Schema, keys: Sequence[str]) -> set[str]:
    """The columns that will be the primary key, if nothing is in its way."""
    facts = table_facts(source)
    if keys or facts is None or facts.key is None:
        return set(keys)
    return set(renamed_columns(facts.key.columns, source, names) or ())


def _column(name: str, field: pa.Field, dialect: str) -> NewColumn:
    facts = column_facts(field)
    return NewColumn(name, field, facts, facts is not None and facts.dialect == dialect)


def _left_of(column: NewColumn) -> list[str]:
    facts = column.facts
    if facts is None:
        return []
    found = []
    if facts.generated:
        found.append(f"column {column.name} is computed in the source, {facts.generated}: here it holds the values")
    default = facts.default
    if default is not None and not column.same and default.literal is None and not default.now:
        found.append(f"default of column {column.name}: {default.native}")
    if facts.collation and not column.same:
        found.append(f"collation of column {column.name}: {facts.collation}")
    return found


def _index(
    index: IndexFacts, schema: pa.Schema, names: Sequence[str], facts: TableFacts, dialect: str
) -> NewIndex | None:
    """An index with the target's names; None if it cannot be had. What is not plain may speak of any column."""
    columns = renamed_columns(index.columns, schema, names)
    whole = facts.whole(schema) and tuple(names) == facts.columns
    alike = columns == list(index.columns) if index.plain else whole
    native = index.native if facts.dialect == dialect and alike else ""
    if not native and (not index.plain or not columns):
        return None
    return NewIndex(index, tuple(columns or ()), native)


def constant(column: NewColumn) -> str | None:
    """A default that is a constant, as the canonical text of the column's type; None if there is none, or it is no
    value of that type."""
    default = column.facts.default if column.facts else None
    if default is None or default.literal is None:
        return None
    try:
        value = cast(pa.array([default.literal], pa.string()), column.field.type)
        text = cast(value.values, pa.string())
    except ConfigError:
        return None
    if value.bad is not None or text.bad is not None:
        return None
    told: str | None = text.values[0].as_py()
    return told
