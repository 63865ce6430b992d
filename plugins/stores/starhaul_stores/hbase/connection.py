"""A connection to one of the Thrift servers, and what its errors mean."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any
from zlib import crc32

from starhaul import ConfigError, PermanentError, TransientError
from starhaul_stores.hbase.params import HbaseParams

_NO_TABLE = ("TableNotFoundException", "TableNotEnabledException")
_DENIED = "AccessDeniedException"
_GRANT = "give the user that the Thrift server runs as this right (`grant` in the HBase shell)"
_NO_FAMILY = "NoSuchColumnFamilyException"
_NOWHERE = "starhaul-none:"
"""A column family that no table has: who may read it, where it was there, may read the whole table."""
_PASSING = (
    "NotServingRegion", "RegionTooBusy", "ServerNotRunningYet", "PleaseHold", "ConnectException", "CallTimeout",
    "ConnectionClosing", "RegionServerStopped", "RegionMoved", "RegionOpening", "SocketTimeout", "InterruptedIO",
    "NoServerForRegion", "MasterNotRunning", "UnknownScanner", "ScannerTimeout", "LeaseException", "FailedServer",
    "OutOfOrderScanner", "ScannerReset", "scanner ID is invalid",
)  # fmt: skip
"""Java exceptions that another attempt may not meet again, and what a Thrift server says of a scan that it has given
up."""
_SPLITTING_SECONDS = 30


class Refused(Exception):  # noqa: N818  it is what happened
    """HBase refused a call because of what was in it. Another attempt cannot help, another row may."""


@contextmanager
def connected(params: HbaseParams, turn: str = "") -> Iterator[Any]:
    """A client, as `opened` gives it. Errors of the connection and of HBase that leave the `with` block are told as
    `TransientError` and `PermanentError`."""
    with opened(params, turn) as client, told(params):
        yield client


@contextmanager
def opened(params: HbaseParams, turn: str = "") -> Iterator[Any]:
    """happybase's client of the service `Hbase` for the time of a `with` block. `turn` (a split, a task) decides which
    server is asked first. Errors of its calls pass as they are, see `told`."""
    happybase = driver()
    with told(params):
        connection = _open(happybase, params, turn)
    try:
        yield connection.client
    finally:
        with suppress(Exception):  # it may be lost
            connection.close()


class Link:
    """A connection for one thread that is opened when it is needed, and anew after it was lost: Thrift servers drop
    those that were idle for a minute, as when the other side of a run is slow. Close it at the end."""

    def __init__(self, params: HbaseParams, turn: str) -> None:
        self._params = params
        self._turn = turn
        self._connection: Any = None

    @property
    def client(self) -> Any:
        """happybase's client. Errors of its calls pass as they are, see `told`."""
        if self._connection is None:
            self._connection = _open(driver(), self._params, self._turn)
        return self._connection.client

    def insist(self, call: str, *arguments: Any) -> Any:
        """Make a call of the service, by its name, that may be made twice: once more, on another connection, if this
        one is lost."""
        try:
            return getattr(self.client, call)(*arguments)
        except Exception as error:
            if not lost(error):
                raise
            self.close()
        return getattr(self.client, call)(*arguments)

    def close(self) -> None:
        """Close it; it may be lost, and it may be used again."""
        if self._connection is not None:
            with suppress(Exception):
                self._connection.close()
            self._connection = None


def lost(error: BaseException) -> bool:
    """Whether an error of a call, or of `Link.client`, means that the connection is of no more use."""
    from thriftpy2.protocol.exc import TProtocolException
    from thriftpy2.transport import TTransportException

    return isinstance(error, TTransportException | TProtocolException | OSError)


def passing(error: Exception) -> bool:
    """Whether another attempt at a call that failed so may succeed."""
    from Hbase_thrift import IllegalArgument, IOError
    from thriftpy2.thrift import TApplicationException

    if isinstance(error, IOError | IllegalArgument | TApplicationException):
        text = message_of(error)
        return any(name in text for name in _PASSING)
    return lost(error)


@contextmanager
def told(params: HbaseParams) -> Iterator[None]:
    """Errors of happybase, thriftpy2 and HBase as Starhaul's; others pass."""
    from Hbase_thrift import AlreadyExists, IllegalArgument, IOError
    from thriftpy2.protocol.exc import TProtocolException
    from thriftpy2.thrift import TApplicationException
    from thriftpy2.transport import TTransportException

    where = params.where()
    try:
        yield
    except (TTransportException, TProtocolException, OSError) as error:
        hint, why = "is it `framed` or `compact`? see thriftTransport, thriftProtocol", message_of(error)
        if getattr(error, "type", None) == TTransportException.NOT_OPEN:
            hint = "does HBase's Thrift server run there? name the right ones in `thriftServers`"
            why += f": {error.__context__}" if error.__context__ else ""  # the system's words, which thriftpy2 drops
        raise TransientError(where, f"the connection to the Thrift server failed: {why}", hint) from error
    except (IOError, IllegalArgument, AlreadyExists, TApplicationException) as error:
        if _DENIED in (text := message_of(error)):
            raise PermanentError(where, _denial(text), _GRANT) from error
        kind = TransientError if passing(error) else PermanentError
        raise kind(where, text) from error


