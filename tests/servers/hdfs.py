"""An HDFS cluster of the tests' own: Hadoop's name node and one data node on the loopback, gone with the tests.

The jars that Maven has lack the folders of the web pages, without which a name node does not start; empty ones do. Java
17 has to be told what Hadoop looks into. Every port is chosen here, so that nothing listens elsewhere.
"""

from __future__ import annotations

import getpass
import json
import os
import signal
import socket
import subprocess
import time
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any
from urllib.parse import quote
from xml.etree import ElementTree as Xml

import pytest
import requests

from tests.servers.jars import fetched
from tests.servers.process import new_folder

_NODES = {
    "namenode": "org.apache.hadoop.hdfs.server.namenode.NameNode",
    "datanode": "org.apache.hadoop.hdfs.server.datanode.DataNode",
}
_OPENED = (
    "java.lang", "java.lang.reflect", "java.io", "java.net", "java.nio", "java.util", "java.util.concurrent",
    "sun.nio.ch",
)  # fmt: skip
_START_SECONDS = 120
_LOGGING = """
log4j.rootLogger=WARN,console
log4j.appender.console=org.apache.log4j.ConsoleAppender
log4j.appender.console.target=System.err
log4j.appender.console.layout=org.apache.log4j.PatternLayout
log4j.appender.console.layout.ConversionPattern=%d %p %c %m%n
"""

_numbers = count(1)


