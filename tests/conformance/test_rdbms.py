"""`rdbmsreader` and `rdbmswriter` keep the contract on SQLite, PostgreSQL and MariaDB, through SQLAlchemy's dialects."""

from __future__ import annotations

from collections.abc import Callable, Collection
from datetime import date
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pytest

from starhaul.testing import ReaderConformance, WriterConformance
from starhaul_readers.rdbms import RdbmsReader
from starhaul_stores.rdbms.reading import RdbmsReaderParams
from tests.servers.rdbms import RdbmsDatabase

DDL = {
    "sqlite": 'CREATE TABLE source (id BIGINT PRIMARY KEY, "Full Name" VARCHAR(30), price DECIMAL(10,2), ok BOOLEAN, '
    "born DATE, seen TIMESTAMP, raw BLOB, ratio DOUBLE, doc TEXT)",
    "postgresql": 'CREATE TABLE source (id bigint PRIMARY KEY, "Full Name" varchar(30), price numeric(10,2), ok boolean, '
    "born date, seen timestamp, raw bytea, ratio double precision, doc text)",
    "mariadb": "CREATE TABLE source (id bigint PRIMARY KEY, `Full Name` varchar(30), price decimal(10,2), ok boolean, "
    "born date, seen datetime(6), raw blob, ratio double, doc longtext)",
}
ROWS = (
    (1, "Ana", "12.5", True, "2026-01-31", "2026-01-31 23:59:59.123456", b"\x00\xff", 0.1, "x" * 70_000),
    (2, *[None] * 8),
    (5, "a\n\tb\\", "-0.01", False, "0001-01-01", "0001-01-01 00:00:00.000000", b"", -1e300, ""),
    (-3, "é😀", "17", True, "9999-12-31", "9999-12-31 23:59:59.999999", b"x" * 300, 5e-324, "\\N"),
    (9, "", "99999999.99", True, "2000-02-29", "2000-02-29 00:00:00.000000", b"\\x", -1.5, ":a %s ?"),
)


def fill(rdbms: RdbmsDatabase, rows: Collection[tuple[Any, ...]]) -> None:
    rdbms.execute(DDL[rdbms.engine])
    marks = ", ".join(f":p{number}" for number in range(9))
    if rows:
        values = [{f"p{number}": value for number, value in enumerate(row)} for row in rows]
        rdbms.execute(f"INSERT INTO source VALUES ({marks})", rows=values)


class TestRdbmsReader(ReaderConformance):
    @pytest.fixture
    def expected(self, rdbms: RdbmsDatabase) -> pa.Table:
        micro = 1_000_000
        end, first, last = 1769903999 * micro + 123456, -62135596800 * micro, 253402300799 * micro + 999999
        decimals = [None if text is None else Decimal(text) for text in ("12.5", None, "-0.01", "17", "99999999.99")]
        yes = pa.int8() if rdbms.engine == "mariadb" else pa.bool_()
        columns: dict[str, tuple[pa.DataType, list[Any]]] = {
            "id": (pa.int64(), [1, 2, 5, -3, 9]),
            "Full Name": (pa.string(), ["Ana", None, "a\n\tb\\", "é😀", ""]),
            "price": (pa.decimal128(10, 2), decimals),
            "ok": (yes, [1, None, 0, 1, 1] if rdbms.engine == "mariadb" else [True, None, False, True, True]),
            "born": (pa.date32(), [date(2026, 1, 31), None, date(1, 1, 1), date(9999, 12, 31), date(2000, 2, 29)]),
            "seen": (pa.timestamp("us"), [end, None, first, last, 951782400 * micro]),
            "raw": (pa.binary(), [b"\x00\xff", None, b"", b"x" * 300, b"\\x"]),
            "ratio": (pa.float64(), [0.1, None, -1e300, 5e-324, -1.5]),
            "doc": (pa.string(), ["x" * 70_000, None, "", "\\N", ":a %s ?"]),
        }
        arrays = [pa.array(values, kind) for kind, values in columns.values()]
        return pa.Table.from_arrays(arrays, names=list(columns))

    @pytest.fixture
    def reader(self, rdbms: RdbmsDatabase) -> RdbmsReader:
        fill(rdbms, ROWS)
        return RdbmsReader(RdbmsReaderParams.model_validate({"url": rdbms.url, "table": "source"}))

    @pytest.fixture
    def empty_reader(self, rdbms: RdbmsDatabase) -> RdbmsReader:
        fill(rdbms, ())
        return RdbmsReader(RdbmsReaderParams.model_validate({"url": rdbms.url, "table": "source"}))
