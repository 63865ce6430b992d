"""Files are looked at side by side, and it shows in nothing but the time."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.orc
import pyarrow.parquet
import pytest

from starhaul import PermanentError, TransientError
from starhaul_readers.hdfs import HdfsReader, HdfsReaderParams
from starhaul_stores.files.abreast import abreast
from starhaul_stores.files.places.ftp import FtpPlace
from starhaul_stores.files.places.local import LocalPlace, LocalSession
from starhaul_stores.files.places.place import FileStatus, Session
from starhaul_stores.files.places.sftp import SftpPlace
from starhaul_stores.files.places.source import Link


class Distant(LocalPlace):
    """What is asked of it by several at once takes its time, until these are as many as it expects."""

    def __init__(self, expected: int) -> None:
        self._expected = expected
        self._changed = threading.Condition()
        self._under_way = 0
        self.most = 0
        """So many were under way at a time."""
        self.asked: list[str] = []
        self.open = 0
        """Sessions."""

    @contextmanager
    def session(self) -> Iterator[Session]:
        with self._changed:
            self.open += 1
        yield DistantSession(self)
        with self._changed:
            self.open -= 1

    def wait(self, path: str) -> None:
        with self._changed:
            self.asked.append(path)
            self._under_way += 1
            self.most = max(self.most, self._under_way)
            self._changed.notify_all()
            if self._under_way > 1:
                self._changed.wait_for(lambda: self.most >= self._expected, 10)
        time.sleep(0.01)
        with self._changed:
            self._under_way -= 1


class DistantSession(LocalSession):
    place: Distant

    def stat(self, path: str) -> FileStatus | None:
        self.place.wait(path)
        return super().stat(path)

    def open_random(self, file: FileStatus) -> Any:
        self.place.wait(file.path)
        return super().open_random(file)


def reader(monkeypatch: pytest.MonkeyPatch, place: LocalPlace, path: Path | list[str], **more: Any) -> HdfsReader:
    """Of local files as if they stood there."""
    monkeypatch.setattr(HdfsReader, "place", place)
    given = {"path": path if isinstance(path, list) else str(path), "column": ["*"], "defaultFS": "hdfs://n", **more}
    return HdfsReader(HdfsReaderParams.parse(given))


WRITE: dict[str, Callable[[pa.Table, str], None]] = {"parquet": pa.parquet.write_table, "orc": pa.orc.write_table}


@pytest.mark.parametrize("form", WRITE)
def test_files_are_opened_side_by_side(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, form: str) -> None:
    for number in range(40):
        WRITE[form](pa.table({"n": range(number + 1)}), f"{tmp_path}/{number:02}")
    place = Distant(8)
    splits = reader(monkeypatch, place, tmp_path, fileType=form).split(1)
    assert place.most == 8
    assert place.open == 0
    assert [(split.id, split.rows) for split in splits] == [(f"{tmp_path}/{n:02}", n + 1) for n in range(40)]


def test_paths_are_looked_for_side_by_side(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    paths = [f"{tmp_path}/{number:02}" for number in range(20)]
    for path in paths:
        Path(path).write_text("1\n")
    place = Distant(8)
    splits = reader(monkeypatch, place, paths[::-1], fileType="csv", column=[{"index": 0}]).split(1)
    assert place.most == 8
    assert [split.id for split in splits] == paths


def test_columns_that_a_late_file_has_are_looked_for_side_by_side(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(20):
        table = pa.table({"a": [1], **({"b": ["x"]} if number == 17 else {})})
        pa.parquet.write_table(table, f"{tmp_path}/{number:02}")
    place = Distant(8)
    columns = [{"name": "a", "type": "long"}, {"name": "b", "type": "string"}]
    more = {"fileType": "parquet", "column": columns, "supportAddMiddleColumn": True}
    assert reader(monkeypatch, place, tmp_path, **more).schema().names == ["a", "b"]
    assert place.most == 8


def test_the_first_file_in_order_that_fails_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """And the many behind it are not opened for nothing."""
    for number in range(100):
        pa.parquet.write_table(pa.table({"n": [number]}), f"{tmp_path}/{number:02}")
    for number in (11, 13, 14):
        (tmp_path / str(number)).write_bytes(b"PAR1 and nothing more")
    place = Distant(8)
    with pytest.raises(PermanentError, match=f"{tmp_path}/11: cannot be read as Parquet"):
        reader(monkeypatch, place, tmp_path, fileType="parquet").split(1)
    assert place.open == 0
    assert len({path for path in place.asked if path != str(tmp_path)}) < 40


def test_errors_come_in_their_turn() -> None:
    """The answers before it are given first, however long they take, and a lost connection is made again."""
    lost = {3}

    def ask(link: Link, number: int) -> int:
        def answer(session: Session) -> int:
            if number in lost:
                lost.remove(number)
                raise TransientError("here", "the connection broke")
            time.sleep(0.02 if number < 5 else 0)
            if number in (5, 6):
                raise PermanentError(str(number), "cannot be read")
            return number

        return link.call(answer)

    with Link(Distant(8)) as link:
        answers = abreast(link, range(1000), ask)
        assert [next(answers) for _ in range(5)] == [0, 1, 2, 3, 4]
        with pytest.raises(PermanentError, match="5: cannot be read"):
            next(answers)
    with Link(Distant(1)) as link:
        abandoned = abreast(link, range(1000), lambda own, number: number)
        assert [next(abandoned) for _ in range(3)] == [0, 1, 2]
        abandoned.close()
        assert list(abreast(link, range(3), lambda own, number: own is link)) == [False] * 3
        assert list(abreast(link, [0], lambda own, number: own is link)) == [True]


def test_servers_that_limit_logins_get_one() -> None:
    assert FtpPlace.abreast == SftpPlace.abreast == 1
