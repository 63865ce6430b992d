"""Reading goes on where a connection broke, and nothing is silently short."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from starhaul import PermanentError, TransientError
from starhaul_stores.files.places.local import LocalPlace, LocalSession
from starhaul_stores.files.places.place import FileStatus, Session
from starhaul_stores.files.places.source import Link, Source

CONTENT = bytes(n * 7 % 251 for n in range(100_000))


class Frail(LocalPlace):
    """Connections break after so many bytes; `lost` ones in all, some by an error and some by an early end."""

    def __init__(self, after: int, lost: int, *, silent: bool) -> None:
        self.after = after
        self.lost = lost
        self.silent = silent
        self.sessions = 0

    @contextmanager
    def session(self) -> Iterator[Session]:
        self.sessions += 1
        yield FrailSession(self)


class FrailSession(LocalSession):
    place: Frail

    @contextmanager
    def open_range(self, file: FileStatus, start: int, end: int) -> Iterator[Any]:
        with super().open_range(file, start, end) as stream:
            yield Breaking(stream, self.place)

    def open_random(self, file: FileStatus) -> Any:
        return None


class Breaking:
    def __init__(self, stream: Any, place: Frail) -> None:
        self._stream = stream
        self._place = place
        self._left = place.after

    def read(self, size: int, /) -> bytes:
        if self._place.lost and not self._left:
            self._place.lost -= 1
            if self._place.silent:
                return b""
            raise TransientError("here", "the connection broke")
        data: bytes = self._stream.read(min(size, self._left) if self._place.lost else size)
        self._left -= len(data)
        return data


@pytest.fixture
def file(tmp_path: Path) -> FileStatus:
    path = tmp_path / "data"
    path.write_bytes(CONTENT)
    with LocalPlace().session() as session:
        status = session.stat(str(path))
    assert status is not None
    return status


@pytest.mark.parametrize("silent", [False, True])
def test_a_cut_read_resumes_at_its_offset(file: FileStatus, silent: bool) -> None:
    place = Frail(7000, 12, silent=silent)
    pauses: list[float] = []
    with Link(place, pauses.append) as link, Source(link, file).stream(10, 90_000) as stream:
        assert stream.readall() == CONTENT[10:90_000]
    assert (place.lost, place.sessions, len(pauses)) == (0, 13, 12)


@pytest.mark.parametrize("silent", [False, True])
def test_reading_anywhere_resumes_too(file: FileStatus, silent: bool) -> None:
    place = Frail(7000, 8, silent=silent)
    with Link(place, lambda seconds: None) as link, Source(link, file).random() as native:
        assert native.read_at(60_000, 30_000) == CONTENT[30_000:90_000]
    assert place.lost == 0


@pytest.mark.parametrize("silent", [False, True])
def test_it_gives_up_when_nothing_comes_through(file: FileStatus, silent: bool) -> None:
    place = Frail(0, 100, silent=silent)
    pauses: list[float] = []
    with (
        Link(place, pauses.append) as link,
        Source(link, file).stream() as stream,
        pytest.raises(TransientError, match="broke" if not silent else "the data end 100000 bytes too early"),
    ):
        stream.read(1)
    assert pauses == [0.5, 1.0, 2.0, 4.0]


def test_a_file_cut_short_meanwhile_is_noticed(file: FileStatus) -> None:
    with Link(LocalPlace(), lambda seconds: None) as link, Source(link, file).stream() as stream:
        stream.read(50_000)
        Path(file.path).write_bytes(CONTENT[:60_000])
        with pytest.raises(PermanentError, match="was changed"):
            stream.readall()
