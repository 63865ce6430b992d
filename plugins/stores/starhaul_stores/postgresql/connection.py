"""Connections to a server, through psycopg."""

from __future__ import annotations

import select
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager, suppress
from dataclasses import dataclass
from itertools import repeat
from typing import TYPE_CHECKING, Any

from starhaul import ConfigError, PermanentError, StarhaulError, TransientError, lent
from starhaul_stores.postgresql.failure import connecting_failure, failure
from starhaul_stores.postgresql.options import options_for
from starhaul_stores.postgresql.patience import patience, patient
from starhaul_stores.relational.url import DatabaseUrl

if TYPE_CHECKING:
    import psycopg
    from psycopg.pq.abc import PGresult

KINDS = (
    "postgresql", "postgres", "pgsql", "greenplum", "pivotal:greenplum", "opengauss", "gaussdb", "kingbase8",
    "hologres",
)  # fmt: skip
_SPELLING = (
    "SET DateStyle = 'ISO, YMD'; SET IntervalStyle = 'iso_8601'; SET extra_float_digits = 3; SET bytea_output = 'hex'; "
    "SET standard_conforming_strings = on; SET array_nulls = on; SET client_encoding = 'UTF8'"
)
"""How values look as text, whatever the server, the database, the user and the job's session are set to."""
_SAVEPOINT = "_starhaul_chunk"
_HAS_IDLE_TIMEOUT = 90600
_BLOCK_BYTES = 2 << 20
_BLOCK_ROWS = 1 << 16


@dataclass(slots=True)
class Rows:
    """Some rows of a COPY as they came, one after the other."""

    data: bytearray
    lengths: list[int]
    """Of each message of the server, which holds one row."""

    def __len__(self) -> int:
        return len(self.lengths)

    def cut(self, start: int, count: int) -> Rows:
        """Some of them."""
        first = sum(self.lengths[:start])
        lengths = self.lengths[start : start + count]
        return Rows(self.data[first : first + sum(lengths)], lengths)


