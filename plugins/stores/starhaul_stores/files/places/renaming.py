"""Staging and publishing in places that can rename: hidden names first, then the final ones."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from typing import Any

from starhaul import PermanentError, StarhaulError, TransientError
from starhaul_stores.files.places.place import Session, Staged, Staging

_END = ".part"


class RenamingSession(Session):
    """A session that stages `dt=1/NAME` as `.NAME.ATTEMPT.part` in the target's directory, which every program that
    lists files passes over, and publishes it by a rename. A subclass writes `create` and `rename`."""

    @abstractmethod
    def create(self, path: str) -> AbstractContextManager[Callable[[Any], object]]:
        """A new file in a directory that is there; what has the name goes. Gives a function that writes all of the
        bytes it is given, or raises. When the block is left without an exception, they are safe."""

    @abstractmethod
    def rename(self, source: str, target: str) -> bool:
        """Give a file another name, replacing what has it, at once if the place can. False if there is no `source`."""

    def flush(self, directory: str) -> None:
        """Make the renames in a directory safe, where that takes an act of its own."""

    @contextmanager
    def stage(self, directory: str, name: str, attempt: int) -> Iterator[Staging]:
        path = staged_path(directory, name, attempt)
        try:
            with self.create(path) as write:
                staging = Staging(name, attempt, write)
                yield staging
            self._expect_size(path, staging.written)
        except BaseException:
            with suppress(StarhaulError):
                self.remove(path)
            raise

    def publish(self, directory: str, staged: Sequence[Staged]) -> None:
        folders = {}
        for each in staged:
            target = f"{directory.rstrip('/')}/{each.name}"
            folder = target.rpartition("/")[0]
            if folder not in folders:
                self.make_directory(folder)
                folders[folder] = True
            if not self.rename(staged_path(directory, each.name, each.attempt), target):
                self._expect_published(target, each.size)
        for folder in folders:
            self.flush(folder)

    def clear(self, directory: str, start: str, *, before: float | None = None) -> None:
        for entry in self.entries(directory):
            if entry.directory or not (entry.name.startswith(f".{start}") and entry.name.endswith(_END)):
                continue
            if before is None or (entry.modified is not None and entry.modified < before):
                self.remove(entry.path)

    def _expect_size(self, path: str, size: int) -> None:
        status = self.stat(path)
        if status is None or status.size != size:
            there = "it is gone" if status is None else f"{status.size} bytes are there"
            raise TransientError(self.place.shown(path), f"{size} bytes were written, but {there}")

    def _expect_published(self, target: str, size: int) -> None:
        status = self.stat(target)
        if status is None or status.size != size:
            raise PermanentError(self.place.shown(target), "the staged file is gone", "start a new run")


def staged_path(directory: str, name: str, attempt: int) -> str:
    """Where an attempt's file stands until it is published."""
    return f"{directory.rstrip('/')}/.{name.rpartition('/')[2]}.{attempt}{_END}"
