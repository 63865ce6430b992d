"""Tables that the runs that are hit write into."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, ClassVar

from tests.conftest import MysqlDatabase, PostgresqlSchema
from tests.faults.sources import Fixtures
from tests.faults.target import KEYED, Look, Row, Target, old_rows
from tests.servers.hbase import HbaseTables


def _statements(mode: str) -> list[str]:
    rows = ", ".join(f"({key}, '{text}')" for key, text in old_rows(mode))
    key = " PRIMARY KEY" if mode in KEYED else ""  # without a key, a doubled row would go unnoticed
    return ["DROP TABLE IF EXISTS t", f"CREATE TABLE t (id int{key}, v varchar(80))", f"INSERT INTO t VALUES {rows}"]


_TABLE_MODES = ("insert", "overwrite", "update", "replace", "ignore")
_SELECT = "SELECT id, v FROM t"


class Sqlite(Target):
    writer = "sqlitewriter"
    modes = _TABLE_MODES

    def fill(self, mode: str) -> None:
        with closing(sqlite3.connect(self.folder / "t.db")) as db, db:
            for statement in _statements(mode):
                db.execute(statement)

    def parameters(self, mode: str) -> Mapping[str, Any]:
        return {"path": f"{self.folder}/t.db", "table": "t", **self.choice(mode)}

    @contextmanager
    def looking(self) -> Iterator[Look]:
        with closing(sqlite3.connect(self.folder / "t.db", timeout=60, check_same_thread=False)) as db:
            yield lambda: db.execute(_SELECT).fetchall()

    def left(self) -> Sequence[str]:
        with closing(sqlite3.connect(self.folder / "t.db")) as db:
            return [name for (name,) in db.execute("SELECT name FROM sqlite_master WHERE tbl_name <> 't'")]


class Mysql(Target):
    writer = "mysqlwriter"
    modes = _TABLE_MODES
    fixture: ClassVar[str] = "mysql"

    def __init__(self, request: Fixtures, folder: Path) -> None:
        super().__init__(request, folder)
        self._database: MysqlDatabase = request.getfixturevalue(self.fixture)

    def fill(self, mode: str) -> None:
        self._database.execute(*_statements(mode))

    def parameters(self, mode: str) -> Mapping[str, Any]:
        return {"url": self._database.url, "table": "t", **self.choice(mode)}

    @contextmanager
    def looking(self) -> Iterator[Look]:
        with self._database.server.connect(database=self._database.name) as db, db.cursor() as cursor:

            def look() -> Sequence[Row]:
                cursor.execute(_SELECT)
                return [(int(key), str(text)) for key, text in cursor.fetchall()]

            yield look

    def left(self) -> Sequence[str]:
        return [str(name) for (name,) in self._database.execute("SHOW TABLES") if name not in ("s", "t")]


class Oceanbase(Mysql):
    writer = "oceanbasev10writer"
    fixture = "oceanbase"

    def left(self) -> Sequence[str]:
        """Its ledger is a table that stays, but empty."""
        rows = (
            self._database.execute("SELECT run FROM _starhaul_ledger") if "_starhaul_ledger" in super().left() else []
        )
        return [name for name in super().left() if name != "_starhaul_ledger"] + [f"ledger of {run}" for (run,) in rows]


class Postgresql(Target):
    writer = "postgresqlwriter"
    modes = _TABLE_MODES

    def __init__(self, request: Fixtures, folder: Path) -> None:
        super().__init__(request, folder)
        self._schema: PostgresqlSchema = request.getfixturevalue("postgresql")

    def fill(self, mode: str) -> None:
        self._schema.db.execute("; ".join(_statements(mode)).encode())

    def parameters(self, mode: str) -> Mapping[str, Any]:
        return {"url": self._schema.url, "table": "t", **self.choice(mode)}

    @contextmanager
    def looking(self) -> Iterator[Look]:
        with self._schema.server.connect(options=f"-c search_path={self._schema.name}") as db:
            yield lambda: db.execute(_SELECT).fetchall()

    def left(self) -> Sequence[str]:
        found = self._schema.db.execute(
            "SELECT relname::text FROM pg_class WHERE relnamespace = %s::regnamespace AND relkind = 'r'",
            [self._schema.name],
        )
        return [str(name) for (name,) in found if name not in ("s", "t")]


class Rdbms(Postgresql):
    """PostgreSQL once more, through SQLAlchemy."""

    writer = "rdbmswriter"

    def parameters(self, mode: str) -> Mapping[str, Any]:
        server, schema = self._schema.server, self._schema.name
        url = f"postgresql+psycopg://postgres@127.0.0.1:{server.port}/postgres?options=-csearch_path%3D{schema}"
        return {"url": url, "table": "t", **self.choice(mode)}

    def left(self) -> Sequence[str]:
        """Without the ledger's table, which stays, and must be empty."""
        rows = self._schema.db.execute("SELECT run FROM _starhaul_ledger").fetchall()
        return [name for name in super().left() if name != "_starhaul_ledger"] + [str(run) for (run,) in rows]


class Hbase(Target):
    writer = "hbase11xwriter"
    modes = ("normal", "truncate")
    shields = False  # a row is there as soon as it is written
    _table = ""

    def __init__(self, request: Fixtures, folder: Path) -> None:
        super().__init__(request, folder)
        self._tables: HbaseTables = request.getfixturevalue("hbase")

    @classmethod
    def choice(cls, mode: str) -> Mapping[str, Any]:
        return {"truncate": mode == "truncate"}

    def fill(self, mode: str) -> None:
        self._table = self._table or self._tables.create()
        with closing(self._tables.server.connect()) as connection:
            table = connection.table(self._table)
            for key, _ in table.scan():
                table.delete(key)
            for number, text in old_rows(mode):
                table.put(str(number).encode(), {b"cf:v": text.encode()})

    def parameters(self, mode: str) -> Mapping[str, Any]:
        cells = {
            "rowkeyColumn": [{"index": 0, "type": "string"}],
            "column": [{"index": 1, "name": "cf:v", "type": "string"}],
        }
        return {
            "thriftServers": [*self._tables.thrift_servers()], "table": self._table, **cells, **self.choice(mode),
        }  # fmt: skip

    @contextmanager
    def looking(self) -> Iterator[Look]:
        with closing(self._tables.server.connect()) as connection:
            table = connection.table(self._table)
            yield lambda: [(int(key), cells[b"cf:v"].decode()) for key, cells in table.scan()]

    def left(self) -> Sequence[str]:
        return []
