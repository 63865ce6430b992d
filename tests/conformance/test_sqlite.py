"""`sqlitereader` and `sqlitewriter` keep the contract, through ADBC and through Python's own sqlite3."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Collection, Iterator
from contextlib import AbstractContextManager, closing, contextmanager
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID

import pyarrow as pa
import pytest

from starhaul.testing import ReaderConformance, WriterConformance
from starhaul_readers.sqlite import SqliteReader, SqliteReaderParams
from starhaul_stores.sqlite import connection
from starhaul_writers.sqlite import SqliteWriter, SqliteWriterParams

DDL = (
    'CREATE TABLE source (id INTEGER PRIMARY KEY, "Full Name" VARCHAR(30), price DECIMAL(10,2), '
    "big DECIMAL_TEXT(38,10), ok BOOLEAN, born DATE, seen DATETIME, at TIMESTAMPTZ, raw BLOB, ratio DOUBLE, "
    "doc JSON_TEXT, huge UNSIGNED_TEXT, open, lapse DURATION_MS, code UUID)"
)
UUID_TEXT = "12345678-1234-5678-1234-567812345678"
ROWS = [
    (1, "Ana", 12.5, "1234567890123456789012345678.0123456789", 1, "2026-01-31", "2026-01-31 23:59:59",
     "2026-01-31 23:59:59+00:00", b"\x00\xff", 0.1, '{"a":1}', "18446744073709551615", 7, 1500, UUID_TEXT),
    (2, None, None, None, None, None, None, None, None, None, None, None, None, None, None),
    (5, "a\0b", -0.01, "-0.5", 0, "0001-01-01", "1969-12-31 23:59:59.999999", "2026-02-01 01:59:59.5+02:00", b"",
     1e300, "[]", "0", -8, -1, UUID_TEXT),
    (-3, "é😀", 17, "0", 1, "9999-12-31", "2026-01-31T00:00:00", "2026-01-31 00:00:00Z", b"x", float("inf"), "null",
     "1", 2**62, 0, UUID_TEXT),
    (9, "", 99999999.99, "1", 1, "2000-02-29", "2000-02-29 00:00:00", "2000-02-29 00:00:00Z", b"y", -1.5, '"q"', "2",
     0, 1, UUID_TEXT),
]  # fmt: skip


@pytest.fixture(params=["adbc", "sqlite3"])
def driver(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Every test runs with both drivers."""
    if request.param == "sqlite3":
        monkeypatch.setattr(connection, "adbc_installed", lambda: False)
    return str(request.param)


