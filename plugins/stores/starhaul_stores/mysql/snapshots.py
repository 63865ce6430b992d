"""Connections that all see one moment of a server.

InnoDB's snapshots belong to one connection each and cannot be handed on. So the connections that a run will need are
opened beforehand and begin their snapshots while a lock keeps writers out, for some milliseconds
(https://mariadb.com/kb/en/start-transaction/, https://mariadb.com/kb/en/lock-tables/). TiDB reads any moment by its
number (https://docs.pingcap.com/tidb/stable/read-historical-data), and so does OceanBase, where the query names it.

InnoDB says so where a table was emptied or rewritten since, but not where another one took its name: its rows of then
would be read. So each connection touches the tables at once, and with that keeps their names and definitions until its
transaction ends.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager, suppress
from queue import Empty, SimpleQueue

from starhaul import StarhaulError
from starhaul_stores.mysql.connection import Connection

_LOCK_SECONDS = 5
"""How long to wait for the lock: writers that come later wait for us meanwhile."""
_IDLE_SECONDS = 86400


class Moment:
    """Connections that see the same moment. `take` may be called from several threads."""

    def __init__(self, connections: Sequence[Connection], at: str = "") -> None:
        self.at = at
        """SQL after the name of a table that reads it as it was then, with a blank before it, where any connection can
        do that; `take` then gives none."""
        self._idle: SimpleQueue[Connection] = SimpleQueue()
        for connection in connections:
            self._idle.put(connection)

    @contextmanager
    def take(self) -> Iterator[Connection | None]:
        """A connection for the time of a `with` block; None if those that are not in use were lost."""
        try:
            connection = self._idle.get_nowait()
        except Empty:
            yield None
            return
        try:
            yield connection
        finally:
            if connection.is_open:
                self._idle.put(connection)


@contextmanager
def one_moment(
    connect: Callable[[], AbstractContextManager[Connection]], count: int, tables: Sequence[str], touches: Sequence[str]
) -> Iterator[Moment | None]:
    """`count` connections that see one moment, for the time of a `with` block. `tables` are those to be read, as SQL;
    without any the whole server is locked. `touches` are queries without rows that open all that will be read. None
    where the server, its load or the user's privileges do not allow it."""
    with ExitStack() as stack:
        try:
            connections = [stack.enter_context(connect())]
            if connections[0].product == "OceanBase":
                moment = Moment((), _snapshot(connections[0])) if tables else None
            else:
                connections += [stack.enter_context(connect()) for _ in range(1, count)]
                _begin_together(connections, connect, tables, touches)
                moment = Moment(connections)
        except StarhaulError:
            stack.close()
            moment = None
        yield moment


def _begin_together(
    connections: Sequence[Connection],
    connect: Callable[[], AbstractContextManager[Connection]],
    tables: Sequence[str],
    touches: Sequence[str],
) -> None:
    for connection in connections:
        connection.reusable = False
    if connections[0].product == "TiDB":
        _read_history(connections)
        return
    with connect() as locker:
        locker.reusable = False
        _lock(locker, tables)
        for connection in connections:
            _begin(connection)
            for query in touches:
                connection.execute(query)


def _lock(locker: Connection, tables: Sequence[str]) -> None:
    """Wait until no transaction that has written to the tables is open, and keep new ones out until it is closed."""
    locker.execute(f"SET SESSION lock_wait_timeout = {_LOCK_SECONDS}")
    if tables:
        locker.execute(f"LOCK TABLES {', '.join(f'{table} READ' for table in dict.fromkeys(tables))}")
    else:
        locker.execute("FLUSH TABLES WITH READ LOCK")


def _begin(connection: Connection) -> None:
    with suppress(StarhaulError):
        connection.execute(f"SET SESSION wait_timeout = {_IDLE_SECONDS}")
    connection.execute(f"SET SESSION lock_wait_timeout = {_LOCK_SECONDS}")  # who waits for the locker comes before us
    connection.execute("SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ")
    connection.execute("START TRANSACTION WITH CONSISTENT SNAPSHOT")


def _snapshot(connection: Connection) -> str:
    """SQL that reads a table as it is now, however late it is run within the server's `undo_retention`. LOCK TABLES
    locks nothing in OceanBase."""
    return f" AS OF SNAPSHOT {int(connection.value('SELECT current_scn()'))}"


def _read_history(connections: Sequence[Connection]) -> None:
    connections[0].execute("START TRANSACTION")
    moment = int(connections[0].value("SELECT @@tidb_current_ts"))
    connections[0].execute("ROLLBACK")
    for connection in connections:
        connection.execute(f"SET SESSION tidb_snapshot = '{moment}'")
