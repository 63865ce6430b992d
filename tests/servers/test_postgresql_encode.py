"""What is sent in binary arrives as what is sent as text: two ways of rendering that share no code, compared by the
server."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pyarrow as pa
import pytest

from starhaul_stores.postgresql.catalog import find_table
from starhaul_stores.postgresql.connection import connect
from starhaul_stores.postgresql.encode import encoded, encoders
from starhaul_stores.postgresql.rendering import misfits, rendered
from starhaul_stores.postgresql.tuples import HEADER, TRAILER
from starhaul_stores.postgresql.types import accepted
from starhaul_stores.relational.url import parse_url
from tests.conftest import PostgresqlSchema

_CASES: dict[str, list[Any]] = {
    "boolean": [True, False],
    "smallint": [-(2**15), 2**15 - 1, 0],
    "integer": [-(2**31), 2**31 - 1, 0],
    "bigint": [-(2**63), 2**63 - 1, 0],
    "oid": [0, 2**32 - 1],
    "real": [0.0, -0.0, 1.5, float("nan"), float("inf"), float("-inf"), 1.401298464324817e-45],
    "double precision": [0.0, -0.0, 0.1, float("nan"), float("inf"), float("-inf"), 5e-324],
    "date": [-719162, -719163, 0, 10957, 2932896, 2932897, -2440588, 2145042905],
    "time": [0, 1, 86399999999],
    "time(0)": [0, 86399],
    "time(3)": [0, 86399999],
    "timestamp": [0, -1, 946684800000000, -210866803200000000, 2**63 - 1],
    "timestamp(3)": [0, -1, 9224318015999999],
    "timestamp(0)": [0, -1, -210866803200, 9224318015999],
    "timestamptz": [0, 1, 253402300800000000, -210866803200000000],
    "text": ["", "a", "ß€😀", "\\N", "a\tb\nc\r", '"', "x" * 100_000],
    "varchar(3)": ["", "ab ", "ß€😀"],
    "char(3)": ["a", "   ", "abc"],
    "name": ["a" * 63],
    "bytea": [b"", b"\0\xff", bytes(range(256))],
    "json": ['{"a": [1, null]}', '"x"'],
    "jsonb": ['{"b": 1, "a": [1.50, null]}', "3"],
    "uuid": [bytes(16), bytes(range(16)), b"\xff" * 16],
    "numeric(1,0)": ["0", "9", "-9"],
    "numeric(4,4)": ["0.0001", "-0.9999", "0.0000"],
    "numeric(15,2)": ["0.00", "0.05", "901.00", "33203.72", "-33203.72", "9999999999999.99"],
    "numeric(18,0)": ["999999999999999999", "-999999999999999999", "10000", "0"],
    "numeric(18,18)": ["0.999999999999999999", "-0.000000000000000001"],
    "numeric(20,3)": ["99999999999999999.999", "1.000", "-1.001"],
    "numeric(19,0)": ["-9223372036854775808", "9223372036854775807"],
    "numeric(38,10)": ["1.0000000000", "-0.0000000001"],
    "numeric(38,0)": ["9" * 38, "-" + "9" * 38, "0", "1" + "0" * 37],
    "numeric(38,38)": ["0." + "9" * 38, "-0." + "0" * 37 + "1"],
    "numeric(76,5)": ["9" * 71 + ".99999", "0.00000", "-1.00001"],
}


@pytest.mark.parametrize("with_nulls", [False, True], ids=["whole", "nulls"])
@pytest.mark.parametrize("kind", _CASES)
def test_binary_and_text_mean_the_same(postgresql: PostgresqlSchema, kind: str, with_nulls: bool) -> None:
    for name in "ab":
        postgresql.db.execute(f"CREATE TABLE {name} (n int, v {kind}, w {kind})".encode())
    with connect(parse_url(postgresql.url), (), 5, utc=True) as db:
        table = find_table(db, "a")
        assert table
        column = table.columns[1]
        arrow = accepted(column.type, column.modifier, column.told, pa.field("v", pa.string()))
        values = pa.concat_arrays([_array(_CASES[kind], arrow), *[_array([None], arrow)] * with_nulls])
        backwards = values.take(pa.array(range(len(values) - 1, -1, -1)))
        columns = [pa.array(range(len(values)), pa.int32()), values, backwards]
        batch = pa.RecordBatch.from_arrays(columns, schema=pa.schema([("n", pa.int32()), ("v", arrow), ("w", arrow)]))
        assert not misfits(batch, table.columns)
        how = encoders(table.columns, batch.schema)
        assert how is not None
        parts = [batch.slice(0, 1), batch.slice(1)]  # arrays that begin within their buffers
        with db.copy_in("COPY a FROM STDIN (FORMAT binary)") as copy:
            for data in [HEADER, *(data for part in parts for data in encoded(part, how)), TRAILER]:
                copy.write(data)
        with db.copy_in("COPY b FROM STDIN (FORMAT csv)") as copy:
            for part in parts:
                copy.write(rendered(part, table.columns))
        rows = [db.execute(f"SELECT n, v::text, w::text FROM {name} ORDER BY n") for name in "ab"]
    assert rows[0] == rows[1]
    assert len(rows[0]) == len(batch)
    assert [row[1] is None for row in rows[0]] == values.is_null().to_pylist()


def test_what_has_no_binary_form_here_goes_as_text(postgresql: PostgresqlSchema) -> None:
    postgresql.db.execute("CREATE TABLE a (n int, v inet)")
    with connect(parse_url(postgresql.url), (), 5, utc=True) as db:
        table = find_table(db, "a")
    assert table
    assert encoders(table.columns, pa.schema([("n", pa.int32()), ("v", pa.string())])) is None


@pytest.mark.parametrize("unit", ["s", "ms", "us"])
def test_a_moment_that_the_server_would_take_for_another_is_found(postgresql: PostgresqlSchema, unit: str) -> None:
    """The least integer is the server's infinity; others would pass the ends of 64 bits."""
    digits = {"s": 0, "ms": 3, "us": 6}[unit]
    postgresql.db.execute(f"CREATE TABLE a (v timestamp({digits}))".encode())
    ticks = [-(2**63), -(2**63) + 1, 0, *([] if unit == "us" else [2**63 - 1])]
    batch = pa.record_batch({"v": pa.array(ticks, pa.int64()).view(pa.timestamp(unit))})
    with connect(parse_url(postgresql.url), (), 5, utc=True) as db:
        table = find_table(db, "a")
    assert table
    found = misfits(batch, table.columns)
    assert found == dict.fromkeys({0, 1, 3} & set(range(len(ticks))), "column v: timestamp out of range")


def _array(values: list[Any], arrow: pa.DataType) -> pa.Array:
    if pa.types.is_decimal(arrow):
        return pa.array([None if value is None else Decimal(value) for value in values], arrow)
    if isinstance(arrow, pa.BaseExtensionType):
        return pa.ExtensionArray.from_storage(arrow, pa.array(values, arrow.storage_type))
    if pa.types.is_date(arrow) or pa.types.is_time32(arrow):
        return pa.array(values, pa.int32()).view(arrow)
    if pa.types.is_timestamp(arrow) or pa.types.is_time64(arrow):
        return pa.array(values, pa.int64()).view(arrow)
    return pa.array(values, arrow)
