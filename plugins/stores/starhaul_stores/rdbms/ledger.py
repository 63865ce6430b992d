"""The ledger in a database that SQLAlchemy knows."""

from __future__ import annotations

from typing import ClassVar

from starhaul import StarhaulError
from starhaul_stores.rdbms.catalog import full_name, sql_name
from starhaul_stores.rdbms.connection import MARK, Connection
from starhaul_stores.relational.ledger import Ledger

_RECEIPT_CHARACTERS = 2000


class RdbmsLedger(Ledger):
    """See `Ledger`. The table stays when it is empty: a database whose DDL ends transactions could drop it under the
    feet of another run."""

    placeholder: ClassVar[str] = MARK
    moment: ClassVar[str] = "written_at"
    the_run: ClassVar[str] = "-"
    """An empty text is NULL to Oracle."""

    def __init__(self, db: Connection, table: str) -> None:
        schema, name = full_name(db.traits, table)
        super().__init__(db, db.where, sql_name(db, schema, name))
        self._connection = db
        self._place = (schema, name)

    @property
    def columns(self) -> str:
        import sqlalchemy as sa

        key, note = (
            self._connection.type_text(sa.String(64)),
            self._connection.type_text(sa.String(_RECEIPT_CHARACTERS)),
        )
        columns = {"run": key, "task": key, "attempt": "INTEGER", "receipt": note, self.moment: key}
        quoted = self._connection.quoted
        listed = ", ".join(
            f"{quoted(name)} {kind}{'' if name == 'receipt' else ' NOT NULL'}" for name, kind in columns.items()
        )
        return f"{listed}, PRIMARY KEY ({quoted('run')}, {quoted('task')})"

    def exists(self) -> bool:
        schema, name = self._place
        with self._connection.failures():
            return self._connection.inspector().has_table(name, schema=schema)

    def make(self) -> None:
        """Outside of transactions."""
        if self.exists():
            return
        try:
            self._db.execute(f"CREATE TABLE {self._table} ({self.columns})")
        except StarhaulError:
            if not self.exists():  # else another run has just made it
                raise

    def drop_if_empty(self) -> None:
        """Nothing."""
