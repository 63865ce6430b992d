"""The servers of `make versions`, in place of Debian's."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.servers import versions
from tests.servers.mariadb import MariadbServer
from tests.servers.postgresql import PostgresqlServer
from tests.servers.versions import DoltServer


@pytest.fixture(scope="session")
def mariadb_server() -> Iterator[MariadbServer]:
    """MariaDB 11.4."""
    with versions.running(versions.Mariadb114Server) as server:
        yield server


@pytest.fixture(scope="session")
def mysql55_server() -> Iterator[MariadbServer]:
    """MySQL 5.5."""
    with versions.running(versions.Mysql55Server) as server:
        yield server


@pytest.fixture(scope="session")
def postgresql_server() -> Iterator[PostgresqlServer]:
    """PostgreSQL 18."""
    with versions.postgresql_18() as server:
        yield server


@pytest.fixture(scope="session")
def dolt_server() -> Iterator[DoltServer]:
    """A server of the MySQL 8 protocol that can TLS."""
    with versions.dolt(tls=True) as server:
        yield server


@pytest.fixture(scope="session")
def dolt_server_without_tls() -> Iterator[DoltServer]:
    """The same without TLS, which lets nobody in."""
    with versions.dolt(tls=False) as server:
        yield server
