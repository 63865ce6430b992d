"""The writer of every store that speaks MySQL's wire. The plugins declare names, parameters and what differs."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from contextlib import nullcontext, suppress
from itertools import chain
from typing import Any, ClassVar, Self, TypeVar

import pyarrow as pa

from starhaul import (
    Address,
    Block,
    Capability,
    ConfigError,
    Creation,
    Receipt,
    StarhaulError,
    Task,
    Writer,
    WriteRequest,
)
from starhaul_stores.mysql.cascades import what_replace_reaches
from starhaul_stores.mysql.catalog import Table, find_table, full_name, no_such_table, to_create
from starhaul_stores.mysql.connection import Connection, connect, quoted
from starhaul_stores.mysql.creation import TableCreation, creation, finish
from starhaul_stores.mysql.insertion import Insertion, Mode, Target
from starhaul_stores.mysql.ledger import MysqlLedger
from starhaul_stores.mysql.line_loading import LineLoading, encodings_for
from starhaul_stores.mysql.params import MysqlWireWriterParams
from starhaul_stores.mysql.strictness import make_strict
from starhaul_stores.mysql.swap import check_swappable, drop_stale, note_of, stage, staging_of, swap
from starhaul_stores.mysql.target import (
    TRANSACTIONAL,
    check_keys,
    columns_to_update,
    fields_for,
    fields_to_create,
    names_to_create,
    require_as_planned,
    takes_files,
    target_columns,
    temporary,
)
from starhaul_stores.mysql.zones import zone_facts
from starhaul_stores.relational.addresses import address_of, to_write
from starhaul_stores.relational.write_params import statements_for

P = TypeVar("P", bound=MysqlWireWriterParams)
R = TypeVar("R", pa.RecordBatch, Block)


class MysqlWireWriter(Writer[P]):
    """Writes a table, each task in one transaction with a row of the ledger. A base: it has no name."""

    capabilities: ClassVar[frozenset[Capability]] = frozenset(
        {Capability.EXACTLY_ONCE, Capability.IDEMPOTENT, Capability.ATOMIC}
    )

    def promises(self) -> frozenset[Capability]:
        mode = self.params.write_mode
        also = {Capability.IDEMPOTENT} if mode in ("replace", "update") else set()
        if mode == "overwrite":
            also = {Capability.ATOMIC}
        return frozenset({Capability.EXACTLY_ONCE, *also} if self.params.exactly_once else also)

    def accept(self, source: pa.Schema) -> pa.Schema | None:
        with self._open() as db:
            table = find_table(db, self.params.target)
            if table is not None:
                columns = target_columns(table, self.params.column, source.names)
                return self.params.accepted(fields_for(columns, source))
            if self.params.create_table == "never":
                if self.params.pre_sql:
                    return None
                raise self._missing(db)
        names = names_to_create(self.params.column, source)
        return self.params.accepted(fields_to_create(names, source, self.params.keys))

    def check(self, schema: pa.Schema) -> None:
        with self._open() as db:
            table = find_table(db, self.params.target)
            if table is not None:
                self._check_table(db, table)
            elif self.params.create_table == "ifMissing":
                self._creation(db, schema)
            elif not self.params.pre_sql:
                raise self._missing(db)

    def prepare(self, schema: pa.Schema, run: str) -> None:
        with self._open() as db:
            ledger = MysqlLedger(db, self.params.ledger_table)
            with self._ledger_lock(ledger):
                if self.params.exactly_once:
                    ledger.create()
                    if ledger.is_open(run):  # the process died after this, and before it could say so
                        return
                db.run(statements_for(self.params.pre_sql, to_create(db, self.params.target)))
                table = self._made(db, schema, ledger, run)
                note = ""
                if self.params.write_mode == "overwrite":
                    check_swappable(db, table)
                    note = note_of(table.place, run)
                    drop_stale(db, ledger, table.place, run)
                    stage(db, table, run)
                if self.params.exactly_once:
                    ledger.open_run(run, note)

    def write(self, task: Task, batches: Iterable[pa.RecordBatch]) -> Receipt:
        def send(insertion: Insertion, rows: Iterable[pa.RecordBatch]) -> None:
            for batch in self._paced(insertion.db, task, rows):
                insertion.write(batch)
            insertion.flush()

        return self._written(task, batches, send)

    def encodings(self, source: pa.Schema) -> Sequence[str]:
        if not self.params.exactly_once:
            return ()
        with self._open() as db:
            table = find_table(db, self.params.target)
            if table is None:
                return ()
            files = takes_files(db)
        columns = target_columns(table, self.params.column)
        accepted = self.params.accepted(fields_for(columns, source))
        return encodings_for(source, columns, accepted, files=files)

    def write_encoded(self, task: Task, encoding: str, blocks: Iterable[Block]) -> Receipt:
        def send(insertion: Insertion, rows: Iterable[Block]) -> None:
            LineLoading(insertion, task, encoding).load(rows)

        return self._written(task, blocks, send)

    def _written(self, task: Task, pieces: Iterable[R], send: Callable[[Insertion, Iterable[R]], None]) -> Receipt:
        incoming = iter(pieces)
        first = next(incoming, None)  # before a transaction begins: the source may take its time
        with self._open() as db:
            ledger = MysqlLedger(db, self.params.ledger_table)
            insertion = self._insertion(db, task)
            with db.transaction():
                if self.params.exactly_once:
                    ledger.fence(task)
                send(insertion, chain([] if first is None else [first], incoming))
                receipt = Receipt(task.id, insertion.written, insertion.skipped, task.attempt)
                if self.params.exactly_once:
                    ledger.record(receipt, task.run)
        return receipt

    def delivered(self, task: Task) -> Receipt | None:
        if not self.params.exactly_once:
            return None
        with self._open() as db:
            return MysqlLedger(db, self.params.ledger_table).receipt(task)

    def commit(self, run: str, receipts: Sequence[Receipt]) -> None:
        with self._open() as db:
            ledger = MysqlLedger(db, self.params.ledger_table)
            with self._ledger_lock(ledger):
                if self.params.exactly_once and not ledger.is_to_commit(run, receipts):
                    return
                if self.params.write_mode == "overwrite":
                    swap(db, self._place(db), run)
                if self.params.exactly_once:
                    finish(db, ledger, run, self.params.target)
                with db.transaction():
                    db.run(statements_for(self.params.post_sql, to_create(db, self.params.target)))
                    if self.params.exactly_once:
                        ledger.commit_run(run)

    def forget(self, run: str) -> None:
        if not self.params.exactly_once:
            return
        with self._open() as db:
            ledger = MysqlLedger(db, self.params.ledger_table)
            with ledger.lock():
                ledger.close_run(run)
                ledger.tidy()

    def abort(self, run: str, receipts: Sequence[Receipt]) -> None:
        if self.params.write_mode != "overwrite":
            # What went through stays, and so does the ledger: the run can be resumed. A table that was created is made
            # complete for whoever writes to it next.
            if self.params.exactly_once and self.params.create_table != "never":
                with suppress(StarhaulError), self._open() as db:
                    ledger = MysqlLedger(db, self.params.ledger_table)
                    with ledger.lock():
                        finish(db, ledger, run, self.params.target)
            return
        with self._open() as db:
            ledger = MysqlLedger(db, self.params.ledger_table)
            with ledger.lock():
                db.execute(f"DROP TABLE IF EXISTS {staging_of(self._place(db), run)}")
                ledger.close_run(run)
                ledger.tidy()

    def count(self, *, published: bool) -> int | None:
        if self.params.write_mode in ("replace", "update"):
            return None
        if self.params.write_mode == "overwrite" and not published:
            return 0
        with self._open() as db:
            return int(db.value(f"SELECT count(*) FROM {to_create(db, self.params.target)}"))

    def appending(self) -> Self | None:
        changed: dict[str, Any] = {"pre_sql": (), "post_sql": (), "create_table": "never"}
        if self.params.write_mode == "overwrite":
            changed["write_mode"] = "insert"
        return type(self)(self.params.model_copy(update=changed))

    def describe(self) -> Sequence[str]:
        with self._open() as db:
            table = find_table(db, self.params.target)
            way = self._way(db)
            mode = None if table is None else self._mode(table)
            reached = what_replace_reaches(db, table) if table is not None and mode == "replace" else []
        facts = [f"Writes by {way}."]
        if self.params.exactly_once:
            facts.append(f"Each task is one transaction with a ledger row in {self.params.ledger_table}.")
        else:
            facts.append("There is no ledger: rows of an attempt that fails stay, and another attempt may repeat them.")
        if self.params.write_mode == "overwrite":
            facts.append("The rows go to a staging table, which takes the table's place in one RENAME TABLE.")
        if table is not None and len(table.unique_keys) > 1 and mode in ("update", "replace"):
            keys = " or ".join(f"({', '.join(key)})" for key in table.unique_keys)
            facts.append(f"A row is there already if any of its unique keys is: {keys}.")
        return [*facts, *reached, *zone_facts(self.params)]

    def _paced(self, db: Connection, task: Task, batches: Iterable[pa.RecordBatch]) -> Iterable[pa.RecordBatch]:
        """The same batches, perhaps held back while the server is out of breath."""
        del db, task
        return batches

    def _mode(self, table: Table) -> Mode:
        """How rows go into the table."""
        del table
        return self.params.write_mode

    def creation(self, schema: pa.Schema) -> Creation | None:
        with self._open() as db:
            if self.params.create_table == "never" or find_table(db, self.params.target) is not None:
                return None
            return self._creation(db, schema).told

    @classmethod
    def from_url(cls, url: str) -> Address:
        return address_of(url, '`"', str)

    @classmethod
    def complete(cls, address: Address, request: WriteRequest) -> Address:
        return to_write(address, request, quoted)

    def _open(self) -> Any:
        params = self.params
        return connect(params.target_addresses, params.session, params.connect_timeout, make_strict, loads=True)

    def _ledger_lock(self, ledger: MysqlLedger) -> Any:
        return ledger.lock() if self.params.exactly_once else nullcontext()

    def _missing(self, db: Connection) -> ConfigError:
        return no_such_table(db, self.params.target, "set createTable to ifMissing, or create it in preSql")

    def _place(self, db: Connection) -> tuple[str, str]:
        table = find_table(db, self.params.target)
        return table.place if table is not None else full_name(db, self.params.target)

    def _creation(self, db: Connection, schema: pa.Schema) -> TableCreation:
        params = self.params
        names = names_to_create(params.column, schema)
        at_once = params.write_mode != "insert" or not params.exactly_once
        return creation(to_create(db, params.target), names, schema, params.keys, at_once=at_once)

    def _made(self, db: Connection, schema: pa.Schema, ledger: MysqlLedger, run: str) -> Table:
        """The table, created if the job says so. CREATE TABLE ends a transaction, so what is to follow the load is
        remembered first: a run that dies in between makes up for it."""
        table = find_table(db, self.params.target)
        if table is None and self.params.create_table == "ifMissing":
            made = self._creation(db, schema)
            if self.params.exactly_once:
                ledger.remember(run, to_create(db, self.params.target), made.later)
            db.execute(made.create)
            table = find_table(db, self.params.target)
        if table is None:
            raise no_such_table(db, self.params.target, "preSql did not create it")
        self._check_table(db, table)
        return table

    def _check_table(self, db: Connection, table: Table) -> None:
        params = self.params
        columns = target_columns(table, params.column)
        if params.exactly_once and table.kind == "BASE TABLE" and table.engine.lower() not in TRANSACTIONAL:
            hint = "convert the table to InnoDB, or set exactlyOnce to false"
            raise ConfigError("table", f"{table.name!r} is a table of {table.engine}, without transactions", hint)
        if params.write_mode == "overwrite":
            check_swappable(db, table)
        if (mode := self._mode(table)) in ("update", "replace"):
            check_keys(table, params.keys, mode, columns)
        columns_to_update(table, params.update_columns, columns)

    def _insertion(self, db: Connection, task: Task) -> Insertion:
        params = self.params
        table = find_table(db, params.target)
        if table is None:
            raise no_such_table(db, params.target, "it was there when the run began")
        columns = target_columns(table, task.schema.names)
        require_as_planned(columns, task.schema)
        mode = self._mode(table)
        sql = staging_of(table.place, task.run) if mode == "overwrite" else table.sql
        updated = columns_to_update(table, params.update_columns, columns)
        if mode == "update" and not updated:
            keys = check_keys(table, params.keys, mode, columns)
            updated = [column.name for column in columns if column.name not in keys]
        load = takes_files(db)
        staging = temporary(db, table, columns) if load and mode == "update" else ""
        target = Target(sql, columns, mode, updated, load, staging)
        # What has no transactions cannot take rows back, but these may come twice.
        again = mode in ("replace", "update")
        rows = params.rows_at_once if params.exactly_once or again else 1
        packet = int(db.value("SELECT @@max_allowed_packet"))
        return Insertion(db, target, task, packet, most_rows=rows, most_bytes=params.batch_byte_size)

    def _way(self, db: Connection) -> str:
        if takes_files(db) and self.params.write_mode == "update":
            return "LOAD DATA LOCAL into a temporary table and INSERT … ON DUPLICATE KEY UPDATE from there"
        if takes_files(db):
            return "LOAD DATA LOCAL"
        return "INSERT of many rows, since the server does not take LOAD DATA LOCAL into a transaction"
