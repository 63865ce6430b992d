"""Foreign keys of other tables that refer to a table whose rows are to be replaced."""

from __future__ import annotations

from dataclasses import dataclass

from starhaul import ConfigError
from starhaul_stores.postgresql.catalog import Table
from starhaul_stores.postgresql.connection import Connection, quoted

_TREE = """
    WITH RECURSIVE tree(oid) AS (
        SELECT {oid}::oid UNION SELECT i.inhrelid FROM pg_inherits i JOIN tree ON i.inhparent = tree.oid)
"""
"""A table with its partitions and the tables that inherit from it: deleting all rows of the one empties the others."""
_REFERRERS = """
    SELECT k.conname::text, n.nspname::text, r.relname::text, k.confdeltype::text, k.condeferrable,
        has_table_privilege(k.conrelid, 'SELECT'),
        (SELECT array_agg(attname::text) FROM pg_attribute WHERE attrelid = k.conrelid AND attnum = ANY(k.conkey)),
        kn.nspname::text
    FROM pg_constraint k JOIN pg_class r ON r.oid = k.conrelid JOIN pg_namespace n ON n.oid = r.relnamespace
    JOIN pg_namespace kn ON kn.oid = k.connamespace
    WHERE k.contype = 'f' AND k.confrelid IN (SELECT oid FROM tree) AND k.conrelid NOT IN (SELECT oid FROM tree)
    ORDER BY k.oid
"""
_ACTIONS = {"c": "CASCADE, would delete its rows", "n": "SET NULL, would alter its rows",
            "d": "SET DEFAULT, would alter its rows"}  # fmt: skip
_HINT = "use writeMode update and delete what is left over, or drop the constraint in preSql and add it in postSql"


@dataclass(frozen=True, slots=True)
class Referrer:
    """A foreign key of another table."""

    name: str
    schema: str
    """That of the constraint, for `SET CONSTRAINTS`."""
    table: str
    """Full name as SQL."""
    columns: tuple[str, ...]
    action: str
    """`confdeltype` of pg_constraint: `a` and `r` refuse, others do something to the rows that refer."""
    deferrable: bool
    readable: bool

    @property
    def sql(self) -> str:
        """The constraint's full name as SQL."""
        return f"{quoted(self.schema)}.{quoted(self.name)}"

    @property
    def waits(self) -> bool:
        """Whether it can be looked at when the new rows are there. RESTRICT never waits."""
        return self.deferrable and self.action == "a"


def _referrers(db: Connection, table: Table) -> list[Referrer]:
    rows = db.execute(_TREE.format(oid=table.oid) + _REFERRERS)
    return [
        Referrer(name, place, f"{quoted(schema)}.{quoted(child)}", tuple(columns), action, deferrable, readable)
        for name, schema, child, action, deferrable, readable, columns, place in rows
    ]


def require_replaceable(db: Connection, table: Table) -> list[Referrer]:
    """The foreign keys of other tables that refer to this one or to one of its partitions. Raises `ConfigError` if
    replacing all rows would delete or alter rows of another table, or cannot be, as rows of another one refer to them.
    The table's references to itself do not matter: they go with it."""
    found = _referrers(db, table)
    for each in found:
        key = f"the foreign key {each.name!r} of {each.table} refers to {table.sql}"
        if each.action in _ACTIONS:
            raise ConfigError("writeMode", f"{key}, and by its ON DELETE {_ACTIONS[each.action]}", _HINT)
        if not each.waits and each.readable and _is_used(db, each):
            raise ConfigError("writeMode", f"{key}, and its rows keep those from being replaced", _HINT)
    return found


def _is_used(db: Connection, referrer: Referrer) -> bool:
    there = " AND ".join(f"{quoted(name)} IS NOT NULL" for name in referrer.columns)
    return bool(db.value(f"SELECT EXISTS (SELECT 1 FROM {referrer.table} WHERE {there})"))
