"""Connections to a database file, through ADBC if its driver is installed, else through Python's `sqlite3`."""

from __future__ import annotations

import importlib.util
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal, TypeAlias
from urllib.parse import quote

import pyarrow as pa

from starhaul import ConfigError, PermanentError
from starhaul_stores.sqlite.failure import failure

Value: TypeAlias = int | float | str | bytes | None
Mode: TypeAlias = Literal["ro", "rw", "rwc"]
Rows: TypeAlias = list[tuple[Any, ...]]

_ZERO = {pa.int64(): "0", pa.float64(): "0.0", pa.string(): "''", pa.binary(): "x''"}
"""The Arrow types of SQLite's storage classes, and a value of each as SQL."""


class Connection(ABC):
    """One connection in autocommit mode: a transaction begins and ends where the SQL says so. For one thread.

    Every method raises what `failure` makes of the driver's exceptions.
    """

    def __init__(self, path: str) -> None:
        self.path = path

    @abstractmethod
    def execute(self, sql: str, parameters: Sequence[Value] = ()) -> Rows:
        """Run one statement to its end; its rows, if it returns any. Meant for few rows."""

    @abstractmethod
    def insert(self, sql: str, batch: pa.RecordBatch, *, count: bool) -> int:
        """Run an INSERT once for each row of a batch of the types that `stream` yields or booleans: its parameters.

        Returns how many rows it wrote. With `count` false that is told from the total of all changes, which is wrong
        where triggers or foreign keys change rows too. Stops at the first row that fails, the earlier rows remain: the
        caller holds a savepoint.
        """

    @abstractmethod
    def stream(self, sql: str, schema: pa.Schema, rows: int) -> Iterator[pa.RecordBatch]:
        """The rows of a SELECT in batches of `rows`. Every value must be null or of the storage class of its field in
        `schema` (int64, double, string or binary): the SELECT casts. Texts may hold bytes that are not UTF-8."""

    @abstractmethod
    def close(self) -> None:
        """Roll back what is open and free everything. Safe twice."""

    def value(self, sql: str, parameters: Sequence[Value] = ()) -> Any:
        """The first column of the first row; None if there is no row."""
        rows = self.execute(sql, parameters)
        return rows[0][0] if rows else None

    def script(self, statements: Sequence[str]) -> None:
        """Run statements, one after the other."""
        for statement in statements:
            self.execute(statement)


def adbc_installed() -> bool:
    """Whether ADBC's driver for SQLite can be imported. Imports nothing."""
    return importlib.util.find_spec("adbc_driver_sqlite") is not None


def database_exists(path: str) -> bool:
    """Whether there is a file to open."""
    return Path(path).exists()


@contextmanager
def connect(path: str, mode: Mode, *, session: Sequence[str] = (), busy_timeout: float = 30.0) -> Iterator[Connection]:
    """Open a database file for the time of a `with` block: "ro" reads, "rw" writes, "rwc" makes the file if need be.

    `session` are statements to run first; `busy_timeout` is in seconds. Journal mode and synchronous stay as the
    database and `session` have them.
    """
    if mode != "rwc" and not database_exists(path):
        raise ConfigError("path", f"no such file: {path!r}")
    connection = _open(path, mode)
    try:
        connection.execute(f"PRAGMA busy_timeout = {round(busy_timeout * 1000)}")
        connection.value("SELECT count(*) FROM sqlite_master")  # opening reads nothing yet
        connection.script(session)
        yield connection
    finally:
        connection.close()


def _open(path: str, mode: Mode) -> Connection:
    uri = f"file:{quote(str(Path(path).absolute()))}?mode={mode}"
    return AdbcConnection(path, uri) if adbc_installed() else StdlibConnection(path, uri)


