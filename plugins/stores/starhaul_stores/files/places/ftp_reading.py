"""A file on its way from an FTP server, from anywhere to anywhere."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starhaul_stores.files.places.place import FileStatus

if TYPE_CHECKING:
    from starhaul_stores.files.places.ftp import FtpSession

_BLOCK = 1 << 16


class Reading:
    """A range of a file as it comes."""

    def __init__(self, session: FtpSession, file: FileStatus, start: int, end: int) -> None:
        self._session = session
        self._path = file.path
        self._left = end - start
        self._last = end == file.size
        self._connection, begun = session.begin(file, start)
        self._open = True
        self._cut = False
        """Whether the connection ended by itself before the range did. The server may not know, and never answer."""
        while begun < start:
            data = self._take(min(_BLOCK, start - begun))
            if not data:
                break
            begun += len(data)

    def read(self, size: int, /) -> bytes:
        data = self._take(min(size, self._left, 1 << 20))
        self._left -= len(data)
        return data

    def close(self) -> None:
        """Break off, or hear the server say that this was all."""
        if self._open:
            self._open = False
            whole = self._left == 0 and self._last
            try:
                if whole:
                    whole = not self._receive(1)  # more than was listed: it grew, which `Source` notices
            finally:
                self._connection.close()
                if self._cut:
                    self._session.drop()
            if not self._cut:
                self._session.finish(self._path, whole=whole)

    def _take(self, size: int) -> bytes:
        if not size:
            return b""
        data = self._receive(size)
        self._cut = not data
        return data

    def _receive(self, size: int) -> bytes:
        self._cut = True
        with self._session.told(self._path):
            data = bytes(self._connection.recv(size))
        self._cut = False
        return data
