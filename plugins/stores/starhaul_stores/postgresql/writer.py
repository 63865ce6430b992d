"""The writer of every store that speaks PostgreSQL's wire. The plugins declare names, parameters and what differs."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import AbstractContextManager, suppress
from typing import ClassVar, Literal, Self, TypeVar

import pyarrow as pa
from pydantic import Field

from starhaul import (
    Address,
    Block,
    Capability,
    ConfigError,
    Creation,
    PermanentError,
    Receipt,
    StarhaulError,
    Task,
    Writer,
    WriteRequest,
)
from starhaul_stores.postgresql import csv_rows, tuples
from starhaul_stores.postgresql.catalog import Table, find_name, find_table, folded, no_such_table, to_create
from starhaul_stores.postgresql.connection import Connection, connect_first, quoted
from starhaul_stores.postgresql.creation import TableCreation, creation
from starhaul_stores.postgresql.dependants import what_a_swap_would_lose
from starhaul_stores.postgresql.ledger import Ledger
from starhaul_stores.postgresql.lines import LineLoading, takes_lines
from starhaul_stores.postgresql.loading import BatchLoading, BlockLoading, Loading, Merge, R, TextLoading, merge_into
from starhaul_stores.postgresql.referrers import require_replaceable
from starhaul_stores.postgresql.staging import Staging
from starhaul_stores.postgresql.target import (
    conflict_target,
    deferred_constraints,
    fields_for,
    fields_to_create,
    names_to_create,
    require_as_planned,
    require_privileges,
    require_readable_money,
    require_same_types,
)
from starhaul_stores.relational.addresses import address_of, to_write
from starhaul_stores.relational.lines import LINES
from starhaul_stores.relational.refusal import Refused
from starhaul_stores.relational.target import names_in_table, require_written, target_columns
from starhaul_stores.relational.write_params import RelationalWriterParams, statements_for

_OUTSIDE = ("VACUUM", "CREATE DATABASE", "DROP DATABASE", "ALTER SYSTEM", "CALL")
_PRIVILEGES = {
    "update": ("INSERT", "UPDATE", "SELECT"),
    "replace": ("INSERT", "UPDATE", "SELECT"),
    "ignore": ("INSERT", "SELECT"),
}


class PostgresqlWireWriterParams(RelationalWriterParams):
    """Parameters of all writers of PostgreSQL's wire."""

    batch_byte_size: int = Field(default=4 << 20, ge=1)
    """Most bytes to send at once. They are held in memory until the database has taken them."""

    build_keys: Literal["afterLoad", "beforeLoad"] = "afterLoad"
    """For `overwrite`: `afterLoad` builds keys and indexes when all rows are there, which is quicker; a row that
    breaks a unique key then fails the run, and the table stays as it was. `beforeLoad` has such rows rejected."""


P = TypeVar("P", bound=PostgresqlWireWriterParams)


