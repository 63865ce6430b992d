"""The bytes themselves, to and from the data nodes that the name node points to.

By `http.client`, not through `hdfs` and `requests`: theirs would need a thread and a queue without bounds for writing.
Locations hold tokens and are in no message.
"""

from __future__ import annotations

import http.client
import ssl
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from typing import Any
from urllib.parse import urlsplit

from starhaul import ConfigError, StarhaulError, TransientError
from starhaul_stores.hdfs.errors import from_body
from starhaul_stores.hdfs.tls import Tls

_PIECE = 1 << 20
_SMALL = 128 << 10
_GIVE_UP_SECONDS = 10
_BROKEN = (OSError, http.client.HTTPException)


class Unreachable(TransientError):  # noqa: N818  it is what happened
    """There is no connection to the data node."""

    def __init__(self, node: str, error: Exception) -> None:
        words = getattr(error, "strerror", None) or str(error)
        super().__init__(f"data node {node}", f"cannot be reached: {words}", "WebHDFS needs the data nodes' HTTP ports")
        self.node = node


class Download:
    """The bytes of a range as they come. The caller counts them."""

    def __init__(self, response: http.client.HTTPResponse, where: str) -> None:
        self._response = response
        self._where = where

    def read(self, size: int, /) -> bytes:
        """Up to `size` bytes; none at the end, be it early."""
        try:
            return self._response.read(min(size, _PIECE))
        except _BROKEN as error:
            raise _cut(self._where, error) from error


class Upload:
    """A file that is sent in chunks. Small writes are gathered."""

    def __init__(self, connection: http.client.HTTPConnection, where: str) -> None:
        self._connection = connection
        self._where = where
        self._gathered = bytearray()
        self._sound = True

    def write(self, data: Any) -> None:
        """Send all of `data`, sooner or later."""
        view = memoryview(data).cast("B")
        if len(view) < _SMALL:
            self._gathered += view
            if len(self._gathered) >= _PIECE:
                self._send_gathered()
            return
        self._send_gathered()
        for start in range(0, len(view), 4 * _PIECE):
            self._send(view[start : start + 4 * _PIECE])

    def finish(self) -> None:
        """Send the rest and the end, and wait until the file is closed."""
        self._send_gathered()
        self._sending(b"0\r\n\r\n")
        status, body = self._answer()
        if status not in (200, 201):
            raise from_body(self._where, status, body)

    def give_up(self) -> None:
        """End the file where it is, if that can be done, so that it can be removed: the data node makes it when it
        gets to it, which may be after a removal that comes too soon."""
        if self._sound:
            self._connection.sock.settimeout(_GIVE_UP_SECONDS)
            with suppress(StarhaulError):
                self._sending(b"0\r\n\r\n")
                self._answer()

    def _send_gathered(self) -> None:
        if self._gathered:
            self._send(self._gathered)
            self._gathered = bytearray()

    def _send(self, data: Any) -> None:
        self._sending(b"%x\r\n" % len(data), data, b"\r\n")

    def _sending(self, *parts: Any) -> None:
        self._sound = False
        try:
            for part in parts:
                self._connection.send(part)
        except _BROKEN as error:
            raise self._refusal(error) from error
        self._sound = True

    def _refusal(self, error: Exception) -> StarhaulError:
        """Why sending failed: most often the data node has said so before it hung up."""
        try:
            status, body = self._answer()
        except TransientError:
            return _cut(self._where, error)
        return from_body(self._where, status, body) if status >= 400 else _cut(self._where, error)

    def _answer(self) -> tuple[int, bytes]:
        try:
            with closing(self._connection.getresponse()) as response:
                return response.status, response.read()
        except _BROKEN as error:
            raise _cut(self._where, error) from error


@contextmanager
def download(location: str, tls: Tls, timeouts: tuple[float, float], where: str) -> Iterator[Download]:
    """What is at a location, for the time of a `with` block. `Unreachable` if nobody is there; `where` is for the
    messages, `timeouts` are seconds to connect, and without a byte."""
    with _connection(location, tls, timeouts) as connection:
        try:
            connection.request("GET", _target(location))
            response = connection.getresponse()
            body = b"" if response.status in (200, 206) else response.read()
        except _BROKEN as error:
            raise _cut(where, error) from error
        with closing(response):
            if response.status not in (200, 206):
                raise from_body(where, response.status, body)
            yield Download(response, where)


@contextmanager
def upload(location: str, tls: Tls, timeouts: tuple[float, float], where: str) -> Iterator[Callable[[Any], None]]:
    """Send a new file to a location. It is whole when the block is left without an exception; if one comes, the data
    node is left with a part of it, which is the caller's to remove."""
    with _connection(location, tls, timeouts) as connection:
        try:
            connection.putrequest("PUT", _target(location), skip_accept_encoding=True)
            connection.putheader("Content-Type", "application/octet-stream")
            connection.putheader("Transfer-Encoding", "chunked")
            connection.endheaders()
        except _BROKEN as error:
            raise _cut(where, error) from error
        sending = Upload(connection, where)
        try:
            yield sending.write
        except BaseException:
            sending.give_up()
            raise
        sending.finish()


@contextmanager
def _connection(location: str, tls: Tls, timeouts: tuple[float, float]) -> Iterator[http.client.HTTPConnection]:
    parts = urlsplit(location)
    node = parts.netloc
    connection = (
        http.client.HTTPSConnection(node, timeout=timeouts[0], context=tls.context())
        if parts.scheme == "https"
        else http.client.HTTPConnection(node, timeout=timeouts[0])
    )
    with closing(connection):
        try:
            connection.connect()
        except ssl.SSLError as error:
            raise ConfigError("tlsCaFile", f"no TLS connection to data node {node}: {error.reason}") from error
        except OSError as error:
            raise Unreachable(node, error) from error
        connection.sock.settimeout(timeouts[1])
        yield connection


def _target(location: str) -> str:
    """What stands in the request line."""
    parts = urlsplit(location)
    return f"{parts.path}?{parts.query}"


def _cut(where: str, error: Exception) -> TransientError:
    words = getattr(error, "strerror", None) or type(error).__name__
    return TransientError(where, f"the connection to the data node broke: {words}")
