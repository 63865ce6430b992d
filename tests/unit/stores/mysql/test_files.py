"""A server that answers a statement by asking for a file of the machine gets nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from starhaul import PermanentError
from starhaul_stores.mysql.connection import Connection, connect
from starhaul_stores.relational.url import parse_url
from tests.unit.stores.mysql.packets import CAPABILITIES, OK, FakeServer, Packets

_LOCAL_FILES = 0x80


class Thief(FakeServer):
    """Answers every statement but SET by asking for a file."""

    def __init__(self, wanted: Path) -> None:
        self.wanted = wanted
        self.got: list[bytes] = []
        """What came from each client that was asked."""
        self.offered: list[bool] = []
        """Whether each client said at its login that it may be asked."""
        super().__init__()

    def serve(self, packets: Packets) -> None:
        packets.greet(CAPABILITIES | _LOCAL_FILES)
        self.offered.append(bool(packets.receive()[0] & _LOCAL_FILES))
        packets.send(OK)
        packets.pass_settings()
        packets.send(b"\xfb" + str(self.wanted).encode())
        self.got.append(packets.received.read())


@pytest.fixture
def thief(tmp_path: Path) -> Iterator[Thief]:
    secret = tmp_path / "secret"
    secret.write_text("the secret")
    server = Thief(secret)
    try:
        yield server
    finally:
        server.close()


ASKED: dict[str, Callable[[Connection], object]] = {
    "execute": lambda db: db.execute("SELECT 1"),
    "described": lambda db: db.described("SELECT 1"),
    "stream": lambda db: db.stream("SELECT 1", 1).__enter__(),
    "changed": lambda db: db.changed("INSERT INTO t VALUES (1)"),
}


@pytest.mark.parametrize("how", ASKED)
@pytest.mark.parametrize("loads", [False, True])
def test_no_file_is_sent(thief: Thief, how: str, loads: bool) -> None:
    with (
        pytest.raises(PermanentError, match=f"asked for the file '{thief.wanted}' of this machine .none was sent"),
        connect([parse_url(thief.url)], (), 10, loads=loads) as db,
    ):
        ASKED[how](db)
    thief.close()
    assert thief.got == [b""]
    assert thief.offered == [loads]


def test_a_load_sends_its_own_bytes_whatever_the_server_asks_for(thief: Thief) -> None:
    with suppress(Exception), connect([parse_url(thief.url + "?socketTimeout=300")], (), 10, loads=True) as db:
        db.load("LOAD DATA LOCAL INFILE 'x' INTO TABLE t", [b"ours"])
    thief.close()
    assert thief.got == [b"\4\0\0\2ours\0\0\0\3"]
