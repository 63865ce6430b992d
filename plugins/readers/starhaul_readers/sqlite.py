"""Reads SQLite databases."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import pyarrow as pa
from pydantic import Field, model_validator

from starhaul import Address, Capability, ConfigError, Found, Params, Reader, ReadRequest, Split, Task
from starhaul_stores.relational.params import Texts
from starhaul_stores.relational.queries import without_effect
from starhaul_stores.relational.slices import closes_too_much, look_at_many_rows
from starhaul_stores.relational.target import missing
from starhaul_stores.sqlite.address import Place, address_of, table_parameter, unquoted
from starhaul_stores.sqlite.catalog import Table, find_table, no_such_table, quoted, statements, tables
from starhaul_stores.sqlite.connection import Connection, adbc_installed, connect
from starhaul_stores.sqlite.facts import required, with_facts
from starhaul_stores.sqlite.select import (
    REASON,
    VIEW,
    Selected,
    as_written,
    declarations,
    found_classes,
    joined,
    open_view,
    selected,
    standing_for,
    streamed_schema,
    streaming_sql,
)
from starhaul_stores.sqlite.slices import condition, slices
from starhaul_stores.sqlite.storage import loaded

_BATCH_BYTES = 2 << 20
_MOST_ROWS = 1 << 16
_SAMPLE = 100


class SqliteReaderParams(Params):
    """Parameters of `sqlitereader`: `path` with `table` or `querySql`, or DataX's `connection` list."""

    path: str | None = None
    """The database file. `jdbc:sqlite:PATH` is understood too."""
    table: Texts = ()
    """The table or view to read, or a list of tables with the same columns."""
    query_sql: Texts = ()
    """A SELECT to read in place of a table, or a list of them. Excludes `table`; `column`, `where` and `splitPk` do not
    apply. Each is read as one slice."""
    connection: tuple[Place, ...] = ()
    """DataX's form of the above: a list of `{"jdbcUrl": …, "table": […]}` or `{"jdbcUrl": …, "querySql": […]}`."""
    column: tuple[str, ...] = ("*",)
    """Column names, or SQL expressions, put into the SELECT as they are. `["*"]` is every column. A table is not cut
    where one of them looks at many rows (`count(*)`, `DISTINCT a`, a window)."""
    where: str = ""
    """An SQL condition that the rows must meet."""
    split_pk: str | None = None
    """The column to cut the table by. By default the rowid, or the primary key of a table without one."""
    fetch_size: int | None = Field(default=None, ge=1)
    """Rows in a batch. By default as many as make about 2 MiB, judged by the first rows."""
    session: tuple[str, ...] = ()
    """Statements to run first on every connection (`PRAGMA cache_size = -65536`)."""
    busy_timeout: float = Field(default=30.0, ge=0)
    """Seconds to wait for a database that another connection has locked."""

    @model_validator(mode="after")
    def _one_source(self) -> SqliteReaderParams:
        if bool(self.path) == bool(self.connection):
            raise ValueError("give either path or connection")
        if not self.connection and bool(self.table) == bool(self.query_sql):
            raise ValueError("give either table or querySql")
        if self.connection and (self.table or self.query_sql):
            raise ValueError("table and querySql belong into the elements of connection")
        if any(bool(place.table) == bool(place.query_sql) for place in self.connection):
            raise ValueError("every connection needs either table or querySql")
        if closes_too_much(self.where):
            raise ValueError("where closes a bracket that it has not opened")
        if not self.column:
            raise ValueError('column is empty; ["*"] reads every column')
        return self


@dataclass(frozen=True, slots=True)
class _Source:
    """One table or query of one file."""

    file: str
    table: str | None
    query: str | None

    @property
    def name(self) -> str:
        return self.table or "query"


