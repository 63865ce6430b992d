"""Connections to a server, through PyMySQL."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from functools import partial
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from starhaul import ConfigError, StarhaulError, TransientError, lent
from starhaul_stores.mysql.failure import connecting_failure, failure
from starhaul_stores.mysql.tls import tls_arguments
from starhaul_stores.relational.url import DatabaseUrl, options_of

if TYPE_CHECKING:
    from starhaul_stores.mysql.rows import Values
    from starhaul_stores.mysql.wire import Done, Wire

KINDS = ("mysql", "mariadb", "tidb", "oceanbase")
Product: TypeAlias = Literal["MySQL", "MariaDB", "OceanBase", "TiDB"]
_SIGNS: Mapping[Product, str] = MappingProxyType({"MariaDB": "mariadb", "OceanBase": "oceanbase", "TiDB": "tidb"})
"""Product → what its version holds, in lower case."""
_SAVEPOINT = "_starhaul_chunk"
_PATIENCE = 7200
"""Seconds that the server waits while the other store of the stream is busy."""
_LIMIT = 48 * 3600 * 1_000_000
"""Microseconds that OceanBase lets a statement or a transaction last. By itself it ends a statement after ten seconds,
and the time that the other side takes counts."""
_LOCK_LIMIT = 50 * 1_000_000
"""Microseconds to wait for a row that another transaction holds, as long as InnoDB does. By itself OceanBase waits as
long as the statement may last."""
_NO_LIMIT = 2**64 - 1
"""Rows of a SELECT, where the server is set to send fewer, which it does without a word."""
_OURS = (
    "SET SESSION time_zone = '+00:00', autocommit = 1, character_set_client = utf8mb4, character_set_results = utf8mb4"
)
_PORTS = {"oceanbase": 2881, "tidb": 4000}
"""Where a kind's servers listen, unless it is 3306."""
_OPTIONS = {
    **{name: name for name in ("sslca", "sslcert", "sslkey", "sslmode", "usessl", "requiressl",
                               "verifyservercertificate", "sockettimeout", "connecttimeout", "unix_socket")},
    # What drivers of Java do on their side of the wire.
    **dict.fromkeys(
        (
            "allowloadlocalinfile", "allowmultiqueries", "allowpublickeyretrieval", "autoreconnect", "cacheprepstmts",
            "characterencoding", "charset", "connectioncollation", "connectiontimezone", "defaultfetchsize",
            "failoverreadonly", "forceconnectiontimezonetosession", "maxreconnects", "nullcatalogmeanscurrent",
            "permitmysqlscheme", "prepstmtcachesize", "prepstmtcachesqllimit", "preserveinstants",
            "rewritebatchedstatements", "servertimezone", "tcpkeepalive", "tinyint1isbit", "usecompression",
            "usecursorfetch", "usecursors", "useinformationschema", "usejdbccomplianttimezoneshift",
            "uselegacydatetimecode", "useoldaliasmetadatabehavior", "useserverprepstmts", "useunicode",
            "yearisdatetype", "zerodatetimebehavior",
        ),
        "",
    ),
}  # fmt: skip


