"""Two FTP servers of different make, which differ as servers do.

pyftpdlib knows MLSD, and shows its users a root of their own. vsftpd knows no MLSD, lists hidden files only when asked
to, wants TLS connections for data to continue the session of the control connection, and shows paths as they are.
"""

from __future__ import annotations

import ftplib
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any, ClassVar

import pytest

from tests.servers.process import ServerProcess, new_folder, self_signed, started

_PROGRAM = Path(__file__).with_name("pyftpdlib_server.py")
_numbers = count(1)


class FtpServer(ServerProcess):
    """A running server with a user that may write."""

    not_yet = (OSError, EOFError)
    user: ClassVar[str]
    password: ClassVar[str]

    @property
    def data(self) -> Path:
        """Where the files are."""
        return self.folder / "data"

    @property
    def certificate(self) -> Path:
        """What a client must trust."""
        return self.folder / "certificate.pem"

    @property
    def key(self) -> Path:
        """What belongs to the certificate."""
        return self.folder / "key.pem"

    def create(self) -> None:
        self.data.mkdir()
        self_signed(self.certificate, self.key)

    def ping(self) -> None:
        with ftplib.FTP() as connection:
            connection.connect("127.0.0.1", self.port, 10)

    def path(self, folder: str) -> str:
        """What a client calls a folder of `data`."""
        raise NotImplementedError


class PyftpdlibServer(FtpServer):
    """Its root is the folder."""

    user, password = "user", "p@ss:w/ü"

    def command(self) -> Sequence[str]:
        return [sys.executable, str(_PROGRAM), str(self.port), *map(str, (self.data, self.certificate, self.key))]

    def path(self, folder: str) -> str:
        return f"/{folder}"


class VsftpdServer(FtpServer):
    """Its root is this machine's."""

    user, password = "anonymous", "tests@example.com"

    def command(self) -> Sequence[str]:
        configuration = self.folder / "vsftpd.conf"
        configuration.write_text(
            f"""listen=YES
listen_address=127.0.0.1
listen_port={self.port}
background=NO
run_as_launching_user=YES
anonymous_enable=YES
anon_upload_enable=YES
anon_mkdir_write_enable=YES
anon_other_write_enable=YES
anon_umask=022
anon_root={self.data}
deny_file={{*denied*}}
write_enable=YES
seccomp_sandbox=NO
max_per_ip=20
xferlog_enable=NO
ssl_enable=YES
allow_anon_ssl=YES
rsa_cert_file={self.certificate}
rsa_private_key_file={self.key}
"""
        )
        return ["/usr/sbin/vsftpd", str(configuration)]

    def path(self, folder: str) -> str:
        return f"{self.data}/{folder}"


@dataclass(frozen=True)
class FtpFolder:
    """A folder of a test's own on an FTP server."""

    server: FtpServer
    name: str

    @property
    def local(self) -> Path:
        """The same folder, past the server."""
        return self.server.data / self.name

    @property
    def path(self) -> str:
        """For a job."""
        return self.server.path(self.name)

    @property
    def parameters(self) -> dict[str, Any]:
        """For a job."""
        server = self.server
        return {
            "protocol": "ftp", "host": "127.0.0.1", "port": server.port, "username": server.user,
            "password": server.password, "path": self.path, "timeout": 20_000,
        }  # fmt: skip


@pytest.fixture(scope="session")
def pyftpdlib_server() -> Iterator[FtpServer]:
    """A server of this run's own."""
    with _running(PyftpdlibServer) as server:
        yield server


@pytest.fixture(scope="session")
def vsftpd_server() -> Iterator[FtpServer]:
    """A server of this run's own."""
    with _running(VsftpdServer) as server:
        yield server


@pytest.fixture(params=["pyftpdlib", "vsftpd"])
def ftp(request: pytest.FixtureRequest) -> FtpFolder:
    """Every test that asks for it runs on each server."""
    folder = FtpFolder(request.getfixturevalue(f"{request.param}_server"), f"test_{next(_numbers)}")
    folder.local.mkdir()
    return folder


@contextmanager
def _running(kind: type[FtpServer]) -> Iterator[FtpServer]:
    with new_folder("ftp") as folder:
        server = kind(folder)
        with started(server):
            yield server
