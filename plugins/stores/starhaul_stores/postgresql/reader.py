"""The reader of every store that speaks PostgreSQL's wire. The plugins declare names, parameters and what differs."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from typing import ClassVar, TypeVar

import pyarrow as pa

from starhaul import (
    Address,
    Block,
    Capability,
    ConfigError,
    Found,
    PermanentError,
    Reader,
    ReadRequest,
    Split,
    Task,
    native_type,
)
from starhaul_stores.csv_lines import CSV_LINES, DELIMITER_OF
from starhaul_stores.postgresql import csv_rows, spelled, tuples
from starhaul_stores.postgresql.catalog import Table, find_table, folded, no_such_table
from starhaul_stores.postgresql.connection import Connection, Rows, connect_first, quoted
from starhaul_stores.postgresql.copy_text import batches
from starhaul_stores.postgresql.discovery import tables
from starhaul_stores.postgresql.facts import with_facts
from starhaul_stores.postgresql.lines import has_lines, is_unicode, line_blocks
from starhaul_stores.postgresql.selection import Selection, selection_of_query, selection_of_table
from starhaul_stores.postgresql.slices import BLOCKS, Cuts, condition, slices
from starhaul_stores.postgresql.snapshots import CHANGED, Snapshot, exported, guarantee, reading
from starhaul_stores.relational.addresses import address_of, to_read
from starhaul_stores.relational.lines import LINES
from starhaul_stores.relational.read_params import RelationalReaderParams, Source, offered_by_all
from starhaul_stores.relational.slices import AT_A_LATER_MOMENT, AT_A_MOMENT_OF_ITS_OWN, look_at_many_rows

_FORMS = {
    tuples.ENCODING: ("binary", tuples.blocks),
    csv_rows.ENCODING: ("csv", csv_rows.blocks),
    LINES: ("text", line_blocks),
}
"""The format of the COPY for each encoding, and what makes blocks of its rows."""


class PostgresqlWireReaderParams(RelationalReaderParams):
    """Parameters of all readers of PostgreSQL's wire."""


P = TypeVar("P", bound=PostgresqlWireReaderParams)


