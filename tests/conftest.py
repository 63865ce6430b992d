"""Servers that tests may ask for. Each is started once in a run, when the first test asks."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count

import psycopg
import pymysql
import pytest

from tests.servers import mariadb
from tests.servers.postgresql import PostgresqlServer, running

pytest_plugins = ["tests.servers.rdbms"]

_numbers = count(1)


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


@dataclass(frozen=True)
class MysqlDatabase:
    """A new database of a MariaDB server."""

    server: mariadb.MariadbServer
    name: str
    db: pymysql.Connection[pymysql.cursors.Cursor]
    """A connection to the database in autocommit mode, in UTC."""

    @property
    def url(self) -> str:
        """For a job: the superuser needs no password."""
        return f"mysql://root@127.0.0.1:{self.server.port}/{self.name}"

    def execute(self, *statements: str) -> list[tuple[object, ...]]:
        """Run statements; the rows of the last."""
        with self.db.cursor() as cursor:
            for statement in statements:
                cursor.execute(statement)
            return list(cursor.fetchall())


@pytest.fixture
def mysql(mariadb_server: mariadb.MariadbServer) -> Iterator[MysqlDatabase]:
    """A database of the test's own."""
    name = f"test_{next(_numbers)}"
    with mariadb_server.connect() as db, db.cursor() as cursor:
        cursor.execute(f"CREATE DATABASE {name} CHARACTER SET utf8mb4")
        cursor.execute(f"USE {name}")
        yield MysqlDatabase(mariadb_server, name, db)
        cursor.execute(f"DROP DATABASE {name}")
