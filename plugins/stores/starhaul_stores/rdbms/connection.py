"""Connections to a database, through SQLAlchemy."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from copy import copy
from typing import TYPE_CHECKING, Any

from starhaul import ConfigError, StarhaulError, TransientError
from starhaul_stores.rdbms.engine import BEGIN, engine_for
from starhaul_stores.rdbms.failure import connecting_failure, failure, words
from starhaul_stores.rdbms.traits import Traits, traits_of
from starhaul_stores.relational.refusal import Refused
from starhaul_stores.relational.url import DatabaseUrl

if TYPE_CHECKING:
    import sqlalchemy
    from sqlalchemy.engine.reflection import Inspector

MARK = "\x1f"
"""What stands for a parameter in SQL given to `Connection.execute`."""
_COUNTING = frozenset({"psycopg", "psycopg2", "pymysql", "mysqldb", "pysqlite", "oracledb", "cx_oracle"})
"""Drivers that are known to add up what many sets of parameters wrote."""
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
        return self.driver_name in _COUNTING and bool(self._driver.dialect.supports_sane_multi_rowcount)

    @property
    def name_characters(self) -> int:
        """Most characters of a table's name."""
        return int(self._driver.dialect.max_identifier_length)

    def refuses_name(self, name: str) -> bool:
        """Whether a column cannot be called so, whatever the quotes."""
        return self.dialect in ("mysql", "mariadb") and (name.endswith(" ") or max(name) > "\uffff" or len(name) > 64)

    def quoted(self, name: str) -> str:
        """A name as an SQL identifier, in quotes where it needs them."""
        if "\0" in name:
            raise ConfigError("column", f"names hold no NUL: {name!r}")
        return str(self._preparer.quote(name))

    def catalog_name(self, name: str) -> str:
        """A name of SQLAlchemy's as the database's own catalog spells it: `ORDERS` in Oracle for `orders`."""
        dialect = self._driver.dialect
        return str(dialect.denormalize_name(name)) if dialect.requires_name_normalize else name

    def inspector(self) -> Inspector:
        """SQLAlchemy's view of the catalog as it is now."""
        import sqlalchemy

        with self.failures():
            return sqlalchemy.inspect(self._driver)

    def type_text(self, kind: Any) -> str:
        """The name of a SQLAlchemy type in this database; empty for one that has none."""
        from sqlalchemy.exc import SQLAlchemyError

        if isinstance(getattr(kind, "collation", None), int):  # for which it takes the 4 of SQLite's DECIMAL_TEXT(12,4)
            kind = type(kind)()
        try:
            return str(kind.compile(self._driver.dialect))
        except (SQLAlchemyError, NotImplementedError):
            return ""

    def ddl(self, ddl: Any) -> str:
        """DDL of SQLAlchemy as the text that `execute` takes."""
        dialect = copy(self._driver.dialect)
        dialect.identifier_preparer = self._preparer
        return str(ddl.compile(dialect=dialect)).strip()

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

    def counted(self, sql: str, row: dict[str, Any]) -> int:
        """The number that a SELECT gives, written as for `run_many`."""
        import sqlalchemy

        with self.failures():
            found = int(self._driver.execute(sqlalchemy.text(sql), row).scalar_one())
            self._settle()
            return found

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
            if not result.returns_rows:
                raise ConfigError("querySql", "the statement gives no rows", "write a SELECT")

            def fetch(count: int) -> list[Any]:
                with self.failures():
                    return list(result.fetchmany(count))  # the driver's cursor lacks what SQLAlchemy has fetched

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
        self._driver.info[BEGIN] = "BEGIN IMMEDIATE"
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
                self._driver.info.pop(BEGIN, None)

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
        engine = engine_for(address, timeout)
        try:
            driver = _opened(engine, address)
            try:
                connection = Connection(driver, str(address))
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
        raise connecting_failure(error, str(address)) from error
