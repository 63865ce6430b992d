"""MySQL's packets from a server's side, for servers of the tests' own."""

from __future__ import annotations

import socket
import struct
import threading
from abc import ABC, abstractmethod
from contextlib import suppress
from dataclasses import dataclass
from typing import BinaryIO

SALT = b"12345678abcdefghijkl"
CAPABILITIES = 0x0008_A201 | 0x0020_0000
"""4.1, secure connection, transactions, PLUGIN_AUTH, lengths of authentication."""
OK = b"\0\0\0\2\0\0\0"


@dataclass
class Packets:
    """One connection's packets, from the server's side."""

    client: socket.socket
    received: BinaryIO
    sequence: int = 0

    def greet(self, capabilities: int) -> None:
        """Send how a server begins."""
        told = struct.pack("<I", capabilities)
        self.send(
            b"\x0a8.0.99-test\0" + struct.pack("<I", 7) + SALT[:8] + b"\0" + told[:2] + b"\x2d\2\0"
            + told[2:] + bytes([len(SALT) + 1]) + bytes(10) + SALT[8:] + b"\0caching_sha2_password\0"
        )  # fmt: skip

    def send(self, payload: bytes) -> None:
        """Send one."""
        self.client.sendall(struct.pack("<I", len(payload))[:3] + bytes([self.sequence]) + payload)
        self.sequence += 1

    def receive(self) -> bytes:
        """Receive one."""
        head = self.received.read(4)
        if len(head) < 4:
            raise EOFError
        self.sequence = head[3] + 1
        return self.received.read(int.from_bytes(head[:3], "little"))

    def pass_settings(self) -> None:
        """Tell each SET that it is done, and receive the first statement that is none."""
        while self.receive()[1:4].upper() == b"SET":
            self.send(OK)


class FakeServer(ABC):
    """Serves one client after the other from a thread of its own, until it is closed."""

    def __init__(self) -> None:
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.url = f"mysql://u@127.0.0.1:{self._listening.getsockname()[1]}"
        self._thread = threading.Thread(target=self._accept, daemon=True)
        self._thread.start()

    @abstractmethod
    def serve(self, packets: Packets) -> None:
        """Talk to a client, from the greeting on. The connection ends when this does, or raises `EOFError`."""

    def close(self) -> None:
        """Serve no more."""
        with suppress(OSError):  # it may be closed already
            self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()
        self._thread.join(10)

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listening.accept()
            except OSError:
                return
            with client, client.makefile("rb") as received, suppress(OSError, EOFError):
                self.serve(Packets(client, received))
