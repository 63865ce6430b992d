"""Writes SQLite databases."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, ClassVar, Literal

import pyarrow as pa
from pydantic import Field, field_validator, model_validator

from starhaul import (
    Address,
    Capability,
    ConfigError,
    Creation,
    Params,
    Receipt,
    StarhaulError,
    Task,
    Writer,
    WriteRequest,
)
from starhaul_stores.relational.target import named_columns
from starhaul_stores.relational.write_params import write_mode_in
from starhaul_stores.sqlite.address import Place, address_of, to_write, unquoted
from starhaul_stores.sqlite.catalog import Column, Table, find_table, no_such_table, quoted, statements
from starhaul_stores.sqlite.connection import Connection, Mode, adbc_installed, connect, database_exists
from starhaul_stores.sqlite.creation import TableCreation, carry_out, creation, finish
from starhaul_stores.sqlite.insertion import Insertion, changes_elsewhere, insert_sql, required_columns
from starhaul_stores.sqlite.ledger import Ledger
from starhaul_stores.sqlite.swap import drop_staging, drop_stale, stage, staging_name, swap
from starhaul_stores.sqlite.target import (
    fields_for,
    fields_to_create,
    refuse_cascades,
    require_a_key,
    target_names,
    upsert,
)
from starhaul_stores.sqlite.transaction import my_turn, task_transaction, transaction

_OUTSIDE = ("VACUUM", "PRAGMA", "ATTACH", "DETACH")  # what SQLite does not do, or not fully, within a transaction
_TRANSACTIONS = ("BEGIN", "COMMIT", "END", "ROLLBACK", "SAVEPOINT", "RELEASE")


class SqliteWriterParams(Params):
    """Parameters of `sqlitewriter`: `path` and `table`, or DataX's `connection` list with one table."""

    path: str | None = None
    """The database file; it is made if need be. `jdbc:sqlite:PATH` is understood too."""
    table: str | None = None
    """The table to write."""
    connection: tuple[Place, ...] = Field(default=(), max_length=1)
    """DataX's form of the above: `[{"jdbcUrl": …, "table": [one]}]`."""
    column: tuple[str, ...] = ("*",)
    """The target's columns, in the order of the source's. `["*"]` is every column of the table, or, where the table is
    created, the source's."""
    write_mode: Literal["insert", "ignore", "replace", "update", "overwrite"] = "insert"
    """`insert`: a row with a key that is there already is rejected. `ignore` (`insert ignore`): it is skipped.
    `replace`: it replaces the old row; refused where `session` sets `foreign_keys`, and such keys would delete or alter
    what refers to that row. `update`: it updates the old row. `overwrite`: the rows replace the whole table
    when all have arrived; until then readers see the old ones. Triggers do not fire then."""
    keys: tuple[str, ...] = ()
    """For `update`: the columns that tell whether a row is there already, those of a primary key or unique index; the
    primary key by default. They become the primary key of a table that is created."""
    update_columns: tuple[str, ...] = ()
    """For `update`: the columns to set in a row that is there already. By default all of `column`."""
    create_table: Literal["never", "ifMissing"] = "never"
    """`ifMissing` creates the table from the source's columns and types if it is not there."""
    pre_sql: tuple[str, ...] = ()
    """Statements to run before, in one transaction, once per run; VACUUM, PRAGMA, ATTACH and DETACH come before it.
    `@table` stands for the table."""
    post_sql: tuple[str, ...] = ()
    """Statements to run when all rows have arrived, in the transaction that ends the run. VACUUM, PRAGMA, ATTACH and
    DETACH follow it. `@table` stands for the table."""
    batch_size: int = Field(default=65536, ge=1)
    """Most rows to insert at once, and to look through again if one of them is refused."""
    session: tuple[str, ...] = ()
    """Statements to run first on every connection (`PRAGMA synchronous = NORMAL`)."""
    busy_timeout: float = Field(default=30.0, ge=0)
    """Seconds to wait while another program holds the database locked. The tasks of a stream wait for one another
    without a limit."""
    ledger_table: str = Field(default="_starhaul_ledger", min_length=1)
    """The table that holds, while a run lasts, which of its tasks went through."""

    @field_validator("write_mode", mode="before")
    @classmethod
    def _datax_spellings(cls, value: object) -> object:
        return write_mode_in(value)

    @model_validator(mode="after")
    def _one_target(self) -> SqliteWriterParams:
        tables = [table for place in self.connection for table in place.table]
        if bool(self.path) == bool(self.connection) or bool(self.table) == bool(tables):
            raise ValueError("give path and table, or connection with both")
        if len(tables) > 1:
            raise ValueError("one writer writes one table; give the job one content for each table")
        if self.write_mode != "update" and self.update_columns:
            raise ValueError("updateColumns belongs to writeMode update")
        for statement in statements([*self.pre_sql, *self.post_sql]):
            if statement.upper().startswith(_TRANSACTIONS):
                raise ValueError("preSql and postSql run in transactions of the writer and must not hold their own")
        return self


