"""The ledger in a MySQL database: an InnoDB table, since DDL ends transactions made and dropped outside of them."""

from __future__ import annotations

import hashlib
from contextlib import AbstractContextManager, nullcontext
from typing import ClassVar

from starhaul import ConfigError, Receipt, Task
from starhaul_stores.mysql.catalog import full_name, to_create
from starhaul_stores.mysql.connection import Connection
from starhaul_stores.mysql.failure import DENIED, is_number
from starhaul_stores.relational.ledger import Ledger, told

_LOCK_SECONDS = 600


class MysqlLedger(Ledger):
    """See `Ledger`. Whoever creates, fills for a run, or drops the table holds `lock` meanwhile."""

    text: ClassVar[str] = "LONGTEXT"
    key_text: ClassVar[str] = "VARCHAR(64) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin"

    def __init__(self, db: Connection, table: str) -> None:
        super().__init__(db, db.where, to_create(db, table))
        self._connection = db
        self._place = full_name(db, table)
        self._stays = db.product == "OceanBase"

    def lock(self) -> AbstractContextManager[None]:
        """A context manager: the right to create, fill or drop the table. OceanBase goes on holding the named locks of
        a connection that is gone, so the table is not dropped there, and needs no lock."""
        if self._stays:
            return nullcontext()
        name = ".".join(self._place)
        digest = hashlib.sha256(name.encode()).hexdigest()[:32]
        return self._connection.lock(f"starhaul.{digest}", _LOCK_SECONDS)

    def exists(self) -> bool:
        where = "WHERE table_schema = %s AND table_name = %s"
        return bool(self._db.execute(f"SELECT 1 FROM information_schema.tables {where}", self._place))

    def make(self) -> None:
        if not self.exists():
            self._db.execute(f"CREATE TABLE IF NOT EXISTS {self._table} ({self.columns}) ENGINE = InnoDB")

    def drop_if_empty(self) -> None:
        """Nothing: DROP would end the transaction. See `tidy`."""

    def tidy(self) -> None:
        """Drop the table if it holds no row; outside of transactions, under `lock`. It stays where somebody made it for
        a user who may not."""
        if not self._stays and self.exists():
            try:
                super().drop_if_empty()
            except ConfigError as error:
                if not is_number(error, DENIED):
                    raise

    def fence(self, task: Task) -> None:
        """As ever, and the run cannot be closed before the caller's transaction ends. The task is entered here: an
        earlier attempt whose connection the server has not missed yet is waited for before any row is sent, which it
        would have as well."""
        if self.exists():
            self._db.execute(f"SELECT 1 FROM {self._table} WHERE run = %s AND task = '' LOCK IN SHARE MODE", [task.run])
        super().fence(task)
        super().record(Receipt(task.id, 0, 0, task.attempt), task.run)

    def record(self, receipt: Receipt, run: str) -> None:
        """Complete what `fence` entered."""
        sql = f"UPDATE {self._table} SET receipt = %s WHERE run = %s AND task = %s"
        self._db.execute(sql, [told(receipt), run, receipt.task])
