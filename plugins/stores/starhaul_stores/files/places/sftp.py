"""SFTP servers, by asyncssh: names are bytes there, and many reads and writes of one file travel at once."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any, TypeVar

from starhaul import ConfigError, PermanentError, StarhaulError, TransientError
from starhaul_stores.files.places.place import FileStatus, Place, Session, printable
from starhaul_stores.files.places.remote import RemoteSession
from starhaul_stores.files.places.sftp_trust import known_hosts_of, untrusted
from starhaul_stores.files.streams import ByteStream

T = TypeVar("T")

_BLOCK = 4 << 20
"""Bytes that are asked for, or sent, at once; they travel as requests side by side."""
_HELD = 32 << 20
"""Bytes that the files that a session is writing may hold back together."""


@dataclass(frozen=True)
class SftpPlace(Place):
    """An SSH server's files, as a user of it sees them."""

    host: str
    port: int
    username: str
    password: str | None = field(default=None, repr=False)
    key_file: str | None = None
    """Path of a file."""
    passphrase: str | None = field(default=None, repr=False)
    known_hosts: str | None = None
    """Path of a file; None: `~/.ssh/known_hosts`."""
    host_key: str | None = None
    """The one key that is trusted, `ssh-ed25519 AAAA…`, or its fingerprint, `SHA256:…`."""
    verify: bool = True
    timeout: float = 60.0
    encoding: str = "utf-8"
    """Of the names of files."""
    depth: int = 100
    """How many directories below the first are walked; more is an error."""
    abreast = 1  # each takes a login, and servers limit those that are under way
    shares_sessions = True

    @contextmanager
    def session(self) -> Iterator[Session]:
        try:
            import asyncssh  # noqa: F401
        except ModuleNotFoundError as error:
            raise ConfigError("protocol", "the package asyncssh is missing", "pip install 'starhaul[sftp]'") from error
        with asyncio.Runner() as runner:
            session = SftpSession(self, runner)
            try:
                session.connect()
                yield session
            finally:
                session.close()

    def shown(self, path: str) -> str:
        return f"sftp://{self.host}:{self.port}{printable(path)}"


