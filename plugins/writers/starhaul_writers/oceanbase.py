"""Writes OceanBase in MySQL mode."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Literal, Self

import pyarrow as pa
from pydantic import Field, field_validator, model_validator

from starhaul import Capability, Task
from starhaul_stores.mysql.catalog import Table
from starhaul_stores.mysql.connection import Connection
from starhaul_stores.mysql.creation import TableCreation
from starhaul_stores.mysql.insertion import Mode
from starhaul_stores.mysql.oceanbase import (
    Memstore,
    OceanbaseParams,
    require_mysql_mode,
    require_narrow,
    spelt_as_sent,
)
from starhaul_stores.mysql.params import MysqlWireWriterParams
from starhaul_stores.mysql.target import target_columns, written_key
from starhaul_stores.mysql.writer import MysqlWireWriter
from starhaul_stores.relational.names import names_in
from starhaul_stores.relational.write_params import write_mode_in


class OceanbaseWriterParams(OceanbaseParams, MysqlWireWriterParams):
    """Parameters of `oceanbasev10writer`: `jdbcUrl` and `table`, or DataX's `connection` list with one table."""

    write_mode: Literal["insert", "ignore", "replace", "update", "overwrite"] = "update"
    """`insert`: a row with a key that is there already is rejected. `ignore` (`insert ignore`): it is skipped.
    `replace`: it replaces the old row, whose other columns take their defaults. `update`: it updates the old row; into
    a table without a unique key it is inserted, and so it is, unless the job itself says `update`, where `column` lacks
    each of them (an AUTO_INCREMENT key). `overwrite`: the rows replace the whole table when all have arrived; until
    then others see the old ones."""
    ob_write_mode: Literal["insert", "ignore", "replace", "update", "overwrite"] | None = None
    """DataX's name of `writeMode`."""
    ob_update_columns: tuple[str, ...] = ()
    """DataX's name of `updateColumns`. One text may hold several, separated by commas."""
    memstore_threshold: float = Field(default=0.9, gt=0, le=1)
    """Wait for the server to make room while more than this share of the memory for new rows is in use. Without effect
    where the user may not see it (`oceanbase.GV$OB_MEMSTORE`)."""
    memstore_check_interval_second: float = Field(default=30, gt=0)
    """Seconds between two looks at that memory."""
    writer_thread_count: int | None = None
    """Accepted for DataX's sake and without effect; `settings.channel` says how many connections write."""
    concurrent_write: bool | None = None
    """Accepted for DataX's sake and without effect; `settings.channel` says how many connections write."""
    writer_sub_task_count: int | None = None
    """Accepted for DataX's sake and without effect; `settings.channel` says how many connections write."""
    max_active_connection: int | None = None
    """Accepted for DataX's sake and without effect; `settings.channel` says how many connections write."""
    fail_try_count: int | None = None
    """Accepted for DataX's sake and without effect: a task that fails is tried again as `settings.retry` says."""
    use_part_calculator: bool | None = None
    """Accepted for DataX's sake and without effect: the server finds the partition of each row."""
    ob_version: str | None = None
    """Accepted for DataX's sake and without effect: the server is asked."""
    timeout: float | None = None
    """Accepted for DataX's sake and without effect: a statement may last for two days."""
    print_cost: bool | None = None
    """Accepted for DataX's sake and without effect."""
    cost_bound: float | None = None
    """Accepted for DataX's sake and without effect."""
    ocj_get_connect_timeout: int | None = None
    """Accepted for DataX's sake and without effect; see `connectTimeout`."""
    ocj_proxy_connect_timeout: int | None = None
    """Accepted for DataX's sake and without effect; see `connectTimeout`."""
    ocj_create_resource_timeout: int | None = None
    """Accepted for DataX's sake and without effect; see `connectTimeout`."""
    direct_path: bool | None = None
    """Accepted for DataX's sake and without effect: the direct load is a protocol that only OceanBase's Java client
    speaks, and it locks the table. Rows go by INSERT, as exactly as ever."""
    rpc_port: int | None = None
    """Of DataX's `directPath`, and without effect."""
    parallel: int | None = None
    """Of DataX's `directPath`, and without effect."""
    buffer_size: int | None = None
    """Of DataX's `directPath`, and without effect."""
    max_errors: int | None = None
    """Of DataX's `directPath`, and without effect; see `settings.errorLimit`."""
    heart_beat_timeout: int | None = None
    """Of DataX's `directPath`, and without effect."""
    heart_beat_interval: int | None = None
    """Of DataX's `directPath`, and without effect."""
    blocks_count: int | None = None
    """Of DataX's `directPath`, and without effect."""

    @field_validator("ob_write_mode", mode="before")
    @classmethod
    def _any_case(cls, value: object) -> object:
        return write_mode_in(value)

    @field_validator("ob_update_columns", mode="before")
    @classmethod
    def _one_text_is_a_list(cls, value: object) -> object:
        return names_in(value)

    @model_validator(mode="after")
    def _datax_names(self) -> Self:
        """DataX's names come into force; its columns to update are of no interest to it unless it updates."""
        changed: dict[str, Any] = {}
        mode = self.ob_write_mode or self.write_mode
        if mode != self.write_mode:
            if "write_mode" in self.model_fields_set:
                raise ValueError("obWriteMode and writeMode differ")
            changed["write_mode"] = mode
        if mode == "update" and self.ob_update_columns and not self.update_columns:
            changed["update_columns"] = self.ob_update_columns
        return self.model_copy(update=changed) if changed else self


