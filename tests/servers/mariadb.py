"""A MariaDB server of the tests' own: in a temporary directory, on a port of the loopback, gone with the tests."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pymysql

from tests.servers.process import ServerProcess, new_folder, started

_SETTINGS = {
    "bind-address": "127.0.0.1",
    "character-set-server": "utf8mb4",
    "default-time-zone": "+05:00",
    "innodb-buffer-pool-size": "64M",
    "innodb-flush-log-at-trx-commit": "0",
    "innodb-flush-method": "nosync",
    "sync-frm": "0",
    "local-infile": "1",
    "max-allowed-packet": "32M",
}


class MariadbServer(ServerProcess):
    """A running server. `stop` and `start` are for tests of faults; others must find it running."""

    not_yet = (pymysql.OperationalError,)

    def __init__(self, folder: Path, settings: Mapping[str, str]) -> None:
        super().__init__(folder)
        self.settings = {**_SETTINGS, **settings}

    def connect(self, **options: Any) -> pymysql.Connection[pymysql.cursors.Cursor]:
        """A connection in autocommit mode, in UTC, that is not the plugins'."""
        defaults = {"host": "127.0.0.1", "port": self.port, "user": "root", "charset": "utf8mb4"}
        return pymysql.connect(**{**defaults, **options}, autocommit=True, init_command="SET time_zone = '+00:00'")

    def ping(self) -> None:
        self.connect().close()

    def create(self) -> None:
        """Make the data directory."""
        subprocess.run(
            [_found("mariadb-install-db"), *self.install_options(), *_user()],
            cwd=self.folder,
            capture_output=True,
            check=True,
        )

    def install_options(self) -> list[str]:
        """How the data directory is made."""
        more = ["--auth-root-authentication-method=normal", "--skip-test-db", "--skip-name-resolve"]
        return ["--no-defaults", f"--datadir={self.folder}/data", *more]

    def command(self) -> Sequence[str]:
        return [_found("mariadbd"), *self.options(), *_user()]

    def options(self) -> list[str]:
        """Of the server itself."""
        places = [f"--{name}={self.folder}/{name}" for name in ("socket", "pid-file")]
        settings = [f"--{name}={value}" for name, value in {**self.settings, "port": self.port}.items()]
        folders = [f"--datadir={self.folder}/data", f"--tmpdir={self.folder}"]
        return ["--no-defaults", "--skip-name-resolve", *places, *folders, *settings]


@contextmanager
def running(
    settings: Mapping[str, str] = _SETTINGS, disk: Callable[[ServerProcess], object] = lambda server: None
) -> Iterator[MariadbServer]:
    """A new server for the time of a `with` block. `settings` come on top of the tests'; `disk` see `full_disk`."""
    user = pwd.getpwnam("mysql") if _user() else None
    with new_folder("mysql", (user.pw_uid, user.pw_gid) if user else None) as folder:
        server = MariadbServer(folder, settings)
        disk(server)
        with started(server):
            yield server


def _user() -> list[str]:
    """A server that root starts becomes another user by itself."""
    return ["--user=mysql"] if os.geteuid() == 0 else []


def _found(program: str) -> str:
    path = shutil.which(program, path=f"{os.environ.get('PATH', '')}:/usr/sbin")
    if path is None:
        raise RuntimeError("MariaDB is not installed: run tests/servers/install.sh")
    return path
