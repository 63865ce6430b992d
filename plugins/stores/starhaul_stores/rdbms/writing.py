"""The writer behind `rdbmswriter`, `oraclewriter` and `sqlserverwriter`."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import AbstractContextManager
from typing import Any, ClassVar, TypeVar

import pyarrow as pa
from pydantic import Field

from starhaul import Address, Capability, Creation, Receipt, Task, Writer, WriteRequest
from starhaul_stores.rdbms import staging, statements
from starhaul_stores.rdbms.addresses import parse_address
from starhaul_stores.rdbms.catalog import Table, find_table, no_such_table, to_create
from starhaul_stores.rdbms.connection import Connection, connect
from starhaul_stores.rdbms.creation import creation
from starhaul_stores.rdbms.discovery import address_of, quoted
from starhaul_stores.rdbms.insertion import Insertion
from starhaul_stores.rdbms.ledger import RdbmsLedger
from starhaul_stores.rdbms.references import refuse_cascades, refuse_references
from starhaul_stores.rdbms.statements import Target
from starhaul_stores.rdbms.target import (
    check_keys,
    fields_for,
    fields_to_create,
    names_to_create,
    require_as_planned,
)
from starhaul_stores.relational.addresses import to_write
from starhaul_stores.relational.target import names_in_table, require_written, target_columns
from starhaul_stores.relational.url import DatabaseUrl
from starhaul_stores.relational.write_params import RelationalWriterParams, statements_for


class RdbmsWriterParams(RelationalWriterParams):
    """Parameters of `rdbmswriter`: `url` and `table`, or DataX's `connection` list with one table."""

    batch_size: int = Field(default=2048, ge=1)
    """Most rows to send at once, and to look through again if one of them is refused."""

    @classmethod
    def parse_address(cls, url: str) -> DatabaseUrl:
        """SQLAlchemy's URLs, and those of JDBC drivers."""
        return parse_address(url)


W = TypeVar("W", bound=RdbmsWriterParams)


