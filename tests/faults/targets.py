"""What the runs that are hit write, and how to look at it past the plugins."""

from __future__ import annotations

import csv
import io
import shutil
import sqlite3
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, closing, contextmanager
from pathlib import Path
from typing import Any, ClassVar, TypeAlias

import requests

from tests.conftest import MysqlDatabase, PostgresqlSchema
from tests.faults.sources import ROWS, Fixtures
from tests.servers.hbase import HbaseTables
from tests.servers.hdfs import HdfsDirectory
from tests.servers.hive import HiveTables
from tests.servers.s3 import Bucket

OLD = 100
Row: TypeAlias = tuple[int, str]
Look: TypeAlias = Callable[[], Sequence[Row]]
"""All rows that anybody sees now."""

KEYED = ("ignore", "replace", "update", "normal")
REPLACING = ("overwrite", "truncate")


def old_rows(mode: str) -> list[Row]:
    """What the target holds before the run: rows with the keys of new ones where the mode knows keys."""
    return [] if mode == "nonConflict" else [(n if mode in KEYED else -n, "old") for n in range(1, OLD + 1)]


def expected_rows(mode: str) -> list[Row]:
    """What it is to hold after it."""
    new, old = {n: f"row {n}" for n in range(1, ROWS + 1)}, dict(old_rows(mode))
    if mode in REPLACING:
        old = {}
    return sorted(({**new, **old} if mode == "ignore" else {**old, **new}).items())


class Target(ABC):
    """One target in the hands of one test."""

    writer: ClassVar[str]
    modes: ClassVar[Sequence[str]]
    at_once: ClassVar[bool] = True
    """Whether `overwrite` shows all new rows and takes the old ones away in one step. Where it does not, the old rows
    go only when all new ones are there."""
    shields: ClassVar[bool] = True
    """Whether who looks at rows that are replaced sees all the old ones or all the new ones at any moment."""

    def __init__(self, request: Fixtures, folder: Path) -> None:
        self.folder = folder

    @classmethod
    def choice(cls, mode: str) -> Mapping[str, Any]:
        """The parameters that choose a mode."""
        return {"writeMode": mode}

    @abstractmethod
    def fill(self, mode: str) -> None:
        """Put the old rows there, and nothing else."""

    @abstractmethod
    def parameters(self, mode: str) -> Mapping[str, Any]:
        """The writer's."""

    @abstractmethod
    def looking(self) -> AbstractContextManager[Look]:
        """A connection of one's own to look through."""

    @abstractmethod
    def left(self) -> Sequence[str]:
        """What a run has left behind."""


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


class Files(Target):
    writer = "txtfilewriter"
    modes = ("truncate", "append", "nonConflict", "overwrite")
    at_once = False

    @property
    def _path(self) -> Path:
        return self.folder / "files"

    def fill(self, mode: str) -> None:
        shutil.rmtree(self._path, ignore_errors=True)
        self._path.mkdir()
        if old := old_rows(mode):
            (self._path / "t__old").write_bytes(_as_csv(old))

    def parameters(self, mode: str) -> Mapping[str, Any]:
        return {"path": str(self._path), "fileName": "t", "fileFormat": "csv", **self.choice(mode)}

    @contextmanager
    def looking(self) -> Iterator[Look]:
        yield self._look

    def _look(self) -> Sequence[Row]:
        """A file that goes away between the listing and its reading is a reason to begin again."""
        while True:
            try:
                return _from_csv([path.read_text() for path in self._path.glob("[!.]*")])
            except FileNotFoundError:
                continue

    def left(self) -> Sequence[str]:
        return [path.name for path in self._path.glob(".*")]


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


class Hdfs(Target):
    writer = "hdfswriter"
    modes = ("truncate", "append", "nonConflict", "overwrite")
    at_once = False

    def __init__(self, request: Fixtures, folder: Path) -> None:
        super().__init__(request, folder)
        self._directory: HdfsDirectory = request.getfixturevalue("hdfs")

    def fill(self, mode: str) -> None:
        cluster, path = self._directory.cluster, self._directory.path
        cluster.ask("DELETE", "DELETE", path, recursive="true")
        cluster.ask("PUT", "MKDIRS", path, permission="777")
        if old := old_rows(mode):
            cluster.put(f"{path}/t__old", _as_csv(old))

    def parameters(self, mode: str) -> Mapping[str, Any]:
        more = {"path": self._directory.path, "fileName": "t", "fileType": "csv", **self.choice(mode)}
        return self._directory.parameters(**more)

    @contextmanager
    def looking(self) -> Iterator[Look]:
        yield self._look

    def _look(self) -> Sequence[Row]:
        """A file that goes away between the listing and its reading is a reason to begin again."""
        cluster, path = self._directory.cluster, self._directory.path
        while True:
            names = [name for name in cluster.names(path) if name[0] not in "._"]
            try:
                files = [cluster.content(f"{path}/{name}").decode() for name in names]
            except requests.HTTPError:
                continue
            return _from_csv(files)

    def left(self) -> Sequence[str]:
        return [name for name in self._directory.cluster.names(self._directory.path) if name[0] in "._"]


