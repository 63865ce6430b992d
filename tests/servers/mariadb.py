"""A MariaDB server of the tests' own: in a temporary directory, on a port of the loopback, gone with the tests."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pymysql

_START_SECONDS = 30
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


class MariadbServer:
    """A running server. `stop`, `kill` and `start` are for tests of faults; others must find it running."""

    def __init__(self, folder: Path, settings: Mapping[str, str]) -> None:
        self._folder = folder
        self._settings = {**_SETTINGS, **settings}
        self._process: subprocess.Popen[bytes] | None = None
        self.port = _free_port()

    @property
    def pid(self) -> int:
        """Its process. It must be running."""
        if self._process is None:
            raise RuntimeError("the server is not running")
        return self._process.pid

    def connect(self, **options: Any) -> pymysql.Connection[pymysql.cursors.Cursor]:
        """A connection in autocommit mode, in UTC, that is not the plugins'."""
        defaults = {"host": "127.0.0.1", "port": self.port, "user": "root", "charset": "utf8mb4"}
        return pymysql.connect(**{**defaults, **options}, autocommit=True, init_command="SET time_zone = '+00:00'")

    def create(self) -> None:
        """Make the data directory."""
        command = [_found("mariadb-install-db"), "--no-defaults", f"--datadir={self._folder}/data", "--skip-test-db"]
        more = ["--auth-root-authentication-method=normal", "--skip-name-resolve", *_user()]
        subprocess.run([*command, *more], cwd=self._folder, capture_output=True, check=True)

    def start(self) -> None:
        """Start it and wait until it answers."""
        settings = [f"--{name}={value}" for name, value in {**self._settings, "port": self.port}.items()]
        places = [f"--{name}={self._folder}/{name}" for name in ("datadir", "socket", "pid-file")]
        places[0] = f"--datadir={self._folder}/data"
        guard = ["setpriv", "--pdeathsig", "TERM"]
        command = [*guard, _found("mariadbd"), "--no-defaults", "--skip-name-resolve", *_user(), *places, *settings]
        with (self._folder / "log").open("ab") as log:
            self._process = subprocess.Popen([*command, f"--tmpdir={self._folder}"], stdout=log, stderr=log)
        deadline = time.monotonic() + _START_SECONDS
        while True:
            try:
                self.connect().close()
                return
            except pymysql.OperationalError:
                if time.monotonic() > deadline or self._process.poll() is not None:
                    raise
                time.sleep(0.05)

    def stop(self, how: signal.Signals = signal.SIGTERM) -> None:
        """Stop it, or kill it; connections are cut."""
        if self._process is not None and self._process.poll() is None:
            self._process.send_signal(how)
            self._process.wait(_START_SECONDS)


@contextmanager
def running(settings: Mapping[str, str] = _SETTINGS) -> Iterator[MariadbServer]:
    """A new server for the time of a `with` block. `settings` come on top of the tests'."""
    folder = Path(tempfile.mkdtemp(prefix="starhaul-mysql-", dir="/tmp"))
    try:
        if _user():
            user = pwd.getpwnam("mysql")
            os.chown(folder, user.pw_uid, user.pw_gid)
        server = MariadbServer(folder, settings)
        server.create()
        try:
            server.start()
            yield server
        finally:
            server.stop()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _user() -> list[str]:
    """A server that root starts becomes another user by itself."""
    return ["--user=mysql"] if os.geteuid() == 0 else []


def _found(program: str) -> str:
    path = shutil.which(program, path=f"{os.environ.get('PATH', '')}:/usr/sbin")
    if path is None:
        raise RuntimeError("MariaDB is not installed: run tests/servers/install.sh")
    return path


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
