"""The SQL that brings a row into a table, for each write mode and dialect. `:p0`, `:p1` … are the row's values."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from starhaul_stores.rdbms.catalog import Column
from starhaul_stores.rdbms.connection import escaped
from starhaul_stores.rdbms.spelling import bound_as
from starhaul_stores.rdbms.traits import traits_of


@dataclass(frozen=True, slots=True)
class Target:
    """Where rows go."""

    table: str
    """As SQL."""
    columns: Sequence[Column]
    """Those of a row, in its order."""
    keys: Sequence[str]
    updated: Sequence[str]
    """For `update`: the columns to set in a row that is there."""
    dialect: str
    quoted: Callable[[str], str]

    def sql(self, text: str) -> str:
        """`text` with `$name` … left alone and every colon of names escaped for text()."""
        return escaped(text)

    def name(self, name: str) -> str:
        """A column's name as SQL for text()."""
        return escaped(self.quoted(name))

    @property
    def names(self) -> list[str]:
        """The columns as SQL."""
        return [self.name(column.name) for column in self.columns]

    @property
    def values(self) -> list[str]:
        """The row's values as SQL."""
        return [
            bound_as(f":p{number}", column.type, self.dialect).replace("HH24:MI:SS", "HH24\\:MI\\:SS").replace(
                "TZH:TZM", "TZH\\:TZM"
            )
            for number, column in enumerate(self.columns)
        ]  # fmt: skip

    def value(self, name: str) -> str:
        """The row's value of a column as SQL."""
        return self.values[[column.name for column in self.columns].index(name)]

    def matches(self, left: str = "") -> str:
        """The condition that a row of the table has the keys of this row."""
        return " AND ".join(f"{left}{self.name(key)} = {self.value(key)}" for key in self.keys)


def insert(target: Target) -> str:
    """A new row."""
    return f"INSERT INTO {escaped(target.table)} ({', '.join(target.names)}) VALUES ({', '.join(target.values)})"


def insert_unless_there(target: Target) -> str:
    """A new row, or nothing; empty where the dialect has no statement for it."""
    way = traits_of(target.dialect).upsert
    if way == "conflict":
        return f"{insert(target)} ON CONFLICT{_conflict(target)} DO NOTHING"
    return merge(target, []) if way == "merge" and target.keys else ""


def insert_or_update(target: Target) -> str:
    """A new row, or new values for the old one; empty where the dialect has no statement for it."""
    way = traits_of(target.dialect).upsert
    if way == "conflict":
        sets = ", ".join(f"{target.name(name)} = excluded.{target.name(name)}" for name in target.updated)
        return f"{insert(target)} ON CONFLICT{_conflict(target)} DO {f'UPDATE SET {sets}' if sets else 'NOTHING'}"
    if way == "duplicate":
        names = target.updated or target.keys
        sets = ", ".join(f"{target.name(name)} = VALUES({target.name(name)})" for name in names)
        return f"{insert(target)} ON DUPLICATE KEY UPDATE {sets}"
    return merge(target, target.updated) if way == "merge" else ""


def merge(target: Target, updated: Sequence[str]) -> str:
    """MERGE of one row. SQL Server locks the range of the key, or two tasks could both insert it."""
    dialect = target.dialect
    pairs = zip(target.values, target.names, strict=True)
    row = ", ".join(f"{value} AS {name}" for value, name in pairs)
    hint, end = (" WITH (HOLDLOCK)", ";") if dialect == "mssql" else ("", "")
    on = " AND ".join(f"t.{target.name(key)} = s.{target.name(key)}" for key in target.keys)
    sets = ", ".join(f"t.{target.name(name)} = s.{target.name(name)}" for name in updated)
    if dialect == "firebird":  # takes no alias before SET
        sets = sets.replace("t.", "", 1).replace(", t.", ", ")
    update = f" WHEN MATCHED THEN UPDATE SET {sets}" if sets else ""
    return (
        f"MERGE INTO {escaped(target.table)}{hint} t USING (SELECT {row}{traits_of(dialect).from_dual}) s ON ({on})"
        f"{update} WHEN NOT MATCHED THEN INSERT ({', '.join(target.names)}) "
        f"VALUES ({', '.join(f's.{name}' for name in target.names)}){end}"
    )


def update(target: Target) -> str:
    """New values for the row that is there; empty if there is nothing to set."""
    sets = ", ".join(f"{target.name(name)} = {target.value(name)}" for name in target.updated)
    return f"UPDATE {escaped(target.table)} SET {sets} WHERE {target.matches()}" if sets else ""


def delete(target: Target) -> str:
    """Remove the row that is there."""
    return f"DELETE FROM {escaped(target.table)} WHERE {target.matches()}"


def is_there(target: Target, keys: Sequence[str]) -> str:
    """How many rows have these keys."""
    on = " AND ".join(f"{target.name(key)} = {target.value(key)}" for key in keys)
    return f"SELECT count(*) FROM {escaped(target.table)} WHERE {on}"


def giving_identities(target: str, columns: Sequence[Column], dialect: str) -> tuple[list[str], list[str]]:
    """What to run before and after rows with these columns go into a table (as SQL): SQL Server takes values for an
    IDENTITY column only if told to, by a session for one table at a time."""
    if dialect != "mssql" or not any(column.identity for column in columns):
        return [], []
    return [f"SET IDENTITY_INSERT {target} ON"], [f"SET IDENTITY_INSERT {target} OFF"]


def publish(table: str, staging: str, names: Sequence[str]) -> tuple[str, str]:
    """The two statements that put the rows of a staging table in the place of the table's own. Names are SQL."""
    listed = ", ".join(names)
    return f"DELETE FROM {table}", f"INSERT INTO {table} ({listed}) SELECT {listed} FROM {staging}"


def _conflict(target: Target) -> str:
    return f" ({', '.join(map(target.name, target.keys))})" if target.keys else ""
