"""An HBase of the tests' own: ZooKeeper, master, region server and Thrift servers in one process, gone with the tests.

HBase's jars are fetched by Maven once, into `.cache/servers/hbase`, where later runs find them.
"""

from __future__ import annotations

import base64
import os
import select
import shutil
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from itertools import count
from pathlib import Path
from types import MappingProxyType
from typing import Any
from xml.sax.saxutils import escape

import happybase
import pytest

from tests.servers.process import free_port, new_folder

_HERE = Path(__file__).parent
_CACHE = Path(__file__).parents[3] / ".cache" / "servers" / "hbase"
_START_SECONDS = 180
_OPTIONS: Mapping[str, str] = MappingProxyType(
    {"binary": "", "framed": ":framed", "compact": ":compact", "framed-compact": ":framed:compact"}
)
_OPENED = (
    "java.lang", "java.lang.reflect", "java.io", "java.net", "java.nio", "java.util", "java.util.concurrent",
    "jdk.internal.ref", "sun.nio.ch",
)  # fmt: skip
"""Packages of the JDK that HBase reaches into."""
_LOGGING = """
log4j.rootLogger=WARN,A
log4j.appender.A=org.apache.log4j.ConsoleAppender
log4j.appender.A.target=System.err
log4j.appender.A.layout=org.apache.log4j.PatternLayout
log4j.appender.A.layout.ConversionPattern=%d %p %c %m%n
"""
_AUTHORIZATION = "org.apache.hadoop.hbase.security.access.AccessController"
_GUARDED = ("master", "region", "regionserver")
_numbers = count(1)


class HbaseServer:
    """A running HBase. `thrift` tells the port of each kind of Thrift server; tests that stop one start it again."""

    def __init__(self, folder: Path, kinds: Sequence[str], heap: str, *, guarded: bool = False) -> None:
        """`guarded`: users may do what they were granted, and the superuser, whom Thrift servers ask as, everything."""
        self.folder = folder
        self._guarded = guarded
        self.thrift = {kind: free_port() for kind in kinds}
        self._zookeeper, self._master, self._region = free_port(), free_port(), free_port()
        self._heap = heap
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        """Its process. It must be running."""
        if self._process is None:
            raise RuntimeError("HBase is not running")
        return self._process.pid

    def start(self) -> None:
        """Start it and wait until all of it answers."""
        jars, classes = _jars(), _classes()
        conf = self.folder / "conf"
        conf.mkdir()
        (conf / "log4j.properties").write_text(_LOGGING)
        (conf / "hbase-site.xml").write_text(_site(self._settings()))
        opened = [f"--add-opens=java.base/{package}=ALL-UNNAMED" for package in _OPENED]
        command = [
            *(
                "setpriv",
                "--pdeathsig",
                "KILL",
                "java",
                f"-Xmx{self._heap}",
                "-XX:+UseSerialGC",
                "-XX:TieredStopAtLevel=1",
            ),
            *("-XX:-UsePerfData", "-Djava.net.preferIPv4Stack=true", f"-Djava.io.tmpdir={self.folder}", *opened),
            *("--add-exports=java.base/jdk.internal.misc=ALL-UNNAMED", "-cp", f"{conf}:{classes}:{jars}/*"),
            *("HBaseUnderTest", str(self.folder / "zookeeper"), str(self._zookeeper)),
            *(f"{port}{_OPTIONS[kind]}" for kind, port in self.thrift.items()),
        ]
        with (self.folder / "output").open("ab") as log:
            self._process = subprocess.Popen(
                command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log, cwd=self.folder
            )
        if (answer := self._answer()) != "READY":
            raise RuntimeError(f"HBase did not start: {answer} {self._log()}")

    def stop(self) -> None:
        """Kill it."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            for pipe in (self._process.stdin, self._process.stdout):
                if pipe is not None:
                    with suppress(OSError):
                        pipe.close()
            self._process = None

    def command(self, *words: str | bytes) -> None:
        """Run a command of `HBaseUnderTest`; bytes are keys."""
        line = " ".join(base64.b64encode(word).decode() if isinstance(word, bytes) else word for word in words)
        assert self._process is not None
        assert self._process.stdin is not None
        self._process.stdin.write(f"{line}\n".encode())
        self._process.stdin.flush()
        answer = self._answer()
        if answer != "OK":
            raise RuntimeError(f"{line}: {answer}")

    def connect(self, kind: str = "binary") -> Any:
        """A connection of happybase to a Thrift server."""
        return happybase.Connection(
            "127.0.0.1",
            self.thrift[kind],
            timeout=60_000,
            transport="framed" if "framed" in kind else "buffered",
            protocol="compact" if "compact" in kind else "binary",
        )

    @contextmanager
    def thrift_of(self, user: str) -> Iterator[str]:
        """A Thrift server for the time of a `with` block, `host:port`, which HBase takes for this user."""
        port = free_port()
        self.command("start-thrift", f"{port}:as={user}")
        try:
            yield f"127.0.0.1:{port}"
        finally:
            self.command("stop-thrift", str(port))

    def restart_thrift(self, kind: str = "binary") -> None:
        """Cut all connections of a Thrift server and start another in its place."""
        self.stop_thrift(kind)
        self.start_thrift(kind)

    def stop_thrift(self, kind: str) -> None:
        """Stop a Thrift server; its connections are cut."""
        self.command("stop-thrift", str(self.thrift[kind]))

    def start_thrift(self, kind: str) -> None:
        """Start one that was stopped."""
        self.command("start-thrift", f"{self.thrift[kind]}{_OPTIONS[kind]}")

    def _settings(self) -> dict[str, object]:
        host = "127.0.0.1"
        return {
            "hbase.rootdir": f"file://{self.folder}/data",
            "hbase.tmp.dir": self.folder / "tmp",
            "hbase.cluster.distributed": "false",
            "hbase.unsafe.stream.capability.enforce": "false",
            "hbase.wal.provider": "filesystem",
            "hbase.zookeeper.quorum": host,
            "hbase.zookeeper.property.clientPort": self._zookeeper,
            "hbase.localcluster.assign.random.ports": "false",
            **{f"hbase.{each}.hostname": host for each in ("master", "regionserver")},
            **{f"hbase.{each}.ipc.address": host for each in ("master", "regionserver")},
            "hbase.master.port": self._master,
            "hbase.regionserver.port": self._region,
            **{f"hbase.{each}.info.port": -1 for each in ("master", "regionserver", "thrift")},
            "hbase.regionserver.handler.count": 8,
            "hbase.master.wait.on.regionservers.maxtostart": 1,
            "hbase.regionserver.msginterval": 200,
            "hbase.security.authorization": str(self._guarded).lower(),
            **{f"hbase.coprocessor.{each}.classes": _AUTHORIZATION for each in _GUARDED if self._guarded},
            "hbase.bucketcache.size": 0,
            "hfile.block.cache.size": 0.2,
            "hbase.hregion.memstore.flush.size": 16 << 20,
        }

    def _answer(self) -> str:
        assert self._process is not None
        assert self._process.stdout is not None
        if not select.select([self._process.stdout], [], [], _START_SECONDS)[0]:
            raise TimeoutError(f"HBase gives no answer: {self._log()}")
        return self._process.stdout.readline().decode().rstrip("\n")

    def _log(self) -> str:
        return (self.folder / "output").read_text(errors="replace")[-4000:]


class HbaseTables:
    """New tables of a server, dropped after the test."""

    def __init__(self, server: HbaseServer) -> None:
        self.server = server
        self.made: list[str] = []

    def create(self, *splits: bytes, families: str = "cf=1") -> str:
        """Create a table with these regions' first keys; its name."""
        name = f"test_{next(_numbers)}"
        self.server.command("create", name, families, *splits)
        self.made.append(name)
        return name

    def thrift_servers(self, kind: str = "binary") -> tuple[str, ...]:
        """For a job."""
        return (f"127.0.0.1:{self.server.thrift[kind]}",)


