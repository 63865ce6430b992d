"""What is selected from one source, and what comes out of it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pyarrow as pa

from starhaul import ConfigError
from starhaul_stores.mysql.batches import ResultColumn, is_date
from starhaul_stores.mysql.catalog import Column, Table, find_table, no_such_table
from starhaul_stores.mysql.connection import Connection, quoted
from starhaul_stores.mysql.failure import SAME_NAME, is_number
from starhaul_stores.mysql.params import MysqlWireReaderParams
from starhaul_stores.mysql.slices import condition, relation_of
from starhaul_stores.mysql.types import Declared, asked, declared, described, is_literal, without_alias
from starhaul_stores.relational.names import told_apart
from starhaul_stores.relational.read_params import Source, is_utf8
from starhaul_stores.relational.target import missing


class Selection:
    """The columns of a table that a job names, or those of its query, as the server has them now.

    Raises `ConfigError` if there is no such table or column.
    """

    def __init__(self, db: Connection, source: Source, params: MysqlWireReaderParams) -> None:
        self._params = params
        self._query = source.query
        self.table: Table | None = None
        """The table; None for a query."""
        self._wanted: list[str] = []
        """As SQL."""
        self._names: list[str] = []
        """What the server calls them."""
        self._alike = False
        """Whether a query has two of one name."""
        if source.query is None:
            self.table = table_of(db, source)
            self._wanted = self._named(self.table)
            self.columns = self._of_table(db, self.table)
        else:
            self.columns = self._of_query(db, source.query)

    @property
    def schema(self) -> pa.Schema:
        """What is read."""
        return pa.schema([column.field for column in self.columns])

    def select(self, part: Any, moment: str) -> str:
        """The SELECT of a slice. `moment` is SQL after the name of a table (see `Moment.at`)."""
        plain = all(asked("x", column.type) == "x" for column in self.columns)
        if self.table is None:
            if plain:
                return self._query or ""
            columns = ", ".join(
                asked(name, column.type) for name, column in zip(self._wanted, self.columns, strict=True)
            )
            if self._alike:
                return f"WITH q ({', '.join(self._wanted)}) AS ({self._query}\n) SELECT {columns} FROM q"
            return f"SELECT {columns} FROM ({self._query}\n) AS q"
        wanted = self._wanted
        if not plain:
            if len(wanted) != len(self.columns):
                why = "a FLOAT, or mandatoryEncoding, beside one text for several columns"
                raise ConfigError("column", why, "name each column")
            wanted = [
                asked(without_alias(text, name) if not column.own else quoted(column.own), column.type)
                for text, name, column in zip(wanted, self._names, self.columns, strict=True)
            ]
        partitions = [part["partition"]] if "partition" in part else self._params.partition_name
        relation = relation_of(self.table, partitions, moment)
        return f"SELECT {', '.join(wanted)} FROM {relation}{condition(part, self._params.condition)}"

    def _of_query(self, db: Connection, query: str) -> list[ResultColumn]:
        """The columns of the result, by what the server says of it."""
        try:
            fields = db.described(f"SELECT * FROM ({query}\n) AS q LIMIT 0")
        except ConfigError as error:
            if not is_number(error, SAME_NAME):
                raise
            fields, self._alike = db.prepared(query), True
        names = [field.name for field in fields]
        self._wanted = [f"c{number}" if self._alike else quoted(name) for number, name in enumerate(names)]
        kinds = [self._read_as(declared(described(field))) for field in fields]
        return [ResultColumn(name, kind) for name, kind in zip(told_apart(names), kinds, strict=True)]

    def _of_table(self, db: Connection, table: Table) -> list[ResultColumn]:
        """The columns of the result, by what the server says of it; types of the table's own columns by its catalog."""
        params = self._params
        if params.split_pk and table.column(params.split_pk) is None:
            raise missing(table, params.split_pk, "splitPk")
        where = condition({}, params.condition)
        fields = db.described(f"SELECT {', '.join(self._wanted)} FROM {table.sql}{where} LIMIT 0")
        self._names = [field.name for field in fields]
        columns = []
        for number, (field, name) in enumerate(zip(fields, told_apart(self._names), strict=True)):
            own = table.column(quoted(field.org_name)) if field.org_name else None
            kind = own.type if own is not None else declared(described(field))
            if number >= len(self._wanted) or not is_literal(self._wanted[number]):
                kind = self._read_as(kind, own)
            nullable = own is None or not own.not_null or len(params.sources()) > 1
            if params.zero_date == "null" and is_date(kind):
                nullable = True
            columns.append(ResultColumn(name, kind, own.name if own is not None else "", nullable))
        return columns

    def _named(self, table: Table) -> list[str]:
        """The job's columns as SQL: the names of columns are quoted, everything else stays as it is."""
        if self._params.column == ("*",):
            return [quoted(column.name) for column in table.columns if not column.invisible]
        found = []
        for text in self._params.column:
            column = table.column(text)
            found.append(quoted(column.name) if column is not None else text)
        return found

    def _read_as(self, kind: Declared, own: Column | None = None) -> Declared:
        """The type with the job's encoding, where that is not what the server knows already."""
        encoding, charset = self._params.mandatory_encoding, own.charset if own is not None else "unknown"
        known = not charset or (charset.startswith("utf8") and is_utf8(encoding))
        return replace(kind, encoding=encoding) if pa.types.is_string(kind.arrow) and not known else kind


def table_of(db: Connection, source: Source) -> Table:
    """The table that a source names. Raises `ConfigError` if it is not there."""
    table = find_table(db, source.table or "")
    if table is None:
        raise no_such_table(db, source.table or "")
    return table