class OceanbaseV10Writer(MysqlWireWriter[OceanbaseWriterParams]):
    """Writes tables of OceanBase in MySQL mode, each task in one transaction with a row of the ledger.

    So a task arrives exactly once, however often it is tried. Rows go by INSERT of many rows, a MiB at once: OceanBase
    commits a LOAD DATA on its own, whatever transaction it is said in, and leaves out rows whose key is there without a
    word; it is also slower. A row that the server would refuse, cut or alter is found and rejected with the server's
    own words.

    The ledger's table stays when it is empty: dropping it would need a lock that OceanBase does not take back from a
    run that died.

    A JSON column holds documents as the server understands them: the order of keys, blanks and digits beyond a double
    are its own. In a table that is created, documents are kept as texts, as they were sent. A tenant in Oracle mode is
    refused.

    Tested against OceanBase's engine as one process (seekdb 1.4, which calls itself 5.7.25-OceanBase). What needs a
    cluster was not: users of the form `USER@TENANT#CLUSTER`, OBProxy, a memstore that is full.
    """

    name = "oceanbasev10writer"
    params_type = OceanbaseWriterParams

    def promises(self) -> frozenset[Capability]:
        """Into a table without a key `update` inserts, so that writing a task again would change something."""
        promised = super().promises()
        return promised - {Capability.IDEMPOTENT} if self.params.exactly_once else promised

    def accept(self, source: pa.Schema) -> pa.Schema | None:
        return super().accept(spelt_as_sent(source))

    def check(self, schema: pa.Schema) -> None:
        with self._open() as db:
            require_mysql_mode(db)
        super().check(schema)

    def describe(self) -> Sequence[str]:
        facts = list(super().describe())
        with self._open() as db:
            if Memstore(db, self.params.memstore_threshold, 0).used() is None:
                facts.append("Does not look at the memstore, which this user may not see.")
        return facts

    def _paced(self, db: Connection, task: Task, batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        memstore = Memstore(db, self.params.memstore_threshold, self.params.memstore_check_interval_second)
        for batch in batches:
            memstore.wait(task)
            yield batch

    def _creation(self, db: Connection, schema: pa.Schema) -> TableCreation:
        require_narrow(schema)
        return super()._creation(db, schema)

    def _mode(self, table: Table) -> Mode:
        params = self.params
        if params.write_mode != "update" or params.keys or not params.exactly_once:
            return params.write_mode
        asked = params.update_columns or params.model_fields_set & {"write_mode", "ob_write_mode"}
        columns = target_columns(table, params.column)
        keyed = table.unique_keys if asked else written_key(table, columns)
        return "update" if keyed else "insert"
