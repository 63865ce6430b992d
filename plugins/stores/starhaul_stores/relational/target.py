"""Which columns of a table are written, and which of them an upsert needs."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from typing import Protocol, TypeVar

from starhaul import ConfigError
from starhaul_stores.relational.names import require_not_given, suggestion, unquoted

EVERY_COLUMN = ("*",)
NAME_IT = "name it there"
NAME_THE_KEY = f"{NAME_IT}, or use writeMode insert"
"""Hints for `require_written`."""


class Column(Protocol):
    """A column as a store's catalog tells it."""

    @property
    def name(self) -> str: ...

    @property
    def generated(self) -> bool: ...


C = TypeVar("C", bound=Column, covariant=True)


class Table(Protocol[C]):
    """A table as a store's catalog tells it."""

    @property
    def name(self) -> str: ...

    @property
    def columns(self) -> Sequence[C]: ...

    def column(self, text: str) -> C | None:
        """The column that a job means."""


def missing(table: Table[C], name: str, where: str) -> ConfigError:
    """The error to raise for a column that the table does not have; `where` is the parameter that names it."""
    names = [column.name for column in table.columns]
    return ConfigError(where, f"table {table.name!r} has no column {name!r}", suggestion(name, names))


def target_columns(table: Table[C], wanted: Sequence[str], source: Sequence[str] = ()) -> list[C]:
    """The columns that a job names, or all that can be written, of which the source's columns (`source`) must not be
    computed ones. Raises `ConfigError`, as `named_columns` does."""
    if tuple(wanted) == EVERY_COLUMN:
        require_not_given([column.name for column in table.columns if column.generated], source)
        return [column for column in table.columns if not column.generated]
    return named_columns(table, wanted)


def named_columns(table: Table[C], names: Sequence[str]) -> list[C]:
    """The columns of these names. Raises `ConfigError` for one that is not there, cannot be written, or is named
    twice."""
    columns: dict[str, C] = {}  # a table may have thousands
    for text in names:
        column = table.column(text)
        if column is None:
            raise missing(table, text, "column")
        if column.generated:
            raise ConfigError("column", f"{column.name!r} is a generated column", "leave it out of `column`")
        if column.name in columns:
            raise ConfigError("column", f"{column.name!r} is named twice")
        columns[column.name] = column
    return list(columns.values())


def names_in_table(table: Table[C], names: Sequence[str], where: str) -> list[str]:
    """Columns that a job names, as the table calls them. Raises `ConfigError` for one that is not there; `where` is the
    parameter that names them."""
    found = []
    for name in names:
        column = table.column(name)
        if column is None:
            raise missing(table, name, where)
        found.append(column.name)
    return found


def names_to_create(wanted: Sequence[str], source: Sequence[str], quotes: Iterable[str]) -> list[str]:
    """The columns of a table to create: those that a job names (`wanted`), perhaps in `quotes` (as `unquoted` has
    them), or the source's. Raises `ConfigError` if they are not as many."""
    names = list(source) if tuple(wanted) == EVERY_COLUMN else [unquoted(name, quotes) for name in wanted]
    if len(names) != len(source):
        raise ConfigError("column", f"names {len(names)} columns, the source has {len(source)}")
    return names


def require_distinct(names: Sequence[str], fold: Callable[[str], str], where: str) -> None:
    """Raise `ConfigError` if two names are one column to a database (`where`: `in MySQL`), which takes for equal what
    `fold` makes equal."""
    seen: dict[str, str] = {}
    for name in names:
        if fold(name) in seen:
            raise ConfigError("column", f"{seen[fold(name)]!r} and {name!r} are the same column {where}")
        seen[fold(name)] = name


def require_unique(
    table: Table[C], chosen: Sequence[str], known: Sequence[Sequence[str]], lacking: str
) -> tuple[str, ...]:
    """The columns `chosen` to tell whether a row is there already. Raises `ConfigError` if they are none of the `known`
    keys that the table holds unique; `lacking` tells what the table has not if there are none at all."""
    if chosen and set(chosen) in [set(each) for each in known]:
        return tuple(chosen)
    there = " or ".join(f"({', '.join(each)})" for each in known)
    hint = f"there is {there}" if there else "create one, or use writeMode insert"
    if not chosen:
        raise ConfigError("keys", f"{table.name!r} has no {lacking}", hint)
    raise ConfigError("keys", f"no primary key or unique index of {table.name!r} is on ({', '.join(chosen)})", hint)


def given_by_rows(table: Table[C], written: Sequence[C]) -> set[str]:
    """The columns that a new row has values of: those `written`, and those that the table computes."""
    return {column.name for column in table.columns if column in written or column.generated}


def require_written(names: Sequence[str], written: Collection[str], who: str, hint: str = "") -> None:
    """Raise `ConfigError` if a column that `who` (a mode, a parameter) needs is not `written`."""
    if missing := [name for name in names if name not in written]:
        raise ConfigError("column", f"lacks {missing[0]!r}, which {who} needs", hint)


def refuse_cascading(foreign_keys: Sequence[str]) -> None:
    """Raise `ConfigError` if there are any: keys, as text, that delete or alter what refers to a row which `replace`
    deletes."""
    if foreign_keys:
        told = ", ".join(foreign_keys)
        problem = f"replace deletes the old row, and with it would go, or be altered, what refers to it: {told}"
        raise ConfigError("writeMode", problem, "use writeMode update, or drop the foreign key")
