"""HDFS, by WebHDFS (https://hadoop.apache.org/docs/stable/hadoop-project-dist/hadoop-hdfs/WebHDFS.html)."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import Any, ClassVar

from starhaul import ConfigError, PermanentError
from starhaul_stores.files.places.place import FileStatus, Place, Session, printable
from starhaul_stores.files.places.renaming import RenamingSession
from starhaul_stores.files.streams import ByteStream
from starhaul_stores.hdfs.data_node import Unreachable, download, upload
from starhaul_stores.hdfs.login import Login
from starhaul_stores.hdfs.tls import Tls

_SLASHES = re.compile(r"/{2,}")
_DATA_NODES = 4
"""Data nodes that are tried for one range, if there is no connection to them."""
_FOLDERS = 100
"""Folders in which a file is tried before a run begins."""


@dataclass(frozen=True)
class HdfsPlace(Place):
    """A cluster, its name nodes, and who asks."""

    hides: ClassVar[tuple[str, ...]] = (".", "_")
    hadoop_patterns: ClassVar[bool] = True

    authority: str
    """The cluster's name in paths: `host:port`, or a name service."""
    urls: tuple[str, ...]
    """Where its name nodes answer WebHDFS."""
    login: Login = field(default_factory=Login)
    tls: Tls = field(default_factory=Tls)
    timeouts: tuple[float, float] = (10.0, 120.0)
    """Seconds to connect, and without a byte."""
    properties: Mapping[str, Any] = field(default_factory=dict)
    """Of new files, in WebHDFS's words: `replication`, `blocksize`, `permission`."""
    folder_permission: str | None = None
    """Of new directories, in octal digits."""

    @contextmanager
    def session(self) -> Iterator[Session]:
        from starhaul_stores.hdfs.client import connected

        with connected(self.urls, self.login, self.tls, self.timeouts, self.shown) as name_nodes:
            yield HdfsSession(self, name_nodes)

    def absolute(self, path: str) -> str:
        """`hdfs://CLUSTER/path` is the cluster's own; a path without a leading `/` begins at the user's home."""
        scheme, mark, rest = path.partition("://")
        if mark and scheme in ("hdfs", "webhdfs", "swebhdfs"):
            there, _, path = rest.partition("/")
            if there not in ("", self.authority):
                raise ConfigError("path", f"{printable(path)!r} is of {there}, not of {self.authority}")
            path = f"/{path}"
        if not path.startswith("/"):
            path = f"/user/{self.login.name}/{path}"
        path = _SLASHES.sub("/", path)
        if {".", ".."} & set(path.split("/")):
            raise ConfigError("path", f"{printable(path)!r}: HDFS knows no `.` and `..`")
        return path.rstrip("/") or "/"

    def shown(self, path: str) -> str:
        return f"hdfs://{self.authority}{printable(path)}"


class HdfsSession(RenamingSession):
    """Connections to the name nodes that are kept, and one to a data node for each stream of bytes."""

    place: HdfsPlace

    def __init__(self, place: HdfsPlace, name_nodes: Any) -> None:
        """`name_nodes` is a `starhaul_stores.hdfs.client.NameNodes`."""
        self.place = place
        self._name_nodes = name_nodes

    def stat(self, path: str) -> FileStatus | None:
        status = self._name_nodes.status(_SLASHES.sub("/", path))
        return None if status is None else _status(path, status)

    def entries(self, directory: str) -> Iterator[FileStatus]:
        for status in self._name_nodes.entries(directory):
            name = status["pathSuffix"]
            if name and status["type"] in ("FILE", "DIRECTORY"):  # without a name it is the path itself, a file
                yield _status(f"{directory.rstrip('/')}/{name}", status)

    @contextmanager
    def open_range(self, file: FileStatus, start: int, end: int) -> Iterator[ByteStream]:
        with ExitStack() as stack:
            yield self._opened(stack, file.path, start, end - start)

    def expect_readable(self, files: Sequence[FileStatus], where: str) -> None:
        """One file in each of the first folders by its permissions, and the first by reading a byte of it."""
        folders = {file.path.rpartition("/")[0]: file for file in reversed(files)}
        for file in list(folders.values())[:_FOLDERS]:
            if not self._name_nodes.access(file.path, "r--"):
                raise ConfigError(where, f"no permission to read {self.place.shown(file.path)}", self._who)
        try:
            super().expect_readable(files, where)
        except PermanentError as error:
            raise ConfigError(where, str(error)) from error

    def expect_writable(self, directory: str, where: str) -> None:
        path, status = directory, self.stat(directory)
        while status is None and path != "/":
            path = path.rpartition("/")[0] or "/"
            status = self.stat(path)
        if status is None or not status.directory:
            raise ConfigError(where, f"{self.place.shown(path)} is not a directory")
        if not self._name_nodes.access(path, "-wx"):
            raise ConfigError(where, f"no permission to write in {self.place.shown(path)}", self._who)

    def make_directory(self, path: str) -> None:
        permission = self.place.folder_permission
        self._name_nodes.make_directory(path, **({"permission": permission} if permission else {}))

    @contextmanager
    def create(self, path: str) -> Iterator[Callable[[Any], object]]:
        location = self._name_nodes.create(path, **self.place.properties)
        with upload(location, self.place.tls, self.place.timeouts, self.place.shown(path)) as write:
            yield write

    def rename(self, source: str, target: str) -> bool:
        return bool(self._name_nodes.rename(source, target))

    def remove(self, path: str) -> None:
        self._name_nodes.remove(path)

    @property
    def _who(self) -> str:
        return f"asked as {self.place.login.name}"

    def _opened(self, stack: ExitStack, path: str, start: int, size: int) -> ByteStream:
        """From the data node that the name node prefers, or the next one if nobody answers there."""
        shunned: list[str] = []
        while True:
            opened = stack.enter_context(self._name_nodes.opened(path, start, size, shunned))
            if not isinstance(opened, str):
                stream: ByteStream = opened
                return stream
            try:
                return stack.enter_context(
                    download(opened, self.place.tls, self.place.timeouts, self.place.shown(path))
                )
            except Unreachable as error:
                if error.node in shunned or len(shunned) == _DATA_NODES:
                    raise
                shunned.append(error.node)


def _status(path: str, status: Mapping[str, Any]) -> FileStatus:
    directory = status["type"] == "DIRECTORY"
    modified = status["modificationTime"]
    mark = f"{status.get('fileId', 0)}-{modified}"
    return FileStatus(path, 0 if directory else status["length"], mark, modified / 1000, directory)