def refusal(error: Exception) -> str | None:
    """Why HBase refused a write, if it is due to what was written; None for every other error."""
    from Hbase_thrift import IllegalArgument, IOError
    from thriftpy2.thrift import TApplicationException

    if not isinstance(error, IllegalArgument | IOError | TApplicationException):
        return None
    text = message_of(error)
    if passing(error) or any(name in text for name in (*_NO_TABLE, _DENIED)):
        return None
    return text


def _denial(text: str) -> str:
    """Who may not do what, without Java's names."""
    return text.rpartition(f"{_DENIED}: ")[2]


def message_of(error: Exception) -> str:
    """The first line of what an error says. Thrift's hold bytes, Java's a whole stack."""
    text = getattr(error, "message", None) or (b"" if hasattr(error, "message") else str(error))
    if isinstance(text, bytes):
        text = text.decode("utf-8", "replace")
    lines = [line.strip() for line in str(text).splitlines()]
    telling = [line for line in lines if line and not line.startswith(("at ", "..."))]
    return (telling[0] if telling else type(error).__name__)[:500]


def families(params: HbaseParams, client: Any) -> dict[str, int] | None:
    """Name of each column family → how many versions it keeps; None where the user may not know (only who may change
    a table is told). `ConfigError` if there is no such table."""
    from Hbase_thrift import IOError

    try:
        found = client.getColumnDescriptors(params.table.encode())
    except IOError as error:
        if "TableNotFoundException" in message_of(error):
            raise ConfigError("table", f'there is no table "{params.table}"', "create it first") from error
        if _DENIED not in message_of(error):
            raise
        found = None
    if found is not None and not found:
        raise ConfigError("table", f'there is no table "{params.table}"', "create it first")
    if not client.isTableEnabled(params.table.encode()):
        raise ConfigError("table", f'the table "{params.table}" is disabled', "enable it in the HBase shell")
    return None if found is None else {_text(name).rstrip(":"): each.maxVersions for name, each in found.items()}


def require_families(params: HbaseParams, client: Any, columns: Sequence[tuple[str, str]]) -> None:
    """`ConfigError` for a column, given with its parameter, whose family the table does not have, as far as the user
    may know."""
    there = families(params, client)
    if there is None:
        return
    for where, column in columns:
        family = column.partition(":")[0]
        if family not in there:
            known = ", ".join(sorted(there))
            raise ConfigError(where, f'{params.where()} has no column family "{family}"', f"it has {known}")


def require_readable(params: HbaseParams, client: Any, columns: Sequence[tuple[str, str]], why: str = "") -> None:
    """`ConfigError` for a column (`family:qualifier`, or a whole family as `family:`), given with its parameter, that
    the user may not read; without columns, for the table. Scans of several give those that may be read and no word of
    the others, as if they were empty."""
    table = _denied(params, client, _NOWHERE)
    if table is None:
        return
    hint = ", ".join(filter(None, (why, _GRANT)))
    for where, column in columns:
        if (denial := _denied(params, client, column)) is not None:
            raise ConfigError(where, f"{column} of {params.where()} cannot be read: {denial}", hint)
    if not columns:
        raise ConfigError("table", f"{params.where()} cannot be read: {table}", hint)


def _denied(params: HbaseParams, client: Any, column: str) -> str | None:
    """Why the user may not read a column or a family; None if it may, whether it is there or not."""
    from Hbase_thrift import IOError, TScan

    scan = TScan(startRow=b"", stopRow=b"\0", columns=[column.encode()])
    try:
        scanner = client.scannerOpenWithScan(params.table.encode(), scan, {})
        try:
            client.scannerGet(scanner)
        finally:
            with suppress(Exception):
                client.scannerClose(scanner)
    except IOError as error:
        told = message_of(error)
        if _DENIED in told:
            return _denial(told)
        if _NO_FAMILY not in told:
            raise
    return None


def region_starts(params: HbaseParams, client: Any) -> list[bytes]:
    """The first key of each region, in order; the first is empty. While a region is being split, HBase's Thrift server
    answers with an error, so it is asked again."""
    from thriftpy2.thrift import TApplicationException

    deadline = time.monotonic() + _SPLITTING_SECONDS
    while True:
        try:
            regions = client.getTableRegions(params.table.encode())
            return sorted({b"", *(as_bytes(region.startKey) for region in regions)})
        except TApplicationException as error:
            if time.monotonic() > deadline:
                raise TransientError(params.where(), f"its regions cannot be listed: {message_of(error)}") from error
            time.sleep(0.2)


def as_bytes(value: Any) -> bytes:
    """What thriftpy2 gives for a binary, which may be absent."""
    return value.encode() if isinstance(value, str) else bytes(value or b"")


def _text(value: Any) -> str:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)


def _open(happybase: Any, params: HbaseParams, turn: str) -> Any:
    """A connection to the first server that answers, beginning with the one whose turn it is."""
    servers = params.servers()
    first = crc32(turn.encode()) % len(servers)
    failure: Exception | None = None
    for host, port in servers[first:] + servers[:first]:
        try:
            return happybase.Connection(
                host,
                port,
                timeout=int(params.timeout * 1000),
                transport="framed" if params.framed() else "buffered",
                protocol="compact" if params.compact() else "binary",
            )
        except Exception as error:
            failure = error
    assert failure is not None  # noqa: S101  there is a server at least
    raise failure


def driver() -> Any:
    """happybase; `ConfigError` if it is not installed."""
    try:
        import happybase
    except ImportError as error:
        raise ConfigError("", "HBase needs the package happybase", "pip install 'starhaul[hbase]'") from error
    return happybase
