"""The reader of every store that speaks PostgreSQL's wire. The plugins declare names, parameters and what differs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from typing import ClassVar, TypeVar

import pyarrow as pa

from starhaul import Capability, ConfigError, Reader, Split, Task
from starhaul_stores.postgresql.catalog import Table, find_table, no_such_table
from starhaul_stores.postgresql.connection import Connection, connect_first
from starhaul_stores.postgresql.copy_text import batches
from starhaul_stores.postgresql.selection import Selection, selection_of_query, selection_of_table
from starhaul_stores.postgresql.slices import BLOCKS, condition, slices
from starhaul_stores.relational.places import RelationalReaderParams, Source

_SNAPSHOT = "BEGIN ISOLATION LEVEL REPEATABLE READ"


class PostgresqlWireReaderParams(RelationalReaderParams):
    """Parameters of all readers of PostgreSQL's wire."""


P = TypeVar("P", bound=PostgresqlWireReaderParams)


class PostgresqlWireReader(Reader[P]):
    """Reads tables, views and queries with COPY, exactly. A base: it has no name.

    A table is cut by its primary key or `splitPk`, at quantiles that the server finds and compares.
    """

    capabilities: ClassVar[frozenset[Capability]] = frozenset({Capability.SPLIT})

    def check(self) -> None:
        for source in self.params.sources():
            with self._open(source) as db:
                selection = self._selection(db, source)
                db.execute(f"EXPLAIN {selection.select}{self._condition(source, {})}")
                self._require_privilege(db, source)

    def schema(self) -> pa.Schema:
        first: pa.Schema | None = None
        sources = self.params.sources()
        for source in sources:
            with self._open(source) as db:
                schema = self._selection(db, source).schema
            first = first or schema
            if schema.types != first.types:
                raise ConfigError("table", f"{source.name} has not the columns of {sources[0].name}")
        if first is None:
            raise ConfigError("table", "names no table")
        return first

    def split(self, target: int) -> Sequence[Split]:
        sources = self.params.sources()
        splits: list[Split] = []
        for number, source in enumerate(sources):
            prefix = source.name if len(sources) == 1 else f"{source.name}#{number}"
            parts: list[dict[str, object]] = [{}]
            if source.table is not None:
                with self._open(source) as db, db.transaction(_SNAPSHOT):
                    params = self.params
                    table = self._table(db, source)
                    parts = slices(
                        db, table, params.condition, params.split_pk, target, params.split_factor, len(sources)
                    )
            for part in parts:
                rows = part.pop("rows", None)
                about = rows if isinstance(rows, int) else None
                splits.append(Split(f"{prefix}@{len(splits)}", {"source": number, "part": part}, about))
        return splits

    def read(self, split: Split, task: Task) -> Iterator[pa.RecordBatch]:
        source = self.params.sources()[split.args["source"]]

        def reject(row: pa.RecordBatch, reason: str) -> None:
            task.reject(row, 0, reason)

        with self._open(source) as db, db.transaction(_SNAPSHOT):
            selection = self._selection(db, source)
            schema = self.schema() if len(self.params.sources()) > 1 else selection.schema
            with db.copy_out(selection.copy(self._condition(source, split.args["part"]))) as blocks:
                yield from batches(blocks, schema, self.params.fetch_size, reject)

    def describe(self) -> Sequence[str]:
        facts = [
            "Reads with COPY.",
            "Each slice is one snapshot; the slices of a table that is written meanwhile are of several moments.",
        ]
        if self.params.split_pk == BLOCKS:
            facts.append("Cuts by blocks: a row that is updated meanwhile may be read twice, or not at all.")
        return facts

    def _open(self, source: Source) -> AbstractContextManager[Connection]:
        """A connection to the first URL of the source's place that answers, and passes `preSql`."""
        params = self.params
        addresses = params.addresses(params.places[source.place])
        return connect_first(addresses, params.session, params.connect_timeout, utc=False, healthy=self._is_healthy)

    def _is_healthy(self, db: Connection) -> bool:
        return all(
            [[str(value) for value in row] for row in db.execute(query)] == [["0"]] for query in self.params.pre_sql
        )

    def _table(self, db: Connection, source: Source) -> Table:
        table = find_table(db, source.table or "")
        if table is None:
            raise no_such_table(db, source.table or "")
        return table

    def _selection(self, db: Connection, source: Source) -> Selection:
        if source.query is not None:
            return selection_of_query(db, source.query)
        return selection_of_table(db, self._table(db, source), self.params.column)

    def _condition(self, source: Source, part: dict[str, object]) -> str:
        return "" if source.query is not None else condition(part, self.params.condition)

    def _require_privilege(self, db: Connection, source: Source) -> None:
        if source.table is None:
            return
        table = self._table(db, source)
        if not db.value(f"SELECT has_any_column_privilege({table.oid}, 'SELECT')"):
            raise ConfigError("table", f"no privilege to read {table.sql}", f"GRANT SELECT ON {table.sql} TO the user")
