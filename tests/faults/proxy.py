"""A proxy on the loopback that does to connections what networks and servers do: cuts, silence, delay.

It stands between a job and a server. What goes wrong, and when, is a `Fault`; each happens as often as it says, and
then the proxy only passes bytes on.
"""

from __future__ import annotations

import socket
import struct
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

Direction: TypeAlias = Literal["up", "down"]
"""To the server, or back from it."""
How: TypeAlias = Literal["reset", "close", "silence", "lose answer", "end early", "pass"]
"""Both sides are cut at once; the server goes on, unknown to the client, which is told of the end; nothing comes
through any more though all stays open; the server gets all there is and acts on it, and its answer is lost; who
receives is told that this was all, and who sends that all was taken; nothing but `act`."""

_BLOCK = 1 << 16
_SAID, _STATEMENT = 1 << 20, 2048


@dataclass
class Fault:
    """What happens, and when."""

    how: How = "reset"
    direction: Direction = "up"
    after: int = 0
    """As soon as more bytes than that have gone in this direction of one connection."""
    at: bytes = b""
    """As soon as these bytes go by (in that direction)."""
    once: bytes = b""
    """Only in a connection in which these bytes have gone up before."""
    times: int = 1
    act: Callable[[], None] | None = None
    """Called when it happens, before anything is cut."""
    happened: int = field(default=0, init=False)


class Proxy:
    """Listens on a free port of the loopback while its `with` block lasts, and passes bytes to a server's port."""

    def __init__(self, port: int, *faults: Fault, latency: float = 0, rate: float = 0) -> None:
        self.faults = list(faults)
        self.latency = latency
        """Seconds that each block waits."""
        self.rate = rate
        """Bytes a second in each direction of a connection; 0: no limit."""
        self.connections = 0
        self._upstream = port
        self._lock = threading.Lock()
        self._open: list[socket.socket] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]

    def __enter__(self) -> Proxy:
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self.reset()

    def reset(self) -> None:
        """Cut every connection."""
        with self._lock:
            held, self._open = self._open, []
        for each in held:
            _reset(each)

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            self.connections += 1
            try:
                server = socket.create_connection(("127.0.0.1", self._upstream))
            except OSError:
                _reset(client)
                continue
            with self._lock:
                self._open += [client, server]
            link = _Link(self, client, server)
            for run in (link.up, link.down):
                threading.Thread(target=run, daemon=True).start()

    def due(self, link: _Link, direction: Direction, passed: int, data: bytes) -> Fault | None:
        """The fault that these bytes bring about, if there is one."""
        with self._lock:
            for fault in self.faults:
                if fault.direction != direction or fault.happened == fault.times:
                    continue
                if fault.once and fault.once not in link.said:
                    continue
                if fault.at in data if fault.at else passed + len(data) > fault.after:
                    fault.happened += 1
                    return fault
        return None


class _Link:
    """One connection through the proxy."""

    def __init__(self, proxy: Proxy, client: socket.socket, server: socket.socket) -> None:
        self._proxy, self._client, self._server = proxy, client, server
        self.said = b""
        """The beginnings of the last blocks that went up: a statement is one, the rows of a bulk load are not."""
        self._silent = False
        self._answer_lost = threading.Event()

    def up(self) -> None:
        """Pass on what the client sends."""
        self._pass_on(self._client, self._server, "up")

    def down(self) -> None:
        """Pass on what the server sends."""
        self._pass_on(self._server, self._client, "down")

    def _pass_on(self, source: socket.socket, target: socket.socket, direction: Direction) -> None:
        try:
            if self._relay(source, target, direction) and not self._silent:
                self._end(target)
        except OSError:  # one side was cut off; the other is to know
            if not self._silent:
                _reset(self._client)
                _reset(self._server)

    def _relay(self, source: socket.socket, target: socket.socket, direction: Direction) -> bool:
        """Pass on all there is; whether `source` ended the connection, and no fault did."""
        passed = 0
        while data := source.recv(_BLOCK):
            if direction == "down" and self._answer_lost.is_set():
                break
            if self._proxy.latency:
                time.sleep(self._proxy.latency)
            if self._proxy.rate:
                time.sleep(len(data) / self._proxy.rate)
            fault = self._proxy.due(self, direction, passed, data)
            if direction == "up":
                self.said = self.said[-_SAID:] + data[:_STATEMENT]
            if fault is not None and self._suffer(fault, data, target, passed):
                return False
            passed += len(data)
            if not self._silent:
                target.sendall(data)
        return True

    def _suffer(self, fault: Fault, data: bytes, target: socket.socket, passed: int) -> bool:
        """Whether this is the end of the connection."""
        if fault.act is not None:
            fault.act()
        if fault.how == "lose answer":
            self._answer_lost.set()
            return False
        if fault.how == "pass":
            return False
        if fault.how == "silence":
            self._silent = True
            return False
        if not fault.at:
            target.sendall(data[: max(0, fault.after - passed)])
        if fault.how == "end early":
            target.shutdown(socket.SHUT_WR)
            source = self._server if target is self._client else self._client
            while source.recv(_BLOCK):
                pass
        elif fault.how == "close":
            with suppress(OSError):
                self._client.shutdown(socket.SHUT_RDWR)  # while another thread receives, `close` tells nobody
            self._client.close()
        else:
            _reset(self._client)
            _reset(self._server)
        return True

    def _end(self, target: socket.socket) -> None:
        """The other side has ended the connection, or its answer is to be lost."""
        if self._answer_lost.is_set():
            _reset(self._client)
            self._server.close()
        else:
            target.shutdown(socket.SHUT_WR)


def _reset(connection: socket.socket) -> None:
    """Close it so that the other side sees a reset, and wake whoever waits for it here."""
    with suppress(OSError):
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    with suppress(OSError):
        connection.shutdown(socket.SHUT_RDWR)
    connection.close()
