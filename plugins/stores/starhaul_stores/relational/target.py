"""Which columns of a table are written."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, TypeVar

from starhaul import ConfigError
from starhaul_stores.relational.names import require_not_given

EVERY_COLUMN = ("*",)


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
