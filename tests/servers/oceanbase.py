"""An OceanBase server of the tests' own: in a temporary directory, on a port of the loopback, gone with the tests.

It is seekdb, OceanBase's engine as one process, in MySQL mode, out of the package `pylibseekdb`. It has one tenant, no
proxy before it, and no Oracle mode; it answers as `5.7.25-OceanBase seekdb-…`.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pymysql
import pytest

from tests.servers.mysql_database import MysqlDatabase, new_database
from tests.servers.process import ServerProcess, new_folder, preloaded, started

_SHIM = Path(__file__).with_name("loopback_bind.c")
_PARAMETERS = {"memory_budget": "1G", "log_disk_size": "2G"}


class OceanbaseServer(ServerProcess):
    """A running server, whose superuser has no password."""

    not_yet = (pymysql.OperationalError,)

    def connect(self, **options: Any) -> pymysql.Connection[pymysql.cursors.Cursor]:
        """A connection in autocommit mode, in UTC, that is not the plugins'."""
        defaults = {"host": "127.0.0.1", "port": self.port, "user": "root", "charset": "utf8mb4"}
        return pymysql.connect(**{**defaults, **options}, autocommit=True, init_command="SET time_zone = '+00:00'")

    def command(self) -> Sequence[str]:
        parameters = [part for name, value in _PARAMETERS.items() for part in ("--parameter", f"{name}={value}")]
        places = ["--port", str(self.port), "--base-dir", str(self.folder)]
        return [str(_executable()), "--nodaemon", *places, "--log-level", "ERROR", *parameters]

    def environment(self) -> Mapping[str, str]:
        """It would report to its makers, and listen on every interface."""
        return {**os.environ, "TELEMETRY_ENABLED": "false", "LD_PRELOAD": str(preloaded(_SHIM))}

    def ping(self) -> None:
        self.connect().close()


@pytest.fixture(scope="session")
def oceanbase_server() -> Iterator[OceanbaseServer]:
    """An OceanBase server of this run's own."""
    with running() as server:
        yield server


@pytest.fixture
def oceanbase(oceanbase_server: OceanbaseServer) -> Iterator[MysqlDatabase]:
    """A database of the test's own."""
    with new_database(oceanbase_server) as database:
        yield database


@contextmanager
def running() -> Iterator[OceanbaseServer]:
    """A new server for the time of a `with` block."""
    with new_folder("oceanbase") as folder:
        server = OceanbaseServer(folder)
        with started(server):
            yield server


def _executable() -> Path:
    found = find_spec("pylibseekdb")
    if found is None or found.origin is None:
        raise RuntimeError("OceanBase is not installed: pip install pylibseekdb")
    return Path(found.origin).with_name("seekdb")
