"""Creating a table: the statements, those that wait until the rows are there among them."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import pyarrow as pa

from starhaul import ConfigError, Creation
from starhaul_stores.relational.blueprint import NewColumn, blueprint, constant
from starhaul_stores.relational.names import suggestion
from starhaul_stores.sqlite.catalog import fold, literal, quoted
from starhaul_stores.sqlite.connection import Connection
from starhaul_stores.sqlite.facts import DIALECT
from starhaul_stores.sqlite.ledger import Ledger
from starhaul_stores.sqlite.types import declaration


@dataclass(frozen=True, slots=True)
class TableCreation:
    """How a table comes to be."""

    create: str
    """The CREATE TABLE."""
    later: tuple[str, ...]
    """The indexes, for after the load."""
    left_out: tuple[str, ...]

    @property
    def told(self) -> Creation:
        """For `starhaul plan`."""
        return Creation((self.create, *self.later), self.left_out)


def creation(
    table: str, names: Sequence[str], schema: pa.Schema, keys: Sequence[str], taken: Collection[str]
) -> TableCreation:
    """How to create a table for columns of these names and the types of `schema`. `taken` are the names that the
    database has already: an index that is called so, or as the table is, gets another. Raises `ConfigError` for what
    cannot be."""
    exact = [next((name for name in names if fold(name) == fold(key)), key) for key in keys]
    for key in exact:
        if key not in names:
            raise ConfigError("keys", f"there is no column {key!r} to be a key", suggestion(key, names))
    plan = blueprint(names, schema, exact, DIALECT)
    left = list(plan.left_out)
    if plan.comment:
        left.append(f"comment of the table: {plan.comment}")
    items = [_column(column, plan.key, left) for column in plan.columns]
    if plan.key:
        items.append(f"PRIMARY KEY ({', '.join(map(quoted, plan.key))})")
    uses = {fold(name) for name in (*taken, table)}
    later = []
    for number, index in enumerate(plan.indexes):
        columns = index.native or f"({', '.join(map(quoted, index.columns))})"
        if not index.facts.name:  # a constraint of the source's table
            if not plan.native:
                items.append(f"UNIQUE {columns}")
            continue
        name = index.facts.name
        if fold(name) in uses or fold(name).startswith("sqlite_"):
            name = f"{table}_{name}"
        while fold(name) in uses:
            name = f"{name}_{number}"
        uses.add(fold(name))
        later.append(
            f"CREATE {'UNIQUE ' if index.facts.unique else ''}INDEX {quoted(name)} ON {quoted(table)} {columns}"
        )
    separator = ",\n  "
    create = f"CREATE TABLE {quoted(table)}" + (plan.native or f" (\n  {separator.join(items)}\n)")
    return TableCreation(create, tuple(later), tuple(dict.fromkeys(left)))


def carry_out(made: TableCreation, db: Connection, ledger: Ledger, run: str, table: str, *, at_once: bool) -> None:
    """Create the table, in the caller's transaction, and its indexes `at_once`; else `finish` makes them."""
    db.script([made.create, *(made.later if at_once else ())])
    ledger.remember(run, table, [] if at_once else [[statement] for statement in made.later])


def finish(db: Connection, ledger: Ledger, run: str, table: str) -> None:
    """Make the indexes that waited for the rows, in the caller's transaction."""
    db.script([statement for (statement,) in ledger.remembered(run, table)])
    ledger.forget(table)


def _column(column: NewColumn, key: Sequence[str], left: list[str]) -> str:
    facts = column.facts
    kind = declaration(column.field)
    if facts is not None and facts.identity and not column.same:
        if tuple(key) == (column.name,) and pa.types.is_integer(column.field.type):
            kind = "INTEGER" if not pa.types.is_uint64(column.field.type) else kind
        else:
            left.append(f"numbering of column {column.name}")
    parts = [quoted(column.name), kind, *([] if column.field.nullable else ["NOT NULL"])]
    if facts is not None and facts.default is not None:
        default = _default(column, kind)
        if default:
            parts.append(f"DEFAULT {default}")
        elif facts.default.literal is not None or facts.default.now:
            left.append(f"default of column {column.name}: {facts.default.native}")
    if facts is not None and facts.collation and column.same:
        parts.append(f"COLLATE {facts.collation}")
    if facts is not None and facts.comment:
        left.append(f"comment of column {column.name}: {facts.comment}")
    return " ".join(parts)


def _default(column: NewColumn, kind: str) -> str:
    """What stands behind DEFAULT; empty if SQLite cannot have it."""
    default = column.facts.default if column.facts else None
    if default is None or column.same:
        return default.native if default else ""
    if default.now:
        if pa.types.is_date(column.field.type):
            return "CURRENT_DATE"
        zoned = pa.types.is_timestamp(column.field.type) and column.field.type.tz is not None
        return "CURRENT_TIMESTAMP" if pa.types.is_timestamp(column.field.type) and not zoned else ""
    text = constant(column)
    if text is None or pa.types.is_binary(column.field.type) or pa.types.is_timestamp(column.field.type):
        return ""
    if pa.types.is_boolean(column.field.type):
        return {"true": "1", "false": "0"}[text]
    return literal(text)