class PostgresqlWireReader(Reader[P]):
    """Reads tables, views and queries with COPY, exactly. A base: it has no name.

    A table is cut by its primary key or `splitPk`, at quantiles that the server finds and compares; a table without a
    key by its blocks, if the server exports snapshots.
    """

    capabilities: ClassVar[frozenset[Capability]] = frozenset({Capability.SPLIT})
    _snapshots: Mapping[int, Snapshot | None] = {}
    """The snapshot of each place (`Source.place`), while the reader is held."""

    def __init__(self, params: P) -> None:
        super().__init__(params)
        self._cuts: Mapping[Source, dict[int, Cuts]] = defaultdict(dict)
        """Where each source was cut, for when it is cut again (see `slices`)."""

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
                schema = self._described(db, source)
            first = first or schema
            if schema.types != first.types:
                raise ConfigError("table", f"{source.name} has not the columns of {sources[0].name}")
        if first is None:
            raise ConfigError("table", "names no table")
        return first

    def hold(self, channels: int) -> AbstractContextManager[PostgresqlWireReader[P]]:
        return self._held()

    @contextmanager
    def _held(self) -> Iterator[PostgresqlWireReader[P]]:
        held, sources = type(self)(self.params), self.params.sources()
        held._cuts = self._cuts
        with ExitStack() as stack:
            held._snapshots = {
                place: stack.enter_context(self._exported([each for each in sources if each.place == place]))
                for place in dict.fromkeys(source.place for source in sources)
            }
            yield held

    @contextmanager
    def _exported(self, sources: Sequence[Source]) -> Iterator[Snapshot | None]:
        """A snapshot for sources of one place."""
        with self._open(sources[0]) as db:
            selects = [self._selection(db, source).select + self._condition(source, {}) for source in sources]
            with exported(db, selects) as snapshot:
                yield snapshot

    def split(self, target: int) -> Sequence[Split]:
        sources = self.params.sources()
        splits: list[Split] = []
        for number, source in enumerate(sources):
            prefix = source.name if len(sources) == 1 else f"{source.name}#{number}"
            parts: list[dict[str, object]] = [{}]
            if source.table is not None and not look_at_many_rows(self.params.column):
                snapshot = self._snapshots.get(source.place)
                with self._open(source) as db, reading(db, snapshot) as of_snapshot:
                    params = self.params
                    table = self._table(db, source)
                    key = params.split_pk
                    if key is None and not table.key and snapshot is not None and of_snapshot:
                        key = BLOCKS
                    wanted = target, params.split_factor, len(sources)
                    parts = slices(db, table, params.condition, key, *wanted, self._cuts[source])
                    if key != params.split_pk and len(parts) > 1 and snapshot is not None:
                        parts = [{**part, "snapshot": snapshot.name} for part in parts]
            for part in parts:
                rows = part.pop("rows", None)
                about = rows if isinstance(rows, int) else None
                splits.append(Split(f"{prefix}@{len(splits)}", {"source": number, "part": part}, about))
        return splits

    def read(self, split: Split, task: Task) -> Iterator[pa.RecordBatch]:
        def reject(row: pa.RecordBatch, reason: str) -> None:
            task.reject(row, 0, reason)

        with self._rows(split, task, "csv") as (rows, schema):
            yield from batches(rows, schema, self.params.fetch_size, reject)

    def encodings(self) -> Sequence[str]:
        types, found = set(), list[Sequence[str]]()
        for source in self.params.sources():
            with self._open(source) as db:
                schema = self._selection(db, source).schema
                types.add(tuple(map(native_type, schema)))
                found.append(self._encodings_of(schema, db.has_integer_datetimes, is_unicode(db)))
        if len(types) != 1:  # the writer sees the types of the first
            return ()
        return offered_by_all(found)

    def _encodings_of(self, schema: pa.Schema, has_integers: bool = True, unicode: bool = True) -> Sequence[str]:
        binary = has_integers and tuples.same_everywhere(schema)
        lines, spells = unicode and has_lines(schema), unicode and spelled.can_spell(schema)
        return (*[tuples.ENCODING] * binary, csv_rows.ENCODING, *[LINES] * lines, *CSV_LINES * spells)

    def read_encoded(self, split: Split, task: Task, encoding: str) -> Iterator[Block]:
        delimiter = DELIMITER_OF.get(encoding)
        form, blocks = _FORMS.get(encoding, ("csv", None))
        with self._rows(split, task, form, delimiter) as (rows, schema):
            if encoding not in self._encodings_of(schema):
                raise self.params.sources()[split.args["source"]].changed()
            if blocks is not None:
                yield from blocks(rows, schema)
            else:
                yield from spelled.blocks(rows, schema, delimiter or "", task.reject)

    @contextmanager
    def _rows(
        self, split: Split, task: Task, form: str, delimiter: str | None = None
    ) -> Iterator[tuple[Iterator[Rows], pa.Schema]]:
        """The rows of a split as COPY sends them in a format, or spelled, and the schema that they are of."""
        source = self.params.sources()[split.args["source"]]
        part, snapshot = split.args["part"], self._snapshots.get(source.place)
        with self._open(source) as db, reading(db, snapshot) as of_snapshot:
            if "snapshot" in part and (snapshot is None or not of_snapshot or part["snapshot"] != snapshot.name):
                hint = "run the job anew, or give the table a key (`splitPk`) to be read by"
                raise PermanentError(db.where, f"the snapshot that {split.id} was cut by is gone", hint)
            if not of_snapshot:
                task.note(AT_A_LATER_MOMENT)
            elif snapshot is None and self._snapshots:
                task.note(AT_A_MOMENT_OF_ITS_OWN)
            if form == "binary" and not db.has_integer_datetimes:
                raise PermanentError(db.where, "this server counts times in floating point", "read it as text")
            selection = self._as_held(db, source, snapshot if of_snapshot else None)
            schema = self.schema() if len(self.params.sources()) > 1 else selection.schema
            with db.copy_out(selection.copy(self._condition(source, part), form, delimiter)) as rows:
                yield rows, schema

    def describe(self) -> Sequence[str]:
        facts = ["Reads with COPY.", guarantee(self._snapshots.values())]
        if self.params.split_pk == BLOCKS and not self._snapshots:
            facts.append("Cuts by blocks: a row that is updated meanwhile may be read twice, or not at all.")
        return [*facts, *self.params.idle, *self._hidden()]

    def _hidden(self) -> Iterator[str]:
        """A sentence for each table of which this user may not see all rows."""
        for source in self.params.sources():
            if source.table is None:
                continue
            with self._open(source) as db:
                table = self._table(db, source)
                if db.version >= 90500 and db.value(f"SELECT row_security_active({table.oid})"):
                    yield f"Row security of {table.sql} holds for the user: rows that its policies hide are not read."

    @classmethod
    def from_url(cls, url: str) -> Address:
        return address_of(url, '"', folded)

    @classmethod
    def complete(cls, address: Address, request: ReadRequest) -> Address:
        return to_read(address, request, quoted)

    @classmethod
    def discover(cls, address: Address, *, details: bool = True) -> Iterator[Found]:
        params = cls.params_type.parse(cls.complete(address.called("_"), ReadRequest()).parameters)
        assert isinstance(params, PostgresqlWireReaderParams)  # noqa: S101 - what `params_type` is
        with connect_first(params.addresses(params.places[0]), params.session, params.connect_timeout, utc=False) as db:
            for name, kind, rows in tables(db, address):
                schema = cls._schema_on(db, address.called(*name)) if details else None
                yield Found(name, kind, rows, schema)

    @classmethod
    def _schema_on(cls, db: Connection, address: Address) -> pa.Schema:
        """The schema of one table, over a connection that is there already."""
        reader = cls(cls.params_type.parse(cls.complete(address, ReadRequest()).parameters))  # type: ignore[arg-type]
        return reader._described(db, reader.params.sources()[0])

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

    def _as_held(self, db: Connection, source: Source, snapshot: Snapshot | None) -> Selection:
        """`_selection`, in a transaction that reads a snapshot, if there is one: of the very tables that it is of."""
        if snapshot is None:
            return self._selection(db, source)
        try:
            selection = self._selection(db, source)
        except ConfigError as error:  # a table that was not there yet is none to the snapshot
            raise PermanentError(db.where, f"{source.name} {CHANGED}: {error.problem}", "run the job anew") from error
        select = selection.select + self._condition(source, {})
        if select not in snapshot.files:
            raise source.changed()
        snapshot.require_unchanged(db, select)
        return selection

    def _described(self, db: Connection, source: Source) -> pa.Schema:
        """The schema of a source with what the server knows of its table, unless there are several tables."""
        selection = self._selection(db, source)
        if source.table is None or len(self.params.sources()) > 1:
            return selection.schema
        table = self._table(db, source)
        origins = db.described(f"{selection.select} LIMIT 0")
        return with_facts(db, table, selection.schema, [n if oid == table.oid else 0 for *_, oid, n in origins])

    def _condition(self, source: Source, part: dict[str, object]) -> str:
        return "" if source.query is not None else condition(part, self.params.condition)

    def _require_privilege(self, db: Connection, source: Source) -> None:
        if source.table is None:
            return
        table = self._table(db, source)
        if not db.value(f"SELECT has_any_column_privilege({table.oid}, 'SELECT')"):
            raise ConfigError("table", f"no privilege to read {table.sql}", f"GRANT SELECT ON {table.sql} TO the user")
