"""`mysqlreader` and `mysqlwriter` keep the contract, against a real server."""

from __future__ import annotations

from collections.abc import Callable

import pyarrow as pa
import pytest

from starhaul.testing import ReaderConformance, WriterConformance
from starhaul_readers.mysql import MysqlReader, MysqlReaderParams
from starhaul_writers.mysql import MysqlWriter, MysqlWriterParams
from tests.conformance.mysql_wire import ROWS, MysqlReaderTests, MysqlWriterTests, fill
from tests.conftest import MysqlDatabase


class TestMysqlReader(MysqlReaderTests, ReaderConformance):
    @pytest.fixture
    def url(self, mysql: MysqlDatabase) -> str:
        return f"{mysql.url}.source"

    @pytest.fixture
    def reader(self, mysql: MysqlDatabase) -> MysqlReader:
        fill(mysql, "source", ROWS)
        return MysqlReader(MysqlReaderParams.model_validate({"url": mysql.url, "table": "source"}))

    @pytest.fixture
    def change(self, mysql: MysqlDatabase) -> Callable[[], object]:
        return lambda: mysql.execute("DELETE FROM source WHERE id = 5")

    @pytest.fixture
    def bad_reader(self, mysql: MysqlDatabase) -> MysqlReader:
        fill(mysql, "bad", ROWS)
        mysql.execute("INSERT INTO bad (id, born) VALUES (77, '0000-00-00')")
        return MysqlReader(MysqlReaderParams.model_validate({"url": mysql.url, "table": "bad"}))

    @pytest.fixture
    def empty_reader(self, mysql: MysqlDatabase) -> MysqlReader:
        fill(mysql, "nothing", ())
        return MysqlReader(MysqlReaderParams.model_validate({"url": mysql.url, "table": "nothing"}))


class MysqlTests(MysqlWriterTests, WriterConformance):
    @pytest.fixture
    def url(self, mysql: MysqlDatabase) -> str:
        return f"{mysql.url}.target"

    @pytest.fixture
    def writer(self, mysql: MysqlDatabase) -> MysqlWriter:
        return MysqlWriter(MysqlWriterParams.model_validate({"url": mysql.url, "table": "target", **self.parameters}))


class TestInsert(MysqlTests):
    pass


class TestOverwrite(MysqlTests):
    mode = "overwrite"


class TestUpdate(MysqlTests):
    mode = "update"

    @pytest.fixture
    def bad_batch(self) -> pa.RecordBatch | None:
        return pa.record_batch({"id": [1, None, 2], "name": ["a", "no key", "c"]})


class TestInsertByFiles(MysqlTests):
    """LOAD DATA LOCAL even for a single row."""

    @pytest.fixture(autouse=True)
    def _files_only(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("starhaul_stores.mysql.insertion._ROWS_OF_A_LOAD", 2)
