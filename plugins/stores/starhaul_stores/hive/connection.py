"""Connections to HiveServer2, by impyla. Imported on first use.

Values come as the wire has them (https://github.com/apache/hive/blob/rel/release-4.0.1/service-rpc/if/TCLIService.thrift):
numbers as numbers, everything else as its text. impyla itself would cut the digits of a timestamp.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from starhaul import ConfigError, PermanentError, StarhaulError, TransientError
from starhaul_stores.hive.params import HiveParams
from starhaul_stores.hive.transport import opened

_SETTINGS = {"hive.resultset.use.unique.column.names": "false"}
_DENIED = ("Permission denied", "AccessControlException", "HiveAccessControlException", "not have", "HiveAuthzPlugin")


@dataclass(frozen=True, slots=True)
class ResultColumn:
    """A column of a result, as the server describes it."""

    name: str
    type: str
    """By Hive's name, lower case, with precision and scale for a decimal."""


class Connection:
    """A session with HiveServer2. For one thread."""

    def __init__(self, driver: Any, transport: Any, where: str) -> None:
        self.where = where
        """The server, for errors."""
        self._driver = driver
        self._transport = transport
        self._cursor: Any = None
        self._lost = False

    def rows(self, statement: str) -> list[tuple[Any, ...]]:
        """Run a statement; its rows, if it has any, texts as they are."""
        with self._failures(statement):
            cursor = self._fresh()
            cursor.execute(statement)
            if not cursor.description:
                return []
            columns = [
                [value.decode(errors="replace") if isinstance(value, bytes) else value for value in _values(column)]
                for column in _gathered(cursor)
            ]
        return list(zip(*columns, strict=True))

    @contextmanager
    def result(self, query: str, size: int) -> Iterator[tuple[list[ResultColumn], Iterator[list[pa.Array]]]]:
        """Run a query: its columns, and their values in blocks of about `size` rows. Numbers and truth values have the
        Arrow type of their own, everything else is `pa.binary`."""
        with self._failures(query):
            cursor = self._fresh()
            cursor.set_arraysize(size)
            cursor.execute(query)
            columns = [ResultColumn(each[0], _type_of(each)) for each in cursor.description or ()]
        yield columns, self._blocks(cursor, query)

    def close(self) -> None:
        """End the session, without a word to a server that is gone."""
        if self._cursor is not None:
            if not self._lost:
                with suppress(Exception):
                    self._cursor.close()
            self._cursor._closed = True  # else it would connect once more to say goodbye, whenever it is collected
        with suppress(Exception):
            self._driver.close()
        with suppress(Exception):  # which does not close the socket of a session that is gone
            self._transport.close()

    def _blocks(self, cursor: Any, query: str) -> Iterator[list[pa.Array]]:
        while True:
            with self._failures(query):
                batch = cursor.fetchcbatch()
            if batch is None or not batch.columns:
                return
            yield [_array(column) for column in batch.columns]

    def _fresh(self) -> Any:
        """A cursor. There is one at a time, whose session is that of all statements."""
        if self._cursor is None:
            self._cursor = self._driver.cursor(
                configuration=_SETTINGS, convert_types=False, convert_strings_to_unicode=False
            )
        return self._cursor

    @contextmanager
    def _failures(self, statement: str) -> Iterator[None]:
        try:
            yield
        except StarhaulError:
            raise
        except Exception as error:
            failure = _failure(error, self.where, statement)
            self._lost = isinstance(failure, TransientError)
            raise failure from error


@contextmanager
def connected(params: HiveParams) -> Iterator[Connection]:
    """Connect, and disconnect when the block is left. `ConfigError` if the parameters are wrong."""
    try:
        from impala.hiveserver2 import HiveServer2Connection, HS2Service, TBinaryProtocolAccelerated, ThriftClient
    except ImportError as error:
        raise ConfigError("", "Hive needs a package that is not installed", "pip install 'starhaul[hive]'") from error
    where = f"{params.host}:{params.port}"
    transport = opened(params)
    service = HS2Service(ThriftClient(TBinaryProtocolAccelerated(transport)), retries=1)
    connection = Connection(HiveServer2Connection(service), transport, where)
    try:
        try:
            connection.rows(f"USE {quoted(params.database)}")
        except TransientError as error:
            if params.auth == "nosasl":  # whose login is the first word
                hint = "is HiveServer2 well, and does it have `auth` `nosasl`, and `tls` as you say?"
                raise ConfigError("auth", f"{where} does not let in anybody so: {error.problem}", hint) from error
            raise
        except PermanentError as error:
            raise ConfigError("url", f"{where}: {error.problem}", "check the database behind the `/`") from error
        yield connection
    finally:
        connection.close()


def quoted(name: str) -> str:
    """A name as SQL, whatever is in it."""
    return "`" + name.replace("`", "``") + "`"


def literal(text: str) -> str:
    """A text as SQL."""
    escapes = {"\\": "\\\\", "'": "\\'", "\n": "\\n", "\r": "\\r", "\0": "\\0"}
    return "'" + "".join(escapes.get(each, each) for each in text) + "'"


def _gathered(cursor: Any) -> list[list[Any]]:
    """All blocks of a result, column by column."""
    columns: list[list[Any]] = []
    while (batch := cursor.fetchcbatch()) is not None and batch.columns:
        for number, column in enumerate(batch.columns):
            if len(columns) <= number:
                columns.append([])
            columns[number].append(column)
    return columns


def _values(pieces: Sequence[Any]) -> list[Any]:
    return [
        None if null else value
        for piece in pieces
        for value, null in zip(piece.values, piece.nulls.tolist()[: len(piece.values)], strict=True)
    ]


def _array(column: Any) -> pa.Array:
    """A column of the wire. Its nulls have values too, which mean nothing."""
    values = _values([column])
    kinds = {
        "BOOLEAN": pa.bool_(), "TINYINT": pa.int8(), "SMALLINT": pa.int16(), "INT": pa.int32(), "BIGINT": pa.int64(),
        "FLOAT": pa.float64(), "DOUBLE": pa.float64(),
    }  # fmt: skip
    kind = kinds.get(column.data_type)
    if kind is not None:
        return pa.array(values, kind)
    return pa.array([value.encode() if isinstance(value, str) else value for value in values], pa.binary())


def _type_of(described: Sequence[Any]) -> str:
    name = str(described[1]).lower()
    return f"decimal({described[4]},{described[5]})" if name == "decimal" else name


def _failure(error: Exception, where: str, statement: str) -> StarhaulError:
    """What an exception of impyla's means: the server's own sentence, or a connection that is gone."""
    from impala.error import HiveServer2Error

    text = " ".join(str(error).split())
    if isinstance(error, KeyError):  # by which impyla looks for a type: an interval, a union
        problem = f"the result has a column of a type that impyla does not know, {text}"
        return PermanentError(where, problem, "have the query make a text of it")
    if any(word in text for word in _DENIED):
        return PermanentError(where, f"no permission: {text[:500]}", "grant it, or ask as another user")
    server_said = isinstance(error, HiveServer2Error) or type(error).__module__.startswith("impala.error")
    if server_said and not ("TSocket" in text or "TTransport" in text):
        return PermanentError(where, f"{text[:500]} ({statement[:200]})")
    if isinstance(error, (OSError, EOFError)) or "TTransport" in type(error).__name__ or server_said:
        return TransientError(where, f"the connection is lost: {text[:300] or type(error).__name__}")
    return PermanentError(where, f"{type(error).__name__}: {text[:500]}")
