"""The reader behind `rdbmsreader`, `oraclereader` and `sqlserverreader`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Any, ClassVar, TypeVar

import pyarrow as pa

from starhaul import (
    Address,
    Capability,
    Cast,
    ConfigError,
    Found,
    Reader,
    ReadRequest,
    Split,
    Task,
    TransientError,
)
from starhaul_stores.rdbms.addresses import parse_address
from starhaul_stores.rdbms.catalog import Table, find_table, no_such_table
from starhaul_stores.rdbms.connection import Connection, connect
from starhaul_stores.rdbms.discovery import address_of, quoted, tables
from starhaul_stores.rdbms.selection import Selection, of_query, of_table
from starhaul_stores.rdbms.slices import condition, slices
from starhaul_stores.rdbms.values import column
from starhaul_stores.relational.addresses import to_read
from starhaul_stores.relational.read_params import RelationalReaderParams, Source
from starhaul_stores.relational.slices import look_at_many_rows
from starhaul_stores.relational.url import DatabaseUrl

_FIRST_ROWS = 256
_MOST_ROWS = 16384
_BATCH_BYTES = 2 << 20


class RdbmsReaderParams(RelationalReaderParams):
    """Parameters of `rdbmsreader`: `url` with `table` or `querySql`, or DataX's `connection` list."""

    @classmethod
    def parse_address(cls, url: str) -> DatabaseUrl:
        """SQLAlchemy's URLs, and those of JDBC drivers."""
        return parse_address(url)


R = TypeVar("R", bound=RdbmsReaderParams)


class SqlAlchemyReader(Reader[R]):
    """Reads tables, views and queries through a driver that SQLAlchemy knows."""

    capabilities: ClassVar[frozenset[Capability]] = frozenset({Capability.SPLIT})

    def check(self) -> None:
        for source in self._sources():
            with self._open(source) as db:
                selection = self._selection(db, source)
                if source.table is not None:
                    clause, _ = condition(db, None, {}, self.params.condition)
                    none = f"{clause} AND 1 = 0" if clause else " WHERE 1 = 0"
                    db.execute(f"{selection.sql}{none}")

    def schema(self) -> pa.Schema:
        first: pa.Schema | None = None
        for source in self._sources():
            with self._open(source) as db:
                schema = self._selection(db, source).schema
            first = first or schema
            if schema.types != first.types:
                raise ConfigError("table", f"{source.name} has not the columns of {self._sources()[0].name}")
        if first is None:
            raise ConfigError("table", "names no table")
        return first

    def split(self, target: int) -> Sequence[Split]:
        sources, params = self._sources(), self.params
        splits: list[Split] = []
        for number, source in enumerate(sources):
            prefix = source.name if len(sources) == 1 else f"{source.name}#{number}"
            parts: list[dict[str, Any]] = [{}]
            if source.table is not None and not look_at_many_rows(self.params.column):
                with self._open(source) as db:
                    table = self._table(db, source)
                    key, factor = params.split_pk, params.split_factor
                    parts = slices(db, table, params.condition, key, target, factor, len(sources))
            for part in parts:
                rows = part.pop("rows", None)
                splits.append(Split(f"{prefix}@{len(splits)}", {"source": number, "part": part}, rows))
        return splits

    def read(self, split: Split, task: Task) -> Iterator[pa.RecordBatch]:
        source = self._sources()[split.args["source"]]
        schema = self.schema() if len(self._sources()) > 1 else None
        with self._open(source) as db:
            selection = self._selection(db, source)
            sql, parameters = self._statement(db, source, selection, split.args["part"])
            with db.stream(sql, parameters) as fetch:
                count = min(self.params.fetch_size or _FIRST_ROWS, _FIRST_ROWS)
                most = self.params.fetch_size or _MOST_ROWS
                while rows := fetch(count):
                    batch = _batch(rows, schema or selection.schema, task)
                    yield batch
                    fitting = _BATCH_BYTES * len(rows) // max(1, batch.nbytes)
                    count = max(1, min(most, 4 * count, fitting))

    def describe(self) -> Sequence[str]:
        with self._open(self._sources()[0]) as db:
            way = f"Reads through SQLAlchemy's dialect {db.dialect!r} and the driver {db.driver_name!r}, row by row."
        return (
            way,
            "Each slice is one SELECT; the slices of a table that is written meanwhile are of several moments.",
            *self.params.idle,
        )

    @classmethod
    def from_url(cls, url: str) -> Address:
        known: type[RdbmsReaderParams] = cls.params_type  # type: ignore[assignment]
        return address_of(url, known.parse_address)

    @classmethod
    def complete(cls, address: Address, request: ReadRequest) -> Address:
        return to_read(address, request, quoted)

    @classmethod
    def discover(cls, address: Address, *, details: bool = True) -> Iterator[Found]:
        params = cls._params_of(address.called("_"))
        with connect(params.addresses(params.places[0]), params.session, params.connect_timeout) as db:
            for name, kind in tables(db, address):
                reader = cls(cls._params_of(address.called(*name)))
                schema = reader._selection(db, reader._sources()[0]).schema if details else None
                yield Found(name, kind, None, schema)

    @classmethod
    def _params_of(cls, address: Address) -> R:
        params: R = cls.params_type.parse(cls.complete(address, ReadRequest()).parameters)  # type: ignore[assignment]
        return params

    def hint_for(self, table: str) -> str:
        """What stands between SELECT and the columns of a table, with a blank after it."""
        del table
        return ""

    def _sources(self) -> list[Source]:
        return self.params.sources()

    def _open(self, source: Source) -> AbstractContextManager[Connection]:
        """A connection to the first URL of the source's place that answers, and passes `preSql`."""
        params = self.params
        addresses = params.addresses(params.places[source.place])
        return connect(addresses, params.session, params.connect_timeout, self._require_health)

    def _require_health(self, db: Connection) -> None:
        for query in self.params.pre_sql:
            answer = db.execute(query)
            if [[str(value) for value in row] for row in answer] != [["0"]]:
                raise TransientError(db.where, f"preSql {query!r} does not give a single 0")

    def _table(self, db: Connection, source: Source) -> Table:
        table = find_table(db, source.table or "")
        if table is None:
            raise no_such_table(db, source.table or "")
        return table

    def _selection(self, db: Connection, source: Source) -> Selection:
        if source.query is not None:
            return of_query(db, source.query)
        table = self._table(db, source)
        return of_table(db, table, self.params.column, self.hint_for(table.sql))

    def _statement(
        self, db: Connection, source: Source, selection: Selection, part: Mapping[str, Any]
    ) -> tuple[str, list[Any]]:
        if source.query is not None:
            return selection.sql, []
        clause, parameters = condition(db, self._table(db, source), part, self.params.condition)
        return f"{selection.sql}{clause}", parameters


