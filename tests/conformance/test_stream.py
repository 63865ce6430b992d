from __future__ import annotations

from collections.abc import Callable, Collection
from pathlib import Path
from typing import Any, ClassVar

import pyarrow as pa
import pytest

from starhaul.testing import ReaderConformance, RecordingTask, WriterConformance
from starhaul_readers.stream import StreamReader, StreamReaderParams
from starhaul_writers.stream import StreamWriter, StreamWriterParams


class TestConstants(ReaderConformance):
    @pytest.fixture
    def reader(self) -> StreamReader:
        return constants(recordCount=10, batchRows=4)

    @pytest.fixture
    def expected(self) -> pa.Table:
        columns = {
            "c0": pa.array(["DataX"] * 10),
            "id": pa.array([1724154616370] * 10),
            "c2": pa.array([1704067200000] * 10, pa.timestamp("ms")),
            "c3": pa.array([True] * 10),
            "c4": pa.array([b"TestRawData"] * 10),
            "c5": pa.nulls(10, pa.decimal128(15, 2)),
        }
        return pa.table(columns)

    @pytest.fixture
    def empty_reader(self) -> StreamReader:
        return constants(recordCount=0)


class TestRandom(ReaderConformance):
    """`expected` is what one split gives: however it is cut, the rows are the same."""

    @pytest.fixture
    def reader(self) -> StreamReader:
        return random(recordCount=100, batchRows=16)

    @pytest.fixture
    def expected(self, reader: StreamReader) -> pa.Table:
        (split,) = reader.split(1)
        return pa.Table.from_batches(list(reader.read(split, RecordingTask())))

    @pytest.fixture
    def empty_reader(self) -> StreamReader:
        return random(recordCount=0)


class TestFile(WriterConformance):
    """The file, as what is printed cannot be read back, and what is dropped neither."""

    rejects_values: ClassVar[dict[str, str]] = {
        "string": "a line cannot hold line breaks, the delimiter, or the text that stands for null",
        "large_string": "as for string",
        "binary": "as for string, after they became text",
        "large_binary": "as for binary",
        "json": "the document `null` is the text that stands for null",
        "hostile names": "a name with the delimiter is a value too",
        "huge row": "line breaks",
    }

    @pytest.fixture
    def writer(self, tmp_path: Path) -> StreamWriter:
        return StreamWriter(StreamWriterParams(path=str(tmp_path / "made"), file_name="out.txt"))

    @pytest.fixture
    def readback(self, tmp_path: Path) -> Callable[[pa.Schema], pa.Table]:
        return lambda schema: contents(tmp_path / "made" / "out.txt", schema)

    @pytest.fixture
    def leftovers(self, tmp_path: Path) -> Callable[[], Collection[str]]:
        return lambda: [path.name for path in (tmp_path / "made").glob("*") if path.name != "out.txt"]


def constants(**parameters: Any) -> StreamReader:
    columns = [
        {"value": "DataX", "type": "string"},
        {"value": 1724154616370, "type": "long", "name": "id"},
        {"value": "2024-01-01 00:00:00", "type": "date"},
        {"value": True, "type": "BOOL"},
        {"value": "TestRawData", "type": "bytes"},
        {"value": None, "type": "decimal(15,2)"},
    ]
    return StreamReader(StreamReaderParams.model_validate({"column": columns, **parameters}))


def random(**parameters: Any) -> StreamReader:
    columns = [
        {"random": "0,1000000", "type": "long"},
        {"random": "0,10"},
        {"random": "0,10", "type": "double"},
        {"random": "2014-07-07 00:00:00, 2016-07-07 00:00:00", "type": "date"},
        {"random": "1,3", "type": "bool"},
        {"random": "5,5", "type": "bytes"},
        {"random": "-9.99,9.99", "type": "decimal(9,2)"},
    ]
    return StreamReader(StreamReaderParams.model_validate({"column": columns, **parameters}))


def contents(path: Path, schema: pa.Schema) -> pa.Table:
    """The lines of the file as a table of this schema, which is one of texts."""
    lines = path.read_bytes().decode().split("\n")[:-1] if path.exists() else []
    rows = [[None if text == "null" else text for text in line.split("\t")] for line in lines]
    columns = list(zip(*rows, strict=True)) or [()] * len(schema)
    return pa.table([pa.array(column, pa.string()) for column in columns], schema=schema)
