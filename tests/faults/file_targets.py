"""Files and objects that the runs that are hit write."""

from __future__ import annotations

import csv
import io
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import Any

import requests

from tests.faults.sources import Fixtures
from tests.faults.target import Look, Row, Target, old_rows
from tests.servers.ftp import FtpFolder
from tests.servers.hdfs import HdfsDirectory
from tests.servers.hive import HiveTables
from tests.servers.s3 import Bucket
from tests.servers.sftp import SftpFolder

_numbers = count(1)


class Files(Target):
    writer = "txtfilewriter"
    modes = ("truncate", "append", "nonConflict", "overwrite")
    at_once = False

    @property
    def _path(self) -> Path:
        return self.folder / "files"

    def fill(self, mode: str) -> None:
        shutil.rmtree(self._path, ignore_errors=True)
        self._path.mkdir()
        if old := old_rows(mode):
            (self._path / "t__old").write_bytes(_as_csv(old))

    def parameters(self, mode: str) -> Mapping[str, Any]:
        return {"path": str(self._path), "fileName": "t", "fileFormat": "csv", **self.choice(mode)}

    @contextmanager
    def looking(self) -> Iterator[Look]:
        yield self._look

    def _look(self) -> Sequence[Row]:
        return _whole(lambda: [path.read_text() for path in self._path.glob("[!.]*")], FileNotFoundError)

    def left(self) -> Sequence[str]:
        return [path.name for path in self._path.glob(".*")]


class Sftp(Files):
    writer = "ftpwriter"

    def __init__(self, request: Fixtures, folder: Path) -> None:
        super().__init__(request, folder)
        self._remote = self._folder_of(request)

    def _folder_of(self, request: Fixtures) -> SftpFolder | FtpFolder:
        found: SftpFolder = request.getfixturevalue("sftp")
        return found

    @property
    def _path(self) -> Path:
        return self._remote.local

    def parameters(self, mode: str) -> Mapping[str, Any]:
        return {**self._remote.parameters, "fileName": "t", "fileFormat": "csv", **self.choice(mode)}


class Ftp(Sftp):
    def _folder_of(self, request: Fixtures) -> SftpFolder | FtpFolder:
        folder = FtpFolder(request.getfixturevalue("vsftpd_server"), f"faults_{next(_numbers)}")
        folder.local.mkdir()
        return folder


class Hdfs(Target):
    writer = "hdfswriter"
    modes = ("truncate", "append", "nonConflict", "overwrite")
    at_once = False

    def __init__(self, request: Fixtures, folder: Path) -> None:
        super().__init__(request, folder)
        self._directory: HdfsDirectory = request.getfixturevalue("hdfs")

    def fill(self, mode: str) -> None:
        cluster, path = self._directory.cluster, self._directory.path
        cluster.ask("DELETE", "DELETE", path, recursive="true")
        cluster.ask("PUT", "MKDIRS", path, permission="777")
        if old := old_rows(mode):
            cluster.put(f"{path}/t__old", _as_csv(old))

    def parameters(self, mode: str) -> Mapping[str, Any]:
        more = {"path": self._directory.path, "fileName": "t", "fileType": "csv", **self.choice(mode)}
        return self._directory.parameters(**more)

    @contextmanager
    def looking(self) -> Iterator[Look]:
        yield self._look

    def _look(self) -> Sequence[Row]:
        cluster, path = self._directory.cluster, self._directory.path

        def files() -> list[str]:
            names = [name for name in cluster.names(path) if name[0] not in "._"]
            return [cluster.content(f"{path}/{name}").decode() for name in names]

        return _whole(files, requests.HTTPError)

    def left(self) -> Sequence[str]:
        return [name for name in self._directory.cluster.names(self._directory.path) if name[0] in "._"]


class S3(Target):
    writer = "s3writer"
    modes = ("truncate", "append", "nonConflict", "overwrite")
    at_once = False

    def __init__(self, request: Fixtures, folder: Path) -> None:
        super().__init__(request, folder)
        self._bucket: Bucket = request.getfixturevalue("bucket")

    def fill(self, mode: str) -> None:
        for key in self._bucket.objects():
            self._bucket.remove(key)
        if old := old_rows(mode):
            self._bucket.put("t__old", _as_csv(old))

    def parameters(self, mode: str) -> Mapping[str, Any]:
        return {**self._bucket.parameters, "object": "t", "fileFormat": "csv", **self.choice(mode)}

    @contextmanager
    def looking(self) -> Iterator[Look]:
        with self._bucket.server.client() as client:

            def files() -> list[str]:
                return [content.decode() for content in self._bucket.objects(client).values()]

            yield lambda: _whole(files, client.exceptions.NoSuchKey)

    def left(self) -> Sequence[str]:
        return self._bucket.uploads()


class Hive(Target):
    writer = "hivewriter"
    modes = ("append", "overwrite", "nonConflict")

    def __init__(self, request: Fixtures, folder: Path) -> None:
        super().__init__(request, folder)
        self._tables: HiveTables = request.getfixturevalue("hive")

    @property
    def _home(self) -> str:
        return f"/warehouse/{self._tables.name('t')}"

    def fill(self, mode: str) -> None:
        cluster = self._tables.server.cluster
        self._tables.ask("DROP TABLE IF EXISTS {t}t")
        cluster.ask("DELETE", "DELETE", self._home, recursive="true")
        self._tables.ask("CREATE TABLE {t}t (id bigint, v string) STORED AS textfile")
        if old := old_rows(mode):
            cluster.put(f"{self._home}/old", "".join(f"{key}\x01{text}\n" for key, text in old).encode())

    def parameters(self, mode: str) -> Mapping[str, Any]:
        return self._tables.parameters(table=self._tables.name("t"), **self.choice(mode))

    @contextmanager
    def looking(self) -> Iterator[Look]:
        yield lambda: [(int(key), str(text)) for key, text in self._tables.ask("SELECT id, v FROM {t}t")]

    def left(self) -> Sequence[str]:
        """Without the run's directory that the table was given for its files."""
        cluster = self._tables.server.cluster
        told = self._tables.ask("DESCRIBE FORMATTED {t}t")
        (location,) = (str(row[1]).strip() for row in told if str(row[0]).startswith("Location:"))
        path = "/" + location.partition("://")[2].partition("/")[2]
        hidden = [name for name in cluster.names(path) if name[0] in "._" and name != "_starhaul"]
        runs = cluster.names(f"{self._home}/_starhaul") if "_starhaul" in cluster.names(self._home) else []
        return [*hidden, *(f"_starhaul/{run}" for run in runs if not path.endswith(f"/{run}"))]


def _as_csv(rows: Sequence[Row]) -> bytes:
    out = io.StringIO()
    csv.writer(out).writerows(rows)
    return out.getvalue().encode()


def _whole(read: Callable[[], Sequence[str]], gone: type[Exception]) -> Sequence[Row]:
    """The rows of all files. One that goes away between the listing and its reading is a reason to begin again."""
    while True:
        try:
            return _from_csv(read())
        except gone:
            continue


def _from_csv(files: Sequence[str]) -> Sequence[Row]:
    return [(int(key), text) for key, text in csv.reader(io.StringIO("".join(files)))]