class HdfsCluster:
    """A running cluster. Who runs the tests is its superuser. `kill` and `start` are for tests of faults; others must
    find both nodes running."""

    def __init__(self, folder: Path, properties: Mapping[str, Any], options: Sequence[str] = ()) -> None:
        """`properties` come on top of the cluster's own, `options` are Java's."""
        self.folder = folder
        self.superuser = getpass.getuser()
        self.port, self.http_port, *self._data_ports = free_ports(5)
        self._options = options
        self.variables: dict[str, str] = {}
        """Of the environment, for nodes that are not started yet."""
        self._running: dict[str, subprocess.Popen[bytes]] = {}
        for name in ("hdfs", "datanode", "static"):
            (folder / "webapps" / name).mkdir(parents=True)
        (folder / "log4j.properties").write_text(_LOGGING)
        (folder / "secret").write_text(os.urandom(16).hex())
        self._own: dict[str, Any] = {}
        self.configure(properties)

    @property
    def default_fs(self) -> str:
        """For a job."""
        return f"hdfs://127.0.0.1:{self.port}"

    @property
    def url(self) -> str:
        """Where WebHDFS answers."""
        return f"http://127.0.0.1:{self.http_port}"

    def configure(self, properties: Mapping[str, Any]) -> None:
        """Change properties for nodes that are not started yet; None is what the cluster has by itself."""
        self._own |= properties
        own = {name: value for name, value in self._own.items() if value is not None}
        for site in ("core-site.xml", "hdfs-site.xml"):
            write_site(self.folder / site, {**self._properties(), **own})

    def pid(self, node: str) -> int:
        """The process of a node."""
        return self._running[node].pid

    def start(self, *nodes: str) -> None:
        """Start nodes, or both, and wait until the cluster can write."""
        if not (self.folder / "name").exists():
            self._run(_NODES["namenode"], "-format", "-nonInteractive")
        guard = ["setpriv", "--pdeathsig", "KILL"]
        for node in nodes or _NODES:
            with (self.folder / f"{node}.log").open("ab") as log:
                command, environment = [*guard, *self._java(_NODES[node])], {**os.environ, **self.variables}
                self._running[node] = subprocess.Popen(
                    command, stdout=log, stderr=log, cwd=self.folder, env=environment
                )
        deadline = time.monotonic() + _START_SECONDS
        while not self._ready():
            ended = [node for node, process in self._running.items() if process.poll() is not None]
            if ended or time.monotonic() > deadline:
                logs = [(self.folder / f"{node}.log").read_text()[-3000:] for node in ended or _NODES]
                raise RuntimeError("HDFS does not start:\n" + "\n".join(logs))
            time.sleep(0.1)

    def kill(self, *nodes: str) -> None:
        """End nodes as a power cut does."""
        for node in nodes:
            process = self._running.pop(node)
            process.kill()
            process.wait(_START_SECONDS)

    def freeze(self, node: str) -> None:
        """Let a node hang, connections and all, until `thaw`."""
        self._running[node].send_signal(signal.SIGSTOP)

    def thaw(self, node: str) -> None:
        """Let it go on."""
        self._running[node].send_signal(signal.SIGCONT)

    def ask(self, method: str, operation: str, path: str, user: str | None = None, **parameters: Any) -> Any:
        """One request of WebHDFS, redirections followed; not the plugins' way."""
        where = f"{self.url}/webhdfs/v1{quote(path)}"
        data = parameters.pop("data", None)
        asked = {"op": operation, "user.name": user or self.superuser, **parameters}
        answer = requests.request(method, where, params=asked, data=data, timeout=60)
        answer.raise_for_status()
        return answer

    def put(self, path: str, content: bytes, user: str | None = None) -> None:
        """A file, whole."""
        self.ask("PUT", "CREATE", path, user, overwrite="true", data=content)

    def content(self, path: str) -> bytes:
        """What is in a file."""
        return bytes(self.ask("GET", "OPEN", path).content)

    def names(self, directory: str) -> list[str]:
        """What stands in a directory, hidden or not."""
        listed = self.ask("GET", "LISTSTATUS", directory).json()["FileStatuses"]["FileStatus"]
        return sorted(each["pathSuffix"] for each in listed)

    def administer(self, *arguments: str) -> None:
        """`hdfs dfsadmin` with these arguments."""
        self._run("org.apache.hadoop.hdfs.tools.DFSAdmin", *arguments)

    def _ready(self) -> bool:
        """Whether the name node answers, and the data node, as far as it runs, has found it."""
        with suppress(OSError, ValueError, KeyError, IndexError):
            state = _bean(self.http_port, "NameNode", "FSNamesystemState")
            if "datanode" in self._running:
                actors = json.loads(_bean(self._data_ports[1], "DataNode", "DataNodeInfo")["BPServiceActorInfo"])
                if not state["NumLiveDataNodes"] or actors[0]["ActorState"] != "RUNNING":
                    return False
            return bool(state["FSState"] == "Operational")
        return False

    def _run(self, main: str, *arguments: str) -> None:
        done = subprocess.run([*self._java(main), *arguments], cwd=self.folder, capture_output=True, text=True)
        if done.returncode:
            raise RuntimeError(f"{main}: {done.stdout[-2000:]}{done.stderr[-2000:]}")

    def _java(self, main: str) -> list[str]:
        java = Path(os.environ["JAVA_HOME"], "bin", "java") if os.environ.get("JAVA_HOME") else "java"
        opened = [f"--add-opens=java.base/{package}=ALL-UNNAMED" for package in _OPENED]
        small = ["-Xmx256m", "-Xss512k", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-XX:-UsePerfData"]
        network = ["-Djava.net.preferIPv4Stack=true", f"-Djava.io.tmpdir={self.folder}"]
        path = f"{self.folder}:{fetched('hadoop')}/*"
        return [str(java), *small, *network, *opened, *self._options, "-cp", path, main]

    def _properties(self) -> dict[str, Any]:
        data, data_http, data_ipc = self._data_ports
        return {
            "fs.defaultFS": self.default_fs,
            "hadoop.tmp.dir": self.folder / "tmp",
            "hadoop.http.authentication.signature.secret.file": self.folder / "secret",
            "dfs.namenode.name.dir": f"file://{self.folder}/name",
            "dfs.datanode.data.dir": f"file://{self.folder}/data",
            "dfs.namenode.rpc-address": f"127.0.0.1:{self.port}",
            "dfs.namenode.http-address": f"127.0.0.1:{self.http_port}",
            "dfs.datanode.address": f"127.0.0.1:{data}",
            "dfs.datanode.http.address": f"127.0.0.1:{data_http}",
            "dfs.datanode.ipc.address": f"127.0.0.1:{data_ipc}",
            "dfs.datanode.hostname": "127.0.0.1",
            "dfs.namenode.datanode.registration.ip-hostname-check": "false",
            "dfs.replication": 1,
            "dfs.namenode.acls.enabled": "true",
            "dfs.namenode.safemode.threshold-pct": 0,
            "dfs.namenode.safemode.extension": 0,
            "dfs.namenode.edits.noeditlogchannelflush": "true",  # nothing has to survive the machine
            "dfs.namenode.fs-limits.min-block-size": 1024,
            "dfs.namenode.handler.count": 4,
            "dfs.datanode.handler.count": 3,
            "dfs.heartbeat.interval": 1,
            "dfs.client.block.write.locateFollowingBlock.initial.delay.ms": 20,  # what closing a file may wait for
            "dfs.ls.limit": 100,  # so that a listing has pages
        }


@dataclass(frozen=True)
class HdfsDirectory:
    """A directory of a cluster that is a test's own."""

    cluster: HdfsCluster
    path: str

    def parameters(self, **more: Any) -> dict[str, Any]:
        """What a job says of the cluster, and more."""
        return {"defaultFS": self.cluster.default_fs, "webhdfsUrl": self.cluster.url, **more}


@pytest.fixture(scope="session")
def hdfs_cluster() -> Iterator[HdfsCluster]:
    """A cluster of this run's own."""
    with running() as cluster:
        yield cluster


@pytest.fixture
def hdfs(hdfs_cluster: HdfsCluster) -> HdfsDirectory:
    """An empty directory, for everyone to write in."""
    path = f"/test/{next(_numbers)}"
    hdfs_cluster.ask("PUT", "MKDIRS", path, permission="777")
    return HdfsDirectory(hdfs_cluster, path)


@contextmanager
def running(properties: Mapping[str, Any] | None = None, options: Sequence[str] = ()) -> Iterator[HdfsCluster]:
    """A new cluster for the time of a `with` block; see `HdfsCluster` for the arguments."""
    with ExitStack() as stack:
        cluster = HdfsCluster(stack.enter_context(new_folder("hdfs")), properties or {}, options)
        stack.callback(_stop, cluster)
        cluster.start()
        yield cluster


def _bean(port: int, service: str, name: str) -> Any:
    """What a node tells of itself."""
    query = f"http://127.0.0.1:{port}/jmx?qry=Hadoop:service={service},name={name}"
    with urllib.request.urlopen(query, timeout=10) as answer:
        return json.load(answer)["beans"][0]


def _stop(cluster: HdfsCluster) -> None:
    cluster.kill(*list(cluster._running))


def write_site(path: Path, properties: Mapping[str, Any]) -> None:
    configuration = Xml.Element("configuration")
    for name, value in properties.items():
        one = Xml.SubElement(configuration, "property")
        Xml.SubElement(one, "name").text = name
        Xml.SubElement(one, "value").text = str(value)
    Xml.ElementTree(configuration).write(path)


def free_ports(number: int) -> list[int]:
    """Ports of the loopback that nobody listens on."""
    with ExitStack() as stack:  # all open at once, so that none comes twice
        probes = [stack.enter_context(socket.socket()) for _ in range(number)]
        for probe in probes:
            probe.bind(("127.0.0.1", 0))
        return [probe.getsockname()[1] for probe in probes]