class SqlAlchemyWriter(Writer[W]):
    """Writes tables through a driver that SQLAlchemy knows, each task in one transaction with a row of the ledger."""

    capabilities: ClassVar[frozenset[Capability]] = frozenset(
        {Capability.EXACTLY_ONCE, Capability.IDEMPOTENT, Capability.ATOMIC}
    )

    def promises(self) -> frozenset[Capability]:
        mode = self.params.write_mode
        if mode == "overwrite":
            return frozenset({Capability.EXACTLY_ONCE, Capability.ATOMIC})
        also = {Capability.IDEMPOTENT} if mode in ("replace", "update") else set()
        return frozenset({Capability.EXACTLY_ONCE, *also})

    def accept(self, source: pa.Schema) -> pa.Schema | None:
        params = self.params
        with self._open() as db:
            table = find_table(db, params.target)
            if table is not None:
                columns = target_columns(table, params.column, source.names)
                return params.accepted(fields_for(db, columns, source))
            if params.create_table == "ifMissing":
                names = names_to_create(db, params.column, source)
                return params.accepted(fields_to_create(db, names, source, params.keys))
            if params.pre_sql:
                return None
            raise no_such_table(db, params.target, "set createTable to ifMissing, or create it in preSql")

    def check(self, schema: pa.Schema) -> None:
        with self._open() as db:
            table = find_table(db, self.params.target)
            if table is not None:
                self._target(db, table, schema.names)
                if self.params.write_mode == "overwrite":
                    refuse_references(db, table)
            elif self.params.create_table == "ifMissing":
                self._creation(db, schema)
            elif not self.params.pre_sql:
                raise no_such_table(db, self.params.target)

    def prepare(self, schema: pa.Schema, run: str) -> None:
        with self._open() as db:
            ledger = RdbmsLedger(db, self.params.ledger_table)
            ledger.create()
            if ledger.is_open(run):  # the process died after this, and before it could say so
                return
            for statement in statements_for(self.params.pre_sql, self._target_sql(db)):
                db.execute(statement)
            table = find_table(db, self.params.target)
            if table is None and self.params.create_table == "ifMissing":
                for statement in self._creation(db, schema).statements:
                    db.execute(statement)
                table = find_table(db, self.params.target)
            if table is None:
                raise no_such_table(db, self.params.target, "preSql did not create it")
            target = self._target(db, table, self.params.column)
            note = ""
            if self.params.write_mode == "overwrite":
                refuse_references(db, table)
                staging.drop_stale(db, ledger, table, run)
                staging.create(db, table, target.columns, run)
                note = staging.note_of(table, run)
            ledger.open_run(run, note)

    def write(self, task: Task, batches: Iterable[pa.RecordBatch]) -> Receipt:
        incoming = iter(batches)
        first = next(incoming, None)  # before a transaction begins: the source may take its time
        with self._open() as db:
            ledger = RdbmsLedger(db, self.params.ledger_table)
            insertion = self._insertion(db, task)
            with db.transaction():
                ledger.fence(task)
                for statement in self._before_rows(insertion):
                    db.execute(statement)
                while first is not None:
                    insertion.write(first)
                    first = next(incoming, None)
                insertion.flush()
                receipt = Receipt(task.id, insertion.written, insertion.skipped, task.attempt)
                ledger.record(receipt, task.run)
        return receipt

    def delivered(self, task: Task) -> Receipt | None:
        with self._open() as db:
            return RdbmsLedger(db, self.params.ledger_table).receipt(task)

    def commit(self, run: str, receipts: Sequence[Receipt]) -> None:
        overwrite = self.params.write_mode == "overwrite"
        with self._open() as db:
            ledger = RdbmsLedger(db, self.params.ledger_table)
            table = find_table(db, self.params.target)
            if table is None:
                raise no_such_table(db, self.params.target, "it was there when the run began")
            if ledger.is_to_commit(run, receipts):
                with db.transaction():
                    if overwrite:
                        staging.publish(db, table, target_columns(table, self.params.column), run)
                    for statement in statements_for(self.params.post_sql, table.sql):
                        db.execute(statement)
                    ledger.commit_run(run)
            if overwrite:
                staging.drop(db, table, run)

    def forget(self, run: str) -> None:
        with self._open() as db, db.transaction():
            RdbmsLedger(db, self.params.ledger_table).close_run(run)

    def abort(self, run: str, receipts: Sequence[Receipt]) -> None:
        if self.params.write_mode != "overwrite":
            return  # what went through stays, and so does the ledger: the run can be resumed
        with self._open() as db:
            table = find_table(db, self.params.target)
            if table is not None:
                staging.drop(db, table, run)
            RdbmsLedger(db, self.params.ledger_table).close_run(run)

    def appending(self) -> SqlAlchemyWriter[W] | None:
        changed: dict[str, Any] = {"pre_sql": (), "post_sql": (), "create_table": "never"}
        if self.params.write_mode == "overwrite":
            changed["write_mode"] = "insert"
        return type(self)(self.params.model_copy(update=changed))

    def describe(self) -> Sequence[str]:
        with self._open() as db:
            way = f"Writes through SQLAlchemy's dialect {db.dialect!r} and the driver {db.driver_name!r}, row by row."
        facts = [way, f"Each task is one transaction with a ledger row in {self.params.ledger_table}."]
        if self.params.write_mode == "overwrite":
            facts.append("The rows go to a staging table; one transaction deletes the old rows and copies them over.")
        return facts

    def creation(self, schema: pa.Schema) -> Creation | None:
        with self._open() as db:
            if self.params.create_table == "never" or find_table(db, self.params.target) is not None:
                return None
            return self._creation(db, schema)

    @classmethod
    def from_url(cls, url: str) -> Address:
        params: type[RdbmsWriterParams] = cls.params_type  # type: ignore[assignment]
        return address_of(url, params.parse_address)

    @classmethod
    def complete(cls, address: Address, request: WriteRequest) -> Address:
        return to_write(address, request, quoted)

    def _open(self) -> AbstractContextManager[Connection]:
        params = self.params
        return connect(params.target_addresses, params.session, params.connect_timeout)

    def _target_sql(self, db: Connection) -> str:
        table = find_table(db, self.params.target)
        return table.sql if table is not None else to_create(db, self.params.target)

    def _creation(self, db: Connection, schema: pa.Schema) -> Creation:
        names = names_to_create(db, self.params.column, schema)
        return creation(db, self.params.target, names, schema, self.params.keys)

    def _target(self, db: Connection, table: Table, names: Sequence[str]) -> Target:
        """Where rows go, checked."""
        mode = self.params.write_mode
        columns = target_columns(table, names)
        known = {column.name for column in columns}
        keys: tuple[str, ...] = ()
        if mode in ("replace", "update") or (mode == "ignore" and (self.params.keys or db.traits.upsert == "merge")):
            keys = check_keys(table, self.params.keys, mode)
        updated = names_in_table(table, self.params.update_columns, "updateColumns")
        require_written([*keys, *updated], known, mode)
        if mode == "replace":
            refuse_cascades(db, table)
        rest = [column.name for column in columns if column.name not in keys]
        return Target(table.sql, columns, keys, updated or rest, db.dialect, db.quoted)

    def _insertion(self, db: Connection, task: Task) -> Insertion:
        params = self.params
        table = find_table(db, params.target)
        if table is None:
            raise no_such_table(db, params.target, "it was there when the run began")
        target = self._target(db, table, task.schema.names)
        require_as_planned(db, target.columns, task.schema)
        if params.write_mode == "overwrite":
            sql = staging.sql_of(db, table, task.run)
            target = Target(sql, target.columns, (), (), target.dialect, target.quoted)
        size, most = params.batch_size, params.batch_byte_size
        return Insertion(db, target, params.write_mode, table.unique_keys, task, most_rows=size, most_bytes=most)

    def _before_rows(self, insertion: Insertion) -> list[str]:
        """What to run first. Staging tables number nothing."""
        target = insertion.target
        if self.params.write_mode == "overwrite":
            return []
        return statements.giving_identities(target.table, target.columns, target.dialect)[0]
