"""Databases of the tests' own, on any server of MySQL's wire."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count
from typing import Any, Protocol

import pymysql

_numbers = count(1)


class MysqlServer(Protocol):
    """A running server, whose superuser `root` needs no password."""

    @property
    def port(self) -> int:
        """On the loopback."""

    def connect(self, **options: Any) -> pymysql.Connection[pymysql.cursors.Cursor]:
        """A connection in autocommit mode, in UTC, that is not the plugins'."""


@dataclass(frozen=True)
class MysqlDatabase:
    """A new database of a server."""

    server: MysqlServer
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


@contextmanager
def new_database(server: MysqlServer) -> Iterator[MysqlDatabase]:
    """A database for the time of a `with` block."""
    name = f"test_{next(_numbers)}"
    with server.connect() as db, db.cursor() as cursor:
        cursor.execute(f"CREATE DATABASE {name} CHARACTER SET utf8mb4")
        cursor.execute(f"USE {name}")
        yield MysqlDatabase(server, name, db)
        cursor.execute(f"DROP DATABASE {name}")
