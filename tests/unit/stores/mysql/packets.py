"""MySQL's packets from a server's side, for servers of the tests' own."""

from __future__ import annotations

import socket
import struct
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
