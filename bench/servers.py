"""The servers of the cases: databases, clusters and an object store on the loopback, with settings for bulk work.

They are gone with the process. Each starts when a case first asks for it, in a temporary directory, as in the tests;
what that takes is imported no sooner, as the memory of this process shows in the figures (`bench.measure`).
"""

from __future__ import annotations

import subprocess
import sys
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.cpu import tree_seconds

if TYPE_CHECKING:
    from tests.servers.hbase import HbaseServer
    from tests.servers.s3 import Bucket

_POSTGRESQL = {
    "shared_buffers": "512MB", "max_wal_size": "16GB", "checkpoint_timeout": "1h", "maintenance_work_mem": "256MB",
    "autovacuum": "off",
}  # fmt: skip
"""Beside the tests' own, of which the first is that nothing is synced. What runs by itself would fall into one figure
and not into the other."""
_MARIADB = {
    "innodb-buffer-pool-size": "1G", "innodb-log-file-size": "1G", "innodb-flush-log-at-trx-commit": "0",
    "skip-log-bin": "1",
}  # fmt: skip
_LINEITEM = """
    CREATE TABLE {name} (
        l_orderkey bigint NOT NULL, l_partkey bigint NOT NULL, l_suppkey bigint NOT NULL, l_linenumber int NOT NULL,
        l_quantity decimal(15,2) NOT NULL, l_extendedprice decimal(15,2) NOT NULL, l_discount decimal(15,2) NOT NULL,
        l_tax decimal(15,2) NOT NULL, l_returnflag char(1) NOT NULL, l_linestatus char(1) NOT NULL,
        l_shipdate date NOT NULL, l_commitdate date NOT NULL, l_receiptdate date NOT NULL,
        l_shipinstruct char(25) NOT NULL, l_shipmode char(10) NOT NULL, l_comment varchar(44) NOT NULL{key}
    )
"""


def lineitem_sql(name: str, *, key: bool = True) -> str:
    """CREATE TABLE for TPC-H's lineitem, in the words of both servers."""
    return _LINEITEM.format(name=name, key=", PRIMARY KEY (l_orderkey, l_linenumber)" if key else "")


@dataclass(frozen=True)
class Postgresql:
    """PostgreSQL as the cases see it."""

    port: int

    @property
    def url(self) -> str:
        """For a job, and for psql."""
        return f"postgresql://postgres@127.0.0.1:{self.port}/postgres"

    def psql(self, *commands: str) -> list[str]:
        """The command that runs these with psql, one after the other, until one fails."""
        options = [part for command in commands for part in ("-c", command)]
        return ["psql", "-X", "-q", "-v", "ON_ERROR_STOP=1", self.url, *options]

    def sql(self, *statements: str) -> None:
        """Run statements."""
        command = self.psql("SET client_min_messages = warning", *statements)
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)

    def copy_from(self, table: str, path: Path) -> str:
        """What one types into psql to load a CSV file with a header."""
        return f"\\copy {table} from '{path}' with (format csv, header)"

    def target(self, name: str, *, key: bool = True) -> None:
        """An empty lineitem table of this name."""
        self.sql(f"DROP TABLE IF EXISTS {name}", lineitem_sql(name, key=key))

    def lineitem(self, path: Path) -> str:
        """The name of a table that holds the rows of a CSV file of lineitem, with its key; loaded on first use."""
        name = path.stem.replace("-", "_")
        known = f"SELECT 1 / count(*) FROM pg_class WHERE relname = '{name}'"
        if subprocess.run(self.psql(known), capture_output=True).returncode:
            print(f"loading {name} into PostgreSQL", file=sys.stderr)
            self.target(name)
            self.sql(self.copy_from(name, path), f"VACUUM (FREEZE, ANALYZE) {name}")
        return name


@dataclass(frozen=True)
class Mariadb:
    """MariaDB as the cases see it."""

    port: int

    @property
    def url(self) -> str:
        """For a job."""
        return f"mysql://root@127.0.0.1:{self.port}/bench"

    def client(self, *arguments: str) -> list[str]:
        """The command of MariaDB's client, connected to the database of the cases."""
        options = ["--no-defaults", "--local-infile=1", "-h", "127.0.0.1", "-P", str(self.port), "-u", "root"]
        return ["mariadb", *options, "bench", *arguments]

    def sql(self, *statements: str) -> None:
        """Run statements."""
        command = self.client("-e", "; ".join(statements))
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)

    def load_from(self, table: str, path: Path | str) -> str:
        """What one types to load a CSV file with a header."""
        return (
            f"LOAD DATA LOCAL INFILE '{path}' INTO TABLE {table} CHARACTER SET utf8mb4 "
            "FIELDS TERMINATED BY ',' OPTIONALLY ENCLOSED BY '\"' ESCAPED BY '' IGNORE 1 LINES"
        )

    def target(self, name: str, *, key: bool = True) -> None:
        """An empty lineitem table of this name."""
        self.sql(f"DROP TABLE IF EXISTS {name}", lineitem_sql(name, key=key))

    def lineitem(self, path: Path) -> str:
        """The name of a table that holds the rows of a CSV file of lineitem, with its key; loaded on first use."""
        name = path.stem.replace("-", "_")
        if subprocess.run(self.client("-e", f"SELECT 1 FROM {name} LIMIT 1"), capture_output=True).returncode:
            print(f"loading {name} into MariaDB", file=sys.stderr)
            self.target(name)
            self.sql(self.load_from(name, path), f"ANALYZE TABLE {name}")
        return name


