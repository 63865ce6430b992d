"""What servers of the tests have in common: a folder, a port of the loopback, a process that ends with the tests."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import ClassVar

_START_SECONDS = 60


class ServerProcess(ABC):
    """A server with a folder and a port of its own. `stop` and `start` are for tests of faults; others must find it
    running."""

    end: ClassVar[signal.Signals] = signal.SIGTERM
    """What ends it at once, with its connections."""
    account: ClassVar[str] = ""
    """The user as whom root starts it; empty: as root."""
    not_yet: ClassVar[tuple[type[Exception], ...]]
    """What `ping` raises while the server does not answer."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port = free_port()
        self._process: subprocess.Popen[bytes] | None = None
        self.variables: dict[str, str] = {}
        """Of its environment, beside those of the tests."""

    @abstractmethod
    def command(self) -> Sequence[str]:
        """What to run, in the foreground."""

    @abstractmethod
    def ping(self) -> None:
        """Connect once."""

    def environment(self) -> Mapping[str, str]:
        """The process's environment."""
        return {**os.environ, **self.variables}

    def create(self) -> None:
        """Make the data directory. Some servers do that themselves."""
        return

    def start(self) -> None:
        """Start it and wait until it answers."""
        with (self.folder / "output").open("ab") as log:
            self._process = subprocess.Popen(
                self.guarded(self.command()), stdout=log, stderr=log, cwd=self.folder, env=dict(self.environment())
            )
        deadline = time.monotonic() + _START_SECONDS
        while True:
            try:
                self.ping()
                return
            except self.not_yet:
                if time.monotonic() > deadline or self._process.poll() is not None:
                    raise
                time.sleep(0.05)

    @property
    def pid(self) -> int:
        """Its first process. It must be running."""
        if self._process is None:
            raise RuntimeError("the server is not running")
        return self._process.pid

    def guarded(self, command: Sequence[str]) -> list[str]:
        """A command as the server's user, which ends when the tests do."""
        guard = ["setpriv", "--pdeathsig", self.end.name.removeprefix("SIG")]
        if self.account and os.geteuid() == 0:
            guard += ["--reuid", self.account, "--regid", self.account, "--clear-groups"]
        return [*guard, *command]

    def stop(self, how: signal.Signals | None = None) -> None:
        """Stop it, or kill it; connections are cut."""
        if self._process is not None and self._process.poll() is None:
            self._process.send_signal(how or self.end)
            self._process.wait(_START_SECONDS)


@contextmanager
def new_folder(name: str, owner: tuple[int, int] | None = None) -> Iterator[Path]:
    """A folder for a server for the time of a `with` block; of another user where root starts it for one."""
    folder = Path(tempfile.mkdtemp(prefix=f"starhaul-{name}-", dir="/tmp"))
    try:
        if owner is not None:
            os.chown(folder, *owner)
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def started(server: ServerProcess) -> Iterator[None]:
    """Create and start a server, and stop it at the end of a `with` block."""
    server.create()
    try:
        server.start()
        yield
    finally:
        server.stop()


def self_signed(certificate: Path, key: Path, names: str = "IP:127.0.0.1,DNS:localhost") -> None:
    """Make a certificate for the loopback, which is its own authority."""
    subprocess.run(
        ["openssl", "req", "-x509", "-nodes", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-days", "999",
         "-subj", "/CN=starhaul tests", "-addext", f"subjectAltName={names}", "-keyout", key, "-out", certificate],
        check=True, capture_output=True,
    )  # fmt: skip


def preloaded(source: Path) -> Path:
    """The library of a C source that is to be loaded before libc, compiled once."""
    library = source.parents[2] / ".cache" / "servers" / f"{source.stem}.so"
    if not library.exists() or library.stat().st_mtime < source.stat().st_mtime:
        library.parent.mkdir(parents=True, exist_ok=True)
        made = library.with_suffix(f".{os.getpid()}")
        subprocess.run(["gcc", "-shared", "-fPIC", "-O2", "-o", made, source, "-ldl"], check=True)
        made.rename(library)
    return library


def free_port() -> int:
    """A port of the loopback that nobody uses."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
