"""HDFS keeps the contract of a place; `hdfsreader` and `hdfswriter` keep theirs."""

from __future__ import annotations

import io
from collections.abc import Callable, Collection
from decimal import Decimal
from typing import Any, ClassVar

import pyarrow as pa
import pyarrow.parquet
import pytest

from starhaul.testing import ReaderConformance, WriterConformance
from starhaul_readers.hdfs import HdfsReader, HdfsReaderParams
from starhaul_stores.files.places.hdfs import HdfsPlace
from starhaul_stores.hdfs.login import Login
from starhaul_writers.hdfs import HdfsWriter, HdfsWriterParams
from tests.places import PlaceConformance
from tests.servers.hdfs import HdfsDirectory

pytestmark = pytest.mark.slow


class TestHdfsPlace(PlaceConformance):
    @pytest.fixture
    def place(self, hdfs: HdfsDirectory) -> HdfsPlace:
        return HdfsPlace("cluster", (hdfs.cluster.url,), Login("alice"))

    @pytest.fixture
    def root(self, hdfs: HdfsDirectory) -> str:
        return hdfs.path


class _Reader(ReaderConformance):
    settings: ClassVar[dict[str, Any]]

    def bytes_of(self, table: pa.Table) -> bytes:
        """A file with these rows, by another way than the plugin's."""
        raise NotImplementedError

    @pytest.fixture
    def expected(self) -> pa.Table:
        rows = range(60)
        return pa.table(
            {
                "id": pa.array(rows, pa.int64()),
                "text": pa.array([None if n % 7 == 0 else f"ü{n}" for n in rows]),
                "amount": pa.array([None if n % 5 == 0 else Decimal(n) / 4 for n in rows], pa.decimal128(30, 2)),
            }
        )

    @pytest.fixture
    def reader(self, hdfs: HdfsDirectory, expected: pa.Table) -> HdfsReader:
        hdfs.cluster.put(f"{hdfs.path}/full/dt=1/a", self.bytes_of(expected.slice(0, 40)))
        hdfs.cluster.put(f"{hdfs.path}/full/dt=1/b", self.bytes_of(expected.slice(40)))
        hdfs.cluster.put(f"{hdfs.path}/full/_SUCCESS", b"")
        return self._of(hdfs, "full")

    @pytest.fixture
    def empty_reader(self, hdfs: HdfsDirectory, expected: pa.Table) -> HdfsReader:
        hdfs.cluster.put(f"{hdfs.path}/empty/a", self.bytes_of(expected.slice(0, 0)))
        return self._of(hdfs, "empty")

    def _of(self, hdfs: HdfsDirectory, name: str) -> HdfsReader:
        parameters = hdfs.parameters(path=f"{hdfs.path}/{name}", **self.settings)
        return HdfsReader(HdfsReaderParams.parse(parameters))


class TestHdfsReaderText(_Reader):
    settings: ClassVar[dict[str, Any]] = {
        "fileType": "text", "fieldDelimiter": "\x01", "nullFormat": "\\N", "splitSize": 100, "blockSize": 50,
        "column": [
            {"index": 0, "name": "id", "type": "long"}, {"index": 1, "name": "text"},
            {"index": 2, "name": "amount", "type": "decimal(30,2)"},
        ],
    }  # fmt: skip

    def bytes_of(self, table: pa.Table) -> bytes:
        rows = zip(*(column.to_pylist() for column in table.columns), strict=True)
        lines = ("\x01".join("\\N" if value is None else str(value) for value in row) + "\n" for row in rows)
        return "".join(lines).encode()


class TestHdfsReaderParquet(_Reader):
    settings: ClassVar[dict[str, Any]] = {"fileType": "parquet", "column": ["*"], "splitSize": 1}

    def bytes_of(self, table: pa.Table) -> bytes:
        file = io.BytesIO()
        pa.parquet.write_table(table, file, row_group_size=7)
        return file.getvalue()


class TestHdfsWriter(WriterConformance):
    @pytest.fixture
    def writer(self, hdfs: HdfsDirectory) -> HdfsWriter:
        parameters = hdfs.parameters(path=f"{hdfs.path}/out", fileName="t", fileType="parquet", writeMode="truncate")
        return HdfsWriter(HdfsWriterParams.parse(parameters))

    @pytest.fixture
    def leftovers(self, hdfs: HdfsDirectory) -> Callable[[], Collection[str]]:
        return lambda: [name for name in self._names(hdfs) if name.startswith(".")]

    @pytest.fixture
    def unwritable(self) -> pa.Schema | None:
        return pa.schema([])

    @pytest.fixture
    def readback(self, hdfs: HdfsDirectory) -> Callable[[pa.Schema], pa.Table]:
        def read(schema: pa.Schema) -> pa.Table:
            names = [name for name in self._names(hdfs) if not name.startswith(".")]
            files = [io.BytesIO(hdfs.cluster.content(f"{hdfs.path}/out/{name}")) for name in names]
            tables = [pa.parquet.ParquetFile(file).read().cast(schema) for file in files]
            return pa.concat_tables(tables) if tables else schema.empty_table()

        return read

    def _names(self, hdfs: HdfsDirectory) -> list[str]:
        return hdfs.cluster.names(f"{hdfs.path}/out") if "out" in hdfs.cluster.names(hdfs.path) else []
