"""A PostgreSQL server of the tests' own: in a temporary directory, on a port of the loopback, gone with the tests."""

from __future__ import annotations

import os
import pwd
import signal
import subprocess
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg

from tests.servers.process import ServerProcess, new_folder, started

_SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "shared_buffers": "64MB",
    "max_connections": "60",
    "log_min_messages": "fatal",
}

GUARDED = """
    DO $$ BEGIN CREATE ROLE guarded LOGIN PASSWORD 'right'; EXCEPTION WHEN duplicate_object THEN END $$
"""
"""Makes a user that has no rights on any table."""


class PostgresqlServer(ServerProcess):
    """A running server. `stop` and `start` are for tests of faults; others must find it running."""

    end = signal.SIGINT
    account = "postgres"
    not_yet = (psycopg.OperationalError,)

    def __init__(
        self, folder: Path, binaries: Path, settings: Mapping[str, str], like: PostgresqlServer | None = None
    ) -> None:
        super().__init__(folder)
        self._binaries = binaries
        self._like = like
        self._settings = {**_SETTINGS, **settings}

    @property
    def url(self) -> str:
        """For a job: the superuser needs no password."""
        return f"postgresql://postgres@127.0.0.1:{self.port}/postgres"

    def connect(self, **options: Any) -> psycopg.Connection[Any]:
        """A connection in autocommit mode that is not the plugins'."""
        defaults = {"host": "127.0.0.1", "port": self.port, "user": "postgres", "dbname": "postgres"}
        return psycopg.connect(**{**defaults, **options}, autocommit=True)

    def ping(self) -> None:
        self.connect().close()

    def create(self) -> None:
        """Make the data directory."""
        if self._like is not None:
            source = ["-h", "127.0.0.1", "-p", str(self._like.port), "-U", "postgres"]
            copy = [f"{self._binaries}/pg_basebackup", "-D", f"{self.folder}/data", "-R", "-c", "fast", *source]
            subprocess.run(self.guarded(copy), cwd=self.folder, capture_output=True, check=True)
            return
        command = [f"{self._binaries}/initdb", "-D", f"{self.folder}/data", "-U", "postgres", "-A", "trust"]
        more = ["-E", "UTF8", "--locale=C.UTF-8", "--no-sync", "--no-instructions"]
        subprocess.run(self.guarded([*command, *more]), cwd=self.folder, capture_output=True, check=True)
        hba = self.folder / "data" / "pg_hba.conf"
        hba.write_text(f"host all guarded 127.0.0.1/32 scram-sha-256\n{hba.read_text()}")

    def command(self) -> Sequence[str]:
        settings = {**self._settings, "port": str(self.port), "unix_socket_directories": str(self.folder)}
        options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        return [f"{self._binaries}/postgres", "-D", f"{self.folder}/data", *options]


@contextmanager
def running(
    settings: Mapping[str, str] = _SETTINGS,
    binaries: Path | None = None,
    disk: Callable[[ServerProcess], object] = lambda server: None,
    like: PostgresqlServer | None = None,
) -> Iterator[PostgresqlServer]:
    """A new server for the time of a `with` block. `settings` come on top of the tests'; `binaries` are those of
    another version than Debian's; `disk` see `full_disk`; it is a standby of `like`, if that is given."""
    user = pwd.getpwnam("postgres") if os.geteuid() == 0 else None
    with new_folder("pg", (user.pw_uid, user.pw_gid) if user else None) as folder:
        server = PostgresqlServer(folder, binaries or _installed(), settings, like)
        disk(server)
        with started(server):
            yield server


def _installed() -> Path:
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: int(path.parent.name))
    if not found:
        raise RuntimeError("PostgreSQL is not installed: run tests/servers/install.sh")
    return found[-1]
