"""The reader of every store that speaks MySQL's wire. The plugins declare names, parameters and what differs."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager, suppress
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

import pyarrow as pa

from starhaul import (
    Block,
    Capability,
    ConfigError,
    Split,
    StarhaulError,
    Task,
    TransientError,
)
from starhaul_stores.csv_lines import CSV_LINES, DELIMITER_OF
from starhaul_stores.mysql.batches import ResultColumn, is_date, loaded_batch
from starhaul_stores.mysql.catalog import partitions_of
from starhaul_stores.mysql.connection import Connection, connect
from starhaul_stores.mysql.discovery import FindingReader
from starhaul_stores.mysql.facts import with_facts
from starhaul_stores.mysql.line_loading import ROWS
from starhaul_stores.mysql.params import MysqlWireReaderParams
from starhaul_stores.mysql.selection import Selection, table_of
from starhaul_stores.mysql.slices import Bound, condition, cuttable_by, partition_slices, relation_of, slices
from starhaul_stores.mysql.snapshots import Moment, one_moment
from starhaul_stores.mysql.target import TRANSACTIONAL
from starhaul_stores.mysql.zones import zone_facts
from starhaul_stores.relational.lines import LINES
from starhaul_stores.relational.read_params import Source, offered_by_all
from starhaul_stores.relational.slices import AT_A_LATER_MOMENT, AT_A_MOMENT_OF_ITS_OWN, look_at_many_rows

if TYPE_CHECKING:
    from starhaul_stores.mysql.rows import Values

_BLOCK = 2 << 20
_BEHIND_OTHERS = "SET SESSION lock_wait_timeout = 60"
"""For a new connection while others hold a moment: who waits to alter a table waits for them, and it for who waits."""

P = TypeVar("P", bound=MysqlWireReaderParams)
R = TypeVar("R", pa.RecordBatch, Block)


class MysqlWireReader(FindingReader[P]):
    """Reads tables, views and queries exactly as the server holds them. A base: it has no name."""

    capabilities: ClassVar[frozenset[Capability]] = frozenset({Capability.SPLIT})
    _moments: Mapping[int, Moment | None] = {}
    """The connections to each place (`Source.place`) that see one moment, while the reader is held."""

    def __init__(self, params: P) -> None:
        super().__init__(params)
        self._cuts: Mapping[Source, dict[int, Sequence[Bound]]] = defaultdict(dict)
        """Where each source was cut, for when it is cut again (see `slices`)."""

    def check(self) -> None:
        for source in self._sources():
            with self._open(source) as db:
                self._selection(db, source)

    def schema(self) -> pa.Schema:
        schemas = []
        for source in self._sources():
            with self._open(source) as db:
                schemas.append(self.described(db, source))
            if schemas[-1].types != schemas[0].types:
                raise ConfigError("table", f"{source.name} has not the columns of {self._sources()[0].name}")
        return schemas[0]

    def hold(self, channels: int) -> AbstractContextManager[MysqlWireReader[P]]:
        return self._held(channels)

    @contextmanager
    def _held(self, channels: int) -> Iterator[MysqlWireReader[P]]:
        held = type(self)(self.params)
        held._cuts = self._cuts
        sources = self._sources()
        with ExitStack() as stack:
            held._moments = {
                place: stack.enter_context(
                    self._one_moment([each for each in sources if each.place == place], channels)
                )
                for place in {source.place for source in sources}
            }
            yield held

    def _one_moment(self, sources: Sequence[Source], channels: int) -> AbstractContextManager[Moment | None]:
        where = condition({}, self.params.condition)
        with self._open(sources[0]) as db:
            tables = [table_of(db, source).sql for source in sources if source.table is not None]
            runs_subqueries = db.product == "MySQL" and db.version.startswith("5.5.")
        touches = [f"SELECT 1 FROM {table}{where} LIMIT 0" for table in dict.fromkeys(tables)]
        if not runs_subqueries:
            touches += [f"SELECT 1 FROM ({each.query}\n) AS q LIMIT 0" for each in sources if each.query is not None]
        locked = tables if len(tables) == len(sources) else []
        return one_moment(lambda: self._open(sources[0]), channels, locked, touches)

    @contextmanager
    def _at_its_moment(self, source: Source) -> Iterator[tuple[Connection, str]]:
        """A connection, and what to note where it does not see the moment that the others see."""
        moment = self._moments.get(source.place)
        if moment is None or moment.at:
            with self._open(source) as db:
                yield db, AT_A_MOMENT_OF_ITS_OWN if self._moments and moment is None else ""
        else:
            with moment.take() as held:
                if held is not None:
                    yield held, ""
                    return
            with self._open(source) as db:
                yield db, AT_A_LATER_MOMENT

    def _moment_of(self, source: Source) -> str:
        """The moment to read a table at, as SQL after its name, with a blank before it; empty is now."""
        moment = self._moments.get(source.place)
        return moment.at if moment is not None else ""

    def split(self, target: int) -> Sequence[Split]:
        sources = self._sources()
        splits: list[Split] = []
        for number, source in enumerate(sources):
            prefix = source.name if len(sources) == 1 else f"{source.name}#{number}"
            parts: list[dict[str, Any]] = [{}]
            if source.table is not None and not look_at_many_rows(self.params.column):
                with self._at_its_moment(source) as (db, _):
                    parts = self._slices(db, source, target, len(sources))
            for part in parts:
                rows = part.pop("rows", None)
                splits.append(Split(f"{prefix}@{len(splits)}", {"source": number, "part": part}, rows))
        return splits

    def read(self, split: Split, task: Task) -> Iterator[pa.RecordBatch]:
        def batches(
            block: Sequence[Values], columns: Sequence[ResultColumn], schema: pa.Schema
        ) -> Iterator[pa.RecordBatch]:
            batch = loaded_batch(block, columns, schema, task, zero_as_null=self.params.zero_date == "null")
            most = self.params.fetch_size or max(batch.num_rows, 1)
            for start in range(0, batch.num_rows, most):
                yield batch.slice(start, most)

        yield from self._read(split, task, batches)

    def encodings(self) -> Sequence[str]:
        found: list[Sequence[str]] = []
        for source in self._sources():
            with self._open(source) as db:
                found.append(self._encodings_of(self._selection(db, source).columns))
        return offered_by_all(found)

    def _encodings_of(self, columns: Sequence[ResultColumn]) -> Sequence[str]:
        from starhaul_stores.mysql import own_rows, spelled
        from starhaul_stores.mysql.lines import has_lines

        kinds = [column.type for column in columns]
        if self.params.zero_date == "null" and any(map(is_date, kinds)):
            return ()
        lines, spells, rows = all(map(has_lines, kinds)), spelled.can_spell(columns), own_rows.has_rows(kinds)
        return (*[LINES] * lines, *CSV_LINES * spells, *[ROWS] * rows)

    def read_encoded(self, split: Split, task: Task, encoding: str) -> Iterator[Block]:
        from starhaul_stores.mysql import own_rows, spelled
        from starhaul_stores.mysql.lines import as_lines, decoded

        def lines(block: Sequence[Values], columns: Sequence[ResultColumn], schema: pa.Schema) -> Iterator[Block]:
            if encoding in DELIMITER_OF:
                yield from spelled.blocks(block, columns, schema, DELIMITER_OF[encoding], task)
                return
            kinds = [column.type for column in columns]
            if encoding == ROWS:
                own = memoryview(own_rows.as_own_rows(block, kinds))
                yield Block(own, len(block[0].offsets), schema, lambda data: own_rows.decoded(data, schema, kinds))
                return
            data, rows = memoryview(as_lines(block)), len(block[0].offsets)
            yield Block(data, rows, schema, lambda data: decoded(data, schema, kinds))

        yield from self._read(split, task, lines, encoding)

    def _read(
        self,
        split: Split,
        task: Task,
        made: Callable[[list[Values], list[ResultColumn], pa.Schema], Iterator[R]],
        encoding: str | None = None,
    ) -> Iterator[R]:
        """The blocks of a slice, as `made` makes them; in `encoding`, which the columns must allow still."""
        source = self._sources()[split.args["source"]]
        with self._at_its_moment(source) as (db, apart):
            if apart:
                task.note(apart)
            selection = self._selection(db, source)
            columns, schema = selection.columns, selection.schema
            if encoding is not None and encoding not in self._encodings_of(columns):
                raise source.changed()
            with db.stream(selection.select(split.args["part"], self._moment_of(source)), _BLOCK) as blocks:
                try:
                    for block in blocks:
                        yield from made(block, columns, schema)
                except GeneratorExit:
                    if self._moments and not task.cancelled:  # another attempt will want to see the same moment
                        with suppress(StarhaulError):
                            for _ in blocks:
                                pass
                    raise

    def _slices(self, db: Connection, source: Source, target: int, sources: int) -> list[dict[str, Any]]:
        params, table = self.params, table_of(db, source)
        columns = cuttable_by(db, table, params.split_pk)
        if params.read_by_partition or (target > 1 and params.split_pk != "" and not columns):
            partitions = params.partition_name or partitions_of(db, table)
            if partitions:
                return partition_slices(partitions)
        relation = relation_of(table, params.partition_name, self._moment_of(source))
        wanted, known = (target, params.split_factor, sources), self._cuts[source]
        return slices(db, table, relation, params.condition, columns, *wanted, known)

    def describe(self) -> Sequence[str]:
        way = "Reads the server's text protocol, one SELECT for each slice."
        return (way, self._guarantee(), *zone_facts(self.params), *self.params.idle)

    def _guarantee(self) -> str:
        if not self._moments:
            return "Reads in one slice, which is one consistent read of InnoDB."
        if not all(self._moments.values()):
            return (
                "Each slice is one consistent read of InnoDB; those of a table that is written meanwhile are of "
                "several moments: the user may not LOCK TABLES, or no lock was to be had "
                '(`"splitPk": ""` reads a table in one slice).'
            )
        with self._open(self._sources()[0]) as db:
            tables = [table_of(db, source) for source in self._sources() if source.table is not None]
        unsafe = [
            each.name for each in tables if each.kind == "BASE TABLE" and each.engine.lower() not in TRANSACTIONAL
        ]
        if unsafe:
            return f"The engine of {', '.join(unsafe)} has no snapshots: what is written meanwhile may be read or not."
        if all(moment is not None and moment.at for moment in self._moments.values()):
            return "All slices are of one moment, whatever is written meanwhile (AS OF SNAPSHOT)."
        if len(self._moments) > 1:
            return f"All slices of a connection are of one moment; the {len(self._moments)} connections have their own."
        return "All slices are of one moment, whatever is written meanwhile: their connections began it together."

    def _sources(self) -> list[Source]:
        return self.params.sources()

    def _open(self, source: Source) -> Any:
        params = self.params
        addresses = params.addresses(params.places[source.place])
        session = self._session()
        if any(moment is not None and not moment.at for moment in self._moments.values()):
            session = (_BEHIND_OTHERS, *session)
        return connect(addresses, session, params.connect_timeout, self._require_health)

    def _session(self) -> Sequence[str]:
        """The statements to run first on every connection."""
        return self.params.session

    def _require_health(self, db: Connection) -> None:
        for query in self.params.pre_sql:
            if [[str(value) for value in row] for row in db.execute(query)] != [["0"]]:
                raise TransientError(db.where, f"preSql {query!r} does not give a single 0")
        if self.params.check_slave:
            for row in db.execute("SHOW SLAVE STATUS"):
                if "No" in row:
                    raise TransientError(db.where, "is a replica that does not replicate", "see SHOW SLAVE STATUS")

    def _selection(self, db: Connection, source: Source) -> Selection:
        return Selection(db, source, self.params)

    def described(self, db: Connection, source: Source) -> pa.Schema:
        selection = self._selection(db, source)
        if selection.table is None or len(self._sources()) > 1:
            return selection.schema
        return with_facts(db, selection.table, [(column.field, column.own) for column in selection.columns])
