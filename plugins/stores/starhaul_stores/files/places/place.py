"""The contract of a place: what it takes to read and write files there."""

from __future__ import annotations

import io
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Any, ClassVar

from starhaul_stores.files.streams import ByteStream

NOWHERE = "nowhere"
"""The `mark` of a link to a file that is not there."""


@dataclass(frozen=True, slots=True)
class FileStatus:
    """A file or a directory as a place lists it."""

    path: str
    """Absolute within the place, with `/` between names. Bytes of a name that are no UTF-8 stand as surrogates
    (`os.fsdecode`)."""
    size: int
    """Bytes; 0 for a directory."""
    mark: str
    """Differs whenever the content does: a time of modification as fine as the place has it, an ETag."""
    modified: float | None = field(default=None, compare=False)
    """Seconds since 1970; None where the place does not tell."""
    directory: bool = False

    @property
    def name(self) -> str:
        """The last part of the path."""
        return self.path.rpartition("/")[2]

    @classmethod
    def of(cls, args: Mapping[str, Any]) -> FileStatus:
        """From what `args` gave."""
        return cls(args["path"], args["size"], args["mark"])

    def args(self) -> dict[str, Any]:
        """As JSON data."""
        return {"path": self.path, "size": self.size, "mark": self.mark}


@dataclass(frozen=True, slots=True)
class Staged:
    """A file that is written whole and not visible yet. JSON data by `args`, for receipts."""

    name: str
    """What it is to be called, relative to the target's directory; may lie in folders below it (`dt=1/name`)."""
    attempt: int
    size: int
    """Bytes, as the place confirmed them."""
    data: Mapping[str, Any] = field(default_factory=dict)
    """What else the place needs to find it again, such as the number of an upload. JSON data, no secrets."""

    @classmethod
    def of(cls, args: Mapping[str, Any]) -> Staged:
        """From what `args` gave."""
        return cls(args["name"], args["attempt"], args["size"], args["data"])

    def args(self) -> dict[str, Any]:
        """As JSON data."""
        return {"name": self.name, "attempt": self.attempt, "size": self.size, "data": dict(self.data)}


class Staging(io.RawIOBase):
    """A file being staged: takes bytes, counts them, and says what was staged once its `with` block was left."""

    def __init__(self, name: str, attempt: int, write: Callable[[Any], object]) -> None:
        """`write` takes all of the bytes that it is given, or raises."""
        super().__init__()
        self._name = name
        self._attempt = attempt
        self._write = write
        self.written = 0
        self.data: dict[str, Any] = {}
        """For `Staged.data`; the place fills it."""

    def writable(self) -> bool:
        return True

    def write(self, data: Any, /) -> int:
        """Write all of `data`, any buffer of bytes."""
        size = memoryview(data).nbytes
        self._write(data)
        self.written += size
        return size

    @property
    def staged(self) -> Staged:
        """What was staged; to be asked after the `with` block of `Session.stage`."""
        return Staged(self._name, self._attempt, self.written, dict(self.data))


class Place(ABC):
    """One place, by its parameters: an address, a user, nothing that is open. May be pickled and shared by threads.

    Every failure is raised as `TransientError` (connection lost, time-out, busy: another attempt may help),
    `PermanentError` (no such file, no permission, no space) or `ConfigError` (the parameters are wrong: unknown host,
    wrong password), with `shown(path)` or the name of the parameter as its `where`, and never with a secret.
    """

    hides: ClassVar[tuple[str, ...]] = (".",)
    """Names that begin so are passed over when a directory is listed or a pattern matched, unless the pattern spells
    it. Hadoop's places hide `_` too; a name with `=` in it is a partition and never hidden by `_`."""

    hadoop_patterns: ClassVar[bool] = False
    """Whether `{a,b}`, `[abc]` and `\\` are special in patterns as Hadoop has it, besides `*`, `?` and `**`."""

    ranged: ClassVar[bool] = True
    """Whether reading may begin in the middle of a file. If not, files are not cut."""

    most_open: ClassVar[int] = 32
    """How many files one task may be writing at a time, as when it writes into many partitions."""

    abreast: ClassVar[int] = 8
    """How many sessions may look at files side by side while a run is planned."""

    shares_sessions: ClassVar[bool] = False
    """Whether several files may be staged in one session at a time. If not, each takes a session of its own."""

    @abstractmethod
    def session(self) -> AbstractContextManager[Session]:
        """Connect, and disconnect when the block is left. A session is used by one thread at a time."""

    def absolute(self, path: str) -> str:
        """A path or pattern of a job, made absolute, without a trailing `/`. Touches nothing. `ConfigError` if it is
        no path here."""
        return "/" + path.strip("/")

    def shown(self, path: str) -> str:
        """A path for people: with the address of the place, without secrets, and printable whatever the name is."""
        return printable(path)


