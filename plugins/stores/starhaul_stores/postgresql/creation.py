"""Creating a table: the statements, those that wait until the rows are there among them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pyarrow as pa

from starhaul import Creation
from starhaul_stores.postgresql.catalog import NAME_BYTES, column_list
from starhaul_stores.postgresql.connection import Connection, literal, quoted
from starhaul_stores.postgresql.facts import DIALECT
from starhaul_stores.postgresql.types import declaration
from starhaul_stores.relational.blueprint import Blueprint, NewColumn, NewIndex, blueprint, constant
from starhaul_stores.relational.names import name_parts

_CONSTRAINTS = ("UNIQUE", "EXCLUDE")


@dataclass(frozen=True, slots=True)
class TableCreation:
    """How a table comes to be."""

    now: tuple[str, ...]
    """The CREATE TABLE and what follows it at once."""
    later: tuple[str, ...]
    """What waits until the rows are there."""
    left_out: tuple[str, ...]

    @property
    def told(self) -> Creation:
        """For `starhaul plan`."""
        return Creation((*self.now, *self.later), self.left_out)


def creation(
    db: Connection, table: str, names: Sequence[str], schema: pa.Schema, keys: Sequence[str], *, at_once: bool
) -> TableCreation:
    """How to create a table (`table` is SQL with its schema) for columns of these names and the types of `schema`.
    `at_once` has indexes made with the table. Names of indexes that the schema has already are left to the server.
    Raises `ConfigError` for what cannot be."""
    plan = blueprint(names, schema, keys, DIALECT)
    left = list(plan.left_out)
    taken = _taken(db, table, [index.facts.name for index in (plan.primary, *plan.indexes) if index])
    unknown = _unknown_types(db, plan)
    if plan.native and not unknown:
        items = plan.native
    else:
        separator = ",\n  "
        items = f" (\n  {separator.join(_column(column, left, unknown) for column in plan.columns)}\n)"
        left += [f"type {kind}, which is not there" for kind in unknown]
    if plan.key:
        native = plan.primary.native if plan.primary else ""
        named = "" if plan.primary is None else _constraint_name(plan.primary.facts.name, taken)
        head, bracket, tail = items.rpartition("\n)")
        items = f"{head},\n  {named}{native or f'PRIMARY KEY ({column_list(plan.key)})'}{bracket}{tail}"
    now = [f"CREATE TABLE {table}{items}"]
    if plan.comment:
        now.append(f"COMMENT ON TABLE {table} IS {literal(plan.comment)}")
    now += [
        f"COMMENT ON COLUMN {table}.{quoted(column.name)} IS {literal(column.facts.comment)}"
        for column in plan.columns
        if column.facts is not None and column.facts.comment
    ]
    indexes = [_index(table, index, taken) for index in plan.indexes]
    later = [] if at_once else indexes
    later = [*later, *(_set_number(table, column.name) for column in plan.columns if _numbered(column))]
    return TableCreation((*now, *(indexes if at_once else ())), tuple(later), tuple(dict.fromkeys(left)))


def _taken(db: Connection, table: str, names: Sequence[str]) -> set[str]:
    """Which of these names the schema of the table has already, or will have when the table is there."""
    if not names:
        return set()
    schema, own = name_parts(table, '"', str)
    found = db.execute(
        "SELECT c.relname::text FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace "
        f"WHERE n.nspname = {literal(schema)} AND c.relname IN ({', '.join(map(literal, names))})"
    )
    return {own, *(str(name) for (name,) in found)}


def _unknown_types(db: Connection, plan: Blueprint) -> list[str]:
    """The types of the source that this database does not have."""
    told = [column.facts.type for column in plan.columns if column.facts is not None and column.same]
    return [kind for kind in dict.fromkeys(told) if kind and db.value(f"SELECT to_regtype({literal(kind)})") is None]


def _constraint_name(name: str, taken: set[str]) -> str:
    return "" if not name or name in taken or len(name.encode()) > NAME_BYTES else f"CONSTRAINT {quoted(name)} "


def _numbered(column: NewColumn) -> bool:
    facts = column.facts
    return facts is not None and bool(facts.identity) and pa.types.is_integer(column.field.type)


def _set_number(table: str, column: str) -> str:
    sequence = f"pg_get_serial_sequence({literal(table)}, {literal(column)})"
    return f"SELECT setval({sequence}, max({quoted(column)})) FROM {table} HAVING max({quoted(column)}) > 0"


def _column(column: NewColumn, left: list[str], unknown: Sequence[str]) -> str:
    facts = column.facts
    kind = declaration(column.field)
    parts = [quoted(column.name), kind]
    if facts is not None and facts.collation and column.same:
        parts.append(f"COLLATE {facts.collation}")
    if facts is not None and _numbered(column):
        if kind not in ("smallint", "integer", "bigint"):
            parts[1] = "bigint"
        parts.append(f"GENERATED {'ALWAYS' if facts.identity == 'always' else 'BY DEFAULT'} AS IDENTITY")
    elif facts is not None and facts.default is not None:
        default = _default(column, kind, unknown)
        if default:
            parts.append(f"DEFAULT {default}")
        elif facts.default.literal is not None or facts.default.now:
            left.append(f"default of column {column.name}: {facts.default.native}")
    return " ".join([*parts, *([] if column.field.nullable else ["NOT NULL"])])


def _default(column: NewColumn, kind: str, unknown: Sequence[str]) -> str:
    """What stands behind DEFAULT; empty if PostgreSQL cannot have it."""
    default = column.facts.default if column.facts else None
    if default is None:
        return ""
    if column.same and not any(each in default.native for each in unknown):
        return default.native
    if default.now:
        if kind.startswith("timestamp"):
            return "CURRENT_TIMESTAMP" if "with time" in kind else "LOCALTIMESTAMP"
        return {"date": "CURRENT_DATE"}.get(kind, "LOCALTIME" if kind.startswith("time") else "")
    text = constant(column)
    if text is not None and kind.startswith("bit("):
        return f"B'{int(text):0{kind[4:-1]}b}'"
    if text is None or pa.types.is_integer(column.field.type) or pa.types.is_decimal(column.field.type):
        return text or ""
    return f"{literal(text)}::{kind}"


def _index(table: str, index: NewIndex, taken: set[str]) -> str:
    named = index.facts.name
    if index.native.startswith(_CONSTRAINTS):
        return f"ALTER TABLE {table} ADD {_constraint_name(named, taken)}{index.native}"
    name = "" if not named or named in taken or len(named.encode()) > NAME_BYTES else f"{quoted(named)} "
    unique = "UNIQUE " if index.facts.unique else ""
    return f"CREATE {unique}INDEX {name}ON {table} {index.native or f'({column_list(index.columns)})'}"
