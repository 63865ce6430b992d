"""An OpenSSH server of the tests' own, that runs and logs in as the user of the tests."""

from __future__ import annotations

import getpass
import os
import socket
import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from tests.servers.process import ServerProcess, new_folder, started

_numbers = count(1)


class SftpServer(ServerProcess):
    """A running server that takes one key."""

    not_yet = (OSError,)

    @property
    def key(self) -> Path:
        """The user's private key."""
        return self.folder / "client"

    @property
    def host_key(self) -> str:
        """The server's public key."""
        return " ".join((self.folder / "host.pub").read_text().split()[:2])

    def create(self) -> None:
        for name in ("host", "client"):
            subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", self.folder / name], check=True)
        (self.folder / "data").mkdir()
        if os.getuid() == 0:
            Path("/run/sshd").mkdir(exist_ok=True)

    def command(self) -> Sequence[str]:
        configuration = self.folder / "sshd_config"
        configuration.write_text(
            f"""Port {self.port}
ListenAddress 127.0.0.1
HostKey {self.folder}/host
AuthorizedKeysFile {self.folder}/client.pub
PidFile {self.folder}/pid
UsePAM no
StrictModes no
PasswordAuthentication no
KbdInteractiveAuthentication no
PermitRootLogin prohibit-password
AllowUsers {getpass.getuser()}
MaxStartups 100:30:200
Subsystem sftp internal-sftp
"""
        )
        return ["/usr/sbin/sshd", "-D", "-e", "-f", str(configuration)]

    def ping(self) -> None:
        with socket.create_connection(("127.0.0.1", self.port), 10) as connection:
            if not connection.recv(4).startswith(b"SSH"):
                raise ConnectionError("not yet")


@dataclass(frozen=True)
class SftpFolder:
    """A folder of a test's own."""

    server: SftpServer
    local: Path

    @property
    def parameters(self) -> dict[str, Any]:
        """For a job."""
        server = self.server
        return {
            "protocol": "sftp", "host": "127.0.0.1", "port": server.port, "username": getpass.getuser(),
            "keyFile": str(server.key), "hostKey": server.host_key, "path": str(self.local), "timeout": 20_000,
        }  # fmt: skip


@pytest.fixture(scope="session")
def sftp_server() -> Iterator[SftpServer]:
    """A server of this run's own."""
    with new_folder("sftp") as folder:
        server = SftpServer(folder)
        with started(server):
            yield server


@pytest.fixture
def sftp(sftp_server: SftpServer) -> SftpFolder:
    """A folder of the test's own."""
    folder = sftp_server.folder / "data" / f"test_{next(_numbers)}"
    folder.mkdir()
    return SftpFolder(sftp_server, folder)