class SqliteWriter(Writer[SqliteWriterParams]):
    """Writes tables of SQLite databases, each task in one transaction.

    The transaction holds the rows and a row of the ledger, so a task arrives exactly once however often it is tried.
    SQLite has one writer at a time: the tasks of a run take turns, and other programs wait, or make it wait.
    """

    name = "sqlitewriter"
    params_type = SqliteWriterParams
    capabilities: ClassVar[frozenset[Capability]] = frozenset(
        {Capability.EXACTLY_ONCE, Capability.IDEMPOTENT, Capability.ATOMIC}
    )

    def __init__(self, params: SqliteWriterParams) -> None:
        super().__init__(params)
        self._turn = threading.Lock()  # courtesy, not state: tasks of one process queue here without a time limit

    def __reduce__(self) -> tuple[type, tuple[SqliteWriterParams]]:
        return type(self), (self.params,)

    def promises(self) -> frozenset[Capability]:
        mode = self.params.write_mode
        also = {Capability.ATOMIC} if mode == "overwrite" else set()
        if mode in ("replace", "update"):
            also = {Capability.IDEMPOTENT}
        return frozenset({Capability.EXACTLY_ONCE, *also})

    def accept(self, source: pa.Schema) -> pa.Schema | None:
        table = self._existing()
        if table is None:
            if self.params.create_table == "ifMissing":
                return fields_to_create(self._names(None, source), source)
            if any(each.upper().startswith("CREATE") for each in self._statements(self.params.pre_sql)):
                return None
            raise self._missing()
        return fields_for(named_columns(table, self._names(table, source)), source)

    def check(self, schema: pa.Schema) -> None:
        file = Path(self._file)
        for path in (file, file.parent) if file.exists() else (file.parent,):
            if not path.exists():
                raise ConfigError("path", f"no such directory: {str(path)!r}", "create it first")
            if not os.access(path, os.W_OK):
                raise ConfigError(
                    "path", f"{str(path)!r} is not writable", "SQLite writes the file and a journal beside it"
                )
        table = self._existing()
        if table is None:
            if self.params.create_table == "ifMissing":
                self._creation(schema)
            elif not self.params.pre_sql:
                raise self._missing()
            return
        if table.kind in ("view", "shadow") or (
            table.kind == "virtual" and self.params.write_mode in ("overwrite", "update")
        ):
            raise ConfigError("table", f"{table.name!r} is a {table.kind}", "name an ordinary table")
        columns = named_columns(table, self._names(table, schema))
        with self._open("ro") as db:
            self._conflict(db, table, columns)

    def prepare(self, schema: pa.Schema, run: str) -> None:
        before = self._statements(self.params.pre_sql)
        with self._open("rwc") as db:
            ledger = Ledger(db, self.params.ledger_table)
            db.script([each for each in before if each.upper().startswith(_OUTSIDE)])
            with transaction(db):
                if ledger.is_open(run):  # the process died after this transaction, and before it could say so
                    return
                db.script([each for each in before if not each.upper().startswith(_OUTSIDE)])
                table = find_table(db, self._table)
                if table is None and self.params.create_table == "never":
                    raise no_such_table(db, self._table, "preSql did not create it")
                if table is None:
                    made = self._creation(schema)
                    carry_out(made, db, ledger, run, self._table, at_once=self.params.write_mode != "insert")
                    table = find_table(db, self._table)
                note = ""
                if self.params.write_mode == "overwrite" and table is not None:
                    note = staging_name(self._table, run)
                    drop_stale(db, ledger, self._table, run)
                    stage(db, table, note)
                ledger.open_run(run, note)

    def write(self, task: Task, batches: Iterable[pa.RecordBatch]) -> Receipt:
        incoming = iter(batches)
        first = next(incoming, None)  # before anything is locked: the source may take its time
        with my_turn(self._turn, task), self._open("rw") as db:
            ledger = Ledger(db, self.params.ledger_table)
            with task_transaction(db, task, self.params.busy_timeout):
                ledger.fence(task)
                insertion = self._insertion(db, task)
                while first is not None:
                    insertion.write(first)
                    first = next(incoming, None)
                receipt = Receipt(task.id, insertion.written, insertion.skipped, task.attempt)
                ledger.record(receipt, task.run)
        return receipt

    def delivered(self, task: Task) -> Receipt | None:
        if not database_exists(self._file):
            return None
        with self._open("ro") as db:
            return Ledger(db, self.params.ledger_table).receipt(task)

    def commit(self, run: str, receipts: Sequence[Receipt]) -> None:
        after = self._statements(self.params.post_sql)
        overwrite = self.params.write_mode == "overwrite"
        with self._open("rw") as db:
            ledger = Ledger(db, self.params.ledger_table)
            if overwrite:  # see `swap`; neither can be set within a transaction
                db.script(["PRAGMA foreign_keys = OFF", "PRAGMA legacy_alter_table = ON"])
            with transaction(db):
                if ledger.is_to_commit(run, receipts):
                    if overwrite:
                        swap(db, self._table, staging_name(self._table, run))
                    finish(db, ledger, run, self._table)
                    db.script([each for each in after if not each.upper().startswith(_OUTSIDE)])
                    ledger.commit_run(run)
            db.script([each for each in after if each.upper().startswith(_OUTSIDE)])

    def forget(self, run: str) -> None:
        with self._open("rw") as db, transaction(db):
            Ledger(db, self.params.ledger_table).close_run(run)

    def abort(self, run: str, receipts: Sequence[Receipt]) -> None:
        if not database_exists(self._file):
            return
        if self.params.write_mode != "overwrite":
            # What went through stays, and so does the ledger: the run can be resumed. A table that was created is made
            # complete for whoever writes to it next.
            if self.params.create_table != "never":
                with suppress(StarhaulError), self._open("rw") as db, transaction(db):
                    finish(db, Ledger(db, self.params.ledger_table), run, self._table)
            return
        with self._open("rw") as db, transaction(db):
            drop_staging(db, staging_name(self._table, run))
            Ledger(db, self.params.ledger_table).close_run(run)

    def count(self, *, published: bool) -> int | None:
        if self.params.write_mode in ("replace", "update"):
            return None
        if self.params.write_mode == "overwrite" and not published:
            return 0
        with self._open("ro") as db:
            return int(db.value(f"SELECT count(*) FROM {quoted(self._table)}"))

    def appending(self) -> SqliteWriter:
        mode = "insert" if self.params.write_mode == "overwrite" else self.params.write_mode
        changes = {"write_mode": mode, "pre_sql": (), "post_sql": (), "create_table": "never"}
        return SqliteWriter(self.params.model_copy(update=changes))

    def describe(self) -> Sequence[str]:
        way = "ADBC" if adbc_installed() else "Python's sqlite3 (the extra `sqlite` brings ADBC, which is quicker)"
        facts = [f"Writes through {way}; each task is one transaction with a ledger row in {self.params.ledger_table}."]
        if self.params.write_mode == "overwrite":
            facts.append(
                "The rows go to a staging table in the same database, which takes the table's place in one transaction."
            )
        facts.append("Do not use the file through another SQLite library in this process while the run lasts.")
        return facts

    def creation(self, schema: pa.Schema) -> Creation | None:
        if self.params.create_table == "never" or self._existing() is not None:
            return None
        return self._creation(schema).told

    @classmethod
    def from_url(cls, url: str) -> Address:
        return address_of(url)

    @classmethod
    def complete(cls, address: Address, request: WriteRequest) -> Address:
        return to_write(address, request)

    @property
    def _file(self) -> str:
        return (self.params.connection or (Place(path=self.params.path),))[0].file

    @property
    def _table(self) -> str:
        return unquoted(self.params.table or self.params.connection[0].table[0])

    def _open(self, mode: Mode) -> Any:
        params = self.params
        return connect(self._file, mode, session=statements(params.session), busy_timeout=params.busy_timeout)

    def _statements(self, scripts: Sequence[str]) -> list[str]:
        return [statement.replace("@table", quoted(self._table)) for statement in statements(scripts)]

    def _existing(self) -> Table | None:
        if not database_exists(self._file):
            return None
        with self._open("ro") as db:
            return find_table(db, self._table)

    def _missing(self) -> ConfigError:
        hint = "set createTable to ifMissing, or create it in preSql"
        if not database_exists(self._file):
            return ConfigError("path", f"no such file: {self._file!r}", hint)
        with self._open("ro") as db:
            return no_such_table(db, self._table, hint)

    def _names(self, table: Table | None, source: pa.Schema) -> list[str]:
        return target_names([unquoted(name) for name in self.params.column], table, source)

    def _creation(self, schema: pa.Schema) -> TableCreation:
        keys = [unquoted(key) for key in self.params.keys]
        taken: list[str] = []
        if database_exists(self._file):
            with self._open("ro") as db:
                taken = [str(name) for (name,) in db.execute("SELECT name FROM sqlite_master")]
        return creation(self._table, self._names(None, schema), schema, keys, taken)

    def _conflict(self, db: Connection, table: Table, columns: Sequence[Column]) -> tuple[Sequence[str], Sequence[str]]:
        """For `update`: the conflict target and the columns to set; nothing for the other modes. Raises `ConfigError`
        if `columns`, those that are written, lack one of them, or for `replace` every key."""
        if self.params.write_mode == "replace":
            require_a_key(db, table, columns)
            refuse_cascades(db, table)
        if self.params.write_mode != "update":
            return (), []
        keys, updated = (map(unquoted, names) for names in (self.params.keys, self.params.update_columns))
        return upsert(db, table, columns, list(keys), list(updated))

    def _insertion(self, db: Connection, task: Task) -> Insertion:
        params = self.params
        name = staging_name(self._table, task.run) if params.write_mode == "overwrite" else self._table
        table = find_table(db, name)
        if table is None:
            raise no_such_table(db, name, "it was there when the run began")
        names = task.schema.names
        columns = named_columns(table, names)
        keys, updated = self._conflict(db, table, columns)
        sql = insert_sql(name, names, params.write_mode, keys, updated or names)
        required = required_columns(table, columns, params.write_mode)
        elsewhere, skips = changes_elsewhere(db, table), params.write_mode == "ignore"
        return Insertion(db, sql, columns, required, elsewhere, skips, params.batch_size, task)