def _batch(rows: Sequence[Any], schema: pa.Schema, task: Task) -> pa.RecordBatch:
    """Rows as a batch, without those that do not fit, which are rejected."""
    columns = list(zip(*rows, strict=True))
    casts = [column(values, field.type) for values, field in zip(columns, schema, strict=True)]
    arrays = [cast.values for cast in casts]
    bad: dict[int, str] = {}
    for cast, field in zip(casts, schema, strict=True):
        if cast.bad is not None or (not field.nullable and cast.values.null_count):
            for row, reason in _misfits(cast, field):
                bad.setdefault(row, f"column {field.name!r}: {reason}")
    if not bad:
        return pa.RecordBatch.from_arrays(arrays, schema=schema)
    for row in sorted(bad):
        task.reject(_as_text(columns, schema, row), 0, bad[row])
    keep = pa.array([row not in bad for row in range(len(rows))], pa.bool_())
    return pa.RecordBatch.from_arrays([array.filter(keep) for array in arrays], schema=schema)


def _misfits(cast: Cast, field: pa.Field) -> Iterator[tuple[int, str]]:
    flags = cast.bad.to_pylist() if cast.bad is not None else [False] * len(cast.values)
    for row, (flag, valid) in enumerate(zip(flags, cast.values.is_valid().to_pylist(), strict=True)):
        if flag:
            yield row, cast.explain(row)
        elif not valid and not field.nullable:
            yield row, "is NULL, though the table says that it never is"


def _as_text(columns: Sequence[Sequence[Any]], schema: pa.Schema, row: int) -> pa.RecordBatch:
    """One row for the reject file, its values as the driver's Python objects print."""
    texts = [
        None if values[row] is None else str(values[row]).encode("utf-8", "replace").decode() for values in columns
    ]
    return pa.RecordBatch.from_arrays([pa.array([text], pa.string()) for text in texts], names=schema.names)
