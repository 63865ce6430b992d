"""`txtfilereader` and `txtfilewriter` keep the contract."""

from __future__ import annotations

import csv
import gzip
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any, ClassVar

import pyarrow as pa
import pytest

from starhaul import Block, Split, Task, cast
from starhaul.testing import ReaderConformance, WriterConformance
from starhaul.testing.memory import MemoryReader, MemoryReaderParams, MemoryStore
from starhaul_readers.txtfile import TxtFileReader, TxtFileReaderParams
from starhaul_stores.csv_lines import CSV_LINES, DELIMITER_OF, Data, columns_of, spelled
from starhaul_writers.txtfile import TxtFileWriter
from tests import txtfile

COLUMNS: list[dict[str, Any]] = [
    {"index": 0, "name": "id", "type": "long"},
    {"index": 1, "name": "text"},
    {"index": 2, "name": "amount", "type": "decimal(9,2)"},
    {"index": 3, "name": "day", "type": "date32"},
    {"value": "x", "name": "constant"},
]


def _fill(directory: Path, expected: pa.Table, rows: int) -> Path:
    """Two files of `rows` rows in all."""
    directory.mkdir()
    records = expected.slice(0, rows).drop_columns(["constant"]).to_pylist()
    for number, part in enumerate((records[::2], records[1::2])):
        with (directory / f"part{number}.csv").open("w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow(["id", "text", "amount", "day"])
            for record in part:
                writer.writerow("\\N" if value is None else value for value in record.values())
    return directory


class _Reader(ReaderConformance):
    settings: ClassVar[dict[str, Any]]

    @pytest.fixture
    def expected(self) -> pa.Table:
        texts = ["plain", "a,b", 'a "b"', "line\nbreak", "", None, "ü😀", " x ", '5" pipe', "#"] * 3
        table = pa.table({"id": pa.array(range(len(texts)), pa.int64()), "text": pa.array(texts, pa.string())})
        table = table.append_column(
            "amount", pa.array([None, *map(Decimal, range(len(texts) - 1))], pa.decimal128(9, 2))
        )
        table = table.append_column("day", pa.array([None, *range(len(texts) - 1)], pa.int32()).cast(pa.date32()))
        return table.append_column("constant", pa.array(["x"] * len(texts)))

    @pytest.fixture
    def url(self, tmp_path: Path) -> str:
        return f"{tmp_path}/full/part*.csv?null=\\N"

    @pytest.fixture
    def reader(self, tmp_path: Path, expected: pa.Table) -> TxtFileReader:
        return self._of(_fill(tmp_path / "full", expected, expected.num_rows))

    @pytest.fixture
    def empty_reader(self, tmp_path: Path, expected: pa.Table) -> TxtFileReader:
        return self._of(_fill(tmp_path / "empty", expected, 0))

    @pytest.fixture
    def bad_reader(self, tmp_path: Path, expected: pa.Table) -> TxtFileReader:
        folder = _fill(tmp_path / "bad", expected, expected.num_rows)
        with (folder / "part0.csv").open("a") as file:
            file.write("no number,x,1.00,2024-02-29\n")
        return self._of(folder)

    @pytest.fixture
    def cut_reader(self, tmp_path: Path, expected: pa.Table) -> TxtFileReader:
        folder = _fill(tmp_path / "cut", expected, expected.num_rows)
        packed = gzip.compress((folder / "part0.csv").read_bytes())
        (folder / "part0.csv").unlink()
        (folder / "part0.csv.gz").write_bytes(packed[: len(packed) * 2 // 3])
        return self._of(folder)

    def _of(self, path: Path) -> TxtFileReader:
        parameters = {"path": str(path), "column": COLUMNS, "skipHeader": True, "nullFormat": "\\N", **self.settings}
        return TxtFileReader(TxtFileReaderParams.parse(parameters))


class TestTxtFileReader(_Reader):
    settings: ClassVar[dict[str, Any]] = {}


class TestTxtFileReaderInPieces(_Reader):
    settings: ClassVar[dict[str, Any]] = {"splitSize": 50, "blockSize": 16}


class _Writer(WriterConformance):
    settings: ClassVar[dict[str, Any]]

    @pytest.fixture
    def url(self, tmp_path: Path) -> str:
        return f"{tmp_path}/out/t.csv"

    @pytest.fixture
    def writer(self, tmp_path: Path) -> TxtFileWriter:
        return txtfile.writer(tmp_path / "out", **self.settings)

    @pytest.fixture
    def leftovers(self, tmp_path: Path) -> Callable[[], Collection[str]]:
        return lambda: [path.name for path in (tmp_path / "out").glob(".*")]

    @pytest.fixture
    def unwritable(self) -> pa.Schema | None:
        return pa.schema([])

    @pytest.fixture
    def breakdown(self, tmp_path: Path) -> Callable[[], AbstractContextManager[object]]:
        @contextmanager
        def without_its_folder() -> Iterator[None]:
            moved = (tmp_path / "out").rename(tmp_path / "away")
            yield
            moved.rename(tmp_path / "out")

        return without_its_folder


class _SpellingReader(MemoryReader):
    """Gives its rows as lines of CSV."""

    name = "spellingreader"

    def encodings(self) -> Sequence[str]:
        return CSV_LINES

    def read_encoded(self, split: Split, task: Task, encoding: str) -> Iterator[Block]:
        delimiter, schema = DELIMITER_OF[encoding], self.schema()

        def decode(data: Data) -> pa.RecordBatch:
            texts = columns_of(data, [pa.string()] * len(schema), delimiter)
            arrays = [cast(text, field.type).values for text, field in zip(texts, schema, strict=True)]
            return pa.RecordBatch.from_arrays(arrays, schema=schema)

        for batch in self.read(split, task):
            yield Block(*spelled(batch, delimiter, task.reject), schema, decode)


def _spelling(name: str, texts: list[str | None]) -> _SpellingReader:
    store = MemoryStore(name, pa.table({"id": pa.array(range(len(texts)), pa.int64()), "text": texts}))
    reader = _SpellingReader(MemoryReaderParams(store=store.name))
    reader.store = store  # type: ignore[attr-defined]  # it lives as long as the reader
    return reader


class TestTxtFileWriterCsv(_Writer):
    settings: ClassVar[dict[str, Any]] = {"fileFormat": "csv"}

    @pytest.fixture
    def encoded(self) -> _SpellingReader:
        return _spelling("csv", ["a", "b,c", 'd"', "e\nf", None, "", "\\N", "\ufeffg"])

    @pytest.fixture
    def readback(self, tmp_path: Path) -> Callable[[pa.Schema], pa.Table]:
        def read(schema: pa.Schema) -> pa.Table:
            paths = sorted((tmp_path / "out").glob("[!.]*"))
            records = [record for path in paths for record in _records(path.read_bytes().decode())]
            columns = list(zip(*records, strict=True)) or [()] * len(schema)
            arrays = [pa.array(list(column), pa.string()) for column in columns]
            return pa.Table.from_arrays(arrays, schema=schema)

        return read


class TestTxtFileWriterText(_Writer):
    settings: ClassVar[dict[str, Any]] = {"fieldDelimiter": "\x01"}
    rejects_values: ClassVar[dict[str, str]] = dict.fromkeys(
        ("string", "large_string", "binary", "large_binary", "huge row"),
        "text has no quotes: a value with a line break, or equal to nullFormat, cannot be told apart",
    )

    @pytest.fixture
    def bad_batch(self) -> pa.RecordBatch | None:
        return pa.record_batch({"id": [1, 2, 3], "value": ["a", "b\nc", "d"]})

    @pytest.fixture
    def encoded(self) -> _SpellingReader:
        return _spelling("text", ["a", "b,c", 'd"', None, ""])

    @pytest.fixture
    def encoded_bad(self) -> _SpellingReader:
        return _spelling("bad text", ["a", "b\nc", 'd"'])

    @pytest.fixture
    def readback(self, tmp_path: Path) -> Callable[[pa.Schema], pa.Table]:
        def read(schema: pa.Schema) -> pa.Table:
            texts = [path.read_bytes().decode() for path in sorted((tmp_path / "out").glob("[!.]*"))]
            records = [line.split("\x01") for text in texts for line in text.split("\n")[:-1]]
            columns = list(zip(*records, strict=True)) or [()] * len(schema)
            arrays = [pa.array([None if v == "\\N" else v for v in column], pa.string()) for column in columns]
            return pa.Table.from_arrays(arrays, schema=schema)

        return read


def _records(text: str) -> list[list[str | None]]:
    """A reading of CSV that has nothing in common with the plugin's: character by character."""
    records: list[list[str | None]] = []
    record: list[str | None] = []
    position = 0
    while position < len(text):
        if text[position] == '"':
            parts = []
            while (
                text[position] == '"'
            ):  # what follows a closing quote at once is a doubled quote and more of the value
                end = text.index('"', position + 1)
                parts.append(text[position + 1 : end])
                position = end + 1
            record.append('"'.join(parts))
        else:
            end = min(each for each in (text.find(",", position), text.find("\n", position)) if each >= 0)
            record.append(None if text[position:end] == "\\N" else text[position:end])
            position = end
        if text[position] == "\n":
            records.append(record)
            record = []
        position += 1
    return records
