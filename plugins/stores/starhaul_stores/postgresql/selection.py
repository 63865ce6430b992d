"""What is read: the SELECT of a source, and the Arrow schema of its columns."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import pyarrow as pa

from starhaul import native_type, with_native_type
from starhaul_stores.csv_lines import NULL
from starhaul_stores.postgresql.catalog import Table
from starhaul_stores.postgresql.connection import Connection, quoted
from starhaul_stores.postgresql.spelled import expression
from starhaul_stores.postgresql.types import read_as
from starhaul_stores.relational.names import told_apart

EVERY_COLUMN = ("*",)


@dataclass(frozen=True, slots=True)
class Selection:
    """One source as it is read."""

    select: str
    """The SELECT, without any condition that was added to it."""
    schema: pa.Schema

    def copy(self, condition: str, form: str = "csv", delimiter: str | None = None) -> str:
        """The COPY of the rows that a WHERE clause (or nothing) selects, in a format of COPY's; with a delimiter, in
        the encoding `text/csv`."""
        query = _computed(f"{self.select}{condition}\n", self.schema, _independent)
        options = f"FORMAT {form}"
        if delimiter is not None:
            query = _computed(query, self.schema, expression)
            options += f", DELIMITER E'\\x{ord(delimiter):02x}', NULL '{NULL}'"
        return f"COPY ({query}) TO STDOUT ({options})"


def _computed(query: str, schema: pa.Schema, value: Callable[[str, pa.Field], str | None]) -> str:
    """The rows of a query with `value` (SQL of a column, and the column) in place of each column."""
    names = [quoted(f"c{number}") for number in range(len(schema))]
    values = [value(name, field) or name for name, field in zip(names, schema, strict=True)]
    return query if values == names else f"SELECT {', '.join(values)} FROM ({query}) AS _starhaul({', '.join(names)})"


def _independent(name: str, field: pa.Field) -> str:
    """A value as text that does not depend on the server's locale, as that of money does."""
    return f"{name}::numeric" if native_type(field) == "money" else name


def selection_of_table(db: Connection, table: Table, column: Sequence[str]) -> Selection:
    """Of a table, with `column` as the job gives it: a name of a column is quoted, everything else is SQL."""
    chosen = [each.name for each in table.columns] if tuple(column) == EVERY_COLUMN else None
    known = {each.name for each in table.columns}
    texts = [quoted(text) if text in known else text for text in column]
    select = f"SELECT {', '.join(map(quoted, chosen) if chosen is not None else texts)} FROM {table.sql}"
    required = {each.number for each in table.columns if each.not_null}
    return _described(db, select, {table.oid: required})


def selection_of_query(db: Connection, query: str) -> Selection:
    """Of a query, whose text stays as it is. It cannot tell which of its columns hold no nulls."""
    return _described(db, query, {})


def _described(db: Connection, select: str, required: Mapping[int, set[int]]) -> Selection:
    columns = db.described(f"SELECT * FROM ({select}\n) AS _starhaul LIMIT 0")
    pairs = ", ".join(
        f"({number}, {kind}::oid, {modifier})" for number, (_, kind, modifier, _, _) in enumerate(columns)
    )
    told = db.execute(f"SELECT format_type(t, m) FROM (VALUES {pairs}) AS _starhaul(n, t, m) ORDER BY n")
    origins = columns if not required else db.described(f"{select} LIMIT 0")
    fields = []
    names = told_apart([name for name, *_ in columns], by_case=True)
    for name, (_, kind, modifier, _, _), (text,), (_, _, _, oid, number) in zip(
        names, columns, told, origins, strict=True
    ):
        nullable = number not in required.get(oid, set())
        fields.append(with_native_type(pa.field(name, read_as(kind, modifier), nullable=nullable), text))
    return Selection(select, pa.schema(fields))