@dataclass(frozen=True)
class Hbase:
    """HBase as the cases see it."""

    server: HbaseServer

    @property
    def port(self) -> int:
        """Of its Thrift server."""
        return self.server.thrift["binary"]

    def place(self, table: str) -> dict[str, Any]:
        """For a job."""
        return {"name": "hbase", "thriftServers": [f"127.0.0.1:{self.port}"], "table": table}

    def target(self, name: str, rows: int) -> None:
        """An empty table of this name, in two regions for keys of ten digits up to `rows`."""
        with suppress(RuntimeError):  # there is none yet
            self.server.command("drop", name)
        self.server.command("create", name, "cf=1", f"{rows // 2:010d}".encode())


@dataclass(frozen=True)
class Hdfs:
    """A cluster of HDFS as the cases see it."""

    default_fs: str
    url: str
    """Where WebHDFS answers."""
    user: str

    @property
    def parameters(self) -> dict[str, str]:
        """For a job."""
        return {"defaultFS": self.default_fs, "webhdfsUrl": self.url, "hdfsUsername": self.user}

    def curl(self, path: Path, target: str) -> list[str]:
        """What one types to send a file."""
        return ["curl", "-sSfL", "-o", "/dev/null", "-T", str(path), self._asking(target, "CREATE&overwrite=true")]

    def removed(self, path: str) -> None:
        """Remove a file or a directory."""
        asked = self._asking(path, "DELETE&recursive=true")
        subprocess.run(["curl", "-sSf", "-o", "/dev/null", "-X", "DELETE", asked], check=True)

    def lineitem(self, path: Path) -> str:
        """Where a file stands, sent on first use."""
        target = f"/{path.name}"
        there = ["curl", "-sf", "-o", "/dev/null", self._asking(target, "GETFILESTATUS")]
        if subprocess.run(there).returncode:
            subprocess.run(self.curl(path, target), check=True)
        return target

    def _asking(self, path: str, operation: str) -> str:
        return f"{self.url}/webhdfs/v1{path}?user.name={self.user}&op={operation}"


@dataclass(frozen=True)
class S3:
    """An S3 store as the cases see it."""

    bucket: Bucket

    @property
    def parameters(self) -> dict[str, Any]:
        """For a job."""
        return self.bucket.parameters

    @property
    def arguments(self) -> list[str]:
        """For a program: the endpoint, who asks, the secret, the bucket."""
        from tests.servers.s3 import ACCESS, SECRET

        return [self.bucket.server.endpoint, ACCESS, SECRET, self.bucket.name]

    def upload(self, path: Path) -> str:
        """The key of an object with the bytes of a file, sent on first use."""
        with self.bucket.server.client() as client:
            if not client.list_objects_v2(Bucket=self.bucket.name, Prefix=path.name).get("Contents"):
                with path.open("rb") as file:
                    client.put_object(Bucket=self.bucket.name, Key=path.name, Body=file)
        return path.name

    def removed(self, key: str) -> None:
        """Remove an object."""
        self.bucket.remove(key)


@dataclass
class Servers:
    """The servers that were started. Close it at the end."""

    _stack: ExitStack = field(default_factory=ExitStack)
    _pids: list[int] = field(default_factory=list)

    @cached_property
    def postgresql(self) -> Postgresql:
        """The PostgreSQL server; its newest version that is installed."""
        from tests.servers import postgresql

        server = self._stack.enter_context(postgresql.running(_POSTGRESQL))
        self._pids.append(server.pid)
        return Postgresql(server.port)

    @cached_property
    def mariadb(self) -> Mariadb:
        """The MariaDB server, with a database `bench`."""
        from tests.servers import mariadb

        server = self._stack.enter_context(mariadb.running(_MARIADB))
        self._pids.append(server.pid)
        with server.connect() as db, db.cursor() as cursor:
            cursor.execute("CREATE DATABASE bench CHARACTER SET utf8mb4")
        return Mariadb(server.port)

    @cached_property
    def hbase(self) -> Hbase:
        """HBase with a Thrift server of the usual kind."""
        from tests.servers import hbase

        server = self._stack.enter_context(hbase.running(("binary",), "1g"))
        self._pids.append(server.pid)
        return Hbase(server)

    @cached_property
    def hdfs(self) -> Hdfs:
        """A name node and a data node, as the tests start them."""
        from tests.servers import hdfs

        cluster = self._stack.enter_context(hdfs.running())
        self._pids += [cluster.pid(node) for node in ("namenode", "datanode")]
        return Hdfs(cluster.default_fs, cluster.url, cluster.superuser)

    @cached_property
    def s3(self) -> S3:
        """An S3 server with one bucket."""
        from tests.servers import s3

        server = self._stack.enter_context(s3.running())
        self._pids.append(server.pid)
        with server.client() as client:
            client.create_bucket(Bucket="bench")
        return S3(s3.Bucket(server, "bench"))

    def cpu_seconds(self) -> float:
        """What all of them have spent so far."""
        return sum(map(tree_seconds, self._pids))

    def close(self) -> None:
        """Stop them."""
        self._stack.close()