@contextmanager
def running(
    kinds: Sequence[str] = tuple(_OPTIONS), heap: str = "320m", *, guarded: bool = False
) -> Iterator[HbaseServer]:
    """A new HBase for the time of a `with` block; see `HbaseServer` for the arguments."""
    with new_folder("hbase") as folder:
        server = HbaseServer(folder, kinds, heap, guarded=guarded)
        try:
            server.start()
            yield server
        finally:
            server.stop()


@pytest.fixture(scope="session")
def hbase_server() -> Iterator[HbaseServer]:
    """An HBase of this run's own."""
    with running(guarded=True) as server:
        yield server


@pytest.fixture
def hbase(hbase_server: HbaseServer) -> HbaseTables:
    """Tables of the test's own. They are few and small, and go with the server: to drop one takes a second."""
    return HbaseTables(hbase_server)


def _jars() -> Path:
    """HBase's jars, fetched on first use."""
    jars = _CACHE / "jars"
    if not jars.is_dir():
        _CACHE.mkdir(parents=True, exist_ok=True)
        fetched = _CACHE / f"jars.{os.getpid()}"
        goal = ["dependency:copy-dependencies", "-DincludeScope=runtime", f"-DoutputDirectory={fetched}"]
        subprocess.run(["mvn", "-q", "-B", "-f", str(_HERE / "pom.xml"), *goal], check=True, stdout=subprocess.DEVNULL)
        with suppress(OSError):  # another run was faster
            fetched.rename(jars)
        shutil.rmtree(fetched, ignore_errors=True)
    return jars


def _classes() -> Path:
    """The compiled `HBaseUnderTest`."""
    source, classes = _HERE / "HBaseUnderTest.java", _CACHE / "classes"
    made = classes / "HBaseUnderTest.class"
    if not made.exists() or made.stat().st_mtime < source.stat().st_mtime:
        fresh = _CACHE / f"classes.{os.getpid()}"
        command = ["javac", "-proc:none", "-nowarn", "-cp", f"{_jars()}/*", "-d", str(fresh), str(source)]
        subprocess.run(command, check=True, capture_output=True)
        classes.mkdir(exist_ok=True)
        for each in fresh.iterdir():
            each.replace(classes / each.name)
        fresh.rmdir()
    return classes


def _site(settings: Mapping[str, object]) -> str:
    properties = (
        f"<property><name>{escape(name)}</name><value>{escape(str(value))}</value></property>"
        for name, value in settings.items()
    )
    return f"<?xml version='1.0'?><configuration>{''.join(properties)}</configuration>"
