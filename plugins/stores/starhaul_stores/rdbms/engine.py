"""SQLAlchemy's engine for a URL, with what each known driver needs to be told."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from starhaul import ConfigError
from starhaul_stores.rdbms.addresses import DIALECTS, package_for
from starhaul_stores.relational.url import DatabaseUrl

if TYPE_CHECKING:
    import sqlalchemy

_BUSY_SECONDS = 60
BEGIN = "starhaul_begin"
"""In `Connection.info`: how SQLite is to begin a transaction. One that reads first and writes later could not wait for
another writer."""
_reflection = threading.local()


def engine_for(address: DatabaseUrl, timeout: float) -> sqlalchemy.Engine:
    """An engine that opens a connection each time it is asked for one. Raises `ConfigError` where the URL is wrong, or
    something is not installed."""
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
    return ConfigError(
        "url", f"{address.kind} needs the package {name}, which is not installed", f"pip install {package}"
    )


def _arguments(scheme: str, timeout: float, given: Mapping[str, str]) -> dict[str, Any]:
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


@contextmanager
def reflecting() -> Iterator[None]:
    """For the time of a `with` block, documents are objects in this thread: SQLAlchemy asks the catalog of PostgreSQL
    for some, such as a column's collation."""
    _reflection.under_way = True
    try:
        yield
    finally:
        _reflection.under_way = False


def _as_it_is(text: Any) -> Any:
    """In place of json.loads, which would make other numbers of some."""
    if getattr(_reflection, "under_way", False):
        return json.loads(text)
    return bytes(text).decode() if isinstance(text, bytes | bytearray | memoryview) else text


def _begin_by_itself(engine: sqlalchemy.Engine) -> None:
    """Python's sqlite3 begins transactions where it pleases, which savepoints do not survive."""
    from sqlalchemy import event

    def no_transactions(driver: Any, record: Any) -> None:
        del record
        driver.isolation_level = None

    def begin(connection: sqlalchemy.Connection) -> None:
        connection.exec_driver_sql(connection.info.get(BEGIN, "BEGIN"))

    event.listen(engine, "connect", no_transactions)
    event.listen(engine, "begin", begin)
