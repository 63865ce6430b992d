"""Which columns of a table are written, and which of them an upsert needs."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Protocol, TypeVar

from starhaul import ConfigError
from starhaul_stores.relational.names import require_not_given

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
    def columns(self) -> Sequence[C]: ...

    def column(self, text: str) -> C | None:
        """The column that a job means."""

    def missing(self, name: str, where: str) -> ConfigError:
        """The error to raise for a column that the table does not have."""


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
    columns: list[C] = []
    for text in names:
        column = table.column(text)
        if column is None:
            raise table.missing(text, "column")
        if column.generated:
            raise ConfigError("column", f"{column.name!r} is a generated column", "leave it out of `column`")
        if column in columns:
            raise ConfigError("column", f"{column.name!r} is named twice")
        columns.append(column)
    return columns


def names_in_table(table: Table[C], names: Sequence[str], where: str) -> list[str]:
    """Columns that a job names, as the table calls them. Raises `ConfigError` for one that is not there; `where` is the
    parameter that names them."""
    found = []
    for name in names:
        column = table.column(name)
        if column is None:
            raise table.missing(name, where)
        found.append(column.name)
    return found


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
