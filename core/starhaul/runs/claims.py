"""Who carries out which run: one lock file per run, held by the process that does."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import IO

from starhaul.api.errors import ConfigError


class Claims:
    """The claims on runs, as locked files in `folder`. The operating system frees those of a process that dies."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    @contextmanager
    def hold(self, run: str) -> Iterator[None]:
        """Hold a run for this process while the block lasts.

        Raises `ConfigError` if another process (or another thread of this one) holds it.
        """
        with closing(self._locked(run, "w")) as lock:
            yield
            Path(lock.name).unlink(missing_ok=True)

    @contextmanager
    def hold_job(self, fingerprint: str, source: str, *, wait: Callable[[], object] | None) -> Iterator[None]:
        """Be the only one to run this job while the block lasts. `wait` is called between looks as long as another
        process (or thread) does, and may raise; without it that is a `ConfigError`. `source` is for the message."""
        name = f"job-{fingerprint[:32]}"
        while True:
            try:
                lock = self._locked(name, "w")
                break
            except ConfigError as error:
                if wait is None:
                    hint = "wait for it or stop it; by `whenRunning` in its settings it waits, or both run"
                    raise ConfigError(source, "another run of this job is under way", hint) from error
                wait()
        with closing(lock):
            yield
            Path(lock.name).unlink(missing_ok=True)

    @contextmanager
    def making(self) -> Iterator[None]:
        """Be the only one to make the store while the block lasts; waits for another who does."""
        self._folder.mkdir(exist_ok=True, mode=0o700)
        with (self._folder / ".making").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def held(self, run: str) -> bool:
        """Whether somebody holds the run right now."""
        try:
            self._locked(run, "r").close()
        except ConfigError:
            return True
        except FileNotFoundError:
            pass
        return False

    def _locked(self, run: str, mode: str) -> IO[str]:
        self._folder.mkdir(exist_ok=True, mode=0o700)
        while True:
            lock = (self._folder / run).open(mode)
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                lock.close()
                raise ConfigError(run, "is being carried out by another process", "wait for it, or stop it") from error
            if _is_still_there(lock):
                return lock
            lock.close()  # its last holder removed it between our open and our lock


def _is_still_there(lock: IO[str]) -> bool:
    with suppress(FileNotFoundError):
        return Path(lock.name).stat().st_ino == os.fstat(lock.fileno()).st_ino
    return False