class Session(ABC):
    """An open connection to a place. See `Place` for the errors that everything here raises.

    Paths are absolute, as `Place.absolute` makes them. One file at a time is open in a session, and nothing else is
    asked of it meanwhile; who needs several files at once opens as many sessions. Where `Place.shares_sessions`, any
    number of files may be staged in one session at a time.
    """

    place: Place

    # --- reading

    @abstractmethod
    def stat(self, path: str) -> FileStatus | None:
        """The file or directory as it stands now, links followed; None if there is none."""

    @abstractmethod
    def entries(self, directory: str) -> Iterable[FileStatus]:
        """What stands in a directory, hidden names too, in any order; nothing if there is no such directory. What
        vanishes while it is listed is left out."""

    @abstractmethod
    def open_range(self, file: FileStatus, start: int, end: int) -> AbstractContextManager[ByteStream]:
        """The bytes of a file from `start` up to `end`, as a stream. May give fewer where the connection ends early:
        the caller counts, and opens again where it broke. `end` is `file.size` at most, `start` less than `end`."""

    def walk(self, directory: str, hidden: Callable[[str], bool]) -> Iterator[FileStatus]:
        """The files below a directory, of any depth, in any order, leaving out names for which `hidden` holds.
        A place that lists a whole tree at once does it here."""
        for entry in self.entries(directory):
            if hidden(entry.name):
                continue
            if entry.directory:
                yield from self.walk(entry.path, hidden)
            else:
                yield entry

    def open_random(self, file: FileStatus) -> AbstractContextManager[Any] | None:
        """The file as an object that `pyarrow` reads from anywhere, faster than by ranges; None: by ranges."""
        return None

    def expect_readable(self, files: Sequence[FileStatus], where: str) -> None:
        """Raise `ConfigError(where, …)` if one of the files cannot be read. Here: reads a byte of the first that has
        one."""
        for file in files:
            if file.size:
                with self.open_range(file, 0, 1) as stream:
                    stream.read(1)
                return

    # --- writing

    @abstractmethod
    def expect_writable(self, directory: str, where: str) -> None:
        """Raise `ConfigError(where, …)` if no file can be written in the directory and it cannot be made. Changes
        nothing; a place that cannot tell without a change leaves it to `make_directory`."""

    @abstractmethod
    def make_directory(self, path: str) -> None:
        """Make a directory, and those above it. Nothing happens if it is there, or where a place has none."""

    @abstractmethod
    def stage(self, directory: str, name: str, attempt: int) -> AbstractContextManager[Staging]:
        """A file that is to become `name` in the directory, hidden from everyone until `publish`. When the block is
        left it is complete and safe, its size checked against what was written; if the block failed, it is gone."""

    @abstractmethod
    def publish(self, directory: str, staged: Sequence[Staged]) -> None:
        """Make staged files visible under their names, replacing what has that name, in order and each at once. Safe
        to repeat after a crash in its midst: what is visible already, with the size staged, stays. `PermanentError`
        if one is neither staged nor visible."""

    def abandon(self, directory: str, staged: Sequence[Staged]) -> None:
        """Remove files that are staged and will not be published, by what `Staged.data` tells. Nothing happens to those
        that are gone. Here nothing at all: `clear` finds them by their names."""
        return

    @abstractmethod
    def remove(self, path: str) -> None:
        """Remove a file. Nothing happens if it is not there."""

    @abstractmethod
    def clear(self, directory: str, start: str, *, before: float | None = None) -> None:
        """Remove whatever is staged in the directory for names that begin with `start` (in folders: the last part of
        the name does). With `before`, only what nobody wrote to since then, in seconds since 1970."""


def printable(path: str) -> str:
    """A path without surrogates: bytes that are no text as `\\xNN`."""
    return path.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
