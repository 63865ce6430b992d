"""`oceanbasev10reader` and `oceanbasev10writer` keep the contract, against OceanBase's own engine."""

from __future__ import annotations

from collections.abc import Callable, Collection

import pyarrow as pa
import pytest

from starhaul.testing import ReaderConformance, WriterConformance
from starhaul_readers.oceanbase import OceanbaseReaderParams, OceanbaseV10Reader
from starhaul_writers.oceanbase import OceanbaseV10Writer, OceanbaseWriterParams
from tests.conformance.mysql_wire import ROWS, MysqlReaderTests, MysqlWriterTests, fill
from tests.conftest import MysqlDatabase


class TestOceanbaseReader(MysqlReaderTests, ReaderConformance):
    @pytest.fixture
    def url(self, oceanbase: MysqlDatabase) -> str:
        return f"{oceanbase.url.replace('mysql:', 'oceanbase:')}.source"

    @pytest.fixture
    def reader(self, oceanbase: MysqlDatabase) -> OceanbaseV10Reader:
        fill(oceanbase, "source", ROWS)
        return OceanbaseV10Reader(OceanbaseReaderParams.model_validate({"url": oceanbase.url, "table": "source"}))

    @pytest.fixture
    def empty_reader(self, oceanbase: MysqlDatabase) -> OceanbaseV10Reader:
        fill(oceanbase, "nothing", ())
        return OceanbaseV10Reader(OceanbaseReaderParams.model_validate({"url": oceanbase.url, "table": "nothing"}))

    @pytest.fixture
    def change(self, oceanbase: MysqlDatabase) -> Callable[[], object] | None:
        return lambda: oceanbase.execute("DELETE FROM source WHERE id = 9", "UPDATE source SET price = price + 1")


class OceanbaseTests(MysqlWriterTests, WriterConformance):
    unsupported_types = {  # noqa: RUF012
        **MysqlWriterTests.unsupported_types,
        "wide": "192 texts of any length are all that a row of OceanBase holds",
    }
    rejects_values = dict.fromkeys(["float", "double"], "OceanBase has no NaN and no infinities")

    @pytest.fixture
    def mysql(self, oceanbase: MysqlDatabase) -> MysqlDatabase:
        return oceanbase

    @pytest.fixture
    def url(self, oceanbase: MysqlDatabase) -> str:
        return f"{oceanbase.url.replace('mysql:', 'oceanbase:')}.target"

    @pytest.fixture
    def leftovers(self, oceanbase: MysqlDatabase) -> Callable[[], Collection[str]]:
        def left() -> Collection[str]:
            tables = {str(name) for (name,) in oceanbase.execute("SHOW TABLES")} - {"target"}
            empty = "_starhaul_ledger" in tables and not oceanbase.execute("SELECT 1 FROM _starhaul_ledger")
            return tables - {"_starhaul_ledger"} if empty else tables

        return left

    @pytest.fixture
    def writer(self, oceanbase: MysqlDatabase) -> OceanbaseV10Writer:
        params = {"url": oceanbase.url, "table": "target", **self.parameters}
        return OceanbaseV10Writer(OceanbaseWriterParams.model_validate(params))


class TestInsert(OceanbaseTests):
    pass


class TestOverwrite(OceanbaseTests):
    mode = "overwrite"
    test_round_trip = None  # values take the same way as in TestInsert


class TestUpdate(OceanbaseTests):
    mode = "update"
    test_round_trip = None

    @pytest.fixture
    def bad_batch(self) -> pa.RecordBatch | None:
        return pa.record_batch({"id": [1, None, 2], "name": ["a", "no key", "c"]})