class AdbcConnection(Connection):
    """Through ADBC: values pass between Arrow and SQLite in C."""

    def __init__(self, path: str, uri: str) -> None:
        super().__init__(path)
        from adbc_driver_manager import dbapi as manager
        from adbc_driver_sqlite import dbapi

        self._errors: tuple[type[Exception], ...] = (manager.Error, pa.ArrowException, OSError)
        try:
            self._connection = dbapi.connect(uri, autocommit=True)
        except manager.Error as error:
            raise failure(error, path) from error
        self._cursor = self._connection.cursor()

    def execute(self, sql: str, parameters: Sequence[Value] = ()) -> Rows:
        with self._failures():
            self._cursor.execute(sql, tuple(parameters) or None)
            rows: Rows = self._cursor.fetchall() if self._cursor.description else []
            return rows

    def insert(self, sql: str, batch: pa.RecordBatch, *, count: bool) -> int:
        with self._failures():
            if count:
                with self._connection.cursor() as cursor:  # one that failed keeps its parameters
                    cursor.execute(f"{sql} RETURNING 1", batch)
                    return sum(len(each) for each in cursor.fetch_record_batch())
            before = self._changes()
            self._cursor.executemany(sql, batch)
            return self._changes() - before

    def stream(self, sql: str, schema: pa.Schema, rows: int) -> Iterator[pa.RecordBatch]:
        # The driver takes a column's type from the values of the first batch, so the first row is ours.
        first = ", ".join(_ZERO[field.type] for field in schema)
        with self._failures(), self._connection.cursor() as cursor:
            cursor.adbc_statement.set_options(**{"adbc.sqlite.query.batch_rows": str(rows)})
            cursor.execute(f"SELECT {first} UNION ALL {sql}")
            reader, start = cursor.fetch_record_batch(), 1
            if reader.schema.types != schema.types:
                raise PermanentError(self.path, f"the driver reads {reader.schema.types}, not {schema.types}")
            for batch in reader:
                part = batch.slice(start)
                start = 0
                if part.num_rows:
                    yield pa.RecordBatch.from_arrays(part.columns, schema=schema)

    def close(self) -> None:
        self._cursor.close()
        self._connection.close()

    def _changes(self) -> int:
        self._cursor.execute("SELECT total_changes()")
        return int(self._cursor.fetchall()[0][0])

    @contextmanager
    def _failures(self) -> Iterator[None]:
        try:
            yield
        except self._errors as error:
            raise failure(error, self.path) from error


class StdlibConnection(Connection):
    """Through Python's own module: the same results, with a Python object made of every value."""

    def __init__(self, path: str, uri: str) -> None:
        super().__init__(path)
        import sqlite3

        self._error = sqlite3.Error
        with self._failures():
            # Closed by another thread at times, when the engine ends a reader early: never used by two at once.
            self._connection = sqlite3.connect(uri, uri=True, isolation_level=None, check_same_thread=False)

    def execute(self, sql: str, parameters: Sequence[Value] = ()) -> Rows:
        with self._failures():
            return self._connection.execute(sql, parameters).fetchall()

    def insert(self, sql: str, batch: pa.RecordBatch, *, count: bool) -> int:
        rows = zip(*(column.to_pylist() for column in batch.columns), strict=True)
        with self._failures():
            return self._connection.executemany(sql, rows).rowcount

    def stream(self, sql: str, schema: pa.Schema, rows: int) -> Iterator[pa.RecordBatch]:
        with self._failures():
            cursor = self._connection.cursor()
            cursor.connection.text_factory = bytes  # the cast below is the same for texts that are not UTF-8
            try:
                cursor.execute(sql)
                while found := cursor.fetchmany(rows):
                    columns = zip(*found, strict=True)
                    arrays = [_array(values, field.type) for values, field in zip(columns, schema, strict=True)]
                    yield pa.RecordBatch.from_arrays(arrays, schema=schema)
            finally:
                cursor.close()
                self._connection.text_factory = str

    def close(self) -> None:
        self._connection.close()

    @contextmanager
    def _failures(self) -> Iterator[None]:
        try:
            yield
        except self._error as error:
            raise failure(error, self.path) from error


def _array(values: tuple[Any, ...], kind: pa.DataType) -> pa.Array:
    if pa.types.is_string(kind):
        raw = pa.array(values, pa.binary())
        return pa.Array.from_buffers(kind, len(raw), raw.buffers(), raw.null_count)
    return pa.array(values, kind)
