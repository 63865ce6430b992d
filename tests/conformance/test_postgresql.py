"""`postgresqlreader` and `postgresqlwriter` keep the contract, against a real server."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import date
from decimal import Decimal
from typing import Any
from uuid import UUID

import pyarrow as pa
import pytest

from starhaul.testing import ReaderConformance, WriterConformance
from starhaul_readers.postgresql import PostgresqlReader, PostgresqlReaderParams
from starhaul_writers.postgresql import PostgresqlWriter, PostgresqlWriterParams
from tests.conftest import PostgresqlSchema

UUID_TEXT = "12345678-1234-5678-1234-567812345678"
DDL = """
    CREATE TABLE {table} (id bigint PRIMARY KEY, "Full Name" varchar(30), price numeric(10,2), big numeric(60,10),
    free numeric, ok boolean, born date, seen timestamp, at timestamptz, raw bytea, ratio double precision, doc jsonb,
    code uuid,
    lapse interval, tags text[], padded char(4), small smallint, tick time, cash money, bits bit(3))
"""
ROWS = (
    (1, "Ana", "12.5", "12345678901234567890123456789012345678901234567890.0123456789", "NaN", True, "2026-01-31",
     "2026-01-31 23:59:59", "2026-01-31 23:59:59+00", b"\x00\xff", 0.1, '{"a": 1}', UUID_TEXT,
     "1 mon 2 days 03:04:05.6",
     '{a,NULL,"b,c"}', "ab", 7, "23:59:59.5", "-1234.56", "101"),
    (2, *[None] * 19),
    (5, "a\nb,\"c\"", "-0.01", "-0.5", "1e-30", False, "0044-03-15 BC", "0001-01-01 00:00:00 BC",
     "2026-02-01 01:59:59.5+02",
     b"", -0.0, "[]", UUID_TEXT, "0", "{}", "", -8, "00:00", "0", "000"),
    (-3, "é😀\\.", "17", "0", "Infinity", True, "12345-12-31", "99999-01-31 00:00:00.000001", "2026-01-31 00:00:00Z",
     b"x" * 300, float("inf"), "null", UUID_TEXT, "-1 year", "[0:1]={1,2}", "abcd", 0, "12:00", "1", "111"),
    (9, "", "99999999.99", "1", "1.10", True, "2000-02-29", "2000-02-29", "2000-02-29 00:00:00Z", b"\\x", -1.5, '"q"',
     UUID_TEXT, "1 sec", '{""}', " a ", 1, "00:00:00.000001", "2", "001"),
)  # fmt: skip


def fill(schema: PostgresqlSchema, table: str, rows: Collection[tuple[Any, ...]]) -> None:
    schema.db.execute(DDL.format(table=table).encode())
    with schema.db.cursor() as cursor:
        cursor.executemany(f"INSERT INTO {table} VALUES ({', '.join(['%s'] * 20)})".encode(), rows)


def source_table() -> pa.Table:
    """What a table of `DDL` with `ROWS` holds."""
    micro = 1_000_000
    end = 1769903999 * micro
    far = ((date(2399, 1, 31) - date(1970, 1, 1)).days + 244 * 146097) * 86400 * micro + 1
    bc = (date(2000, 1, 1) - date(1970, 1, 1)).days * 86400 * micro - 5 * 146097 * 86400 * micro
    columns: dict[str, tuple[pa.DataType, list[Any]]] = {
        "id": (pa.int64(), [1, 2, 5, -3, 9]),
        "Full Name": (pa.string(), ["Ana", None, 'a\nb,"c"', "é😀\\.", ""]),
        "price": (pa.decimal128(10, 2), _decimals("12.5", None, "-0.01", "17", "99999999.99")),
        "big": (
            pa.decimal256(60, 10),
            _decimals("12345678901234567890123456789012345678901234567890.0123456789", None, "-0.5", "0", "1"),
        ),
        "free": (pa.string(), ["NaN", None, "0." + "0" * 29 + "1", "Infinity", "1.10"]),
        "ok": (pa.bool_(), [True, None, False, True, True]),
        "born": (pa.date32(), [20484, None, -735160, 3789755, 11016]),
        "seen": (pa.timestamp("us"), [end, None, bc, far, 951782400 * micro]),
        "at": (pa.timestamp("us", "UTC"), [end, None, end + micro // 2, 1769817600 * micro, 951782400 * micro]),
        "raw": (pa.binary(), [b"\x00\xff", None, b"", b"x" * 300, b"\\x"]),
        "ratio": (pa.float64(), [0.1, None, -0.0, float("inf"), -1.5]),
        "doc": (pa.json_(), ['{"a": 1}', None, "[]", "null", '"q"']),
        "code": (pa.uuid(), [UUID(UUID_TEXT).bytes, None, *[UUID(UUID_TEXT).bytes] * 3]),
        "lapse": (pa.string(), ["P1M2DT3H4M5.6S", None, "PT0S", "P-1Y", "PT1S"]),
        "tags": (pa.string(), ['{a,NULL,"b,c"}', None, "{}", "[0:1]={1,2}", '{""}']),
        "padded": (pa.string(), ["ab  ", None, "    ", "abcd", " a  "]),
        "small": (pa.int16(), [7, None, -8, 0, 1]),
        "tick": (pa.time64("us"), [86399500000, None, 0, 43200 * micro, 1]),
        "cash": (pa.decimal128(19, 2), _decimals("-1234.56", None, "0", "1", "2")),
        "bits": (pa.string(), ["101", None, "000", "111", "001"]),
    }
    arrays = [_array(kind, values) for kind, values in columns.values()]
    return pa.Table.from_arrays(arrays, names=list(columns))


class TestPostgresqlReader(ReaderConformance):
    @pytest.fixture
    def expected(self) -> pa.Table:
        return source_table()

    @pytest.fixture
    def url(self, postgresql: PostgresqlSchema) -> str:
        return f"{postgresql.url}#source"

    @pytest.fixture
    def reader(self, postgresql: PostgresqlSchema) -> PostgresqlReader:
        fill(postgresql, "source", ROWS)
        return PostgresqlReader(PostgresqlReaderParams.model_validate({"url": postgresql.url, "table": "source"}))

    @pytest.fixture
    def change(self, postgresql: PostgresqlSchema) -> Callable[[], object]:
        return lambda: postgresql.db.execute("INSERT INTO source (id) VALUES (77); DELETE FROM source WHERE id = 5")

    @pytest.fixture
    def bad_reader(self, postgresql: PostgresqlSchema, expected: pa.Table) -> PostgresqlReader:
        fill(postgresql, "bad", ROWS)
        postgresql.db.execute("INSERT INTO bad (id, born) VALUES (77, 'infinity')")
        params = {"url": postgresql.url, "table": "bad", "column": expected.schema.names}
        return PostgresqlReader(PostgresqlReaderParams.model_validate(params))

    @pytest.fixture
    def empty_reader(self, postgresql: PostgresqlSchema) -> PostgresqlReader:
        fill(postgresql, "nothing", ())
        return PostgresqlReader(PostgresqlReaderParams.model_validate({"url": postgresql.url, "table": "nothing"}))


class TestPostgresqlReaderOfPlainTypes(TestPostgresqlReader):
    """Of types that pass to another PostgreSQL in binary."""

    left_out = ("lapse", "tags", "cash", "bits")

    @pytest.fixture
    def expected(self) -> pa.Table:
        return source_table().drop_columns(list(self.left_out))

    @pytest.fixture
    def reader(self, postgresql: PostgresqlSchema, expected: pa.Table) -> PostgresqlReader:
        fill(postgresql, "source", ROWS)
        return PostgresqlReader(
            PostgresqlReaderParams.model_validate(
                {"url": postgresql.url, "table": "source", "column": expected.schema.names}
            )
        )

    @pytest.fixture
    def empty_reader(self, postgresql: PostgresqlSchema, expected: pa.Table) -> PostgresqlReader:
        fill(postgresql, "nothing", ())
        params = {"url": postgresql.url, "table": "nothing", "column": expected.schema.names}
        return PostgresqlReader(PostgresqlReaderParams.model_validate(params))

    def test_it_offers_binary(self, reader: PostgresqlReader) -> None:
        assert reader.encodings()[:2] == ("pgcopy/binary", "pgcopy/csv")


def test_a_reader_of_other_types_offers_text_alone(postgresql: PostgresqlSchema) -> None:
    fill(postgresql, "source", ())
    params = {"url": postgresql.url, "table": "source"}
    assert PostgresqlReader(PostgresqlReaderParams.model_validate(params)).encodings() == ("pgcopy/csv",)


def _decimals(*texts: str | None) -> list[Decimal | None]:
    return [None if text is None else Decimal(text) for text in texts]


def _array(kind: pa.DataType, values: list[Any]) -> pa.Array:
    if isinstance(kind, pa.BaseExtensionType):
        return pa.ExtensionArray.from_storage(kind, pa.array(values, kind.storage_type))
    if pa.types.is_date(kind):
        return pa.array(values, pa.int32()).view(kind)
    return pa.array(values, kind)


class PostgresqlWriterTests(WriterConformance):
    """For all modes, with the target made by the writer."""

    rejects_values = {  # noqa: RUF012
        "string": "PostgreSQL's texts hold no NUL character",
        "large_string": "PostgreSQL's texts hold no NUL character",
    }
    mode = "insert"
    more: dict[str, Any] = {}  # noqa: RUF012

    @pytest.fixture
    def url(self, postgresql: PostgresqlSchema) -> str:
        return f"{postgresql.url}#target"

    @pytest.fixture
    def writer(self, postgresql: PostgresqlSchema) -> PostgresqlWriter:
        params = {"url": postgresql.url, "table": "target", "createTable": "ifMissing", "keys": ["id"]}
        return PostgresqlWriter(PostgresqlWriterParams.model_validate({**params, "writeMode": self.mode, **self.more}))

    @pytest.fixture
    def readback(self, postgresql: PostgresqlSchema) -> Callable[[pa.Schema], pa.Table]:
        return lambda schema: read_table(postgresql, "target", schema)

    @pytest.fixture
    def leftovers(self, postgresql: PostgresqlSchema) -> Callable[[], Collection[str]]:
        def tables() -> set[str]:
            found = postgresql.db.execute(
                "SELECT relname::text FROM pg_class WHERE relnamespace = %s::regnamespace AND relkind = 'r'",
                [postgresql.name],
            )
            return {str(name) for (name,) in found} - {"target"}

        return tables

    @pytest.fixture
    def bad_batch(self) -> pa.RecordBatch:
        return pa.record_batch({"id": [1, 2, 1], "name": ["a", "b", "a key twice"]})

    @pytest.fixture
    def breakdown(self, postgresql: PostgresqlSchema) -> Callable[[], AbstractContextManager[object]]:
        @contextmanager
        def without_the_table() -> Iterator[None]:
            postgresql.db.execute("ALTER TABLE target RENAME TO away")
            yield
            postgresql.db.execute("ALTER TABLE away RENAME TO target")

        return without_the_table

    @pytest.fixture
    def encoded(self, postgresql: PostgresqlSchema) -> PostgresqlReader:
        return plain_source(postgresql, 1, 2, 3, 4, 5, 6, 7, 8, 9)

    @pytest.fixture
    def unwritable(self) -> pa.Schema:
        return pa.schema([("id", pa.int64()), ("a" * 64, pa.string())])


def plain_source(postgresql: PostgresqlSchema, *ids: int) -> PostgresqlReader:
    """A table of types that pass in binary."""
    postgresql.db.execute("CREATE TABLE plain (id bigint NOT NULL, name varchar(20), price numeric(10,2), seen date)")
    for each in ids:
        postgresql.db.execute("INSERT INTO plain VALUES (%s, 'né' || %s, %s, '2026-01-31')", [each, each, each])
    params = {"url": postgresql.url, "table": "plain"}
    return PostgresqlReader(PostgresqlReaderParams.model_validate(params))


class TestInsert(PostgresqlWriterTests):
    @pytest.fixture(autouse=True)
    def _small_chunks(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("starhaul_stores.relational.write_params._ROWS_AT_ONCE", 7)
        monkeypatch.setattr(self, "more", {"batchSize": 7})

    @pytest.fixture
    def encoded_bad(self, postgresql: PostgresqlSchema) -> PostgresqlReader:
        return plain_source(postgresql, 1, 2, 3, 4, 5, 6, 7, 8, 2)


class TestOverwrite(PostgresqlWriterTests):
    mode = "overwrite"
    more = {"buildKeys": "beforeLoad"}  # noqa: RUF012
    test_round_trip = None

    @pytest.fixture
    def encoded_bad(self, postgresql: PostgresqlSchema) -> PostgresqlReader:
        return plain_source(postgresql, 1, 2, 1)


class TestOverwriteWithKeysLater(PostgresqlWriterTests):
    mode = "overwrite"

    @pytest.fixture
    def bad_batch(self) -> pa.RecordBatch:
        return pa.record_batch({"id": [1, 2, 3], "name": ["a", "a\0b", "c"]})


class TestUpdate(PostgresqlWriterTests):
    mode = "update"

    @pytest.fixture
    def bad_batch(self) -> pa.RecordBatch:
        return pa.record_batch({"id": [1, 2, 3], "name": ["a", "a\0b", "c"]})


class TestReplace(TestUpdate):
    mode = "replace"
    test_round_trip = None  # every type took this way in `TestUpdate`


class TestIgnore(TestUpdate):
    mode = "ignore"
    test_round_trip = None


def read_table(postgresql: PostgresqlSchema, table: str, schema: pa.Schema) -> pa.Table:
    """What a table holds, as exactly this schema, through none of the code under test."""
    there = postgresql.db.execute("SELECT to_regclass(%s)::text", [f"{postgresql.name}.{table}"]).fetchone()
    if there is None or there[0] is None:
        return schema.empty_table()
    select = ", ".join(_expression('"' + field.name.replace('"', '""') + '"', field.type) for field in schema)
    rows = postgresql.db.execute(f"SELECT {select} FROM {table}".encode()).fetchall()
    columns = list(zip(*rows, strict=True)) or [()] * len(schema)
    arrays = [_column(field.type, list(values)) for field, values in zip(schema, columns, strict=True)]
    return pa.Table.from_arrays(arrays, schema=schema)


def _expression(name: str, kind: pa.DataType) -> str:
    """SQL that gives the value as something that passes to Python exactly."""
    types = pa.types
    if types.is_temporal(kind) and not types.is_date(kind):
        per_second = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}[kind.unit]
        return f"(extract(epoch FROM {name}) * {per_second})::numeric(40,0)::int8"
    if types.is_date(kind):
        return f"{name} - date '1970-01-01'"
    if types.is_decimal(kind) or isinstance(kind, pa.JsonType | pa.UuidType) or types.is_uint64(kind):
        return f"{name}::text"
    return name


def _column(kind: pa.DataType, values: list[Any]) -> pa.Array:
    types = pa.types
    if isinstance(kind, pa.UuidType):
        values = [None if value is None else UUID(value).bytes for value in values]
    elif types.is_decimal(kind):
        values = [None if value is None else Decimal(value) for value in values]
    elif types.is_uint64(kind):
        values = [None if value is None else int(value) for value in values]
    elif types.is_time32(kind):
        return pa.array(values, pa.int32()).view(kind)
    elif types.is_temporal(kind) and not types.is_date(kind):
        return pa.array(values, pa.int64()).view(kind)
    return _array(kind, values)
