"""Parquet, ORC, Avro and JSON lines in local files keep the contract; other libraries read what is written."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Collection
from decimal import Decimal
from pathlib import Path
from typing import Any, ClassVar

import fastavro
import pyarrow as pa
import pyarrow.orc
import pyarrow.parquet
import pyorc
import pytest

from starhaul import cast
from starhaul.testing import ReaderConformance, WriterConformance
from starhaul_readers.txtfile import TxtFileReader, TxtFileReaderParams
from starhaul_stores.files.avro_types import arrow_fields
from starhaul_stores.files.json_records import record, text_of
from starhaul_writers.txtfile import TxtFileWriter
from tests import txtfile

_TIMES = (pyorc.TypeKind.TIMESTAMP, pyorc.TypeKind.TIMESTAMP_INSTANT)


class _Nanoseconds(pyorc.converters.ORCConverter):
    @staticmethod
    def from_orc(seconds: int, nanoseconds: int, timezone: Any) -> int:
        return seconds * 10**9 + nanoseconds

    @staticmethod
    def to_orc(obj: Any, timezone: Any) -> Any:
        raise NotImplementedError


class _Reader(ReaderConformance):
    form: ClassVar[str]
    unit: ClassVar[str]
    """Of timestamps."""
    column: ClassVar[list[Any]] = ["*"]

    def put(self, table: pa.Table, path: Path) -> None:
        """Write a file by another way than the plugin's."""
        raise NotImplementedError

    @pytest.fixture
    def expected(self, expected_of_all: pa.Table) -> pa.Table:
        return expected_of_all

    @pytest.fixture
    def expected_of_all(self) -> pa.Table:
        rows = range(60)
        nested = pa.list_(pa.struct([("a", pa.int32())]))
        days = pa.array([None if n % 3 == 0 else n * 1000 - 9000 for n in rows], pa.int32())
        times = pa.array([None if n % 9 == 0 else n * 10**15 - 1 for n in rows], pa.int64())
        return pa.table(
            {
                "id": pa.array(rows, pa.int64()),
                "text": pa.array([None if n % 7 == 0 else f"ü{n}\n" for n in rows]),
                "amount": pa.array([None if n % 5 == 0 else Decimal(n) / 4 for n in rows], pa.decimal128(30, 2)),
                "day": days.cast(pa.date32()),
                "at": times.cast(pa.timestamp(self.unit)),
                "nested": pa.array([[{"a": n}, None] if n % 2 else None for n in rows], nested),
                "raw": pa.array([bytes([n, 255]) for n in rows]),
            }
        )

    @pytest.fixture
    def reader(self, tmp_path: Path, expected: pa.Table) -> TxtFileReader:
        folder = tmp_path / "full"
        folder.mkdir()
        self.put(expected.slice(0, 40), folder / "1")
        self.put(expected.slice(40), folder / "2")
        (folder / "_SUCCESS").touch()
        return self._of(folder)

    @pytest.fixture
    def empty_reader(self, tmp_path: Path, expected: pa.Table) -> TxtFileReader:
        folder = tmp_path / "empty"
        folder.mkdir()
        self.put(expected.slice(0, 0), folder / "1")
        return self._of(folder)

    def _of(self, path: Path) -> TxtFileReader:
        parameters = {"path": str(path), "fileFormat": self.form, "column": self.column, "splitSize": 1}
        return TxtFileReader(TxtFileReaderParams.parse(parameters))


class TestParquetReader(_Reader):
    form = "parquet"
    unit = "ns"

    def put(self, table: pa.Table, path: Path) -> None:
        pa.parquet.write_table(table, path, row_group_size=7)


class TestOrcReader(_Reader):
    form = "orc"
    unit = "us"

    def put(self, table: pa.Table, path: Path) -> None:
        pa.orc.write_table(table, str(path), stripe_size=1, batch_size=8)


class TestAvroReader(_Reader):
    form = "avro"
    unit = "us"

    def put(self, table: pa.Table, path: Path) -> None:
        nested = {"type": "record", "name": "n", "fields": [{"name": "a", "type": ["null", "int"]}]}
        kinds: dict[str, Any] = {
            "id": "long",
            "text": "string",
            "amount": {"type": "bytes", "logicalType": "decimal", "precision": 30, "scale": 2},
            "day": {"type": "int", "logicalType": "date"},
            "at": {"type": "long", "logicalType": "local-timestamp-micros"},
            "nested": {"type": "array", "items": ["null", nested]},
            "raw": "bytes",
        }
        fields = [{"name": name, "type": ["null", kind]} for name, kind in kinds.items()]
        with path.open("wb") as file:
            fastavro.writer(file, {"type": "record", "name": "r", "fields": fields}, table.to_pylist(), "deflate")


