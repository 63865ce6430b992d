"""`rdbmsreader` and `rdbmswriter` keep the contract on SQLite, PostgreSQL and MariaDB, through SQLAlchemy."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from starhaul.testing import ReaderConformance, WriterConformance
from starhaul_readers.rdbms import RdbmsReader
from starhaul_stores.rdbms.reading import RdbmsReaderParams
from starhaul_stores.rdbms.writing import RdbmsWriterParams
from starhaul_writers.rdbms import RdbmsWriter
from tests.conformance.test_postgresql import read_table as read_postgresql
from tests.conformance.test_sqlite import read_table as read_sqlite
from tests.conftest import MysqlDatabase, PostgresqlSchema
from tests.servers.mysql_tables import read_table as read_mysql
from tests.servers.rdbms import RdbmsDatabase, make

DDL = {
    "sqlite": 'CREATE TABLE source (id BIGINT PRIMARY KEY, "Full Name" VARCHAR(30), price DECIMAL(10,2), ok BOOLEAN, '
    "born DATE, seen TIMESTAMP, raw BLOB, ratio DOUBLE, doc TEXT)",
    "postgresql": 'CREATE TABLE source (id bigint PRIMARY KEY, "Full Name" varchar(30), price numeric(10,2), '
    "ok boolean, born date, seen timestamp, raw bytea, ratio double precision, doc text)",
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
    def url(self, rdbms: RdbmsDatabase) -> str:
        return f"{rdbms.url}#source"

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


class RdbmsWriterTests(WriterConformance):
    """For each engine and mode, with the target made by the writer."""

    engine = ""
    mode = "insert"
    rows = 512

    @pytest.fixture
    def rdbms(self, request: pytest.FixtureRequest, tmp_path: Path) -> RdbmsDatabase:
        return make(self.engine, request.getfixturevalue, tmp_path)

    @pytest.fixture
    def url(self, rdbms: RdbmsDatabase) -> str:
        return f"{rdbms.url}#target"

    @pytest.fixture
    def writer(self, rdbms: RdbmsDatabase) -> RdbmsWriter:
        params = {"url": rdbms.url, "table": "target", "createTable": "ifMissing", "keys": ["id"]}
        return RdbmsWriter(RdbmsWriterParams.model_validate({**params, "writeMode": self.mode, "batchSize": self.rows}))

    @pytest.fixture
    def leftovers(self, rdbms: RdbmsDatabase) -> Callable[[], Collection[str]]:
        """The ledger stays, empty."""

        def left() -> set[str]:
            found = rdbms.tables() - {"target"}
            if "_starhaul_ledger" in found and rdbms.execute("SELECT count(*) FROM _starhaul_ledger") == [(0,)]:
                found.remove("_starhaul_ledger")
            return found

        return left

    @pytest.fixture
    def bad_batch(self) -> pa.RecordBatch | None:
        if self.mode in ("update", "replace"):
            return pa.record_batch({"id": [1, None, 2], "name": ["a", "no key", "c"]})
        return pa.record_batch({"id": [1, 2, 1], "name": ["a", "b", "a key twice"]})

    @pytest.fixture
    def breakdown(self, rdbms: RdbmsDatabase) -> Callable[[], AbstractContextManager[object]]:
        @contextmanager
        def without_the_table() -> Iterator[None]:
            rdbms.execute("ALTER TABLE target RENAME TO away")
            yield
            rdbms.execute("ALTER TABLE away RENAME TO target")

        return without_the_table

    @pytest.fixture
    def unwritable(self) -> pa.Schema:
        return pa.schema([("id", pa.int64()), ("value", pa.timestamp("ns"))])


NO_PLACE: Mapping[str, str] = {
    **{f"duration[{unit}]": "there is no type that all databases have" for unit in ("s", "ms", "us", "ns")},
    "time64[ns]": "databases count microseconds",
    **{f"timestamp[ns{zone}]": "databases count microseconds" for zone in ("", ", tz=UTC", ", tz=Asia/Shanghai")},
}


class SqliteTests(RdbmsWriterTests):
    engine = "sqlite"
    rows = 7
    unsupported_types = {**NO_PLACE, "names by case": "SQLite does not tell names apart by case"}  # noqa: RUF012
    rejects_values = {"float": "SQLite stores NaN as NULL", "double": "SQLite stores NaN as NULL"}  # noqa: RUF012
    equal_zeros = "SQLite has no negative zero in columns with numeric affinity"

    @pytest.fixture
    def readback(self, tmp_path: Path) -> Callable[[pa.Schema], pa.Table]:
        return lambda schema: read_sqlite(tmp_path / "test.db", "target", schema)


class TestSqliteInsert(SqliteTests):
    pass


class TestSqliteOverwrite(SqliteTests):
    mode = "overwrite"


class TestSqliteUpdate(SqliteTests):
    mode = "update"


class TestSqliteReplace(SqliteTests):
    mode = "replace"


class PostgresqlTests(RdbmsWriterTests):
    engine = "postgresql"
    unsupported_types = NO_PLACE
    rejects_values = dict.fromkeys(("string", "large_string"), "PostgreSQL's texts hold no NUL character")

    @pytest.fixture
    def readback(self, postgresql: PostgresqlSchema) -> Callable[[pa.Schema], pa.Table]:
        return lambda schema: read_postgresql(postgresql, "target", schema)


class TestPostgresqlInsert(PostgresqlTests):
    pass


class MariadbTests(RdbmsWriterTests):
    engine = "mariadb"
    unsupported_types = {  # noqa: RUF012
        **NO_PLACE,
        "names by case": "MySQL does not tell names apart by case",
        "hostile names": "MySQL's names hold no emoji and end in no blank",
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

    @pytest.fixture
    def readback(self, mysql: MysqlDatabase) -> Callable[[pa.Schema], pa.Table]:
        return lambda schema: read_mysql(mysql, "target", schema)


class TestMariadbUpdate(MariadbTests):
    mode = "update"
