"""Which local files a path, a directory or a pattern means, and files as streams."""

from __future__ import annotations

import glob
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from starhaul import ConfigError, PermanentError

_CHANGED_HINT = "start a new run"


@dataclass(frozen=True, slots=True)
class LocalFile:
    """A file as it stood when the run was planned."""

    path: str
    size: int
    """Bytes."""
    modified: int
    """Nanoseconds since 1970."""

    @classmethod
    def at(cls, path: str) -> LocalFile:
        """The file as it stands now. Raises `OSError`."""
        status = Path(path).stat()
        return cls(path, status.st_size, status.st_mtime_ns)

    @classmethod
    def of(cls, args: Mapping[str, Any]) -> LocalFile:
        """From the arguments of a split."""
        return cls(args["path"], args["size"], args["modified"])

    def args(self) -> dict[str, Any]:
        """As arguments of a split."""
        return {"path": self.path, "size": self.size, "modified": self.modified}

    def expect_unchanged(self) -> None:
        """Raise `PermanentError` if the file is another than when the run was planned."""
        try:
            changed = LocalFile.at(self.path) != self
        except OSError as error:
            raise PermanentError(self.path, f"cannot be read: {error.strerror}", _CHANGED_HINT) from error
        if changed:
            raise PermanentError(self.path, "was changed after this run was planned", _CHANGED_HINT)

    @contextmanager
    def opened(self) -> Iterator[IO[bytes]]:
        """The file for reading. Raises `PermanentError` if it cannot be opened, or was changed before the end."""
        self.expect_unchanged()
        with ExitStack() as stack:
            try:
                file = stack.enter_context(Path(self.path).open("rb", buffering=0))
            except OSError as error:
                raise PermanentError(self.path, f"cannot be read: {error.strerror}") from error
            yield file
            self.expect_unchanged()


def listed(patterns: Sequence[str], where: str = "path") -> list[LocalFile]:
    """The files that the patterns mean, each once, by name.

    `*` and `?` stand for characters of one name, `**` for directories of any depth. A directory means all files below
    it. Names that begin with a dot are left out unless the pattern spells the dot: they are other programs' business,
    and where a writer stages. Raises `ConfigError` naming the pattern that means no file.
    """
    paths: dict[str, None] = {}
    for pattern in patterns:
        found = sorted(_files(pattern))
        if not found:
            raise ConfigError(where, f"no file matches {pattern!r}", "patterns are relative to the working directory")
        paths.update(dict.fromkeys(found))
    try:
        return [LocalFile.at(path) for path in sorted(paths)]
    except OSError as error:
        raise ConfigError(where, f"{error.filename} cannot be read: {error.strerror}") from error


def expect_readable(files: Iterable[LocalFile], where: str = "path") -> None:
    """Raise `ConfigError` naming the first file that this user must not read."""
    for file in files:
        if not os.access(file.path, os.R_OK):
            raise ConfigError(where, f"no permission to read {file.path}")


def _files(pattern: str) -> Iterator[str]:
    brackets_literal = pattern.replace("[", "[[]")
    places = [pattern] if Path(pattern).exists() else glob.iglob(brackets_literal, recursive=True)  # noqa: PTH207
    for place in places:
        path = Path(place).absolute()
        if path.is_dir():
            yield from _below(path)
        elif path.is_file():
            yield str(path)


def _below(directory: Path) -> Iterator[str]:
    """Files below a directory; a link to a directory that was seen already is not followed again."""
    seen = set()
    for root, directories, names in os.walk(directory, followlinks=True):
        real = os.path.realpath(root)
        if real in seen:
            directories.clear()
            continue
        seen.add(real)
        directories[:] = sorted(name for name in directories if not name.startswith("."))
        yield from (str(path) for name in names if not name.startswith(".") and (path := Path(root) / name).is_file())
