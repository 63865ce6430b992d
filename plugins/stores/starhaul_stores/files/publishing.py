"""Local files that come to be hidden, and are shown all at once."""

from __future__ import annotations

import errno
import glob
import io
import os
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from starhaul import ConfigError, PermanentError

_ABANDONED_AFTER = 7 * 24 * 3600
"""Seconds after which staging that nobody wrote to is taken for that of a dead run. A run that is resumed later than
this fails, and says why."""


class LocalTarget:
    """The files in one directory whose names begin with a prefix.

    A task stages into `.NAME.ATTEMPT.part` beside the target's files, which every program that lists files passes
    over. `publish` renames. Holds no state, so several threads, processes and runs may use one directory at once.
    """

    def __init__(self, directory: str, prefix: str) -> None:
        self._directory = Path(directory).absolute()
        self._prefix = prefix

    def check(self) -> None:
        """Raise `ConfigError` unless files can be written in the directory, or it can be made. Changes nothing."""
        place = self._directory
        while not place.exists() and place != place.parent:
            place = place.parent
        if not place.is_dir():
            raise ConfigError("path", f"{place} is not a directory")
        if not os.access(place, os.W_OK | os.X_OK):
            raise ConfigError("path", f"no permission to write in {place}")

    def existing(self) -> list[str]:
        """Names of the files that are there and visible, in order."""
        if not self._directory.is_dir():
            return []
        return sorted(
            entry.name
            for entry in os.scandir(self._directory)
            if entry.name.startswith(self._prefix) and not entry.name.startswith(".") and entry.is_file()
        )

    def make(self) -> None:
        """Make the directory if need be, and clear what runs that died long ago have left."""
        with self._told():
            self._directory.mkdir(parents=True, exist_ok=True)
            for path in self._staging("*"):
                with suppress(FileNotFoundError):
                    if time.time() - path.stat().st_mtime > _ABANDONED_AFTER:
                        path.unlink()

    @contextmanager
    def staged(self, name: str, attempt: int) -> Iterator[io.RawIOBase]:
        """A hidden file that is to become `name`. On disk for good when the block is left; gone if it failed."""
        path = self._staged_path(name, attempt)
        with self._told():
            file = path.open("wb", buffering=0)
        try:
            with file:
                yield _Told(file, path)
                with self._told():
                    os.fsync(file.fileno())
        except BaseException:
            with suppress(OSError):
                path.unlink()
            raise

    def publish(self, staged: Iterable[tuple[str, int]]) -> None:
        """Show the staged files, given as name and attempt. Safe to repeat: what is shown already stays."""
        with self._told():
            for name, attempt in staged:
                try:
                    self._staged_path(name, attempt).replace(self._directory / name)
                except FileNotFoundError as error:
                    if not (self._directory / name).exists():
                        raise PermanentError(
                            str(self._directory / name), "the staged file is gone", "start a new run"
                        ) from error
            self._sync()

    def remove_others(self, names: Iterable[str]) -> None:
        """Remove the visible files that begin with the prefix, except these."""
        keep = set(names)
        with self._told():
            for name in self.existing():
                if name not in keep:
                    with suppress(FileNotFoundError):
                        (self._directory / name).unlink()
            self._sync()

    def clear(self, start: str) -> None:
        """Remove everything staged for names that begin with `start`."""
        with self._told():
            for path in self._staging(f"{glob.escape(start)}*"):
                with suppress(FileNotFoundError):
                    path.unlink()

    def _staged_path(self, name: str, attempt: int) -> Path:
        return self._directory / f".{name}.{attempt}.part"

    def _staging(self, names: str) -> list[Path]:
        start = names if names != "*" else f"{glob.escape(self._prefix)}*"
        return sorted(self._directory.glob(f".{start}.part"))

    def _sync(self) -> None:
        descriptor = os.open(self._directory, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)

    @contextmanager
    def _told(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise _failure(self._directory, error) from error


class _Told(io.RawIOBase):
    """A file whose failures are told as Starhaul's errors."""

    def __init__(self, file: io.RawIOBase, path: Path) -> None:
        self._file = file
        self._path = path

    def write(self, data: Any, /) -> int:
        rest = memoryview(data).cast("B")
        size = len(rest)
        try:
            while rest:
                rest = rest[self._file.write(rest) or 0 :]
        except OSError as error:
            raise _failure(self._path, error) from error
        return size

    def writable(self) -> bool:
        return True


def _failure(path: Path, error: OSError) -> PermanentError:
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return PermanentError(str(path), "there is no space left", "free some, or write elsewhere")
    return PermanentError(str(path), f"cannot be written: {error.strerror or error}")