class PostgresqlWireWriter(Writer[P]):
    """Writes a table with COPY, each task in one transaction with a row of the ledger. A base: it has no name."""

    capabilities: ClassVar[frozenset[Capability]] = frozenset(
        {Capability.EXACTLY_ONCE, Capability.IDEMPOTENT, Capability.ATOMIC}
    )

    def promises(self) -> frozenset[Capability]:
        mode = self.params.write_mode
        also = {Capability.ATOMIC} if mode == "overwrite" else set()
        if mode in ("replace", "update"):
            also = {Capability.IDEMPOTENT}
        return frozenset({Capability.EXACTLY_ONCE, *also})

    def accept(self, source: pa.Schema) -> pa.Schema | None:
        with self._open() as db:
            return self._accepted(db, source)

    def check(self, schema: pa.Schema) -> None:
        with self._open() as db:
            if db.value("SELECT pg_is_in_recovery()"):
                raise ConfigError("url", f"{db.where} is a standby, which is read only", "name the primary")
            table = find_table(db, self.params.target)
            if table is None:
                if self.params.create_table == "ifMissing":
                    self._creation(db, schema)
                elif not self.params.pre_sql:
                    raise no_such_table(db, self.params.target)
                return
            if table.is_temporary:
                hint = "each connection of a run would have its own, which ends with it"
                raise ConfigError("table", f"{table.name!r} is a temporary table", hint)
            columns = target_columns(table, self.params.column)
            require_privileges(db, table, _PRIVILEGES.get(self.params.write_mode, ("INSERT",)))
            require_readable_money(db, columns)
            self._merge(db, table, schema)
            if self.params.write_mode == "overwrite":
                if table.kind not in ("r", "p"):
                    raise ConfigError("table", f"{table.name!r} is no table", "overwrite needs one")
                if not self.params.pre_sql:  # which may drop what is in the way
                    require_replaceable(db, table)

    def prepare(self, schema: pa.Schema, run: str) -> None:
        with self._open() as db:
            before = self._statements(db, self.params.pre_sql)
            inside = [each for each in before if not _outside(each)]
            for statement in before:
                if _outside(statement):
                    db.execute(statement)
            with db.transaction():
                ledger = Ledger(db, self.params.ledger_table)
                if ledger.is_open(run):  # the process died after this transaction, and before it could say so
                    return
                for statement in inside:
                    db.execute(statement)
                table = find_table(db, self.params.target)
                if table is None and self.params.create_table == "never":
                    raise no_such_table(db, self.params.target, "preSql did not create it")
                if table is None:
                    made = self._creation(db, schema)
                    for statement in made.now:
                        db.execute(statement)
                    table = self._table(db)
                    ledger.remember(run, table.sql, [[statement] for statement in made.later])
                note = ""
                if self.params.write_mode == "overwrite":
                    require_replaceable(db, table)
                    staging = Staging(table, run)
                    staging.drop_stale(db, ledger)
                    staging.create(db, with_keys=self.params.build_keys == "beforeLoad")
                    note = staging.name
                ledger.open_run(run, note)

    def write(self, task: Task, batches: Iterable[pa.RecordBatch]) -> Receipt:
        return self._written(task, BatchLoading, batches)

    def encodings(self, source: pa.Schema) -> Sequence[str]:
        with self._open() as db:
            target = self._accepted(db, source) if db.has_integer_datetimes else None
        if target is None:
            return ()
        taken = [each.ENCODING for each in (tuples, csv_rows) if each.passes(source, target)]
        return [*taken, *((LINES,) if takes_lines(source, target) else ())]

    def write_encoded(self, task: Task, encoding: str, blocks: Iterable[Block]) -> Receipt:
        if encoding == LINES:
            return self._written(task, LineLoading, blocks)
        return self._written(task, BlockLoading if encoding == tuples.ENCODING else TextLoading, blocks)

    def _written(self, task: Task, loading_of: type[Loading[R]], pieces: Iterable[R]) -> Receipt:
        incoming = iter(pieces)
        first = next(incoming, None)  # before anything is locked: the source may take its time
        with self._open() as db, db.transaction():
            ledger = Ledger(db, self.params.ledger_table)
            ledger.fence(task)
            loading = self._loading(db, task, loading_of)
            loading.load(first, incoming)
            receipt = Receipt(task.id, loading.written, loading.skipped, task.attempt)
            ledger.record(receipt, task.run)
        return receipt

    def delivered(self, task: Task) -> Receipt | None:
        with self._open() as db:
            return Ledger(db, self.params.ledger_table).receipt(task)

    def commit(self, run: str, receipts: Sequence[Receipt]) -> None:
        with self._open() as db:
            after = self._statements(db, self.params.post_sql)
            with db.transaction():
                ledger = Ledger(db, self.params.ledger_table)
                if ledger.is_to_commit(run, receipts):
                    if self.params.write_mode == "overwrite":
                        Staging(self._table(db), run).publish(db)
                    self._finish(db, ledger, run)
                    for statement in after:
                        if not _outside(statement):
                            db.execute(statement)
                    ledger.commit_run(run)
            for statement in after:
                if _outside(statement):
                    db.execute(statement)

    def forget(self, run: str) -> None:
        with self._open() as db, db.transaction():
            Ledger(db, self.params.ledger_table).close_run(run)

    def abort(self, run: str, receipts: Sequence[Receipt]) -> None:
        if self.params.write_mode != "overwrite":
            # What went through stays, and so does the ledger: the run can be resumed. A table that was created is made
            # complete for whoever writes to it next.
            if self.params.create_table != "never":
                with suppress(StarhaulError), self._open() as db, db.transaction():
                    self._finish(db, Ledger(db, self.params.ledger_table), run)
            return
        with self._open() as db, db.transaction():
            table = find_table(db, self.params.target)
            if table is not None:
                Staging(table, run).drop(db)
            Ledger(db, self.params.ledger_table).close_run(run)

    def count(self, *, published: bool) -> int | None:
        if self.params.write_mode in ("replace", "update"):
            return None
        if self.params.write_mode == "overwrite" and not published:
            return 0
        with self._open() as db:
            return int(db.value(f"SELECT count(*) FROM {self._table(db).sql}"))

    def appending(self) -> Self:
        mode = "insert" if self.params.write_mode == "overwrite" else self.params.write_mode
        return type(self)(self.params.model_copy(update={"pre_sql": (), "post_sql": (), "write_mode": mode}))

    def describe(self) -> Sequence[str]:
        ledger = f"a ledger row in {self.params.ledger_table}"
        facts = [f"Writes with COPY, in binary where all columns allow it; each task is one transaction with {ledger}."]
        if self.params.write_mode in ("ignore", "replace", "update"):
            facts.append("The rows pass through a temporary table, and from there by INSERT … ON CONFLICT.")
        if self.params.write_mode == "overwrite":
            with self._open() as db:
                table = find_table(db, self.params.target)
                kept = what_a_swap_would_lose(db, table) if table is not None else ""
            way = f"its rows are copied over, as the table has {kept}" if kept else "it takes the table's place"
            facts.append(
                f"The rows go to a staging table in the same schema; in the transaction that ends the run {way}."
            )
        return facts

    def creation(self, schema: pa.Schema) -> Creation | None:
        with self._open() as db:
            if self.params.create_table == "never" or find_table(db, self.params.target) is not None:
                return None
            return self._creation(db, schema).told

    @classmethod
    def from_url(cls, url: str) -> Address:
        return address_of(url, '"', folded)

    @classmethod
    def complete(cls, address: Address, request: WriteRequest) -> Address:
        return to_write(address, request, quoted)

    def _open(self) -> AbstractContextManager[Connection]:
        params = self.params
        return connect_first(params.target_addresses, params.session, params.connect_timeout, utc=True)

    def _accepted(self, db: Connection, source: pa.Schema) -> pa.Schema | None:
        table = find_table(db, self.params.target)
        if table is not None:
            columns = target_columns(table, self.params.column, source.names)
            return self.params.accepted(fields_for(columns, source))
        if self.params.create_table == "ifMissing":
            return self.params.accepted(fields_to_create(names_to_create(self.params.column, source), source))
        if any(statement.lstrip().upper().startswith("CREATE") for statement in self.params.pre_sql):
            return None
        raise no_such_table(db, self.params.target, "set createTable to ifMissing, or create it in preSql")

    def _table(self, db: Connection) -> Table:
        table = find_table(db, self.params.target)
        if table is None:
            raise no_such_table(db, self.params.target, "it was there when the run began")
        return table

    def _statements(self, db: Connection, scripts: Sequence[str]) -> list[str]:
        return statements_for(scripts, self._target_sql(db)) if scripts else []

    def _target_sql(self, db: Connection) -> str:
        return find_name(db, self.params.target) or to_create(db, self.params.target)

    def _creation(self, db: Connection, schema: pa.Schema) -> TableCreation:
        names, keys = names_to_create(self.params.column, schema), self.params.keys
        at_once = self.params.write_mode != "insert"
        return creation(db, to_create(db, self.params.target), names, schema, keys, at_once=at_once)

    def _finish(self, db: Connection, ledger: Ledger, run: str) -> None:
        """Make the indexes that waited for the rows, in the caller's transaction."""
        table = find_table(db, self.params.target) if ledger.is_waiting() else None
        if table is None:
            return
        for (statement,) in ledger.remembered(run, table.sql):
            try:
                db.execute(statement)
            except Refused as refused:
                hint = "mend the rows in the target, then resume the run"
                raise PermanentError(db.where, f"{refused.problem}: {statement}", hint) from refused
        ledger.forget(table.sql)

    def _merge(self, db: Connection, table: Table, schema: pa.Schema) -> Merge | None:
        """How rows get from a temporary table into the target; None where COPY writes there itself."""
        mode = self.params.write_mode
        if mode in ("insert", "overwrite"):
            return None
        keys = conflict_target(db, table, self.params.keys) if mode != "ignore" else ()
        columns = target_columns(table, schema.names)
        names = [column.name for column in columns]
        chosen = names_in_table(table, self.params.update_columns, "updateColumns")
        require_written([*keys, *chosen], names, mode)
        return merge_into(table, columns, mode, keys, chosen or [name for name in names if name not in keys])

    def _loading(self, db: Connection, task: Task, loading_of: type[Loading[R]]) -> Loading[R]:
        params = self.params
        table = self._table(db)
        columns = target_columns(table, task.schema.names)
        require_as_planned(columns, task.schema)
        if issubclass(loading_of, BlockLoading):
            require_same_types(columns, task.schema)
        target = Staging(table, task.run).sql if params.write_mode == "overwrite" else table.sql
        merge = self._merge(db, table, task.schema)
        if deferred := deferred_constraints(db, target):  # a row that breaks one is found with its chunk
            db.execute(f"SET CONSTRAINTS {', '.join(deferred)} IMMEDIATE")
        return loading_of(db, task, target, columns, merge, params.rows_at_once, params.batch_byte_size)


def _outside(statement: str) -> bool:
    """Whether a statement must run outside of a transaction."""
    words = statement.lstrip().upper()
    return words.startswith(_OUTSIDE) or " CONCURRENTLY " in words