@pytest.mark.usefixtures("driver")
class TestSqliteReader(ReaderConformance):
    @pytest.fixture
    def expected(self) -> pa.Table:
        micro = 1_000_000
        end = 1769903999 * micro
        columns: dict[str, tuple[pa.DataType, list[Any]]] = {
            "id": (pa.int64(), [1, 2, 5, -3, 9]),
            "Full Name": (pa.string(), ["Ana", None, "a\0b", "é😀", ""]),
            "price": (
                pa.decimal128(10, 2),
                [Decimal(x) if x else None for x in ("12.5", "", "-0.01", "17", "99999999.99")],
            ),
            "big": (
                pa.decimal128(38, 10),
                [Decimal("1234567890123456789012345678.0123456789"), None, Decimal("-0.5"), Decimal(0), Decimal(1)],
            ),
            "ok": (pa.bool_(), [True, None, False, True, True]),
            "born": (pa.date32(), [date(2026, 1, 31), None, date(1, 1, 1), date(9999, 12, 31), date(2000, 2, 29)]),
            "seen": (pa.timestamp("us"), [end, None, -1, 1769817600 * micro, 951782400 * micro]),
            "at": (pa.timestamp("us", "UTC"), [end, None, end + micro // 2, 1769817600 * micro, 951782400 * micro]),
            "raw": (pa.binary(), [b"\x00\xff", None, b"", b"x", b"y"]),
            "ratio": (pa.float64(), [0.1, None, 1e300, float("inf"), -1.5]),
            "doc": (pa.json_(), ['{"a":1}', None, "[]", "null", '"q"']),
            "huge": (pa.uint64(), [2**64 - 1, None, 0, 1, 2]),
            "open": (pa.int64(), [7, None, -8, 2**62, 0]),
            "lapse": (pa.duration("ms"), [1500, None, -1, 0, 1]),
            "code": (pa.uuid(), [UUID(UUID_TEXT).bytes, None, *[UUID(UUID_TEXT).bytes] * 3]),
        }
        arrays = [_array(kind, values) for kind, values in columns.values()]
        return pa.Table.from_arrays(arrays, names=list(columns))

    @pytest.fixture
    def url(self, tmp_path: Path, reader: SqliteReader) -> str:
        return f"sqlite:///{tmp_path}/full.db#source"

    @pytest.fixture
    def reader(self, tmp_path: Path) -> SqliteReader:
        return SqliteReader(SqliteReaderParams(path=str(_database(tmp_path / "full.db", ROWS)), table=("source",)))

    @pytest.fixture
    def bad_reader(self, tmp_path: Path) -> SqliteReader:
        path = _database(tmp_path / "bad.db", ROWS)
        with closing(sqlite3.connect(path)) as db, db:
            db.execute("INSERT INTO source (id, born) VALUES (77, 'no day')")
        return SqliteReader(SqliteReaderParams(path=str(path), table=("source",)))

    @pytest.fixture
    def empty_reader(self, tmp_path: Path) -> SqliteReader:
        path = _database(tmp_path / "empty.db", [])
        with closing(sqlite3.connect(path)) as db:
            db.execute("ALTER TABLE source DROP COLUMN open")
            db.execute("ALTER TABLE source ADD COLUMN open INTEGER")
        columns = (
            "id",
            "Full Name",
            *["price", "big", "ok", "born", "seen", "at", "raw", "ratio", "doc", "huge", "open", "lapse", "code"],
        )
        return SqliteReader(SqliteReaderParams(path=str(path), table=("source",), column=columns))


def _array(kind: pa.DataType, values: list[Any]) -> pa.Array:
    if isinstance(kind, pa.BaseExtensionType):
        return pa.ExtensionArray.from_storage(kind, pa.array(values, kind.storage_type))
    return pa.array(values, kind)


def _database(path: Path, rows: list[tuple[Any, ...]]) -> Path:
    with closing(sqlite3.connect(path)) as db, db:
        db.execute(DDL)
        db.executemany(f"INSERT INTO source VALUES ({', '.join('?' * 15)})", rows)
    return path


class SqliteWriterTests(WriterConformance):
    """For both drivers, with the target made by the writer."""

    unsupported_types = {"names by case": "SQLite does not tell names apart by case"}  # noqa: RUF012
    rejects_values = {  # noqa: RUF012
        "float": "SQLite stores NaN as NULL",
        "double": "SQLite stores NaN as NULL",
    }
    equal_zeros = "SQLite has no negative zero in columns with numeric affinity"

    @pytest.fixture
    def path(self, tmp_path: Path) -> Path:
        return tmp_path / "target.db"

    @pytest.fixture
    def url(self, path: Path) -> str:
        return f"sqlite:///{path}#target"

    @pytest.fixture
    def readback(self, path: Path) -> Callable[[pa.Schema], pa.Table]:
        return lambda schema: read_table(path, "target", schema)

    @pytest.fixture
    def leftovers(self, path: Path) -> Callable[[], Collection[str]]:
        def tables() -> set[str]:
            if not path.exists():
                return set()
            with closing(sqlite3.connect(path)) as db:
                names = {str(name) for (name,) in db.execute("SELECT name FROM sqlite_master WHERE sql IS NOT NULL")}
            return names - {"target"}

        return tables

    @pytest.fixture
    def bad_batch(self) -> pa.RecordBatch:
        return pa.record_batch({"id": [1, 2, 1], "name": ["a", "b", "a key twice"]})

    @pytest.fixture
    def breakdown(self, path: Path) -> Callable[[], AbstractContextManager[object]]:
        @contextmanager
        def without_the_file() -> Iterator[None]:
            away = path.rename(path.with_name("away"))
            path.mkdir()
            yield
            path.rmdir()
            away.rename(path)

        return without_the_file

    @pytest.fixture
    def unwritable(self) -> pa.Schema:
        return pa.schema([("a", pa.int64()), ("A", pa.string())])


@pytest.mark.usefixtures("driver")
class TestInsert(SqliteWriterTests):
    @pytest.fixture
    def writer(self, path: Path) -> SqliteWriter:
        return SqliteWriter(_into(path, batch_size=7))


@pytest.mark.usefixtures("driver")
class TestOverwrite(SqliteWriterTests):
    @pytest.fixture
    def writer(self, path: Path) -> SqliteWriter:
        return SqliteWriter(_into(path, write_mode="overwrite"))


class TestUpdate(SqliteWriterTests):
    @pytest.fixture
    def writer(self, path: Path) -> SqliteWriter:
        return SqliteWriter(_into(path, write_mode="update"))

    @pytest.fixture
    def bad_batch(self) -> pa.RecordBatch:
        return pa.record_batch({"id": [1, 2, 3], "value": [0.5, float("nan"), 1.5]})


class TestReplace(TestUpdate):
    @pytest.fixture
    def writer(self, path: Path) -> SqliteWriter:
        return SqliteWriter(_into(path, write_mode="replace"))


def _into(path: Path, **more: Any) -> SqliteWriterParams:
    return SqliteWriterParams(path=str(path), table="target", create_table="ifMissing", keys=("id",), **more)


def read_table(path: Path, table: str, schema: pa.Schema) -> pa.Table:
    """What a table holds, as exactly this schema, through none of the code under test."""
    if not path.exists():
        return schema.empty_table()
    with closing(sqlite3.connect(path)) as db:
        if not db.execute("SELECT 1 FROM sqlite_master WHERE name = ?", [table]).fetchall():
            return schema.empty_table()
        names = ", ".join('"' + name.replace('"', '""') + '"' for name in schema.names)
        rows = db.execute(f'SELECT {names} FROM "{table}"').fetchall()
    columns = list(zip(*rows, strict=True)) or [()] * len(schema)
    arrays = [
        _array(field.type, [None if value is None else _value(value, field.type) for value in values])
        for field, values in zip(schema, columns, strict=True)
    ]
    return pa.Table.from_arrays(arrays, schema=schema)


def _value(value: Any, kind: pa.DataType) -> Any:
    types = pa.types
    if isinstance(kind, pa.UuidType):
        return UUID(value).bytes
    if types.is_boolean(kind):
        assert value in (0, 1)
        return bool(value)
    if types.is_decimal(kind):
        return Decimal(value) if isinstance(value, str) else round(Decimal(value), kind.scale)
    if types.is_uint64(kind):
        return int(value)
    if types.is_date(kind):
        return date.fromisoformat(value)
    if types.is_timestamp(kind):
        day, clock = value[:10], value[11:]
        assert clock.endswith("+00:00") is (kind.tz is not None)
        days = date.fromisoformat(day).toordinal() - date(1970, 1, 1).toordinal()
        return _ticks(clock.removesuffix("+00:00"), kind.unit) + days * 86400 * UNITS[kind.unit]
    if types.is_time(kind):
        return _ticks(value, kind.unit)
    return value


UNITS = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}


def _ticks(clock: str, unit: str) -> int:
    whole, _, fraction = clock.partition(".")
    hours, minutes, seconds = map(int, whole.split(":"))
    ticks = int(fraction.ljust(9, "0")) * UNITS[unit] // 10**9 if fraction else 0
    return ((hours * 60 + minutes) * 60 + seconds) * UNITS[unit] + ticks
