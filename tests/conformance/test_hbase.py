"""`hbase11xreader` and `hbase11xwriter` keep the contract, on a real HBase."""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator
from decimal import Context, Decimal
from itertools import count
from typing import Any

import pyarrow as pa
import pytest

from starhaul.testing import ReaderConformance, WriterConformance
from starhaul_readers.hbase import Hbase11xReader, HbaseReaderParams
from starhaul_stores.hbase.write_params import HbaseWriterParams
from starhaul_writers.hbase import Hbase11xWriter
from tests.servers.hbase import HbaseServer, HbaseTables

pytestmark = pytest.mark.timeout(300)  # the first test starts HBase
HEAVY = frozenset({"happybase", "thriftpy2"})
COLUMNS = [
    {"name": "rowkey", "type": "string"},
    {"name": "cf:long", "type": "long"},
    {"name": "cf: text", "type": "string"},
    {"name": "cf:born", "type": "date", "format": "yyyy-MM-dd"},
    {"value": "constant"},
]
ROWS: list[tuple[bytes, dict[bytes, bytes]]] = [
    (b"a", {b"cf:long": struct.pack(">q", 1), b"cf:text": b"x", b"cf:born": b"1970-01-02"}),
    (b"b", {b"cf:long": b"", b"cf:text": b"", b"cf:born": b""}),
    (b"c", {b"cf:text": "é😀".encode()}),
    (b"m\xc3\xbc", {b"cf:long": struct.pack(">q", -(2**63)), b"cf:born": b"0001-01-01"}),
    (b"z", {b"cf:long": struct.pack(">q", 0), b"cf:text": b"\0"}),
    (b"zz", {b"cf:none": b"not asked for"}),
]
_numbers = count(1)


@pytest.fixture(scope="module")
def filled(hbase_server: HbaseServer) -> str:
    """A table of three regions with `ROWS`."""
    table = HbaseTables(hbase_server).create(b"b", b"n")
    connection = hbase_server.connect()
    with connection.table(table).batch() as batch:
        for key, cells in ROWS:
            batch.put(key, cells)
    connection.close()
    return table


@pytest.fixture(scope="module")
def empty(hbase_server: HbaseServer) -> str:
    """A table without rows."""
    return HbaseTables(hbase_server).create(b"b", b"n")


@pytest.fixture(scope="module")
def versions(hbase_server: HbaseServer) -> str:
    """A table with cells of several versions."""
    table = HbaseTables(hbase_server).create(b"m", families="cf=5,one=1")
    connection = hbase_server.connect()
    handle = connection.table(table)
    for stamp in (1000, 2000, 3000, 4000):
        handle.put(b"a", {b"cf:n": struct.pack(">i", stamp), b"one:n": struct.pack(">i", stamp)}, timestamp=stamp)
    handle.put(b"x", {b"cf:n": struct.pack(">i", -1)}, timestamp=5)
    connection.close()
    return table


@pytest.fixture(scope="module")
def table(hbase_server: HbaseServer) -> str:
    """One for all tests, each with keys of its own: to create one takes a second."""
    return HbaseTables(hbase_server).create(b"k")


def parameters(tables: HbaseTables, table: str, kind: str = "binary", **more: Any) -> dict[str, Any]:
    """For a plugin, through a Thrift server of one kind."""
    speaks = {
        "thriftTransport": "framed" if "framed" in kind else "buffered",
        "thriftProtocol": "compact" if "compact" in kind else "binary",
    }
    return {"thriftServers": [*tables.thrift_servers(kind)], "table": table, **speaks, **more}


def reading(tables: HbaseTables, table: str, kind: str = "binary", **more: Any) -> Hbase11xReader:
    """A reader."""
    given = {"column": COLUMNS, **parameters(tables, table, kind, **more)}
    return Hbase11xReader(HbaseReaderParams.model_validate(given, by_alias=True))


def writing(tables: HbaseTables, table: str, kind: str = "binary", **more: Any) -> Hbase11xWriter:
    """A writer."""
    return Hbase11xWriter(HbaseWriterParams.model_validate(parameters(tables, table, kind, **more), by_alias=True))


