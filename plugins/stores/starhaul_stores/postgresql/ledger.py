"""The ledger in PostgreSQL."""

from __future__ import annotations

from starhaul import ConfigError, Task, TransientError
from starhaul_stores.postgresql.catalog import find_name, to_create
from starhaul_stores.postgresql.connection import Connection
from starhaul_stores.relational import ledger

_NO_SUCH_TABLE = "42P01"


class Ledger(ledger.Ledger):
    """The ledger table of one database. Two runs may create it at once, or drop it while another wants to write."""

    def __init__(self, db: Connection, name: str) -> None:
        table = find_name(db, name)
        super().__init__(db, db.where, table or to_create(db, name))
        self._found = table is not None

    def exists(self) -> bool:
        return self._found

    def make(self) -> None:
        """Also holds other runs back from dropping it, until the transaction ends."""
        self._db.execute("SELECT pg_advisory_xact_lock(hashtext(%s))", [self._table])
        ((there,),) = self._db.execute("SELECT to_regclass(%s) IS NOT NULL", [self._table])
        if not there:  # else no right to create it is needed; of two runs at once both may see none
            self._db.execute(
                f"SET LOCAL client_min_messages = warning; CREATE TABLE IF NOT EXISTS {self._table} ({self.columns})"
            )
        self._found = True

    def drop_if_empty(self) -> None:
        self._db.execute("SELECT pg_advisory_xact_lock(hashtext(%s))", [self._table])
        owned = "SELECT pg_has_role(relowner, 'USAGE') FROM pg_class WHERE oid = to_regclass(%s)"
        if self._db.execute(owned, [self._table]) == [(True,)]:  # else somebody made it for this user
            super().drop_if_empty()

    def fence(self, task: Task) -> None:
        """Waits for an earlier attempt whose connection the server has not missed yet. Raises `TransientError` if
        that one went through after all, so that the engine finds its receipt."""
        self._db.execute("SELECT pg_advisory_xact_lock(hashtext(%s), hashtext(%s))", [task.run, task.id])
        if self.exists() and self._find(task.run, task.id):
            raise TransientError(self._where, f"task {task.id} of run {task.run} was delivered by another attempt")
        super().fence(task)

    def _find(self, run: str, task: str) -> list[tuple[int, str]]:
        """The first look at the table in a transaction, which keeps it there until that ends. Raises `TransientError`
        if another run dropped it since it was found."""
        try:
            return super()._find(run, task)
        except ConfigError as error:
            if getattr(error.__cause__, "sqlstate", None) != _NO_SUCH_TABLE:
                raise
            raise TransientError(self._where, f"another run dropped {self._table} just now") from error
