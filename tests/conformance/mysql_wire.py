"""What every reader and writer of MySQL's wire is held against, on a server of its own: the fixture `mysql`."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import date
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pytest

from starhaul.testing import ReaderConformance, WriterConformance
from tests.conftest import MysqlDatabase
from tests.servers.mysql_tables import read_table

DDL = """
    CREATE TABLE {table} (id bigint PRIMARY KEY, `Full Name` varchar(30), price decimal(10,2), big decimal(60,10),
    huge bigint unsigned, ok bit, flags bit(12), born date, seen datetime(6), whole datetime, at timestamp(3) NULL,
    raw varbinary(400), ratio double, thin float, lapse time(2), small tinyint, y year, kind enum('a','b'),
    doc longtext)
"""
ROWS = (
    (1, "Ana", "12.5", "12345678901234567890123456789012345678901234567890.0123456789", 2**64 - 1, 1, 4095,
     "2026-01-31", "2026-01-31 23:59:59.123456", "2026-01-31 23:59:59", "2026-01-31 23:59:59.125", b"\x00\xff", 0.1,
     0.1, "-838:59:59.00", -128, 2155, "a", "x" * 70_000),
    (2, *[None] * 18),
    (5, "a\n\tb\\", "-0.01", "-0.5", 0, 0, 0, "0001-01-01", "0001-01-01 00:00:00", "9999-12-31 23:59:59",
     "1970-01-01 00:00:01", b"", -1e300, 3.4028234663852886e38, "838:59:58.75", 127, 1901, "b", ""),
    (-3, "é😀", "17", "0", 1, 1, 256, "9999-12-31", "9999-12-31 23:59:59.999999", "2000-01-01", "2038-01-19 03:14:07",
     b"x" * 300, 5e-324, 1e-38, "00:00:00.01", 0, 0, "a", "\\N"),
    (9, "", "99999999.99", "1", 2, 1, 1, "2000-02-29", "2000-02-29", "2000-02-29", "2000-02-29", b"\\x", -1.5, -1.5,
     "-00:00:01", 1, 1970, "b", "\0"),
)  # fmt: skip


def fill(mysql: MysqlDatabase, table: str, rows: Collection[tuple[Any, ...]]) -> None:
    with mysql.db.cursor() as cursor:
        cursor.execute(DDL.format(table=table))
        cursor.executemany(f"INSERT INTO {table} VALUES ({', '.join(['%s'] * 19)})", rows)


class MysqlReaderTests(ReaderConformance):
    @pytest.fixture
    def expected(self) -> pa.Table:
        second = 1_000_000
        end = 1769903999
        last, first = 253402300799, -62135596800
        thin = [0.10000000149011612, None, 3.4028234663852886e38, 9.99999935045640e-39, -1.5]
        columns: dict[str, tuple[pa.DataType, list[Any]]] = {
            "id": (pa.int64(), [1, 2, 5, -3, 9]),
            "Full Name": (pa.string(), ["Ana", None, "a\n\tb\\", "é😀", ""]),
            "price": (pa.decimal128(10, 2), _decimals("12.5", None, "-0.01", "17", "99999999.99")),
            "big": (
                pa.decimal256(60, 10),
                _decimals("12345678901234567890123456789012345678901234567890.0123456789", None, "-0.5", "0", "1"),
            ),
            "huge": (pa.uint64(), [2**64 - 1, None, 0, 1, 2]),
            "ok": (pa.bool_(), [True, None, False, True, True]),
            "flags": (pa.uint64(), [4095, None, 0, 256, 1]),
            "born": (pa.date32(), [date(2026, 1, 31), None, date(1, 1, 1), date(9999, 12, 31), date(2000, 2, 29)]),
            "seen": (
                pa.timestamp("us"),
                [end * second + 123456, None, first * second, last * second + 999999, 951782400 * second],
            ),
            "whole": (pa.timestamp("s"), [end, None, last, 946684800, 951782400]),
            "at": (pa.timestamp("ms", "UTC"), [end * 1000 + 125, None, 1000, 2147483647000, 951782400000]),
            "raw": (pa.binary(), [b"\x00\xff", None, b"", b"x" * 300, b"\\x"]),
            "ratio": (pa.float64(), [0.1, None, -1e300, 5e-324, -1.5]),
            "thin": (pa.float32(), thin),
            "lapse": (pa.duration("ms"), [-3020399000, None, 3020398750, 10, -1000]),
            "small": (pa.int8(), [-128, None, 127, 0, 1]),
            "y": (pa.int16(), [2155, None, 1901, 0, 1970]),
            "kind": (pa.string(), ["a", None, "b", "a", "b"]),
            "doc": (pa.string(), ["x" * 70_000, None, "", "\\N", "\0"]),
        }
        arrays = [pa.array(values, kind) for kind, values in columns.values()]
        return pa.Table.from_arrays(arrays, names=list(columns))


def _decimals(*texts: str | None) -> list[Decimal | None]:
    return [None if text is None else Decimal(text) for text in texts]


class MysqlWriterTests(WriterConformance):
    """For all modes, with the target made by the writer."""

    unsupported_types = {  # noqa: RUF012
        "names by case": "MySQL does not tell names apart by case",
        "hostile names": "MySQL's names hold no emoji and end in no blank",
        **dict.fromkeys(
            ["time64[ns]", "duration[ns]", "timestamp[ns]", "timestamp[ns, tz=UTC]", "timestamp[ns, tz=Asia/Shanghai]"],
            "MySQL counts microseconds",
        ),
    }
    rejects_values = {  # noqa: RUF012
        "float": "MySQL has no NaN and no infinities",
        "double": "MySQL has no NaN and no infinities",
        **{
            f"timestamp[{unit}, tz={zone}]": "TIMESTAMP ends in 2038"
            for unit in ("s", "ms", "us")
            for zone in ("UTC", "Asia/Shanghai")
        },
    }
    equal_zeros = "MariaDB has no negative zero"
    mode = "insert"
    more: dict[str, Any] = {}  # noqa: RUF012

    @property
    def parameters(self) -> dict[str, Any]:
        """Beside the database and the table."""
        return {"createTable": "ifMissing", "keys": ["id"], "writeMode": self.mode, **self.more}

    @pytest.fixture
    def readback(self, mysql: MysqlDatabase) -> Callable[[pa.Schema], pa.Table]:
        return lambda schema: read_table(mysql, "target", schema)

    @pytest.fixture
    def leftovers(self, mysql: MysqlDatabase) -> Callable[[], Collection[str]]:
        return lambda: {str(name) for (name,) in mysql.execute("SHOW TABLES")} - {"target"}

    @pytest.fixture
    def bad_batch(self) -> pa.RecordBatch | None:
        return pa.record_batch({"id": [1, 2, 1], "name": ["a", "b", "a key twice"]})

    @pytest.fixture
    def breakdown(self, mysql: MysqlDatabase) -> Callable[[], AbstractContextManager[object]]:
        @contextmanager
        def without_the_table() -> Iterator[None]:
            mysql.execute("RENAME TABLE target TO away")
            yield
            mysql.execute("RENAME TABLE away TO target")

        return without_the_table

    @pytest.fixture
    def unwritable(self) -> pa.Schema:
        return pa.schema([("id", pa.int64()), ("ID", pa.string())])
