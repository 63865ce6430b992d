"""`hivereader` and `hivewriter` keep the contract; the reader by files and by queries."""

from __future__ import annotations

from collections.abc import Callable, Collection
from decimal import Decimal
from typing import ClassVar

import pyarrow as pa
import pytest

from starhaul.testing import ReaderConformance, WriterConformance
from starhaul_readers.hive import HiveReader, HiveReaderParams
from starhaul_writers.hive import HiveWriter, HiveWriterParams
from tests.servers.hive import HiveServer, HiveTables

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore::ResourceWarning")]


@pytest.fixture(scope="module")
def tables(hive_server: HiveServer) -> HiveTables:
    """Two tables that nobody alters."""
    hive = HiveTables(hive_server, "kept")
    hive.ask(
        "CREATE TABLE {t}full (id bigint, word string, amount decimal(20,2)) STORED AS orc",
        "CREATE TABLE {t}empty LIKE {t}full",
        "INSERT INTO {t}full SELECT n, IF(n % 7 = 0, NULL, CONCAT('ü', n)), IF(n % 5 = 0, NULL, n / 4) "
        "FROM (SELECT POSEXPLODE(SPLIT(SPACE(59), ' ')) AS (n, x)) q",
    )
    return hive


class _Reader(ReaderConformance):
    way: ClassVar[str]

    @pytest.fixture
    def expected(self) -> pa.Table:
        rows = range(60)
        return pa.table(
            {
                "id": pa.array(rows, pa.int64()),
                "word": pa.array([None if n % 7 == 0 else f"ü{n}" for n in rows]),
                "amount": pa.array([None if n % 5 == 0 else Decimal(n) / 4 for n in rows], pa.decimal128(20, 2)),
            }
        )

    @pytest.fixture
    def reader(self, tables: HiveTables) -> HiveReader:
        return self._of(tables, "full")

    @pytest.fixture
    def empty_reader(self, tables: HiveTables) -> HiveReader:
        return self._of(tables, "empty")

    def _of(self, tables: HiveTables, name: str) -> HiveReader:
        given = tables.parameters(table=tables.name(name), read=self.way)
        return HiveReader(HiveReaderParams.parse(given))


class TestHiveReaderFiles(_Reader):
    way: ClassVar[str] = "files"


class TestHiveReaderQuery(_Reader):
    way: ClassVar[str] = "query"


class TestHiveWriter(WriterConformance):
    unsupported_types: ClassVar[dict[str, str]] = {
        "hostile names": "a column of Hive is called by letters, digits and `_`",
        "names by case": "Hive takes a letter in either case for one",
    }
    rejects_values: ClassVar[dict[str, str]] = dict.fromkeys(
        ("timestamp[ms]", "timestamp[us]"),
        "Hive takes a fraction of a second before 1970, as pyarrow writes it into ORC, for damage",
    )

    @pytest.fixture
    def writer(self, hive: HiveTables) -> HiveWriter:
        given = hive.parameters(table=hive.name("t"), writeMode="append", createTable="ifMissing")
        return HiveWriter(HiveWriterParams.parse(given))

    @pytest.fixture
    def unwritable(self) -> pa.Schema | None:
        return pa.schema([])

    @pytest.fixture
    def leftovers(self, hive: HiveTables) -> Callable[[], Collection[str]]:
        def left() -> Collection[str]:
            cluster, home = hive.server.cluster, f"/warehouse/{hive.name('t')}"
            there = hive.name("t") in cluster.names("/warehouse")
            return cluster.names(f"{home}/_starhaul") if there and "_starhaul" in cluster.names(home) else []

        return left

    @pytest.fixture
    def readback(self, hive: HiveTables) -> Callable[[pa.Schema], pa.Table]:
        def read(schema: pa.Schema) -> pa.Table:
            if not hive.ask(f"SHOW TABLES LIKE '{hive.name('t')}'"):
                return schema.empty_table()
            columns = list(zip(*hive.ask("SELECT * FROM {t}t"), strict=True)) or [()] * len(schema)
            arrays = [pa.array(list(values), field.type) for values, field in zip(columns, schema, strict=True)]
            return pa.Table.from_arrays(arrays, schema=schema)

        return read