class SftpSession(RemoteSession):
    """One SSH connection with an event loop of its own, which runs while something is asked."""

    def __init__(self, place: SftpPlace, runner: asyncio.Runner) -> None:
        self.place: SftpPlace = place
        self.encoding, self.depth = place.encoding, place.depth
        self._runner = runner
        self._connection: Any = None
        self._files: Any = None
        self._writing = 0

    def connect(self) -> None:
        """Connect and log in."""
        import asyncssh

        place = self.place
        keys = {} if place.key_file is None else {"client_keys": [_key_file(place)], "agent_path": None}
        if place.password is not None and place.key_file is None:
            keys = {"client_keys": None, "agent_path": None}  # a job that runs with its password does not try others

        async def open_connection() -> None:
            trusted = await known_hosts_of(place)
            self._connection = await asyncssh.connect(
                place.host,
                place.port,
                username=place.username,
                password=place.password,
                known_hosts=trusted,
                config=None,
                connect_timeout=place.timeout,
                login_timeout=place.timeout,
                **keys,
            )
            self._files = await self._connection.start_sftp_client(path_encoding=None)

        try:
            self._runner.run(asyncio.wait_for(open_connection(), place.timeout * 2))
        except (asyncssh.Error, OSError, TimeoutError) as error:
            raise self._refused(error) from error

    def close(self) -> None:
        """Hang up."""
        connection, self._connection = self._connection, None
        if connection is None:
            return

        async def hang_up() -> None:
            connection.abort()
            await connection.wait_closed()

        with suppress(Exception):  # it may be broken
            self._runner.run(asyncio.wait_for(hang_up(), 5))

    # --- reading

    def stat(self, path: str) -> FileStatus | None:
        import asyncssh

        try:
            with self._told(path):
                found = self._run(self._files.stat(self.spelt(path)))
        except PermanentError as error:
            if isinstance(error.__cause__, asyncssh.SFTPNoSuchFile | asyncssh.SFTPNoSuchPath):
                return None
            raise
        return _status(path, found)

    def entries(self, directory: str) -> Iterator[FileStatus]:
        status = self.stat(directory)
        if status is None or not status.directory:
            return
        with self._told(directory):
            found = self._run(self._files.readdir(self.spelt(directory)))
        for entry in found:
            if entry.filename in (b".", b".."):
                continue
            path = f"{directory.rstrip('/')}/{self.read_name(entry.filename)}"
            status = self.stat(path) if entry.attrs.type not in (1, 2) else _status(path, entry.attrs)
            if status is not None:
                yield status

    @contextmanager
    def open_range(self, file: FileStatus, start: int, end: int) -> Iterator[ByteStream]:
        with self._told(file.path):
            opened = self._run(self._files.open(self.spelt(file.path), "rb"))
        try:
            yield _Reading(self, opened, file.path, start, end)
        finally:
            self._shut(opened)

    # --- writing

    def make_one(self, path: str) -> None:
        with self._told(path):
            self._run(self._files.mkdir(self.spelt(path)))

    @contextmanager
    def create(self, path: str) -> Iterator[Callable[[Any], object]]:
        import asyncssh

        with self._told(path):
            opened = self._run(self._files.open(self.spelt(path), "wb"))
        writing = _Writing(self, opened, path)
        self._writing += 1
        try:
            yield writing.write
            writing.flush()
            with self._told(path):
                with suppress(asyncssh.SFTPOpUnsupported):
                    self._run(opened.fsync())
                self._run(opened.close())
        except BaseException:
            self._shut(opened)
            raise
        finally:
            self._writing -= 1

    def rename(self, source: str, target: str) -> bool:
        """At once where the server knows OpenSSH's `posix-rename`; elsewhere what has the name is removed before."""
        import asyncssh

        names = self.spelt(source), self.spelt(target)
        try:
            with self._told(target):
                try:
                    self._run(self._files.posix_rename(*names))
                except asyncssh.SFTPOpUnsupported:
                    if self.stat(source) is None:
                        return False
                    self.remove(target)
                    self._run(self._files.rename(*names))
        except PermanentError:
            if self.stat(source) is None:
                return False
            raise
        return True

    def remove_one(self, path: str) -> None:
        with self._told(path):
            self._run(self._files.remove(self.spelt(path)))

    # --- requests

    @property
    def block(self) -> int:
        """Bytes that a file may hold back while it is written."""
        return min(_BLOCK, _HELD // max(1, self._writing))

    def ask(self, path: str, request: Coroutine[Any, Any, T]) -> T:
        """What the server answers, about a path."""
        with self._told(path):
            return self._run(request)

    def _run(self, request: Coroutine[Any, Any, T]) -> T:
        return self._runner.run(asyncio.wait_for(request, self.place.timeout))

    def _shut(self, opened: Any) -> None:
        with suppress(StarhaulError):
            self.ask("", opened.close())

    @contextmanager
    def _told(self, path: str) -> Iterator[None]:
        import asyncssh

        shown = self.place.shown(path)
        try:
            yield
        except (asyncssh.SFTPNoConnection, asyncssh.SFTPConnectionLost) as error:
            raise TransientError(shown, f"the connection was lost: {error}") from error
        except asyncssh.SFTPError as error:
            problem = _PROBLEMS.get(error.code, f"the server answers: {error.reason}")
            raise PermanentError(shown, problem, _MAYBE_FULL if error.code == _FAILURE else "") from error
        except (asyncssh.Error, OSError, TimeoutError) as error:
            raise TransientError(shown, f"the connection failed: {error or 'nothing was heard'}") from error

    def _refused(self, error: Exception) -> StarhaulError:
        import asyncssh

        place = self.place
        if isinstance(error, asyncssh.HostKeyNotVerifiable):
            return untrusted(place)
        if isinstance(error, asyncssh.PermissionDenied):
            problem = f"{place.shown('')} refuses user {place.username!r} with the password or key"
            return ConfigError("username", problem)
        if isinstance(error, asyncssh.KeyImportError):
            return ConfigError("keyFile", str(error))
        from socket import gaierror

        if isinstance(error, gaierror):
            return ConfigError("host", f"there is no host {place.host!r}: {error.strerror}")
        return TransientError(place.shown(""), f"the connection failed: {error or 'nothing was heard'}")


class _Reading:
    """A range of a file, asked for in large blocks."""

    def __init__(self, session: SftpSession, opened: Any, path: str, start: int, end: int) -> None:
        self._session = session
        self._opened = opened
        self._path = path
        self._position = start
        self._end = end
        self._block = memoryview(b"")

    def read(self, size: int, /) -> bytes:
        if not self._block and self._position < self._end:
            wanted = min(_BLOCK, self._end - self._position)
            data = self._session.ask(self._path, self._opened.read(wanted, self._position))
            self._position += len(data)
            self._block = memoryview(data)
        data, self._block = bytes(self._block[:size]), self._block[size:]
        return data


class _Writing:
    """A file, written in large blocks; smaller ones the more files the session is writing."""

    def __init__(self, session: SftpSession, opened: Any, path: str) -> None:
        self._session = session
        self._opened = opened
        self._path = path
        self._position = 0
        self._buffer = bytearray()

    def write(self, data: Any) -> None:
        self._buffer += data
        if len(self._buffer) >= self._session.block:
            self.flush()

    def flush(self) -> None:
        """Send what is held back."""
        data, self._buffer = bytes(self._buffer), bytearray()
        if data:
            self._session.ask(self._path, self._opened.write(data, self._position))
            self._position += len(data)


_PROBLEMS = {2: "there is no such file", 3: "no permission", 14: "there is no space left", 15: "the quota is used up"}
"""SSH_FX codes of draft-ietf-secsh-filexfer-13, section 9.1."""

_FAILURE = 4
_MAYBE_FULL = "OpenSSH says no more than that where its disk is full, or a quota used up"


def _status(path: str, attrs: Any) -> FileStatus | None:
    """None for what is neither file nor directory."""
    if attrs.type == 2:
        return FileStatus(path, 0, "", directory=True)
    if attrs.type not in (1, 5):
        return None
    modified = (attrs.mtime or 0) + (attrs.mtime_ns or 0) / 1e9
    return FileStatus(path, attrs.size or 0, str(modified), modified)


def _key_file(place: SftpPlace) -> Any:
    import asyncssh

    try:
        return asyncssh.read_private_key(str(place.key_file), place.passphrase)
    except OSError as error:
        raise ConfigError("keyFile", f"{place.key_file} cannot be read: {error.strerror or error}") from error
    except (asyncssh.KeyImportError, asyncssh.KeyEncryptionError) as error:
        raise ConfigError("keyFile", str(error), "is `passphrase` right?") from error
