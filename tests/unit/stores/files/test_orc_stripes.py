"""Stripes of ORC are read some rows at a time, however large they are and whatever their columns are called."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from decimal import Decimal
from itertools import islice
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.orc
import pyorc
import pytest

from starhaul import TransientError
from starhaul.testing import RecordingTask
from starhaul_readers.txtfile import TxtFileReader, TxtFileReaderParams
from starhaul_stores.files.formats.orc_stripe import stripe_batches
from starhaul_stores.files.formats.orc_tail import Stripes
from starhaul_stores.files.places.local import LocalPlace, LocalSession
from starhaul_stores.files.places.place import FileStatus, Session

KIND = (
    "struct<n:int,text:string,list:array<int>,map:map<string,struct<x:double,y:decimal(20,3)>>,at:timestamp,"
    "day:date,bytes:binary,flag:boolean,tiny:tinyint,fixed:char(5)>"
)


def both_ways(path: Path, columns: list[str]) -> list[tuple[pa.Table, pa.Table]]:
    """Each stripe as `pyarrow.orc` reads it, and as it is read here."""
    file = pa.orc.ORCFile(str(path))
    stripes = Stripes(file.reader.serialized_file_tail())
    places = [file.schema.names.index(column) for column in columns]
    found = []
    with pa.OSFile(str(path)) as native:
        for number in range(file.nstripes):
            whole = pa.Table.from_batches([file.read_stripe(number, columns)])
            batches = [batch.rename_columns(columns) for batch in stripe_batches(native, stripes, number, places)]
            assert stripes[number].rows == whole.num_rows
            found.append((whole.select(columns), pa.Table.from_batches(batches)))
    return found


@pytest.mark.parametrize("kind", [kind for kind in pyorc.CompressionKind if kind.name != "LZO"])
def test_what_is_read_is_what_pyarrow_reads_at_once(tmp_path: Path, kind: pyorc.CompressionKind) -> None:
    path = tmp_path / "x"
    moment = datetime(2000, 1, 1, tzinfo=UTC).timestamp()
    with (
        path.open("wb") as file,
        pyorc.Writer(
            file, KIND, compression=kind, compression_block_size=1 << 16, stripe_size=1 << 14, row_index_stride=200
        ) as writer,
    ):
        for n in range(4_000):
            nested = {f"k{n}": (n / 3, Decimal(f"{n}.125")), "": (None, None)}
            at = datetime.fromtimestamp(moment + n, UTC)
            row = (n, f"t{n}", [n] * (n % 4), nested, at, at.date(), b"\0%d" % n, n % 2 == 1, n % 100, f"c{n % 3}")
            writer.write(row if n % 7 else (None,) * len(row))
    names = pa.orc.ORCFile(str(path)).schema.names
    for columns in (names, ["map", "n"], ["flag"]):
        stripes = both_ways(path, columns)
        assert len(stripes) > 1 or kind.name != "NONE"
        assert all(whole.equals(read) for whole, read in stripes)


def test_names_that_are_taken_or_stand_for_others(tmp_path: Path) -> None:
    """`pyarrow.dataset` has columns of its own, and ORC's own reader takes a dot for a part of a column."""
    names = ["__filename", "__batch_index", "a", "a.b", "", "1", '"`', "twice", "twice"]
    columns = [pa.array([n, None, -n]) for n in range(len(names))]
    pa.orc.write_table(pa.table(columns, names=names), str(tmp_path / "x"))
    for name in names[:-2]:
        read = [each.to_pylist() for _, table in both_ways(tmp_path / "x", [name]) for each in table.columns]
        assert read == [columns[names.index(name)].to_pylist()]


def test_a_large_stripe_takes_little_memory(tmp_path: Path) -> None:
    rows = 300_000
    table = pa.table({"n": range(rows), "text": [f"{n * 7919 % 1_000_003} {n}" * 8 for n in range(rows)]})
    pa.orc.write_table(table, str(tmp_path / "x"), stripe_size=1 << 28, compression="zstd")
    file = pa.orc.ORCFile(str(tmp_path / "x"))
    assert (file.nstripes, table.nbytes > 30 << 20) == (1, True)
    with pa.OSFile(str(tmp_path / "x")) as native:
        stripes, before, most, read = Stripes(file.reader.serialized_file_tail()), pa.total_allocated_bytes(), 0, []
        for batch in stripe_batches(native, stripes, 0, [0, 1]):
            most = max(most, pa.total_allocated_bytes() - before)
            read += batch.column("0").to_pylist()
            del batch
    assert (read == list(range(rows)), most < 16 << 20) == (True, True)


def test_the_file_is_left_alone_when_no_more_is_wanted(tmp_path: Path) -> None:
    table = pa.table({"n": range(1_000_000), "m": [n * 7919 % 1_000_003 for n in range(1_000_000)]})
    pa.orc.write_table(table, str(tmp_path / "x"), stripe_size=1 << 28, compression="uncompressed")
    stripes = Stripes(pa.orc.ORCFile(str(tmp_path / "x")).reader.serialized_file_tail())
    with pa.OSFile(str(tmp_path / "x")) as file:
        native = Watched(file)
        batches = stripe_batches(native, stripes, 0, [0, 1])
        assert [batch.num_rows for batch in islice(batches, 1)] == [16384]
        batches.close()  # type: ignore[attr-defined]
        reads = native.reads
        time.sleep(0.2)
        assert (native.reads, native.at_once) == (reads, 1)


class Watched:
    """A file that counts how often it is read, and by how many threads at once."""

    def __init__(self, file: Any) -> None:
        self._file = file
        self._inside = 0
        self._lock = threading.Lock()
        self.reads = self.at_once = 0

    def seek(self, offset: int) -> None:
        self._file.seek(offset)

    def read(self, size: int) -> bytes:
        with self._lock:
            self._inside += 1
            self.reads += 1
            self.at_once = max(self.at_once, self._inside)
        data: bytes = self._file.read(size)
        with self._lock:
            self._inside -= 1
        return data


class Broken(LocalPlace):
    """Gives so many ranges of a file, and then none."""

    def __init__(self, ranges: int) -> None:
        self.ranges = ranges

    @contextmanager
    def session(self) -> Iterator[Session]:
        yield BrokenSession(self)


class BrokenSession(LocalSession):
    place: Broken

    @contextmanager
    def open_range(self, file: FileStatus, start: int, end: int) -> Iterator[Any]:
        self.place.ranges -= 1
        if self.place.ranges < 0:
            raise TransientError("there", "the connection broke")
        with super().open_range(file, start, end) as stream:
            yield stream

    def open_random(self, file: FileStatus) -> Any:
        return None


@pytest.mark.parametrize("ranges", [0, 1, 2, 3])
def test_a_place_that_cannot_be_reached_is_no_damage(
    tmp_path: Path, ranges: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The libraries tell it as an error of reading, without its kind."""
    table = pa.table({"n": range(1_000_000), "m": [n * 7919 % 1_000_003 for n in range(1_000_000)]})
    pa.orc.write_table(table, str(tmp_path / "x"), stripe_size=1 << 28, compression="uncompressed")
    given = {"path": str(tmp_path), "column": ["*"], "fileFormat": "orc"}
    reader = TxtFileReader(TxtFileReaderParams.model_validate(given, by_alias=True, by_name=False))
    task = RecordingTask(reader.schema())
    (split,) = reader.split(1)
    monkeypatch.setattr("time.sleep", lambda seconds: None)
    monkeypatch.setattr(type(reader), "place", Broken(ranges))
    with pytest.raises(TransientError, match="the connection broke"):
        for _ in reader.read(split, task):
            pass
