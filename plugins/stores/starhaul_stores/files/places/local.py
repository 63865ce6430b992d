"""The file system of this machine."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path
from stat import S_ISDIR, S_ISREG
from typing import Any

from starhaul import ConfigError, PermanentError
from starhaul_stores.files.places.place import NOWHERE, FileStatus, Place, Session, printable
from starhaul_stores.files.places.renaming import RenamingSession
from starhaul_stores.files.streams import ByteStream


class LocalPlace(Place):
    """Local files, and whatever is mounted. Relative paths begin at the working directory."""

    @contextmanager
    def session(self) -> Iterator[Session]:
        yield LocalSession(self)

    def absolute(self, path: str) -> str:
        return str(Path(path).absolute())


class LocalSession(RenamingSession):
    """Everything by the calls of the operating system."""

    def __init__(self, place: LocalPlace) -> None:
        self.place = place

    def stat(self, path: str) -> FileStatus | None:
        try:
            found = Path(path).stat()
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError as error:
            raise _failure(path, error, "read") from error
        if not (S_ISREG(found.st_mode) or S_ISDIR(found.st_mode) or os.path.realpath(path) == os.devnull):
            hint = "put what comes out of it into a file"
            raise PermanentError(printable(path), "is a pipe or a device, of which nobody knows the size", hint)
        return _status(path, found)

    def entries(self, directory: str) -> Iterator[FileStatus]:
        try:
            with os.scandir(directory) as found:
                for entry in found:
                    try:
                        status = _status(entry.path, entry.stat())
                    except FileNotFoundError:
                        if entry.is_symlink():
                            yield FileStatus(entry.path, 0, NOWHERE)
                        continue  # else it is gone meanwhile
                    if status.directory or entry.is_file():
                        yield status
        except (FileNotFoundError, NotADirectoryError):
            return
        except OSError as error:
            raise _failure(directory, error, "read") from error

    def walk(self, directory: str, hidden: Callable[[str], bool]) -> Iterator[FileStatus]:
        """A link to a directory that was seen already is not followed again."""
        return self._below(directory, hidden, set())

    def _below(self, directory: str, hidden: Callable[[str], bool], seen: set[str]) -> Iterator[FileStatus]:
        real = os.path.realpath(directory)
        if real in seen:
            return
        seen.add(real)
        for entry in self.entries(directory):
            if hidden(entry.name):
                continue
            if entry.directory:
                yield from self._below(entry.path, hidden, seen)
            else:
                yield entry

    @contextmanager
    def open_range(self, file: FileStatus, start: int, end: int) -> Iterator[ByteStream]:
        try:
            opened = Path(file.path).open("rb", buffering=0)  # noqa: SIM115
        except OSError as error:
            raise _failure(file.path, error, "read") from error
        with opened:
            opened.seek(start)
            yield _Told(opened, file.path)

    def open_random(self, file: FileStatus) -> AbstractContextManager[Any]:
        import pyarrow as pa

        try:
            return pa.OSFile(os.fsencode(file.path), "rb")
        except OSError as error:
            raise _failure(file.path, error, "read") from error

    def expect_readable(self, files: Sequence[FileStatus], where: str) -> None:
        for file in files:
            if not os.access(file.path, os.R_OK):
                raise ConfigError(where, f"no permission to read {printable(file.path)}")

    def expect_writable(self, directory: str, where: str) -> None:
        place = Path(directory)
        while not place.exists() and place != place.parent:
            place = place.parent
        if not place.is_dir():
            raise ConfigError(where, f"{printable(str(place))} is not a directory")
        if not os.access(place, os.W_OK | os.X_OK):
            raise ConfigError(where, f"no permission to write in {printable(str(place))}")

    def make_directory(self, path: str) -> None:
        with _told(path):
            Path(path).mkdir(parents=True, exist_ok=True)

    @contextmanager
    def create(self, path: str) -> Iterator[Callable[[Any], object]]:
        with _told(path):
            file = Path(path).open("wb", buffering=0)  # noqa: SIM115
        with file:
            yield _Written(file, path).write
            with _told(path):
                os.fsync(file.fileno())

    def rename(self, source: str, target: str) -> bool:
        try:
            Path(source).replace(target)
        except FileNotFoundError:
            return False
        except OSError as error:
            raise _failure(target, error, "written") from error
        return True

    def remove(self, path: str) -> None:
        with _told(path), suppress(FileNotFoundError):
            Path(path).unlink()

    def flush(self, directory: str) -> None:
        with _told(directory):
            descriptor = os.open(directory, os.O_RDONLY)
            try:
                os.fsync(descriptor)
            finally:
                os.close(descriptor)


class _Told:
    """A file whose failures are told as Starhaul's errors."""

    def __init__(self, file: Any, path: str) -> None:
        self._file = file
        self._path = path

    def read(self, size: int, /) -> bytes:
        try:
            return bytes(self._file.read(size))
        except OSError as error:
            raise _failure(self._path, error, "read") from error


class _Written:
    """Writes all of what it is given."""

    def __init__(self, file: Any, path: str) -> None:
        self._file = file
        self._path = path

    def write(self, data: Any, /) -> None:
        rest = memoryview(data).cast("B")
        with _told(self._path):
            while rest:
                rest = rest[self._file.write(rest) or 0 :]


@contextmanager
def _told(path: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise _failure(path, error, "written") from error


def _status(path: str, status: os.stat_result) -> FileStatus:
    directory = S_ISDIR(status.st_mode)
    size = 0 if directory else status.st_size
    return FileStatus(path, size, str(status.st_mtime_ns), status.st_mtime, directory)


def _failure(path: str, error: OSError, done: str) -> PermanentError:
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return PermanentError(printable(path), "there is no space left", "free some, or write elsewhere")
    return PermanentError(printable(path), f"cannot be {done}: {error.strerror or error}")