class TestNormal(ReaderConformance):
    heavy_modules = ReaderConformance.heavy_modules | HEAVY

    @pytest.fixture
    def expected(self) -> pa.Table:
        day = 86_400_000
        columns = {
            "rowkey": pa.array(["a", "b", "c", "mü", "z"]),
            "cf:long": pa.array([1, None, None, -(2**63), 0], pa.int64()),
            "cf:text": pa.array(["x", "", "é😀", None, "\0"]),
            "cf:born": pa.array([day, None, None, -719162 * day, None], pa.timestamp("ms")),
            "c4": pa.array(["constant"] * 5),
        }
        return pa.table(columns)

    @pytest.fixture
    def reader(self, hbase: HbaseTables, filled: str) -> Hbase11xReader:
        return reading(hbase, filled)

    @pytest.fixture
    def empty_reader(self, hbase: HbaseTables, empty: str) -> Hbase11xReader:
        return reading(hbase, empty)


class TestVersions(ReaderConformance):
    heavy_modules = ReaderConformance.heavy_modules | HEAVY

    @pytest.fixture
    def expected(self) -> pa.Table:
        rows = [("a", "cf:n", stamp, stamp) for stamp in (4000, 3000, 2000)]
        rows += [("a", "one:n", 4000, 4000), ("x", "cf:n", 5, -1)]
        schema = pa.schema(
            [("rowkey", pa.string()), ("column", pa.string()), ("timestamp", pa.int64()), ("value", pa.int32())]
        )
        return pa.table(list(map(list, zip(*rows, strict=True))), schema=schema)

    @pytest.fixture
    def reader(self, hbase: HbaseTables, versions: str) -> Hbase11xReader:
        return _versions_of(hbase, versions)

    @pytest.fixture
    def empty_reader(self, hbase: HbaseTables, versions: str) -> Hbase11xReader:
        return _versions_of(hbase, versions, range={"startRowkey": "b", "endRowkey": "c"})


def _versions_of(hbase: HbaseTables, table: str, **more: Any) -> Hbase11xReader:
    column = [{"name": "rowkey"}, {"name": "cf:n", "type": "int"}, {"name": "one:n", "type": "int"}]
    return reading(hbase, table, mode="multiVersionFixedColumn", column=column, maxVersion=3, **more)


class TestWriter(WriterConformance):
    heavy_modules = WriterConformance.heavy_modules | HEAVY

    @pytest.fixture
    def prefix(self) -> str:
        return f"{next(_numbers)}/"

    @pytest.fixture
    def writer(self, hbase: HbaseTables, table: str, prefix: str) -> Hbase11xWriter:
        key = [{"index": -1, "value": prefix}, {"index": 0, "type": "string"}]
        return writing(hbase, table, rowkeyColumn=key, columnFamily="cf", writeBufferSize=200_000)

    @pytest.fixture
    def readback(self, hbase_server: HbaseServer, table: str, prefix: str) -> Iterator[Callable[[pa.Schema], pa.Table]]:
        connection = hbase_server.connect()

        def read(schema: pa.Schema) -> pa.Table:
            found = [cells for _, cells in connection.table(table).scan(row_prefix=prefix.encode(), batch_size=100)]
            columns = []
            for field in schema:
                raw = [cells.get(b"cf:" + field.name.encode()) for cells in found]
                columns.append(
                    pa.array([None if cell is None else value(cell, field.type) for cell in raw], field.type)
                )
            return pa.Table.from_arrays(columns, schema=schema)

        yield read
        connection.close()

    @pytest.fixture
    def bad_batch(self) -> pa.RecordBatch:
        return pa.record_batch({"id": ["1", "2" * 40_000, "3"], "name": ["a", "a key of 40000 bytes", "b"]})

    @pytest.fixture
    def unwritable(self) -> pa.Schema:
        return pa.schema([("a", pa.int64()), ("a", pa.string())])


def value(cell: bytes, kind: pa.DataType) -> Any:
    """What Java's `Bytes` would read."""
    types = pa.types
    if types.is_boolean(kind):
        assert cell in (b"\0", b"\xff")
        return cell == b"\xff"
    if types.is_decimal(kind):
        (scale,) = struct.unpack(">i", cell[:4])
        return Decimal(int.from_bytes(cell[4:], "big", signed=True)).scaleb(-scale, Context(prec=100))
    if types.is_string(kind):
        return cell.decode()
    if types.is_binary(kind):
        return cell
    formats = {pa.int16(): ">h", pa.int32(): ">i", pa.int64(): ">q", pa.float32(): ">f", pa.float64(): ">d"}
    return struct.unpack(formats[kind], cell)[0]
