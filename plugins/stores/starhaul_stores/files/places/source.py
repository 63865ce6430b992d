"""One file of any place, opened for reading: a cut read is resumed at its offset, and nothing is silently short."""

from __future__ import annotations

import io
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from typing import Any, TypeVar

from starhaul import PermanentError, StarhaulError, TransientError
from starhaul_stores.files.places.place import FileStatus, Place, Session
from starhaul_stores.files.streams import ByteStream

T = TypeVar("T")

_ATTEMPTS = 5
"""How often in a row a connection may break without a byte having come through."""
_READ_AHEAD = 1 << 20
_CHANGED_HINT = "start a new run"


class Link:
    """The present session with a place: opened when first needed, and replaced when it breaks. Used by one thread."""

    def __init__(self, place: Place, pause: Callable[[float], None] = time.sleep) -> None:
        """`pause` sleeps so many seconds between two attempts; a task's wakes when the run is stopped."""
        self.place = place
        self._pause = pause
        self._stack = ExitStack()
        self._session: Session | None = None

    def __enter__(self) -> Link:
        return self

    def __exit__(self, *raised: object) -> None:
        self._close()

    @property
    def session(self) -> Session:
        """The session that is open."""
        if self._session is None:
            self._session = self._stack.enter_context(self.place.session())
        return self._session

    def call(self, work: Callable[[Session], T]) -> T:
        """What `work`, which only reads, answers; in a new session, after a pause, if the connection breaks."""
        attempt = 1
        while True:
            try:
                return work(self.session)
            except TransientError as error:
                self.renew(attempt, error)
                attempt += 1

    def renew(self, attempt: int, error: TransientError) -> None:
        """Drop a session that broke, and wait. Raises the error if that was the last attempt."""
        self._close()
        if attempt >= _ATTEMPTS:
            raise error
        self._pause(error.retry_after or 0.25 * 2**attempt)

    def _close(self) -> None:
        stack, self._stack, self._session = self._stack, ExitStack(), None
        with suppress(TransientError):  # it may be broken
            stack.close()


class Source:
    """A file as it stood when the run was planned. Used by one thread at a time."""

    def __init__(self, link: Link, file: FileStatus) -> None:
        self._link = link
        self.file = file
        self.failure: StarhaulError | None = None
        """Why a range of a distant place could not be read, which libraries may make an error of their own."""

    @property
    def name(self) -> str:
        """For messages."""
        return self._link.place.shown(self.file.path)

    @property
    def ranged(self) -> bool:
        """Whether reading may begin in the middle."""
        return self._link.place.ranged

    def expect_unchanged(self) -> None:
        """Raise `PermanentError` if the file is another than when the run was planned."""
        status = self._link.call(lambda session: session.stat(self.file.path))
        if status is None:
            raise PermanentError(self.name, "is gone", _CHANGED_HINT)
        if status != self.file:
            raise PermanentError(self.name, "was changed after this run was planned", _CHANGED_HINT)

    @contextmanager
    def stream(self, start: int = 0, end: int | None = None) -> Iterator[io.RawIOBase]:
        """The bytes from `start` up to `end` or to the end of the file: all of them, or an error."""
        with _Resumed(self._link, self, start, self.file.size if end is None else end) as stream:
            yield stream

    @contextmanager
    def seekable(self) -> Iterator[Any]:
        """The file as a binary file object for reading anywhere. Each read of a distant place is a range."""
        with io.BufferedReader(_Ranges(self), _READ_AHEAD) as file:
            yield file

    @contextmanager
    def random(self) -> Iterator[Any]:
        """The file as `pyarrow` reads it from anywhere: a `pyarrow.NativeFile`."""
        opened = self._link.call(lambda session: session.open_random(self.file))
        if opened is not None:
            with opened as file:
                yield file
            return
        import pyarrow as pa

        with self.seekable() as file, pa.PythonFile(file, mode="r") as native:
            yield native


class _Resumed(io.RawIOBase):
    """A range of a file as one stream, however often the connection breaks."""

    def __init__(self, link: Link, source: Source, start: int, end: int) -> None:
        super().__init__()
        self._link = link
        self._source = source
        self._position = start
        self._end = end
        self._broken = 0
        self._stack = ExitStack()
        self._stream: ByteStream | None = None

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any, /) -> int:
        data = self.read(len(buffer))
        buffer[: len(data)] = data
        return len(data)

    def read(self, size: int = -1, /) -> bytes:
        """Up to `size` bytes (all of the rest if it is negative); none at the end."""
        if size < 0:
            return self.readall()
        left = self._end - self._position
        while left > 0 and size:
            try:
                data = self._opened().read(min(size, left))
                if not data:
                    raise TransientError(self._source.name, f"the data end {left} bytes too early")
            except TransientError as error:
                self._resume(error)
                continue
            self._position += len(data)
            self._broken = 0
            return data
        return b""

    def close(self) -> None:
        if not self.closed:
            super().close()
            self._drop()

    def _opened(self) -> ByteStream:
        if self._stream is None:
            part = self._link.session.open_range(self._source.file, self._position, self._end)
            self._stream = self._stack.enter_context(part)
        return self._stream

    def _resume(self, error: TransientError) -> None:
        self._broken += 1
        self._drop()
        self._link.renew(self._broken, error)
        self._source.expect_unchanged()

    def _drop(self) -> None:
        stack, self._stack, self._stream = self._stack, ExitStack(), None
        with suppress(TransientError):  # every byte was counted already
            stack.close()


class _Ranges(io.RawIOBase):
    """A file read anywhere: reads that follow each other share one stream, others open a range each."""

    def __init__(self, source: Source) -> None:
        super().__init__()
        self._source = source
        self._position = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._position

    def seek(self, offset: int, whence: int = io.SEEK_SET, /) -> int:
        origin = {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self._source.file.size}[whence]
        self._position = max(origin + offset, 0)
        return self._position

    def readinto(self, buffer: Any, /) -> int:
        end = min(self._position + len(buffer), self._source.file.size)
        if end <= self._position:
            return 0
        filled = 0
        try:
            with self._source.stream(self._position, end) as stream:
                while filled < end - self._position:
                    data = stream.read(end - self._position - filled)
                    if not data:
                        break
                    buffer[filled : filled + len(data)] = data
                    filled += len(data)
        except StarhaulError as error:
            self._source.failure = error
            raise
        self._position += filled
        return filled
