"""TLS to MySQL: what the options of a URL promise holds, or the connection fails."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from starhaul import ConfigError
from starhaul_stores.mysql.connection import connect
from starhaul_stores.relational.url import DatabaseUrl, parse_url
from tests.servers import mariadb
from tests.servers.mariadb import MariadbServer
from tests.servers.process import self_signed


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What a client must trust; the key is beside it."""
    found = tmp_path_factory.mktemp("tls") / "certificate.pem"
    for folder in (found.parent, *list(found.parents)[1:3]):
        folder.chmod(0o755)  # the server is another user's
    self_signed(found, found.with_name("key.pem"), "IP:127.0.0.1")
    found.with_name("key.pem").chmod(0o644)
    return found


@pytest.fixture(scope="module")
def encrypting(certificate: Path) -> Iterator[MariadbServer]:
    """A server that can TLS."""
    files = {"ssl-cert": str(certificate), "ssl-key": str(certificate.with_name("key.pem"))}
    with mariadb.running(files) as server:
        yield server


def url(server: MariadbServer, options: str, host: str = "127.0.0.1") -> DatabaseUrl:
    return parse_url(f"mysql://root@{host}:{server.port}/mysql?{options}")


def cipher(address: DatabaseUrl) -> str:
    """With what a new connection is encrypted; empty: it is not."""
    with connect([address], (), 10) as connection:
        return str(connection.execute("SHOW SESSION STATUS LIKE 'Ssl_cipher'")[0][1])


@pytest.mark.parametrize(
    ("options", "encrypted"),
    [
        ("", True),
        ("useSSL=true", True),
        ("sslMode=PREFERRED", True),
        ("sslMode=REQUIRED", True),
        ("sslMode=trust", True),
        ("useSSL=false", False),
        ("sslMode=DISABLED", False),
        ("useSSL=true&sslMode=disable", False),
        ("useSSL=false&requireSSL=true", True),
        ("sslCa=CA", True),
        ("useSSL=true&verifyServerCertificate=true&sslCa=CA", True),
        ("sslMode=verify-ca&sslCa=CA", True),
        ("sslMode=VERIFY_IDENTITY&sslCa=CA", True),
    ],
)
def test_a_connection_is_encrypted_as_the_url_says(
    encrypting: MariadbServer, certificate: Path, options: str, encrypted: bool
) -> None:
    assert bool(cipher(url(encrypting, options.replace("=CA", f"={certificate}")))) is encrypted


@pytest.mark.parametrize("options", ["sslMode=REQUIRED", "requireSSL=true", "useSSL=true&requireSSL=true"])
def test_what_must_be_encrypted_is_not_sent_in_plain_text(mariadb_server: MariadbServer, options: str) -> None:
    assert cipher(url(mariadb_server, "sslMode=PREFERRED")) == ""
    with pytest.raises(ConfigError, match=r"server doesn't support it \(check the ssl options in the URL"):
        cipher(url(mariadb_server, options))


@pytest.mark.parametrize(
    ("options", "host"),
    [
        ("sslMode=VERIFY_CA", "127.0.0.1"),
        ("useSSL=true&verifyServerCertificate=true", "127.0.0.1"),
        ("sslMode=VERIFY_IDENTITY", "127.0.0.1"),
        ("sslCa=OTHER", "127.0.0.1"),
        ("sslMode=VERIFY_IDENTITY&sslCa=CA", "localhost"),
    ],
)
def test_a_server_that_is_not_trusted_is_not_talked_to(
    encrypting: MariadbServer, certificate: Path, tmp_path: Path, options: str, host: str
) -> None:
    other = tmp_path / "other.pem"
    self_signed(other, tmp_path / "key.pem")
    address = url(encrypting, options.replace("=CA", f"={certificate}").replace("=OTHER", f"={other}"), host)
    with pytest.raises(ConfigError, match=r"certificate verify failed.*check the ssl options"):
        cipher(address)


def test_a_name_is_checked_without_an_authority_of_its_own(
    encrypting: MariadbServer, certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    assert cipher(url(encrypting, "sslMode=VERIFY_IDENTITY"))
    assert cipher(url(encrypting, "sslMode=VERIFY_CA", "localhost"))
    with pytest.raises(ConfigError, match="certificate is not valid for 'localhost'"):
        cipher(url(encrypting, "sslMode=VERIFY_IDENTITY", "localhost"))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ("sslMode=REQUIRE_ALL", "sslMode=REQUIRE_ALL is not known.*VERIFY_IDENTITY"),
        ("sslMode=VERIFY_CA&sslCa=/nowhere/ca.pem", "sslca names no file: /nowhere/ca.pem"),
        ("sslCa=EMPTY", "certificate.*check the ssl options"),
    ],
)
def test_a_wrong_option_is_told(encrypting: MariadbServer, tmp_path: Path, options: str, message: str) -> None:
    empty = tmp_path / "empty.pem"
    empty.touch()
    with pytest.raises(ConfigError, match=message):
        cipher(url(encrypting, options.replace("EMPTY", str(empty))))
