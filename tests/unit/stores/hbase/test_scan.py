"""A scan that is given up by a server goes on after the last row, whatever the server says of it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from types import SimpleNamespace
from typing import Any

import pytest

from starhaul import PermanentError, TransientError
from starhaul_stores.hbase.params import HbaseParams
from starhaul_stores.hbase.scan import scanned

happybase = pytest.importorskip("happybase")
PARAMS = HbaseParams.model_validate({"thriftServers": ["127.0.0.1:1"], "table": "t"}, by_alias=True)
KEYS = [b"%02d" % n for n in range(10)]


def refusal(kind: str, message: str) -> Exception:
    """As happybase's client raises it."""
    import Hbase_thrift

    error: Exception = getattr(Hbase_thrift, kind)(message=message.encode())
    return error


class Server:
    """Gives `KEYS` two by two, and fails as often as told before it gives those after a key."""

    def __init__(self, failures: dict[bytes, list[Exception]]) -> None:
        self._failures = failures
        self._rest: list[bytes] = []
        self.began: list[bytes] = []

    def scannerOpenWithScan(self, table: bytes, scan: Any, attributes: Any) -> int:
        self.began.append(scan.startRow)
        self._rest = [key for key in KEYS if key >= scan.startRow]
        return len(self.began)

    def scannerClose(self, scanner: int) -> None:
        """Nothing is kept."""

    def ask(self, client: Any, scanner: int, rows: int) -> None:
        """Nothing is sent."""

    def answer(self, client: Any) -> list[Any]:
        if self._rest and (failures := self._failures.get(self._rest[0])):
            raise failures.pop(0)
        rows, self._rest = self._rest[:2], self._rest[2:]
        return [SimpleNamespace(row=key, columns={}) for key in rows]


@pytest.fixture
def pauses() -> list[float]:
    """What was waited for."""
    return []


def read(monkeypatch: pytest.MonkeyPatch, pauses: list[float], server: Server) -> Iterator[bytes]:
    """The keys that a scan gives."""
    connection = SimpleNamespace(client=server, close=lambda: None)
    monkeypatch.setattr("starhaul_stores.hbase.connection._open", lambda *_: connection)
    monkeypatch.setattr("starhaul_stores.hbase.answers.ask", server.ask)
    monkeypatch.setattr("starhaul_stores.hbase.answers.answer", server.answer)
    for rows in scanned(PARAMS, "", ["cf:a"], b"", b"", None, pauses.append):
        yield from (row.row for row in rows)


@pytest.mark.parametrize(
    ("kind", "message"),
    [
        ("IllegalArgument", "scanner ID is invalid"),
        ("IOError", "org.apache.hadoop.hbase.UnknownScannerException: Unknown scanner '7'. This can happen …"),
        ("IOError", "org.apache.hadoop.hbase.client.ScannerTimeoutException: 73402ms passed since the last invocation"),
        ("IOError", "org.apache.hadoop.hbase.regionserver.LeaseException: lease '-29' does not exist"),
        ("IOError", "org.apache.hadoop.hbase.exceptions.OutOfOrderScannerNextException: Expected nextCallSeq: 2"),
        ("IOError", "org.apache.hadoop.hbase.exceptions.ScannerResetException: Scanner is closed on the server-side"),
        ("IOError", "org.apache.hadoop.hbase.NotServingRegionException: t,,1. is not online on 127.0.0.1"),
    ],
)
def test_a_scan_that_was_given_up(
    monkeypatch: pytest.MonkeyPatch, pauses: list[float], kind: str, message: str
) -> None:
    server = Server({key: [refusal(kind, message), refusal(kind, message)] for key in (b"00", b"04")})
    assert list(read(monkeypatch, pauses, server)) == KEYS
    assert server.began == [b"", b"", b"", b"03\0", b"03\0"]
    assert pauses == [0, 1, 0, 1]


@pytest.mark.parametrize(
    ("error", "tries", "kind"),
    [("scanner ID is invalid", 4, TransientError), ("no such thing", 1, PermanentError)],
)
def test_a_scan_that_never_goes_on(
    monkeypatch: pytest.MonkeyPatch, pauses: Sequence[float], error: str, tries: int, kind: type[Exception]
) -> None:
    server = Server({b"04": [refusal("IllegalArgument", error) for _ in range(9)]})
    with pytest.raises(kind, match=error):
        list(read(monkeypatch, list(pauses), server))
    assert server.began == [b"", *[b"03\0"] * (tries - 1)]