class Connection:
    """One connection in autocommit mode: a transaction begins and ends where the SQL says so. For one thread.

    Every method raises what `failure` makes of psycopg's exceptions; exceptions of the caller's own pass as they are.
    """

    def __init__(self, driver: psycopg.Connection[Any], where: str, patience: float | None = None) -> None:
        self.where = where
        """The server and database, for errors."""
        self._driver = driver
        self._patience = patience

    def close(self) -> None:
        """End the connection, and with it its transaction and whatever it was reading."""
        self._driver.close()

    def cleared(self) -> bool:
        """Make the server forget everything of the session (settings, temporary tables, locks), so that another call
        can use the connection. False if that cannot be: it is closed or broken, a transaction is open, or the server,
        which may not be PostgreSQL's own, does not know how."""
        from psycopg.pq import TransactionStatus

        if self._driver.closed or self._driver.info.transaction_status != TransactionStatus.IDLE:
            return False
        try:
            self.execute("DISCARD ALL")
        except StarhaulError:
            return False
        return True

    def settle(self, address: DatabaseUrl, session: Sequence[str], *, utc: bool) -> None:
        """Run the statements of `session`, then settle how values look as text. With `utc` the session's time zone is
        UTC whatever `session` says."""
        schema = address.options.get("currentSchema")
        first, last = f"SET TimeZone = 'UTC'{self._patient}", _SPELLING + ("; SET TimeZone = 'UTC'" if utc else "")
        if schema:
            first += f"; SET search_path = {', '.join(quoted(name.strip()) for name in schema.split(','))}"
        statements = [statement for statement in session if statement.strip()]
        for statement in [first, *statements, last] if statements else [f"{first}; {last}"]:
            self.execute(statement)

    @property
    def _patient(self) -> str:
        """SQL that lets a transaction wait for the other side of a route, which may be slow for a while: servers are
        often set to end one that does nothing for some minutes."""
        return "; SET idle_in_transaction_session_timeout = 0" if self.version >= _HAS_IDLE_TIMEOUT else ""

    @property
    def version(self) -> int:
        """The server's version as it counts them: 150018 for 15.18."""
        return self._driver.info.server_version

    @property
    def has_integer_datetimes(self) -> bool:
        """Whether times are counted in microseconds in binary form; every server since PostgreSQL 10 does."""
        return self._driver.info.parameter_status("integer_datetimes") == "on"

    def execute(self, sql: str, parameters: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """Run one statement (or several, without parameters); the rows of the last, if it returns any. With parameters
        `%s` stands for each, and `%%` for a percent sign."""
        with self._failures():
            cursor = self._driver.execute(sql.encode(), tuple(parameters) or None)
            while cursor.nextset():
                pass
            return cursor.fetchall() if cursor.description else []

    def changed(self, sql: str) -> int:
        """Run one statement; how many rows it wrote."""
        with self._failures():
            return self._driver.execute(sql.encode()).rowcount

    def value(self, sql: str, parameters: Sequence[Any] = ()) -> Any:
        """The first column of the first row; None if there is no row."""
        rows = self.execute(sql, parameters)
        return rows[0][0] if rows else None

    def described(self, sql: str) -> list[tuple[str, int, int, int, int]]:
        """Run a query; name, type (oid), type modifier, table (oid) and place in it of each column of its result."""
        with self._failures():
            result = self._driver.execute(sql.encode()).pgresult
            if result is None or not result.nfields:
                raise ConfigError("column", "the query gives no columns")
            return [
                ((result.fname(i) or b"").decode(), result.ftype(i), result.fmod(i), result.ftable(i),
                result.ftablecol(i)) for i in range(result.nfields) ]  # fmt: skip

    @contextmanager
    def copy_out(self, sql: str) -> Iterator[Iterator[Rows]]:
        """Run `COPY … TO STDOUT`; yields its rows in blocks of about `_BLOCK_BYTES`. Left early, it closes the
        connection, which ends the statement at once.

        It calls libpq itself: psycopg's iterator takes twice as long for each row.
        """
        from psycopg import pq
        from psycopg.generators import execute

        with self._failures():
            self._driver.pgconn.send_query(sql.encode())
            self._require(self._driver.wait(execute(self._driver.pgconn))[-1], pq.ExecStatus.COPY_OUT)
        finished = False
        try:
            blocks = self._blocks()
            yield blocks
            finished = True
        finally:
            if not finished:
                self._driver.close()

    def _blocks(self) -> Iterator[Rows]:
        """Each row is copied as it comes: to hold the buffers that libpq gives takes twice as long."""
        from psycopg import pq

        connection = self._driver.pgconn
        receive = connection.get_copy_data
        readable = select.poll()
        readable.register(connection.socket, select.POLLIN)
        data, lengths = bytearray(), list[int]()
        length = 1  # the first rows may have come with the answer to the query
        with self._failures():
            while length >= 0:
                if not length:
                    if not readable.poll(self._patience and self._patience * 1000):
                        raise TransientError(self.where, f"the server did not answer for {self._patience:g} s")
                    connection.consume_input()
                append = lengths.append
                for _ in repeat(None, _BLOCK_ROWS - len(lengths)):
                    length, row = receive(1)
                    if length <= 0:
                        break
                    data += row
                    append(length)
                    if len(data) >= _BLOCK_BYTES:
                        break
                if length > 0:
                    yield Rows(data, lengths)
                    data, lengths = bytearray(), []
            while (result := connection.get_result()) is not None:
                self._require(result, pq.ExecStatus.COMMAND_OK)
        if lengths:
            yield Rows(data, lengths)

    def _require(self, result: PGresult, status: int) -> None:
        import psycopg

        if result.status != status:
            raise psycopg.errors.error_from_result(result)

    @contextmanager
    def copy_in(self, sql: str) -> Iterator[CopyIn]:
        """Run `COPY … FROM STDIN` for the time of a `with` block. Its `rows` can be read after the block."""
        with self._driver.cursor() as cursor:
            sink = CopyIn()
            with self._failures(), cursor.copy(sql.encode()) as copy:
                sink.write = copy.write
                yield sink
            sink.rows = cursor.rowcount

    @contextmanager
    def transaction(self, begin: str = "BEGIN") -> Iterator[None]:
        """A transaction for the time of a `with` block: committed at its end, rolled back if it raises."""
        self.execute(begin)
        try:
            yield
            self.execute("COMMIT")
        except BaseException:
            with suppress(StarhaulError):  # the connection may be what was lost
                self.execute("ROLLBACK")
            raise

    @contextmanager
    def savepoint(self) -> Iterator[None]:
        """The same within a transaction, with a savepoint. Not to be nested."""
        self.execute(f"SAVEPOINT {_SAVEPOINT}")
        try:
            yield
            self.execute(f"RELEASE {_SAVEPOINT}")
        except StarhaulError:
            with suppress(StarhaulError):
                self.execute(f"ROLLBACK TO {_SAVEPOINT}; RELEASE {_SAVEPOINT}")
            raise

    @contextmanager
    def _failures(self) -> Iterator[None]:
        import psycopg

        try:
            yield
        except psycopg.Error as error:
            raise failure(error, self.where) from error


class CopyIn:
    """The open end of a `COPY … FROM STDIN`."""

    def __init__(self) -> None:
        self.write: Any = None
        """Sends bytes-like data."""
        self.rows = 0
        """How many rows the server stored."""


def connect(
    address: DatabaseUrl, session: Sequence[str], timeout: float, *, utc: bool
) -> AbstractContextManager[Connection]:
    """A connection for the time of a `with` block, settled (see `Connection.settle`).

    Raises `ConfigError` for a wrong user, password, host or database, `TransientError` if the server does not answer.
    """

    def opened() -> Connection:
        return Connection(_open(address, timeout), str(address), patience(address) or None)

    return lent((address, timeout), opened, lambda connection: connection.settle(address, session, utc=utc))


@contextmanager
def connect_first(
    addresses: Sequence[DatabaseUrl],
    session: Sequence[str],
    timeout: float,
    *,
    utc: bool,
    healthy: Callable[[Connection], bool] = lambda _: True,
) -> Iterator[Connection]:
    """`connect` to the first address that lets us and is `healthy`. Raises what the last one raises, and
    `PermanentError` if that is not healthy either."""
    with ExitStack() as stack:
        for address in addresses:
            try:
                connection = stack.enter_context(connect(address, session, timeout, utc=utc))
            except (ConfigError, TransientError):
                if address is addresses[-1]:
                    raise
                continue
            if healthy(connection):
                yield connection
                return
            stack.close()
    raise PermanentError(str(addresses[-1]), "preSql does not give a single 0", "the server is not in order, or preSql")


def _open(address: DatabaseUrl, timeout: float) -> psycopg.Connection[Any]:
    if address.kind not in KINDS:
        raise ConfigError("url", f"{address.kind!r} is not PostgreSQL", "write postgresql://HOST:PORT/DATABASE")
    import psycopg

    try:
        return patient(patience(address)).connect(
            user=address.user,
            password=address.password,
            dbname=address.database or address.user,
            autocommit=True,
            prepare_threshold=None,  # a pooler may hand every transaction to another server process
            client_encoding="utf8",
            **options_for(address, timeout),
        )
    except psycopg.Error as error:
        raise connecting_failure(error, str(address)) from error


def quoted(name: str) -> str:
    """A name as an SQL identifier."""
    if "\0" in name:
        raise ConfigError("column", f"PostgreSQL's names hold no NUL: {name!r}")
    return '"' + name.replace('"', '""') + '"'


def literal(value: object) -> str:
    """A value's text as an SQL literal of unknown type: it becomes what it is compared with."""
    return "'" + str(value).replace("'", "''") + "'"
