"""A PostgreSQL server of the tests' own: in a temporary directory, on a port of the loopback, gone with the tests."""

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

import psycopg

_START_SECONDS = 30
_SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "shared_buffers": "64MB",
    "max_connections": "60",
    "log_min_messages": "fatal",
}


class PostgresqlServer:
    """A running server. `kill` and `start` are for tests of faults; others must find it running."""

    def __init__(self, folder: Path, binaries: Path, settings: Mapping[str, str]) -> None:
        self._folder = folder
        self._binaries = binaries
        self._settings = {**_SETTINGS, **settings}
        self._process: subprocess.Popen[bytes] | None = None
        self.port = _free_port()

    @property
    def url(self) -> str:
        """For a job: the superuser needs no password."""
        return f"postgresql://postgres@127.0.0.1:{self.port}/postgres"

    @property
    def pid(self) -> int:
        """Its first process. It must be running."""
        if self._process is None:
            raise RuntimeError("the server is not running")
        return self._process.pid

    def connect(self, **options: Any) -> psycopg.Connection[Any]:
        """A connection in autocommit mode that is not the plugins'."""
        defaults = {"host": "127.0.0.1", "port": self.port, "user": "postgres", "dbname": "postgres"}
        return psycopg.connect(**{**defaults, **options}, autocommit=True)

    def create(self) -> None:
        """Make the data directory."""
        command = ["initdb", "-D", str(self._folder / "data"), "-U", "postgres", "-A", "trust", "-E", "UTF8"]
        self._run([*command, "--locale=C.UTF-8", "--no-sync", "--no-instructions"]).check_returncode()
        hba = self._folder / "data" / "pg_hba.conf"
        hba.write_text(f"host all guarded 127.0.0.1/32 scram-sha-256\n{hba.read_text()}")

    def start(self) -> None:
        """Start it and wait until it answers."""
        settings = {**self._settings, "port": str(self.port), "unix_socket_directories": str(self._folder)}
        options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        log = (self._folder / "log").open("ab")
        with log:
            command = self._command(["postgres", "-D", str(self._folder / "data"), *options])
            self._process = subprocess.Popen(command, stdout=log, stderr=log, cwd=self._folder)
        deadline = time.monotonic() + _START_SECONDS
        while True:
            try:
                self.connect().close()
                return
            except psycopg.OperationalError:
                if time.monotonic() > deadline or self._process.poll() is not None:
                    raise
                time.sleep(0.05)

    def stop(self, how: signal.Signals = signal.SIGINT) -> None:
        """Stop it; connections are cut. SIGQUIT lets it fall as in a crash."""
        if self._process is not None and self._process.poll() is None:
            self._process.send_signal(how)
            self._process.wait(_START_SECONDS)

    def _command(self, command: list[str]) -> list[str]:
        """As a user that is not root, which the server refuses to be, and so that it ends when the tests do."""
        guard = ["setpriv", "--pdeathsig", "INT"]
        if os.geteuid() == 0:
            guard += ["--reuid", "postgres", "--regid", "postgres", "--clear-groups"]
        return [*guard, str(self._binaries / command[0]), *command[1:]]

    def _run(self, command: list[str]) -> subprocess.CompletedProcess[bytes]:
        return subprocess.run(self._command(command), cwd=self._folder, capture_output=True, check=False)


@contextmanager
def running(settings: Mapping[str, str] = _SETTINGS) -> Iterator[PostgresqlServer]:
    """A new server for the time of a `with` block. `settings` come on top of the tests'."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: int(path.parent.name))
    if not found:
        raise RuntimeError("PostgreSQL is not installed: run tests/servers/install.sh")
    folder = Path(tempfile.mkdtemp(prefix="starhaul-pg-", dir="/tmp"))
    try:
        if os.geteuid() == 0:
            user = pwd.getpwnam("postgres")
            os.chown(folder, user.pw_uid, user.pw_gid)
        server = PostgresqlServer(folder, found[-1], settings)
        server.create()
        try:
            server.start()
            yield server
        finally:
            server.stop()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
