"""The conformance kit, run on both plugins."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pyarrow as pa
import pytest
from starhaul_hello.reader import HelloReader, HelloReaderParams
from starhaul_hello.writer import HelloWriter, HelloWriterParams

from starhaul.testing import ReaderConformance, WriterConformance


class TestHelloReader(ReaderConformance):
    @pytest.fixture
    def expected(self) -> pa.Table:
        return pa.table({
            "number": [1, 2, 3],
            "name": ["Ada", "Grace", "Edsger"],
            "greeting": ["Hi, Ada!", "Hi, Grace!", "Hi, Edsger!"],
        })  # fmt: skip

    @pytest.fixture
    def reader(self) -> HelloReader:
        return HelloReader(HelloReaderParams(names=["Ada", "Grace", "Edsger"], greeting="Hi"))

    @pytest.fixture
    def empty_reader(self) -> HelloReader:
        return HelloReader(HelloReaderParams(names=[]))


class TestHelloWriter(WriterConformance):
    @pytest.fixture
    def writer(self, tmp_path: Path) -> HelloWriter:
        return HelloWriter(HelloWriterParams(path=tmp_path / "target"))

    @pytest.fixture
    def readback(self, tmp_path: Path) -> Callable[[pa.Schema], pa.Table]:
        def read(schema: pa.Schema) -> pa.Table:
            files = sorted((tmp_path / "target").glob("*.arrow"))
            tables = [pa.ipc.open_file(pa.memory_map(str(file))).read_all() for file in files]
            return pa.concat_tables(tables) if tables else schema.empty_table()

        return read

    @pytest.fixture
    def leftovers(self, tmp_path: Path) -> Callable[[], list[str]]:
        return lambda: [path.name for path in tmp_path.glob(".*")]

    @pytest.fixture
    def breakdown(self, tmp_path: Path) -> Callable[[], AbstractContextManager[object]]:
        @contextmanager
        def without_its_folder() -> Iterator[None]:
            (staging,) = tmp_path.glob(".*")
            moved = staging.rename(tmp_path / "away")
            yield
            moved.rename(staging)

        return without_its_folder
