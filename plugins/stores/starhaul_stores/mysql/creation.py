"""Creating a table: the statements, those that wait until the rows are there among them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pyarrow as pa

from starhaul import Creation
from starhaul_stores.mysql.catalog import column_list, find_table, index_names, to_create
from starhaul_stores.mysql.connection import Connection, quoted
from starhaul_stores.mysql.facts import DIALECT
from starhaul_stores.mysql.ledger import MysqlLedger
from starhaul_stores.mysql.types import declaration
from starhaul_stores.relational.blueprint import Blueprint, NewColumn, NewIndex, blueprint, constant

_UNINDEXED = ("text", "blob", "json", "geometry")


@dataclass(frozen=True, slots=True)
class TableCreation:
    """How a table comes to be."""

    create: str
    """The CREATE TABLE."""
    later: tuple[tuple[str, str], ...]
    """Name of an index and the ALTER TABLE that adds it, for after the load."""
    left_out: tuple[str, ...]

    @property
    def told(self) -> Creation:
        """For `starhaul plan`."""
        return Creation((self.create, *(statement for _, statement in self.later)), self.left_out)


def creation(
    table: str, names: Sequence[str], schema: pa.Schema, keys: Sequence[str], *, at_once: bool
) -> TableCreation:
    """How to create a table (`table` is SQL) for columns of these names and the types of `schema`. `at_once` has
    indexes made with the table. Texts compare by code point unless the source is of this dialect, so that what is
    different stays different. Raises `ConfigError` for what cannot be."""
    plan = blueprint(names, schema, keys, DIALECT)
    in_key = set(plan.key)
    left = list(plan.left_out)
    keyed, automatic = {}, _automatic(plan)
    for index in plan.indexes:
        clause = _clause(index, plan, in_key)
        if clause:
            keyed[index.facts.name] = (clause, index)
        else:
            left.append(f"index {index.facts.name} ({', '.join(index.columns)}), which holds a text of any length")
    now = {
        name: clause
        for name, (clause, index) in keyed.items()
        if at_once or (automatic and index.columns[:1] == (automatic,) and plan.key[:1] != (automatic,))
    }
    parts = [_column(column, plan, in_key, left, automatic) for column in plan.columns]
    if plan.key:
        parts.append(f"PRIMARY KEY ({column_list(plan.key)})")
    if plan.native:
        head, bracket, tail = plan.native.partition("\n)")
        more = "".join(f",\n  {each}" for each in now.values())
        create = f"CREATE TABLE {table}{head}{more}{bracket}{tail}"
    else:
        comment = f" COMMENT = {literal(plan.comment)}" if plan.comment else ""
        items = ",\n  ".join([*parts, *now.values()])
        options = f"ENGINE = InnoDB CHARACTER SET utf8mb4 COLLATE utf8mb4_bin{comment}"
        create = f"CREATE TABLE {table} (\n  {items}\n) {options}"
    later = [(name, f"ALTER TABLE {table} ADD {clause}") for name, (clause, _) in keyed.items() if name not in now]
    return TableCreation(create, tuple(later), tuple(dict.fromkeys(left)))


def finish(db: Connection, ledger: MysqlLedger, run: str, target: str) -> None:
    """Make the indexes of the job's table (`target`) that waited for the rows. Safe to repeat."""
    if not ledger.is_waiting():
        return
    sql = to_create(db, target)
    later = ledger.remembered(run, sql)
    table = find_table(db, target) if later else None
    if table is not None:
        there = index_names(db, table)
        for name, statement in later:
            if name.casefold() not in there:
                db.execute(statement)
    ledger.forget(sql)


def literal(text: str) -> str:
    """A text as SQL."""
    return "'" + text.replace("\\", "\\\\").replace("'", "''").replace("\0", "\\0") + "'"


def _automatic(plan: Blueprint) -> str:
    """The column that numbers the rows: an integer, and the first of a key."""
    leading = {plan.key[:1], *(index.columns[:1] for index in plan.indexes)}
    for column in plan.columns:
        numbered = column.facts is not None and column.facts.identity and pa.types.is_integer(column.field.type)
        if numbered and (column.name,) in leading:
            return column.name
    return ""


def _column(column: NewColumn, plan: Blueprint, in_key: set[str], left: list[str], automatic: str) -> str:
    kind = declaration(column.field, in_key=column.name in in_key)
    null = "NULL" if column.field.nullable and column.name not in plan.key else "NOT NULL"
    parts = [quoted(column.name), kind]
    facts = column.facts
    if facts is not None and facts.collation and column.same:
        parts.append(f"COLLATE {facts.collation}")
    parts.append(null)
    if column.name == automatic:
        parts.append("AUTO_INCREMENT")
    elif facts is not None and facts.identity:
        left.append(f"numbering of column {column.name}")
    elif facts is not None and facts.default is not None:
        default = _default(column, kind)
        if default:
            parts.append(f"DEFAULT {default}")
        elif facts.default.now or facts.default.literal is not None:
            left.append(f"default of column {column.name}: {facts.default.native}")
    if facts is not None and facts.comment:
        parts.append(f"COMMENT {literal(facts.comment)}")
    return " ".join(parts)


def _default(column: NewColumn, kind: str) -> str:
    """What stands behind DEFAULT; empty if MySQL cannot have it."""
    default = column.facts.default if column.facts else None
    if default is None or column.same:
        return default.native if default else ""
    name = kind.lower().partition("(")[0].partition(" ")[0]
    if default.now:
        digits = kind.partition("(")[2].partition(")")[0]
        return f"CURRENT_TIMESTAMP({digits})" if name in ("datetime", "timestamp") else ""
    text = constant(column)
    if text is None or name == "timestamp" or any(each in name for each in _UNINDEXED):  # timestamp: the session's zone
        return ""
    if name == "bit" and pa.types.is_string(column.field.type):
        return f"b'{text}'" if text.strip("01") == "" else ""
    return {"true": "1", "false": "0"}[text] if pa.types.is_boolean(column.field.type) else literal(text)


def _clause(index: NewIndex, plan: Blueprint, in_key: set[str]) -> str:
    """What stands behind ADD; empty if MySQL cannot have it."""
    if index.native:
        return index.native
    for column in plan.columns:
        if column.name in index.columns:
            kind = declaration(column.field, in_key=column.name in in_key).lower()
            if any(each in kind for each in _UNINDEXED):
                return ""
    kind = "UNIQUE KEY" if index.facts.unique else "KEY"
    return f"{kind} {quoted(index.facts.name[:64])} ({column_list(index.columns)})"