class S3(Target):
    writer = "s3writer"
    modes = ("truncate", "append", "nonConflict", "overwrite")
    at_once = False

    def __init__(self, request: Fixtures, folder: Path) -> None:
        super().__init__(request, folder)
        self._bucket: Bucket = request.getfixturevalue("bucket")

    def fill(self, mode: str) -> None:
        for key in self._bucket.objects():
            self._bucket.remove(key)
        if old := old_rows(mode):
            self._bucket.put("t__old", _as_csv(old))

    def parameters(self, mode: str) -> Mapping[str, Any]:
        return {**self._bucket.parameters, "object": "t", "fileFormat": "csv", **self.choice(mode)}

    @contextmanager
    def looking(self) -> Iterator[Look]:
        """An object that goes away between the listing and its reading is a reason to begin again."""
        with self._bucket.server.client() as client:

            def look() -> Sequence[Row]:
                while True:
                    try:
                        files = [content.decode() for content in self._bucket.objects(client).values()]
                    except client.exceptions.NoSuchKey:
                        continue
                    return _from_csv(files)

            yield look

    def left(self) -> Sequence[str]:
        return self._bucket.uploads()


class Hive(Target):
    writer = "hivewriter"
    modes = ("append", "overwrite", "nonConflict")

    def __init__(self, request: Fixtures, folder: Path) -> None:
        super().__init__(request, folder)
        self._tables: HiveTables = request.getfixturevalue("hive")

    @property
    def _home(self) -> str:
        return f"/warehouse/{self._tables.name('t')}"

    def fill(self, mode: str) -> None:
        cluster = self._tables.server.cluster
        self._tables.ask("DROP TABLE IF EXISTS {t}t")
        cluster.ask("DELETE", "DELETE", self._home, recursive="true")
        self._tables.ask("CREATE TABLE {t}t (id bigint, v string) STORED AS textfile")
        if old := old_rows(mode):
            cluster.put(f"{self._home}/old", "".join(f"{key}\x01{text}\n" for key, text in old).encode())

    def parameters(self, mode: str) -> Mapping[str, Any]:
        return self._tables.parameters(table=self._tables.name("t"), **self.choice(mode))

    @contextmanager
    def looking(self) -> Iterator[Look]:
        yield lambda: [(int(key), str(text)) for key, text in self._tables.ask("SELECT id, v FROM {t}t")]

    def left(self) -> Sequence[str]:
        """Without the run's directory that the table was given for its files."""
        cluster = self._tables.server.cluster
        told = self._tables.ask("DESCRIBE FORMATTED {t}t")
        (location,) = (str(row[1]).strip() for row in told if str(row[0]).startswith("Location:"))
        path = "/" + location.partition("://")[2].partition("/")[2]
        hidden = [name for name in cluster.names(path) if name[0] in "._" and name != "_starhaul"]
        runs = cluster.names(f"{self._home}/_starhaul") if "_starhaul" in cluster.names(self._home) else []
        return [*hidden, *(f"_starhaul/{run}" for run in runs if not path.endswith(f"/{run}"))]


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


def _as_csv(rows: Sequence[Row]) -> bytes:
    out = io.StringIO()
    csv.writer(out).writerows(rows)
    return out.getvalue().encode()


def _from_csv(files: Sequence[str]) -> Sequence[Row]:
    return [(int(key), text) for key, text in csv.reader(io.StringIO("".join(files)))]


TARGETS: Mapping[str, type[Target]] = {
    "SQLite": Sqlite, "MySQL": Mysql, "PostgreSQL": Postgresql, "OceanBase": Oceanbase, "HDFS": Hdfs,
    "S3": S3, "Hive": Hive, "HBase": Hbase, "files": Files, "PostgreSQL by SQLAlchemy": Rdbms,
}  # fmt: skip
