"""What FTP and SFTP have in common: names that are bytes, directories made and walked one by one."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Iterator

from starhaul import ConfigError, PermanentError
from starhaul_stores.files.places.place import FileStatus, printable
from starhaul_stores.files.places.renaming import RenamingSession


class RemoteSession(RenamingSession):
    """A session with a server that is asked for each step. A subclass writes `make_one` and `remove_one` besides."""

    encoding: str
    """Of the names of files."""
    depth: int
    """How many directories below the first are walked; more is an error."""

    @abstractmethod
    def make_one(self, path: str) -> None:
        """Make a directory in one that is there. `PermanentError` if the server refuses."""

    @abstractmethod
    def remove_one(self, path: str) -> None:
        """Remove a file. `PermanentError` if the server refuses."""

    def walk(self, directory: str, hidden: Callable[[str], bool]) -> Iterator[FileStatus]:
        yield from self._below(directory, hidden, self.depth)

    def expect_writable(self, directory: str, where: str) -> None:
        """That what is there is a directory. Permission shows when it is made, or a file in it."""
        path = directory.rstrip("/")
        while path:
            status = self.stat(path)
            if status is not None:
                if not status.directory:
                    raise ConfigError(where, f"{self.place.shown(path)} is not a directory")
                return
            path = path.rpartition("/")[0]

    def make_directory(self, path: str) -> None:
        if not path.strip("/") or self._is_directory(path):
            return
        self.make_directory(path.rpartition("/")[0])
        try:
            self.make_one(path)
        except PermanentError:
            if not self._is_directory(path):  # or another task has made it just now
                raise

    def remove(self, path: str) -> None:
        try:
            self.remove_one(path)
        except PermanentError:
            if self.stat(path) is not None:
                raise

    def spelt(self, path: str) -> bytes:
        """A path as the server has it."""
        try:
            return path.encode(self.encoding, "surrogateescape")
        except UnicodeEncodeError as error:
            problem = f"{printable(path)} cannot be spelt in {self.encoding}"
            raise ConfigError("path", problem, "set `nameEncoding` to that of the server") from error

    def read_name(self, name: bytes) -> str:
        """A name that the server told."""
        return name.decode(self.encoding, "surrogateescape")

    def _is_directory(self, path: str) -> bool:
        status = self.stat(path)
        return status is not None and status.directory

    def _below(self, directory: str, hidden: Callable[[str], bool], depth: int) -> Iterator[FileStatus]:
        if depth < 0:
            problem = "lies deeper than `maxTraversalLevel` allows"
            raise PermanentError(self.place.shown(directory), problem, "or do links lead in circles?")
        for entry in list(self.entries(directory)):
            if hidden(entry.name):
                continue
            if entry.directory:
                yield from self._below(entry.path, hidden, depth - 1)
            else:
                yield entry