class Connection:
    """One connection in autocommit mode: a transaction begins and ends where the SQL says so. For one thread.

    Every method raises what `failure` makes of PyMySQL's exceptions; exceptions of the caller's own pass as they are.
    """

    def __init__(self, wire: Wire, where: str) -> None:
        self.where = where
        """The server and database, for errors."""
        self.reusable = True
        """Whether another call may use it afterwards: nothing was done that a reset does not undo."""
        self._wire = wire
        self._version = str(wire.get_server_info())
        self._was_cleared = False

    def close(self) -> None:
        """End the connection, and with it its transaction and whatever it was reading."""
        if self._wire.open:
            self._wire.close()

    def cleared(self) -> bool:
        """Make the server forget everything of the session, so that another call can use the connection. False if
        that cannot be: it is not `reusable`, names no database (one that was chosen cannot be unchosen), its server
        does not know how, or does for each new connection what a reset would undo (`init_connect`)."""
        if not self.reusable or not self._wire.db or not self._wire.open:
            return False
        try:
            if not self._was_cleared and self.value("SELECT @@GLOBAL.init_connect"):
                return False
            with self._failures():
                self._wire.reset()
        except StarhaulError:
            return False
        self._was_cleared = True
        return True

    def settle(self, session: Sequence[str]) -> None:
        """Run the statements of `session`, and those that we need. Whatever they say, the time zone is UTC, and texts
        come and go as UTF-8."""
        patience = f"SET SESSION net_read_timeout = {_PATIENCE}, net_write_timeout = {_PATIENCE}"
        with suppress(StarhaulError):  # a proxy may not know them
            self.execute(patience)
        if self.product == "OceanBase":
            limits = f"ob_query_timeout = {_LIMIT}, ob_trx_timeout = {_LIMIT}, ob_trx_lock_timeout = {_LOCK_LIMIT}"
            self.execute(f"SET SESSION {limits}")
        with suppress(StarhaulError):
            self.execute(f"SET SESSION sql_select_limit = {_NO_LIMIT}")
        for statement in session:
            if statement.strip():
                self.execute(statement)
        if session and self.value("SELECT @@character_set_connection") != "utf8mb4":  # else its collation stays
            self.execute("SET SESSION character_set_connection = utf8mb4")
        self.execute(_OURS)

    @property
    def is_open(self) -> bool:
        """Whether it can still be used."""
        return bool(self._wire.open)

    @property
    def version(self) -> str:
        """The server's version as it calls itself (`10.11.19-MariaDB`, `5.7.25-OceanBase-…`)."""
        return self._version

    @property
    def product(self) -> Product:
        """Which server it is. OceanBase greets as a plain MySQL, and says what it is only when asked."""
        if "-" not in self._version:
            self._version = str(self.value("SELECT VERSION()"))
        return next((product for product, sign in _SIGNS.items() if sign in self._version.lower()), "MySQL")

    @property
    def database(self) -> str:
        """The database that names without one are looked for in; empty if there is none."""
        return str(self.value("SELECT DATABASE()") or "")

    def execute(self, sql: str, parameters: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """Run one statement; its rows, if it returns any. With parameters `%s` stands for each, and `%%` for `%`."""
        with self._failures(), self._wire.cursor() as cursor:
            cursor.execute(sql, tuple(parameters) or None)
            return list(cursor.fetchall())

    def run(self, script: Iterable[str]) -> None:
        """Run statements of the user's own, which may do anything to the session."""
        for statement in script:
            self.reusable = False
            self.execute(statement)

    def changed(self, sql: str | bytes) -> Done:
        """Run one statement that writes."""
        with self._failures():
            return self._wire.changed(sql)

    def value(self, sql: str, parameters: Sequence[Any] = ()) -> Any:
        """The first column of the first row; None if there is no row."""
        rows = self.execute(sql, parameters)
        return rows[0][0] if rows else None

    def described(self, sql: str) -> list[Any]:
        """What the server says of the columns of a query's result (`FieldDescriptorPacket`). Reads the rows too: the
        query should return none."""
        with self._failures():
            fields, blocks = self._wire.stream(sql, 1 << 20)
            for _ in blocks:
                pass
        if not fields:
            raise ConfigError("column", "the query gives no columns")
        return fields

    def prepared(self, query: str) -> list[Any]:
        """The same of a query of the job's own, which is not run."""
        with self._failures():
            fields = self._wire.prepared(query)
        if not fields:
            raise ConfigError("querySql", "gives no columns")
        return fields

    @contextmanager
    def stream(self, sql: str, size: int) -> Iterator[Iterator[list[Values]]]:
        """Run a query; yields its rows in blocks of about `size` bytes, each a list of columns with the values as text,
        which last until the next block is asked for. Left before the last of them, it closes the connection, which ends
        the query."""
        with self._failures():
            _, blocks = self._wire.stream(sql, size)
        finished = False

        def guarded() -> Iterator[list[Values]]:
            nonlocal finished
            with self._failures():
                yield from blocks
            finished = True

        try:
            yield guarded()
        finally:
            if not finished:
                self.close()

    def load(self, sql: str, pieces: Iterable[Any]) -> Done:
        """Run `LOAD DATA LOCAL INFILE` with these bytes as the file. If `pieces` fails, the connection is closed."""
        with self._failures():
            return self._wire.load(sql, pieces)

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """A transaction for the time of a `with` block: committed at its end, rolled back if it raises."""
        self.execute("START TRANSACTION")
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
        except TransientError:  # the transaction is over
            raise
        except StarhaulError:
            self.execute(f"ROLLBACK TO SAVEPOINT {_SAVEPOINT}")
            raise
        self.execute(f"RELEASE SAVEPOINT {_SAVEPOINT}")

    @contextmanager
    def lock(self, name: str, seconds: float) -> Iterator[None]:
        """Hold a named lock of the server for the time of a `with` block. Raises `TransientError` if another
        connection holds it for too long."""
        if self.value("SELECT GET_LOCK(%s, %s)", [name, seconds]) != 1:
            raise TransientError(self.where, f"another run holds the lock {name}")
        try:
            yield
        finally:
            with suppress(StarhaulError):
                self.execute("SELECT RELEASE_LOCK(%s)", [name])

    @contextmanager
    def _failures(self) -> Iterator[None]:
        import pymysql

        try:
            yield
        except pymysql.Error as error:
            raise failure(error, self.where) from error
        except OSError as error:
            raise TransientError(self.where, f"the connection was lost: {error}") from error


@contextmanager
def connect(
    addresses: Sequence[DatabaseUrl],
    session: Sequence[str],
    timeout: float,
    healthy: Callable[[Connection], object] = lambda connection: None,
    *,
    loads: bool = False,
) -> Iterator[Connection]:
    """A connection for the time of a `with` block to the first of `addresses` that lets us and is `healthy` (which
    raises `TransientError` otherwise), settled (see `Connection.settle`). `loads` says that `Connection.load` may be
    called; without it the server is not offered to ask for files.

    Raises `ConfigError` for a wrong user, password, host or database, `TransientError` if the server does not answer.
    """

    def settle(connection: Connection) -> None:
        connection.settle(session)
        healthy(connection)

    with ExitStack() as stack:
        for address in addresses:
            try:
                key = (address, timeout, loads)
                connection = stack.enter_context(lent(key, partial(_new, *key), settle))
            except (ConfigError, TransientError):
                if address is addresses[-1]:
                    raise
            else:
                break
        yield connection


def _new(address: DatabaseUrl, timeout: float, loads: bool) -> Connection:
    return Connection(_open(address, timeout, loads), str(address))


def _open(address: DatabaseUrl, timeout: float, loads: bool) -> Wire:
    if address.kind not in KINDS:
        raise ConfigError("url", f"{address.kind!r} is not MySQL", "write mysql://HOST:PORT/DATABASE")
    options = options_of(address, _OPTIONS)
    try:
        import pymysql
        from pymysql.constants import CLIENT

        from starhaul_stores.mysql.wire import Wire
    except ImportError as error:
        hint = "pip install 'starhaul[mysql]'"
        raise ConfigError("", f"MySQL needs the package {error.name}, which is not installed", hint) from error
    tls = tls_arguments(options)
    seconds = float(options.get("connecttimeout", "0")) / 1000 or timeout
    read = float(options.get("sockettimeout", "0")) / 1000 or None
    last = len(address.hosts) - 1
    for number, (host, port) in enumerate(address.hosts):
        try:
            return Wire(
                host=host or "127.0.0.1",
                port=port or _PORTS.get(address.kind, 3306),
                unix_socket=options.get("unix_socket"),
                user=address.user,
                password=(address.password or "").encode(),  # of a text PyMySQL would make Latin-1
                database=address.database or None,
                charset="utf8mb4",
                autocommit=True,
                client_flag=CLIENT.LOCAL_FILES if loads else 0,  # `local_infile` would send whatever file is asked for
                connect_timeout=max(1, round(seconds)),
                read_timeout=read,
                write_timeout=read,
                **tls,
            )
        except (pymysql.Error, OSError, RuntimeError) as error:
            if number == last:
                raise connecting_failure(error, str(address)) from error
    raise ConfigError("url", "names no host")


def quoted(name: str) -> str:
    """A name as an SQL identifier."""
    if "\0" in name:
        raise ConfigError("column", f"MySQL's names hold no NUL: {name!r}")
    return "`" + name.replace("`", "``") + "`"


def literal(value: int | str) -> str:
    """A value as an SQL literal, whatever the session's `sql_mode`: digits, or text under the collation of what it is
    compared with."""
    if isinstance(value, int):
        return str(value)
    return f"_utf8mb4 x'{value.encode().hex()}'" if value else "''"
