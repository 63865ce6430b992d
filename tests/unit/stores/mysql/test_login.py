"""Logging in to MySQL 8 in plain text: its password plugin lets a client encrypt the password by itself, with the
server's RSA key (https://dev.mysql.com/doc/dev/mysql-server/latest/page_caching_sha2_authentication_exchanges.html)."""

from __future__ import annotations

import hashlib
import socket
import struct
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from itertools import cycle

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.hashes import SHA1
from pymysql import OperationalError

from starhaul import ConfigError, TransientError
from starhaul_stores.mysql.connection import connect
from starhaul_stores.mysql.failure import connecting_failure
from starhaul_stores.relational.url import parse_url
from tests.unit.stores.mysql.packets import CAPABILITIES, OK, SALT, FakeServer, Packets

PASSWORD = "p@ss word é"
_TLS = 0x0800


class Greeter(FakeServer):
    """The server's side of logins by `caching_sha2_password` without TLS, its cache empty at first. After a login every
    SET is told OK, and the connection ends with any other statement."""

    def __init__(self) -> None:
        self.logins: list[str] = []
        """How each client showed that it knows the password, or that it does not."""
        self._cached = False
        self._key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        super().__init__()

    def serve(self, packets: Packets) -> None:
        if self._let_in(packets):
            packets.pass_settings()

    def _let_in(self, packets: Packets) -> bool:
        packets.greet(CAPABILITIES)
        scramble = packets.receive()
        if self._cached and _scrambled(PASSWORD) in scramble:
            self.logins.append("by the cache")
            packets.send(b"\1\3")
            packets.send(OK)
            return True
        packets.send(b"\1\4")  # log in in full
        if packets.receive() != b"\2":
            raise EOFError
        form = serialization.PublicFormat.SubjectPublicKeyInfo
        packets.send(b"\1" + self._key.public_key().public_bytes(serialization.Encoding.PEM, form))
        masked = self._key.decrypt(packets.receive(), padding.OAEP(padding.MGF1(SHA1()), SHA1(), None))
        if bytes(octet ^ salt for octet, salt in zip(masked, cycle(SALT), strict=False)) != PASSWORD.encode() + b"\0":
            self.logins.append("wrong")
            packets.send(b"\xff" + struct.pack("<H", 1045) + b"#28000Access denied for user 'u'@'localhost'")
            return False
        self.logins.append("by the key")
        self._cached = True
        packets.send(OK)
        return True


def _scrambled(password: str) -> bytes:
    once = hashlib.sha256(password.encode()).digest()
    twice = hashlib.sha256(hashlib.sha256(once).digest() + SALT).digest()
    return bytes(a ^ b for a, b in zip(once, twice, strict=True))


@pytest.fixture
def greeter() -> Iterator[Greeter]:
    server = Greeter()
    try:
        yield server
    finally:
        server.close()


def log_in(url: str, password: str) -> None:
    """Connect and hang up."""
    with connect([replace(parse_url(url), password=password)], (), 10) as connection:
        assert connection.version == "8.0.99-test"


def test_the_password_goes_encrypted_by_the_servers_key(greeter: Greeter) -> None:
    log_in(greeter.url, PASSWORD)
    assert greeter.logins == ["by the key"]
    log_in(greeter.url, PASSWORD)
    assert greeter.logins == ["by the key", "by the cache"]


def test_a_wrong_password_is_told(greeter: Greeter) -> None:
    with pytest.raises(ConfigError, match=r"Access denied for user 'u'.*\(check username and password\)"):
        log_in(greeter.url, "other")
    assert greeter.logins == ["wrong"]


def test_without_the_package_that_encrypts_it_is_said_what_to_do(
    greeter: Greeter, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pymysql._auth._have_cryptography", False)
    with pytest.raises(ConfigError, match=r"sslMode=REQUIRED.*pip install 'PyMySQL\[rsa\]'") as error:
        log_in(greeter.url, PASSWORD)
    assert PASSWORD not in str(error.value)
    assert greeter.logins == []


@pytest.mark.parametrize(
    ("number", "words"),
    [
        (3159, "Connections using insecure transport are prohibited while --require_secure_transport=ON."),
        (
            2061,
            "Authentication plugin 'caching_sha2_password' reported error: Authentication requires secure connection.",
        ),
        (2012, "No authentication methods available for authentication."),
    ],
)
def test_a_server_that_wants_encryption_is_no_server_that_is_down(number: int, words: str) -> None:
    error = connecting_failure(OperationalError(number, words), "mysql://h")
    assert isinstance(error, ConfigError)
    assert "write sslMode=REQUIRED in the URL" in str(error)


@pytest.mark.parametrize("answers", [True, False], ids=["silent", "gone"])
def test_a_server_that_goes_away_in_the_handshake_may_come_back(answers: bool) -> None:
    """Whatever has `ssl` in what Python says of it."""
    with socket.create_server(("127.0.0.1", 0)) as listening, ThreadPoolExecutor(1) as pool:

        def serve() -> None:
            client, _ = listening.accept()
            with client, client.makefile("rb") as received:
                packets = Packets(client, received)
                packets.greet(CAPABILITIES | _TLS)
                packets.receive()  # that TLS begins
                received.read(5)
                if answers:
                    received.read()

        done = pool.submit(serve)
        url = f"mysql://u@127.0.0.1:{listening.getsockname()[1]}?socketTimeout=300"
        with pytest.raises(TransientError, match="is the server up"):
            log_in(url, PASSWORD)
        done.result(10)


def test_a_host_may_be_called_ssl() -> None:
    error = OperationalError(2003, "Can't connect to MySQL server on 'ssl.example' ([Errno 111] Connection refused)")
    assert isinstance(connecting_failure(error, "mysql://ssl.example"), TransientError)
