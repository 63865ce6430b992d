"""`hivereader` keeps the contract, by files and by queries."""

from __future__ import annotations

from decimal import Decimal
from typing import ClassVar

import pyarrow as pa
import pytest

from starhaul.testing import ReaderConformance
from starhaul_readers.hive import HiveReader, HiveReaderParams
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
        return HiveReader(HiveReaderParams.model_validate(given, by_alias=True, by_name=False))


class TestHiveReaderFiles(_Reader):
    way: ClassVar[str] = "files"


class TestHiveReaderQuery(_Reader):
    way: ClassVar[str] = "query"
