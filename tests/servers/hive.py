"""HiveServer2 of the tests' own, with its metastore in the same process, on the tests' HDFS.

Queries run in Tez's local mode, in the server. Java 17 has to be told what Hive looks into. Without
`tez.local.mode.without.network` Tez would listen everywhere. The user is named by a property: of a HADOOP_USER_NAME in
the environment Hive makes a new proxy user for every statement, each with a file system of its own that Hadoop keeps.
"""

from __future__ import annotations

import os
import signal
import socket
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any, ClassVar

import pytest

from tests.servers.hdfs import HdfsCluster, write_site
from tests.servers.jars import fetched
from tests.servers.process import ServerProcess, new_folder, started

_OPENED = (
    "java.lang", "java.lang.invoke", "java.lang.reflect", "java.io", "java.net", "java.nio", "java.util",
    "java.util.concurrent", "java.util.concurrent.atomic", "java.util.regex", "java.time", "java.text", "java.math",
    "sun.nio.ch", "sun.nio.cs", "sun.security.action",
)  # fmt: skip
_LOGGING = """
status = ERROR
name = hive
appender.c.type = Console
appender.c.name = c
appender.c.target = SYSTEM_ERR
appender.c.layout.type = PatternLayout
appender.c.layout.pattern = %d %p %c{2} %m%n
rootLogger.level = ERROR
rootLogger.appenderRef.c.ref = c
"""
_numbers = count(1)


class HiveServer(ServerProcess):
    """A running HiveServer2."""

    end: ClassVar[signal.Signals] = signal.SIGKILL  # an orderly stop takes ten seconds
    not_yet: ClassVar[tuple[type[Exception], ...]] = (OSError,)

    def __init__(
        self,
        folder: Path,
        cluster: HdfsCluster,
        properties: Mapping[str, Any] | None = None,
        options: Sequence[str] = (),
    ) -> None:
        """`properties` come on top of the server's own, `options` are Java's."""
        super().__init__(folder)
        self.cluster = cluster
        self._options = options
        for name in ("conf", "tmp", "install"):
            (folder / name).mkdir()
        self._own: dict[str, Any] = {}
        self.configure(properties or {})
        (folder / "conf" / "log4j.properties").write_text("log4j.rootLogger=OFF\n")
        (folder / "conf" / "log4j2.properties").write_text(_LOGGING)
        (folder / "conf" / "hive-log4j2.properties").write_text(_LOGGING)

    def configure(self, properties: Mapping[str, Any]) -> None:
        """Change properties for the next start."""
        self._own |= properties
        for name in ("hive-site.xml", "core-site.xml", "tez-site.xml", "mapred-site.xml"):
            write_site(self.folder / "conf" / name, {**self._properties(), **self._own})

    def command(self) -> Sequence[str]:
        java = Path(os.environ["JAVA_HOME"], "bin", "java") if os.environ.get("JAVA_HOME") else "java"
        opened = [f"--add-opens=java.base/{package}=ALL-UNNAMED" for package in _OPENED]
        small = ["-Xmx512m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-XX:-UsePerfData"]
        places = [
            f"-DHADOOP_USER_NAME={self.cluster.superuser}",
            f"-Djava.io.tmpdir={self.folder}/tmp", f"-Dderby.system.home={self.folder}",
            f"-Dderby.stream.error.file={self.folder}/derby.log",
            f"-Dlog4j.configurationFile={self.folder}/conf/log4j2.properties", "-Djava.net.preferIPv4Stack=true",
        ]  # fmt: skip
        path = f"{self.folder}/conf:{fetched('hive')}/*"
        opened.append("--add-opens=java.sql/java.sql=ALL-UNNAMED")
        small += self._options
        return [str(java), *small, *places, *opened, "-cp", path, "org.apache.hive.service.server.HiveServer2"]

    def environment(self) -> Mapping[str, str]:
        conf = f"{self.folder}/conf"
        return {**os.environ, "HADOOP_HOME": str(self.folder), "HIVE_CONF_DIR": conf, "HADOOP_CONF_DIR": conf}

    def ping(self) -> None:
        socket.create_connection(("127.0.0.1", self.port), 1).close()

    def ask(self, *statements: str) -> list[tuple[Any, ...]]:
        """Run statements by impyla, not the plugins' way; the rows of the last."""
        from impala.dbapi import connect

        connection = connect("127.0.0.1", self.port, auth_mechanism="PLAIN", user="tests", password="tests", timeout=60)
        try:
            cursor = connection.cursor(configuration={"hive.resultset.use.unique.column.names": "false"})
            rows: list[tuple[Any, ...]] = []
            for statement in statements:
                cursor.execute(statement)
                rows = list(map(tuple, cursor.fetchall())) if cursor.description else []
            cursor.close()
            return rows
        finally:
            connection.close()

    def _properties(self) -> dict[str, Any]:
        base = self.folder
        return {
            "fs.defaultFS": self.cluster.default_fs, "hadoop.tmp.dir": f"{base}/tmp",
            "dfs.client.use.datanode.hostname": "false",
            "hive.execution.engine": "tez", "mapreduce.framework.name": "local", "tez.local.mode": "true",
            "tez.local.mode.without.network": "true", "tez.runtime.optimize.local.fetch": "true",
            # What closing a file on HDFS may wait for, as every query does several times; and nobody takes up the query
            # of a server that crashed.
            "dfs.client.block.write.locateFollowingBlock.initial.delay.ms": 20, "tez.dag.recovery.enabled": "false",
            "tez.staging-dir": "/tmp/tez", "tez.am.resource.memory.mb": 128, "hive.tez.container.size": 256,
            "tez.runtime.io.sort.mb": 16, "tez.runtime.unordered.output.buffer.size-mb": 8,
            "hive.server2.thrift.bind.host": "127.0.0.1", "hive.server2.thrift.port": self.port,
            "hive.server2.authentication": "NONE", "hive.server2.webui.port": 0, "hive.server2.enable.doAs": "false",
            "hive.server2.thrift.min.worker.threads": 2, "hive.server2.tez.initialize.default.sessions": "false",
            "hive.server2.materializedviews.registry.impl": "DUMMY", "hive.server2.logging.operation.enabled": "false",
            "hive.server2.active.passive.ha.enable": "false", "hive.metastore.uris": "",
            "javax.jdo.option.ConnectionURL": f"jdbc:derby:;databaseName={base}/metastore;create=true",
            "datanucleus.schema.autoCreateAll": "true", "hive.metastore.schema.verification": "false",
            "hive.metastore.try.direct.sql": "false", "hive.metastore.warehouse.dir": "/warehouse",
            "hive.metastore.warehouse.external.dir": "/warehouse",
            "hive.metastore.event.db.notification.api.auth": "false", "hive.exec.scratchdir": "/tmp/hive",
            "hive.exec.local.scratchdir": f"{base}/scratch",
            # Of each session its own, as by default: one that ends would take away the folder of one that begins.
            "hive.downloaded.resources.dir": f"{base}/${{hive.session.id}}_resources",
            "hive.querylog.location": f"{base}/queries", "hive.user.install.directory": f"file://{base}/install",
            "hive.exec.submit.local.task.via.child": "false", "hive.exec.mode.local.auto": "true",
            "hive.stats.autogather": "false", "hive.stats.fetch.column.stats": "false",
            "hive.support.concurrency": "false",
            "hive.txn.manager": "org.apache.hadoop.hive.ql.lockmgr.DummyTxnManager",
            "hive.exec.dynamic.partition.mode": "nonstrict", "hive.async.log.enabled": "false",
            "hive.tez.exec.inplace.progress": "false", "hive.compactor.initiator.on": "false",
            "hive.compactor.cleaner.on": "false", "hive.notification.event.poll.interval": "0s",
            "hive.scheduled.queries.executor.enabled": "false", "hive.metastore.runworker.in": "hs2",
            "hive.compactor.worker.threads": 0, "hive.create.as.acid": "false", "hive.create.as.insert.only": "false",
        }  # fmt: skip


