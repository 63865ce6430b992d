"""Servers that tests may ask for. Each is started once in a run, when the first test asks."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count

import psycopg
import pytest

from tests.servers import mariadb
from tests.servers.mysql_database import MysqlDatabase, new_database
from tests.servers.postgresql import PostgresqlServer, running

__all__ = ["MysqlDatabase", "PostgresqlSchema"]

pytest_plugins = [
    "tests.servers.rdbms",
    "tests.servers.oceanbase",
    "tests.servers.hdfs",
    "tests.servers.hive",
    "tests.servers.hbase",
    "tests.servers.s3",
    "tests.servers.ftp",
    "tests.servers.sftp",
    "tests.servers.kerberos",
    "tests.servers.hive_logins",
]

_numbers = count(1)


def pytest_collection_finish() -> None:
    """Let the garbage collector pass over some thousand tests, which stay until the end: the tests of leaks call it."""
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="session")
def postgresql_server() -> Iterator[PostgresqlServer]:
    """A PostgreSQL server of this run's own."""
    with running() as server:
        yield server


@dataclass(frozen=True)
class PostgresqlSchema:
    """A new schema of a PostgreSQL server."""

    server: PostgresqlServer
    name: str
    db: psycopg.Connection[tuple[object, ...]]
    """A connection whose search path is the schema, in UTC."""

    @property
    def url(self) -> str:
        """For a job: unqualified names are the schema's."""
        return f"{self.server.url}?currentSchema={self.name}"


@pytest.fixture
def postgresql(postgresql_server: PostgresqlServer) -> Iterator[PostgresqlSchema]:
    """A schema of the test's own."""
    name = f"test_{next(_numbers)}"
    with postgresql_server.connect(options=f"-c search_path={name} -c timezone=UTC") as db:
        db.execute(f"CREATE SCHEMA {name}".encode())
        yield PostgresqlSchema(postgresql_server, name, db)
        db.execute(f"SET client_min_messages = warning; DROP SCHEMA {name} CASCADE".encode())


@pytest.fixture(scope="session")
def mariadb_server() -> Iterator[mariadb.MariadbServer]:
    """A MariaDB server of this run's own."""
    with mariadb.running() as server:
        yield server


@pytest.fixture
def mysql(mariadb_server: mariadb.MariadbServer) -> Iterator[MysqlDatabase]:
    """A database of the test's own."""
    with new_database(mariadb_server) as database:
        yield database
