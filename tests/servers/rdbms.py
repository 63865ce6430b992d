"""Databases that the generic plugins are tested on, each through SQLAlchemy's dialect and its driver."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
import sqlalchemy
from sqlalchemy import pool

ENGINES = ("sqlite", "postgresql", "mariadb")


@dataclass(frozen=True)
class RdbmsDatabase:
    """An empty database, or schema of one."""

    engine: str
    url: str
    """For a job."""

    @contextmanager
    def connect(self) -> Iterator[sqlalchemy.Connection]:
        """A connection in autocommit mode that is not the plugins'."""
        engine = sqlalchemy.create_engine(self.url, poolclass=pool.NullPool, isolation_level="AUTOCOMMIT")
        try:
            with engine.connect() as connection:
                yield connection
        finally:
            engine.dispose()

    def execute(self, *statements: str, rows: Sequence[dict[str, Any]] = ()) -> list[tuple[Any, ...]]:
        """Run statements, the last once for each of `rows` if there are some; the rows that it returns."""
        found: list[tuple[Any, ...]] = []
        with self.connect() as connection:
            for statement in statements:
                text = sqlalchemy.text(statement)
                result = connection.execute(text, list(rows)) if rows and statement == statements[-1] else None
                result = connection.execute(text) if result is None else result
                found = [tuple(row) for row in result] if result.returns_rows else []
                result.close()
        return found

    def tables(self) -> set[str]:
        """The tables that are there."""
        with self.connect() as connection:
            return set(sqlalchemy.inspect(connection).get_table_names())


@pytest.fixture(params=ENGINES)
def rdbms(request: pytest.FixtureRequest, tmp_path: Path) -> RdbmsDatabase:
    """Every test that asks for it runs on each engine."""
    return make(request.param, request.getfixturevalue, tmp_path)


def make(engine: str, fixture: Callable[[str], Any], tmp_path: Path) -> RdbmsDatabase:
    """A database of one of `ENGINES`."""
    if engine == "sqlite":
        return RdbmsDatabase(engine, f"sqlite:///{tmp_path / 'test.db'}")
    if engine == "postgresql":
        schema = fixture("postgresql")
        options = quote(f"-csearch_path={schema.name}")
        url = f"postgresql+psycopg://postgres@127.0.0.1:{schema.server.port}/postgres?options={options}"
        return RdbmsDatabase(engine, url)
    database = fixture("mysql")
    return RdbmsDatabase(
        engine, f"mysql+pymysql://root@127.0.0.1:{database.server.port}/{database.name}?charset=utf8mb4"
    )