class SqliteReader(Reader[SqliteReaderParams]):
    """Reads tables, views and queries of SQLite databases, exactly as declared.

    Each slice is read in one transaction; the slices of a table that is written meanwhile are of several moments,
    unlike a `querySql`, which is one slice. A value whose storage class is not that of its column's declared type is
    not coerced: its row is rejected with the value. Columns without a usable declaration, and expressions, take the
    type of the values found, for which they are read once more beforehand: integers int64, with reals float64, blobs
    binary, anything with text string.
    """

    name = "sqlitereader"
    params_type = SqliteReaderParams
    capabilities: ClassVar[frozenset[Capability]] = frozenset({Capability.SPLIT})

    def check(self) -> None:
        for source in self._sources():
            with self._open(source) as db:
                self._columns(db, source, condition({}, self._where))

    def schema(self) -> pa.Schema:
        columns, found = self._typed()
        schema = pa.schema([column.field for column in selected(columns, found)])
        source = self._sources()[0]
        if source.table is None or len(self._sources()) > 1:
            return schema
        with self._open(source) as db:
            table = self._table(db, source)
            return with_facts(db, table, schema, self._own(table, schema.names))

    def split(self, target: int) -> Sequence[Split]:
        _, found = self._typed()
        sources = self._sources()
        each = -(-target // len(sources))
        splits: list[Split] = []
        for number, source in enumerate(sources):
            prefix = source.name if len(sources) == 1 else f"{source.name}#{number}"
            parts: list[dict[str, Any]] = [{}]
            if source.table is not None and not look_at_many_rows(self.params.column):
                with self._open(source) as db:
                    db.execute("BEGIN")
                    parts = slices(db, self._table(db, source), self._where, self.params.split_pk, each)
            for part in parts:
                rows = part.pop("rows", None)
                splits.append(Split(f"{prefix}@{len(splits)}", {"source": number, "part": part, "types": found}, rows))
        return splits

    def read(self, split: Split, task: Task) -> Iterator[pa.RecordBatch]:
        source = self._sources()[split.args["source"]]
        with self._open(source) as db:
            db.execute("BEGIN")
            columns = selected(
                self._columns(db, source, condition(split.args["part"], self._where)), split.args["types"]
            )
            schema = pa.schema([column.field for column in columns])
            if source.table is not None and len(self._sources()) == 1:
                table = self._table(db, source)
                schema = required(schema, table, self._own(table, schema.names))
            rows = self.params.fetch_size or _rows_per_batch(db, columns)
            with closing(db.stream(streaming_sql(columns), streamed_schema(columns), rows)) as batches:
                for batch in batches:
                    loaded_batch = _load(batch, columns, schema, task)
                    if loaded_batch.num_rows:
                        yield loaded_batch

    def describe(self) -> Sequence[str]:
        queries = any(source.query for source in self._sources())
        way = "ADBC" if adbc_installed() else "Python's sqlite3 (the extra `sqlite` brings ADBC, which is quicker)"
        return (
            f"Reads through {way}.",
            "Each slice is one snapshot; the slices of a table that is written meanwhile are of several moments.",
            *without_effect(queries, self.params.column, self.params.where, self.params.split_pk),
        )

    @classmethod
    def from_url(cls, url: str) -> Address:
        return address_of(url)

    @classmethod
    def complete(cls, address: Address, request: ReadRequest) -> Address:
        if request.types:
            raise ConfigError("--types", "the database declares the types of its columns", "use --query with a CAST")
        told = {key: value for key, value in address.parameters.items() if key not in ("table", "querySql")}
        if request.query:
            if address.name or request.where or request.columns:
                raise ConfigError("--query", "stands in place of a table, --where and --columns", "leave those out")
            return replace(address, parameters={**told, "querySql": [request.query]})
        told["table"] = [table_parameter(address, "source")]
        if request.columns:
            told["column"] = [*request.columns]
        if request.where:
            told["where"] = request.where
        return replace(address, parameters=told)

    @classmethod
    def discover(cls, address: Address, *, details: bool = True) -> Iterator[Found]:
        given = SqliteReaderParams.model_validate({**address.parameters, "table": ["_"]}, by_alias=True)
        with cls(given)._open(_Source(Place(path=given.path).file, None, None)) as db:
            found = list(tables(db, address))
        for name, kind, rows in found:
            parameters = cls.complete(address.called(name), ReadRequest()).parameters
            schema = cls(SqliteReaderParams.model_validate(parameters, by_alias=True)).schema() if details else None
            yield Found((name,), kind, rows, schema)

    @property
    def _where(self) -> str:
        return self.params.where.strip().rstrip(";").strip()

    def _sources(self) -> list[_Source]:
        params = self.params
        places = params.connection or (Place(path=params.path, table=params.table, query_sql=params.query_sql),)
        found = [_Source(place.file, unquoted(table), None) for place in places for table in place.table]
        for place in places:
            for query in place.query_sql:
                single = statements([query])
                if len(single) != 1:
                    raise ConfigError("querySql", f"holds {len(single)} statements instead of one SELECT")
                found.append(_Source(place.file, None, single[0]))
        return found

    def _open(self, source: _Source) -> Any:
        params = self.params
        return connect(source.file, "ro", session=statements(params.session), busy_timeout=params.busy_timeout)

    def _table(self, db: Connection, source: _Source) -> Table:
        table = find_table(db, source.table or "")
        if table is None:
            raise no_such_table(db, source.table or "")
        return table

    def _columns(self, db: Connection, source: _Source, tail: str) -> Any:
        """Open the view of a source, `tail` being its WHERE clause; names and declared types of its columns."""
        if source.table is None:
            open_view(db, source.query or "")
            return declarations(db, None)
        table = self._table(db, source)
        if (
            self.params.split_pk
            and not table.column(self.params.split_pk)
            and self.params.split_pk.lower() != table.rowid
        ):
            raise missing(table, self.params.split_pk, "splitPk")
        chosen = [as_written(table, text) for text in self.params.column]
        open_view(db, f"SELECT {', '.join(chosen)} FROM {quoted(table.name)} {tail}")
        return declarations(db, table)

    def _own(self, table: Table, names: Sequence[str]) -> list[str | None]:
        """Which columns of the table are read, None for an expression."""
        if self.params.column == ("*",):
            return [column.name for column in table.columns]
        found = [table.column(text) for text in self.params.column]
        own = [column.name if column else None for column in found]
        return own if len(own) == len(names) else [None] * len(names)

    def _typed(self) -> tuple[Any, dict[str, Any]]:
        """The columns of the first source, and what stands for those that are open, judged by all sources' rows."""
        first: Any = None
        classes: dict[str, set[str]] = {}
        for source in self._sources():
            with self._open(source) as db:
                columns = self._columns(db, source, condition({}, self._where))
                first = first or columns
                if [kind.arrow for _, kind in columns] != [kind.arrow for _, kind in first]:
                    raise ConfigError("table", f"{source.name} has not the columns of {self._sources()[0].name}")
                names = [name for name, kind in columns if kind.arrow is None]
                for (name, _), (own, _) in zip(first, columns, strict=True):
                    if own in names:
                        classes.setdefault(name, set()).update(found_classes(db, [own])[own])
        return first, {name: standing_for(found) for name, found in classes.items()}


def _rows_per_batch(db: Connection, columns: Sequence[Selected]) -> int:
    """Rows of a batch of about `_BATCH_BYTES`, judged by the first rows of the view."""
    sizes = joined([f"coalesce(sum(length(CAST({quoted(column.name)} AS BLOB))), 0)" for column in columns], "+")
    names = ", ".join(quoted(column.name) for column in columns)
    rows, size = db.execute(f"SELECT count(*), {sizes} FROM (SELECT {names} FROM temp.{VIEW} LIMIT {_SAMPLE})")[0]
    return max(64, min(_MOST_ROWS, _BATCH_BYTES * max(rows, 1) // max(size, 1)))


def _load(batch: pa.RecordBatch, columns: Sequence[Selected], schema: pa.Schema, task: Task) -> pa.RecordBatch:
    """The batch in the reader's types, without the rows that do not fit, which are rejected."""
    batch = _reject_misfits(batch, task)
    arrays, bad = [], None
    for column, values in zip(columns, batch.columns, strict=True):
        cast = loaded(values, column.kind)
        arrays.append(cast.values)
        if cast.bad is not None:
            import pyarrow.compute as pc

            for row in pc.indices_nonzero(cast.bad).to_pylist():
                if bad is None or not bad[row].as_py():
                    task.reject(batch, row, f"column {column.name!r}, declared {column.told}: {cast.explain(row)}")
            bad = cast.bad if bad is None else pc.or_(bad, cast.bad)
    result = pa.RecordBatch.from_arrays(arrays, schema=schema)
    if bad is not None:
        import pyarrow.compute as pc

        result = result.filter(pc.invert(bad))
    return result


def _reject_misfits(batch: pa.RecordBatch, task: Task) -> pa.RecordBatch:
    """The batch without its last column, which says why a row does not fit, and without those rows."""
    reasons = batch.column(REASON)
    values = batch.drop_columns([REASON])
    keep = None
    if reasons.null_count < len(reasons):
        import pyarrow.compute as pc

        for row in pc.indices_nonzero(pc.is_valid(reasons)).to_pylist():
            told = reasons[row].as_buffer().to_pybytes().decode(errors="replace")
            task.reject(_shown(values.slice(row, 1)), 0, told)
        keep = pc.is_null(reasons)
    values = values.filter(keep) if keep is not None else values
    try:
        values.validate(full=True)
    except pa.ArrowInvalid:
        return _reject_broken_texts(values, task)
    return values


def _reject_broken_texts(batch: pa.RecordBatch, task: Task) -> pa.RecordBatch:
    """The batch without the rows that hold text which is not UTF-8."""
    texts = [
        name for name, field in zip(batch.schema.names, batch.schema, strict=True) if pa.types.is_string(field.type)
    ]
    keep = [True] * batch.num_rows
    for row in range(batch.num_rows):
        for name in texts:
            value = batch.column(name)[row].as_buffer()
            try:
                _ = value and value.to_pybytes().decode()
            except UnicodeDecodeError as error:
                keep[row] = False
                task.reject(_shown(batch.slice(row, 1)), 0, f"column {name!r} holds text that is not UTF-8: {error}")
                break
    return batch.filter(pa.array(keep, pa.bool_()))


def _shown(row: pa.RecordBatch) -> pa.RecordBatch:
    """A row whose texts can be shown: broken ones with U+FFFD in place of what cannot be read."""
    arrays = []
    for column in row.columns:
        buffer = column[0].as_buffer() if pa.types.is_string(column.type) else None
        arrays.append(pa.array([buffer.to_pybytes().decode(errors="replace")], pa.string()) if buffer else column)
    return pa.RecordBatch.from_arrays(arrays, names=row.schema.names)
