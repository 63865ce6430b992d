"""The ledger in an SQLite database."""

from __future__ import annotations

from typing import ClassVar

from starhaul_stores.relational import ledger
from starhaul_stores.sqlite.catalog import find_table, quoted
from starhaul_stores.sqlite.connection import Connection


class Ledger(ledger.Ledger):
    """The ledger table of one database, over one connection."""

    placeholder: ClassVar[str] = "?"

    def __init__(self, db: Connection, table: str) -> None:
        super().__init__(db, db.path, quoted(table))
        self._connection = db
        self._name = table

    def exists(self) -> bool:
        return find_table(self._connection, self._name) is not None

    def make(self) -> None:
        self._db.execute(f"CREATE TABLE IF NOT EXISTS {self._table} ({self.columns}) WITHOUT ROWID")