class TestJsonReader(_Reader):
    form = "json"
    unit = "us"
    column: ClassVar[list[Any]] = [
        {"name": "id", "type": "long"},
        {"name": "text", "type": "string"},
        {"name": "amount", "type": "decimal(30,2)"},
        {"name": "day", "type": "date32"},
        {"name": "at", "type": "timestamp(us)"},
        {"name": "nested", "type": "string"},
        {"name": "raw", "type": "binary(base64)"},
    ]

    @pytest.fixture
    def expected(self, expected_of_all: pa.Table) -> pa.Table:
        place = expected_of_all.schema.get_field_index("nested")
        nested = [
            None if value is None else json.dumps(value).replace(" ", "")
            for value in expected_of_all["nested"].to_pylist()
        ]
        return expected_of_all.set_column(place, "nested", pa.array(nested, pa.string()))

    def put(self, table: pa.Table, path: Path) -> None:
        with path.open("w") as file:
            for row in table.to_pylist():
                texts = {name: value for name, value in row.items() if value is not None}
                texts |= {name: str(texts[name]) for name in ("amount", "day", "at") if name in texts}
                texts["raw"] = base64.b64encode(row["raw"]).decode()
                if "nested" in texts:
                    texts["nested"] = json.loads(texts["nested"])
                file.write(json.dumps(texts) + "\n")


class _Writer(WriterConformance):
    settings: ClassVar[dict[str, Any]]

    def get(self, path: Path) -> pa.Table:
        """Read a file by another way than the plugin's."""
        raise NotImplementedError

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
    def readback(self, tmp_path: Path) -> Callable[[pa.Schema], pa.Table]:
        def read(schema: pa.Schema) -> pa.Table:
            tables = [self.get(path) for path in sorted((tmp_path / "out").glob("[!.]*"))]
            return pa.concat_tables([table.cast(schema) for table in tables]) if tables else schema.empty_table()

        return read


class TestParquetWriter(_Writer):
    settings: ClassVar[dict[str, Any]] = {"fileFormat": "parquet"}

    def get(self, path: Path) -> pa.Table:
        return pa.parquet.ParquetFile(path).read()


class TestOrcWriter(_Writer):
    settings: ClassVar[dict[str, Any]] = {"fileFormat": "orc"}
    rejects_values: ClassVar[dict[str, str]] = dict.fromkeys(
        (str(pa.timestamp(unit, zone)) for unit in ("ms", "us", "ns") for zone in (None, "UTC", "Asia/Shanghai")),
        "Java's readers take a fraction of a second before 1970, as pyarrow writes it, for damage",
    )

    def get(self, path: Path) -> pa.Table:
        """By pyorc, since pyarrow has no timestamps of distant years."""
        file = pa.orc.ORCFile(str(path))
        times = [field.name for field in file.schema if pa.types.is_timestamp(field.type)]
        table = file.read([field.name for field in file.schema if field.name not in times])
        with path.open("rb") as opened:
            rows = pyorc.Reader(opened, column_names=times, converters=dict.fromkeys(_TIMES, _Nanoseconds)).read()
        for place, name in enumerate(times):
            values = [row[place] for row in rows]
            fine = all(value is None or -(2**63) <= value < 2**63 for value in values)
            unit, divisor = ("ns", 1) if fine else ("us", 1000)
            array = pa.array([None if value is None else value // divisor for value in values], pa.int64())
            table = table.append_column(name, array.cast(pa.timestamp(unit, file.schema.field(name).type.tz)))
        return table.select(file.schema.names)


class TestAvroWriter(_Writer):
    settings: ClassVar[dict[str, Any]] = {"fileFormat": "avro"}
    unsupported_types: ClassVar[dict[str, str]] = {
        "hostile names": "Avro's names are letters, digits and underscores",
    }

    def get(self, path: Path) -> pa.Table:
        with path.open("rb") as file:
            reader = fastavro.reader(file)
            written: Any = reader.writer_schema
            rows: list[Any] = list(reader)
        schema = arrow_fields(written)
        arrays = [pa.array([row[field.name] for row in rows], field.type) for field in schema]
        return pa.Table.from_arrays(arrays, schema=schema)


class TestJsonWriter(_Writer):
    settings: ClassVar[dict[str, Any]] = {"fileFormat": "json"}
    rejects_values: ClassVar[dict[str, str]] = {
        **dict.fromkeys(("float", "double"), "JSON has no NaN and no infinity"),
        **dict.fromkeys(("binary", "large_binary"), "bytes that are no UTF-8 need `byteEncoding`"),
        "json": "the document `null` cannot be told from no value",
    }

    @pytest.fixture
    def bad_batch(self) -> pa.RecordBatch | None:
        return pa.record_batch({"id": [1, 2, 3], "value": [1.0, float("nan"), 2.0]})

    @pytest.fixture
    def readback(self, tmp_path: Path) -> Callable[[pa.Schema], pa.Table]:
        def read(schema: pa.Schema) -> pa.Table:
            paths = sorted((tmp_path / "out").glob("[!.]*"))
            lines = [line for path in paths for line in path.read_bytes().splitlines()]
            if isinstance(schema.types[-1], pa.JsonType):  # the document as it stands there, blanks and all
                raw = [line.partition(b'"value":')[2][:-1].decode() for line in lines]
                ids = [int(line.partition(b":")[2].partition(b",")[0]) for line in lines]
                texts = pa.array([None if text == "null" else text for text in raw], pa.string())
                return pa.table([pa.array(ids), pa.ExtensionArray.from_storage(pa.json_(), texts)], schema=schema)
            rows = [dict(record(line)) for line in lines]
            return pa.Table.from_arrays([_from_json([row[f.name] for row in rows], f) for f in schema], schema=schema)

        return read


def _from_json(values: list[Any], field: pa.Field) -> pa.Array:
    return cast(pa.array(map(text_of, values), pa.string()), field.type).values
