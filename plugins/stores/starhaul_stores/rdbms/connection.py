"""Connections to a database, through SQLAlchemy."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

from starhaul import ConfigError, StarhaulError, TransientError
from starhaul_stores.rdbms.addresses import DIALECTS, package_for
from starhaul_stores.rdbms.failure import connecting_failure, failure, words
from starhaul_stores.rdbms.traits import Traits, traits_of
from starhaul_stores.relational.refusal import Refused
from starhaul_stores.relational.url import DatabaseUrl

if TYPE_CHECKING:
    import sqlalchemy
    from sqlalchemy.engine.reflection import Inspector

MARK = "\x1f"
"""What stands for a parameter in SQL given to `Connection.execute`."""
_BUSY_SECONDS = 60
_BEGIN = "starhaul_begin"
"""In `Connection.info`: how SQLite is to begin a transaction. One that reads first and writes later could not wait for
another writer."""
_UNFIT = (OverflowError, ValueError, TypeError, UnicodeError)
"""What drivers raise for values that they cannot send."""


class Connection:
    """One connection in autocommit mode, unless inside `transaction`. For one thread.

    Every method raises what `failure` makes of SQLAlchemy's exceptions; exceptions of the caller's own pass.
    """

    def __init__(self, driver: sqlalchemy.Connection, where: str) -> None:
        self.where = where
        """The server and database, for errors."""
        self._driver = driver
        self._inside = False
        self._preparer = driver.dialect.preparer(driver.dialect)
        self._preparer._double_percents = False  # SQL is passed on as it is, or through text(), which doubles them

    @property
    def dialect(self) -> str:
        """SQLAlchemy's name of the dialect."""
        return str(self._driver.dialect.name)

    @property
    def driver_name(self) -> str:
        """SQLAlchemy's name of the driver."""
        return str(self._driver.dialect.driver)

    @property
    def traits(self) -> Traits:
        """What this dialect can do."""
        return traits_of(self.dialect)

    @property
    def counts_many(self) -> bool:
        """Whether the driver tells how many rows a statement with many sets of parameters wrote."""
        return bool(self._driver.dialect.supports_sane_multi_rowcount)

    def quoted(self, name: str) -> str:
        """A name as an SQL identifier, in quotes where it needs them."""
        if "\0" in name:
            raise ConfigError("column", f"names hold no NUL: {name!r}")
        return str(self._preparer.quote(name))

    def inspector(self) -> Inspector:
        """SQLAlchemy's view of the catalog as it is now."""
        import sqlalchemy

        with self.failures():
            return sqlalchemy.inspect(self._driver)

    def type_text(self, kind: Any) -> str:
        """The name of a SQLAlchemy type in this database; empty for one that has none."""
        from sqlalchemy.exc import SQLAlchemyError

        try:
            return str(kind.compile(self._driver.dialect))
        except (SQLAlchemyError, NotImplementedError):
            return ""

    def execute(self, sql: str, parameters: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """Run one statement to its end; its rows, if it returns any. `MARK` stands for each parameter."""
        with self.failures():
            result = self._run(sql, parameters)
            rows = [tuple(row) for row in result] if result.returns_rows else []
            result.close()
            self._settle()
            return rows

    def value(self, sql: str, parameters: Sequence[Any] = ()) -> Any:
        """The first column of the first row; None if there is no row."""
        rows = self.execute(sql, parameters)
        return rows[0][0] if rows else None

    def run_many(self, sql: str, rows: Sequence[dict[str, Any]]) -> int:
        """Run a statement with `:p0`, `:p1` … (every other colon escaped) once for each row; how many rows it wrote, or
        -1 where the driver does not say."""
        import sqlalchemy

        with self.failures():
            try:
                result = self._driver.execute(sqlalchemy.text(sql), rows)
            except _UNFIT as error:
                raise Refused(self.where, words(error)) from error
            written = int(result.rowcount)
            result.close()
            self._settle()
            return written

    def define(self, ddl: Any) -> None:
        """Run DDL of SQLAlchemy."""
        with self.failures():
            self._driver.execute(ddl)
            self._settle()

    def described(self, sql: str) -> list[tuple[Any, ...]]:
        """The driver's description (PEP 249) of a query's result. Reads no row."""
        with self.failures():
            result = self._run(sql, (), stream=True)
            if not result.returns_rows:
                raise ConfigError("querySql", "the statement gives no rows", "write a SELECT")
            description = list(result.cursor.description) if result.cursor is not None else []
            result.close()
            self._settle()
            return [tuple(column) for column in description]

    @contextmanager
    def stream(self, sql: str, parameters: Sequence[Any] = ()) -> Iterator[Callable[[int], list[Any]]]:
        """Run a query for the time of a `with` block, with the driver's server-side cursor where it has one; yields a
        function that fetches that many further rows."""
        with self.failures():
            result = self._run(sql, parameters, stream=True)
        try:
            cursor = result.cursor
            if cursor is None:
                raise ConfigError("querySql", "the statement gives no rows", "write a SELECT")

            def fetch(count: int) -> list[Any]:
                try:
                    return list(cursor.fetchmany(count))
                except self._driver.dialect.loaded_dbapi.Error as error:
                    raise self._told(error) from error

            yield fetch
        finally:
            with suppress(Exception):  # whatever is wrong has been said
                result.close()
            self._settle()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """A transaction for the time of a `with` block: committed at its end, rolled back if it raises."""
        self._settle()
        self._inside = True
        self._driver.info[_BEGIN] = "BEGIN IMMEDIATE"
        try:
            yield
            with self.failures():
                self._driver.commit()
        except BaseException:
            with suppress(Exception):  # the connection may be what was lost
                self._driver.rollback()
            raise
        finally:
            self._inside = False
            with suppress(Exception):
                self._driver.info.pop(_BEGIN, None)

    @contextmanager
    def savepoint(self) -> Iterator[None]:
        """The same within a transaction, with a savepoint. A database without them takes no row back: what it refuses
        ends the task."""
        if not self.traits.savepoints:
            try:
                yield
            except Refused as refused:
                hint = f"{self.dialect} has no savepoints, so that rows cannot be rejected one by one"
                raise ConfigError(self.where, refused.problem, hint) from refused
            return
        with self.failures():
            point = self._driver.begin_nested()
        try:
            yield
        except TransientError:  # the transaction is over
            raise
        except StarhaulError:
            with self.failures():
                point.rollback()
            raise
        with self.failures():
            point.commit()

    def _run(self, sql: str, parameters: Sequence[Any], *, stream: bool = False) -> sqlalchemy.CursorResult[Any]:
        import sqlalchemy

        options: dict[str, Any] = {"stream_results": True} if stream else {}
        if not parameters:
            return self._driver.exec_driver_sql(sql, execution_options={**options, "no_parameters": True})
        marked = escaped(sql)
        for number in range(len(parameters)):
            marked = marked.replace(MARK, f":p{number}", 1)
        values = {f"p{number}": value for number, value in enumerate(parameters)}
        return self._driver.execute(sqlalchemy.text(marked), values, execution_options=options)

    def _settle(self) -> None:
        """What ran outside of `transaction` is done."""
        if not self._inside and self._driver.in_transaction():
            self._driver.commit()

    def _told(self, error: Exception) -> StarhaulError:
        """The meaning of an exception of the driver itself."""
        from sqlalchemy import exc

        dbapi = self._driver.dialect.loaded_dbapi
        wrapped = exc.DBAPIError.instance(None, None, error, dbapi.Error, dialect=self._driver.dialect)
        return failure(wrapped, self.where) if isinstance(wrapped, exc.SQLAlchemyError) else failure(
            exc.DBAPIError(None, None, error), self.where
        )  # fmt: skip

    @contextmanager
    def failures(self) -> Iterator[None]:
        """Raise what `failure` makes of SQLAlchemy's exceptions inside a `with` block."""
        from sqlalchemy.exc import SQLAlchemyError

        try:
            yield
        except SQLAlchemyError as error:
            raised = failure(error, self.where)
            if not self._inside:
                with suppress(Exception):
                    self._driver.rollback()
            raise raised from error


def escaped(sql: str) -> str:
    """SQL for SQLAlchemy's text(), in which a colon begins a parameter."""
    return sql.replace(":", "\\:")


@contextmanager
def connect(
    addresses: Sequence[DatabaseUrl],
    session: Sequence[str],
    timeout: float,
    healthy: Callable[[Connection], object] = lambda connection: None,
) -> Iterator[Connection]:
    """Connect for the time of a `with` block to the first of `addresses` that lets us and is `healthy` (which raises
    `TransientError` otherwise), and run the statements of `session`.

    Raises `ConfigError` for a wrong user, password, host or database, or a driver that is not installed;
    `TransientError` if the server does not answer.
    """
    last = len(addresses) - 1
    for number, address in enumerate(addresses):
        engine = _engine(address, timeout)
        try:
            driver = _opened(engine, address)
            try:
                connection = Connection(driver, _named(address))
                for statement in [*session, *connection.traits.session]:
                    if statement.strip():
                        connection.execute(statement)
                healthy(connection)
            except BaseException:
                driver.close()
                raise
        except (ConfigError, TransientError):
            engine.dispose()
            if number == last:
                raise
            continue
        try:
            yield connection
        finally:
            with suppress(Exception):
                driver.close()
            engine.dispose()
        return


def _opened(engine: sqlalchemy.Engine, address: DatabaseUrl) -> sqlalchemy.Connection:
    from sqlalchemy.exc import SQLAlchemyError

    try:
        return engine.connect()
    except (SQLAlchemyError, OSError, ValueError, TypeError, RuntimeError) as error:
        raise connecting_failure(error, _named(address)) from error


def _engine(address: DatabaseUrl, timeout: float) -> sqlalchemy.Engine:
    try:
        import sqlalchemy
    except ImportError as error:
        hint = f"pip install {package_for(address.scheme) or 'SQLAlchemy'}"
        raise ConfigError("url", "this needs SQLAlchemy, which is not installed", hint) from error
    from sqlalchemy import exc, pool

    host, port = address.hosts[0]
    if len(address.hosts) > 1:
        raise ConfigError("url", "names several hosts", "give a list of URLs; the first that answers counts")
    options: dict[str, Any] = {}
    if address.scheme.startswith(("postgresql", "mysql", "mariadb", "sqlite")):
        options["json_deserializer"] = _as_it_is
    try:
        url = sqlalchemy.URL.create(
            address.scheme,
            address.user,
            address.password,
            host or None,
            port,
            address.database or None,
            dict(address.options),
        )
        arguments = _arguments(address.scheme, timeout, address.options)
        engine = sqlalchemy.create_engine(url, poolclass=pool.NullPool, connect_args=arguments, **options)
    except (exc.NoSuchModuleError, ImportError) as error:
        raise _missing(address, error) from error
    except (exc.ArgumentError, TypeError, ValueError) as error:
        raise ConfigError("url", f"SQLAlchemy does not take it: {error}", "see the dialect's documentation") from error
    if address.kind == "sqlite":
        _begin_by_itself(engine)
    return engine


def _missing(address: DatabaseUrl, error: Exception) -> ConfigError:
    package = package_for(address.scheme)
    if not package:
        known = ", ".join(sorted({dialect.name for dialect in DIALECTS.values()}))
        hint = f"install the SQLAlchemy dialect and driver of this database (known here: {known})"
        return ConfigError("url", f"there is no SQLAlchemy dialect {address.scheme!r}", hint)
    name = getattr(error, "name", None) or address.scheme
    return ConfigError("url", f"{address.kind} needs the package {name}, which is not installed", f"pip install {package}")


def _arguments(scheme: str, timeout: float, given: Any) -> dict[str, Any]:
    """Arguments of drivers that are known: how long to wait for a connection."""
    seconds = max(1, round(timeout))
    if scheme == "sqlite" or scheme.startswith("sqlite+pysqlite"):
        return {"timeout": _BUSY_SECONDS}
    if scheme.endswith("+psycopg"):
        return {} if "connect_timeout" in given else {"connect_timeout": max(2, seconds)}
    if scheme.endswith("+pymysql"):
        return {"connect_timeout": seconds, "charset": "utf8mb4"}
    if scheme.endswith("+oracledb"):
        return {"tcp_connect_timeout": float(seconds)}
    if scheme.endswith("+pymssql"):
        return {"login_timeout": seconds, "charset": "UTF-8"}
    return {}


def _as_it_is(text: Any) -> Any:
    """In place of json.loads, which would make other numbers of some."""
    return text.decode() if isinstance(text, bytes | bytearray | memoryview) else text


def _begin_by_itself(engine: sqlalchemy.Engine) -> None:
    """Python's sqlite3 begins transactions where it pleases, which savepoints do not survive."""
    from sqlalchemy import event

    def no_transactions(driver: Any, record: Any) -> None:
        del record
        driver.isolation_level = None

    def begin(connection: sqlalchemy.Connection) -> None:
        connection.exec_driver_sql(connection.info.get(_BEGIN, "BEGIN"))

    event.listen(engine, "connect", no_transactions)
    event.listen(engine, "begin", begin)


def _named(address: DatabaseUrl) -> str:
    return str(address)
