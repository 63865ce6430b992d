"""The three databases between which values are moved: how each is asked, and how a job names it."""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import psycopg
import pymysql

from tests.fidelity.postgresql_values import SETUP
from tests.fidelity.values import Store
from tests.servers.mariadb import MariadbServer
from tests.servers.postgresql import PostgresqlServer

NAME = "fidelity"


class Database(Protocol):
    """One of them."""

    @property
    def store(self) -> Store:
        """Which kind of store it is."""

    def execute(self, sql: str) -> list[tuple[Any, ...]]:
        """Run one statement; its rows."""

    def address(self) -> dict[str, str]:
        """The parameters by which a job finds it, the plugin's name among them."""

    def types(self, table: str) -> dict[str, str]:
        """The columns of a table with their types as the catalogue spells them."""

    def literal(self, text: str, kind: str) -> str:
        """A literal of the value tables as SQL."""


@dataclass(frozen=True)
class Mysql:
    """MariaDB, or a server like it."""

    db: pymysql.Connection[pymysql.cursors.Cursor]
    port: int
    store: Store = "mysql"
    plugin: str = "mysql"
    name: str = NAME
    """The database."""

    def execute(self, sql: str) -> list[tuple[Any, ...]]:
        with self.db.cursor() as cursor:
            cursor.execute(sql)
            return list(cursor.fetchall())

    def address(self) -> dict[str, str]:
        return {"name": self.plugin, "url": f"mysql://root@127.0.0.1:{self.port}/{self.name}"}

    def types(self, table: str) -> dict[str, str]:
        return dict(
            self.execute(
                "SELECT column_name, column_type FROM information_schema.columns "
                f"WHERE table_schema = '{self.name}' AND table_name = '{table}' ORDER BY ordinal_position"
            )
        )

    def literal(self, text: str, kind: str) -> str:
        return text


@dataclass(frozen=True)
class Postgresql:
    """PostgreSQL."""

    db: psycopg.Connection[Any]
    url: str
    store: Store = "postgresql"
    name: str = NAME
    """The schema."""

    def execute(self, sql: str) -> list[tuple[Any, ...]]:
        cursor = self.db.execute(sql.encode())
        return cursor.fetchall() if cursor.description else []

    def address(self) -> dict[str, str]:
        return {"name": "postgresql", "url": f"{self.url}?currentSchema={self.name}"}

    def types(self, table: str) -> dict[str, str]:
        return dict(
            self.execute(
                "SELECT attname::text, format_type(atttypid, atttypmod) FROM pg_attribute "
                f"WHERE attrelid = '{self.name}.{table}'::regclass AND attnum > 0 ORDER BY attnum"
            )
        )

    def literal(self, text: str, kind: str) -> str:
        quoted = text.replace("'", "''")
        return f"'{quoted}'::text::{kind}"


@dataclass(frozen=True)
class Sqlite:
    """SQLite."""

    path: Path
    store: Store = "sqlite"

    def execute(self, sql: str) -> list[tuple[Any, ...]]:
        with closing(sqlite3.connect(self.path)) as db, db:
            db.create_function("md5", 1, lambda value: hashlib.md5(value, usedforsecurity=False).hexdigest())
            return db.execute(sql).fetchall()

    def address(self) -> dict[str, str]:
        return {"name": "sqlite", "path": str(self.path)}

    def types(self, table: str) -> dict[str, str]:
        return {row[1]: row[2] for row in self.execute(f"PRAGMA table_info({table})")}

    def literal(self, text: str, kind: str) -> str:
        return text


@contextmanager
def databases(mariadb: MariadbServer, postgresql: PostgresqlServer, folder: Path) -> Iterator[Sequence[Database]]:
    """New ones for the time of a `with` block."""
    with ExitStack() as stack:
        mysql = stack.enter_context(mariadb.connect())
        with mysql.cursor() as cursor:
            cursor.execute(f"CREATE DATABASE {NAME} CHARACTER SET utf8mb4")
            cursor.execute(f"USE {NAME}")
            cursor.execute("SET SESSION sql_mode = ''")  # so that there can be zero dates
        db = stack.enter_context(postgresql.connect(options=f"-c search_path={NAME},public -c timezone=UTC"))
        db.execute("SET IntervalStyle = 'iso_8601'; SET lc_monetary = 'C'")
        db.execute(f"CREATE SCHEMA {NAME}".encode())
        db.execute(SETUP.encode())
        try:
            yield Mysql(mysql, mariadb.port), Postgresql(db, postgresql.url), Sqlite(folder / "fidelity.db")
        finally:
            db.execute(f"SET client_min_messages = warning; DROP SCHEMA {NAME} CASCADE".encode())
            with mysql.cursor() as cursor:
                cursor.execute(f"DROP DATABASE {NAME}")