@dataclass(frozen=True)
class HiveTables:
    """Tables that are a test's own, in the database `default`."""

    server: HiveServer
    prefix: str

    def name(self, table: str) -> str:
        """What the test's table is called in Hive."""
        return f"{self.prefix}_{table}"

    def ask(self, *statements: str) -> list[tuple[Any, ...]]:
        """Run statements, in which `{t}` is the prefix of the tables with `_`; the rows of the last."""
        return self.server.ask(*(each.replace("{t}", f"{self.prefix}_") for each in statements))

    def parameters(self, **more: Any) -> dict[str, Any]:
        """What a job says of the server and its HDFS, and more."""
        cluster = self.server.cluster
        return {
            "url": f"hive://tests@127.0.0.1:{self.server.port}/default",
            "hdfs": {"defaultFS": cluster.default_fs, "webhdfsUrl": cluster.url},
            **more,
        }


def make_directories(cluster: HdfsCluster) -> None:
    """What a server needs on HDFS."""
    for directory in ("/warehouse", "/tmp/hive", "/tmp/tez"):
        cluster.ask("PUT", "MKDIRS", directory, permission="777")
    cluster.ask("PUT", "SETPERMISSION", "/tmp/hive", permission="733")


@pytest.fixture(scope="session")
def hive_server(hdfs_cluster: HdfsCluster) -> Iterator[HiveServer]:
    """A server of this run's own."""
    make_directories(hdfs_cluster)
    with new_folder("hive") as folder:
        server = HiveServer(folder, hdfs_cluster)
        with started(server):
            yield server


@pytest.fixture
def hive(hive_server: HiveServer) -> HiveTables:
    """A name for tables that nobody else has."""
    return HiveTables(hive_server, f"test_{next(_numbers)}")
