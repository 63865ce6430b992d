"""What is sent in binary arrives as what is sent as text: two ways of rendering that share no code, compared by the
server."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Context, Decimal
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from starhaul_stores.postgresql.catalog import Table, find_table
from starhaul_stores.postgresql.connection import Connection, connect
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


_TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=6)
_DRAWN: dict[str, st.SearchStrategy[Any]] = {
    "boolean": st.booleans(),
    "smallint": st.integers(-(2**15), 2**15 - 1),
    "bigint": st.integers(-(2**63), 2**63 - 1),
    "real": st.floats(width=32),
    "double precision": st.floats(),
    "date": st.integers(-2440588, 2145042905),
    "time(3)": st.integers(0, 86400 * 1000 - 1),
    "timestamp": st.integers(-210866803200000000, 2**63 - 1),
    "timestamptz": st.integers(-210866803200000000, 253402300800000000),
    "text": _TEXTS,
    "bytea": st.binary(max_size=6),
    "jsonb": st.sampled_from(['{"b": 1}', "null", '"ß"']),
    "uuid": st.binary(min_size=16, max_size=16),
    **{
        f"numeric({digits},{scale})": st.integers(1 - 10**digits, 10**digits - 1)
        | st.integers(-min(10**digits - 1, 99999), min(10**digits - 1, 99999))
        for digits, scale in [(1, 0), (4, 4), (9, 9), (10, 3), (18, 0), (18, 18), (19, 1), (38, 0), (38, 21), (50, 7)]
    },
}


@pytest.fixture
def twins(postgresql: PostgresqlSchema) -> Iterator[tuple[Connection, Table]]:
    """Two tables with a column of each type that is drawn, `a` and `b`."""
    columns = ", ".join(f"c{number} {kind}" for number, kind in enumerate(_DRAWN))
    for name in "ab":
        postgresql.db.execute(f"CREATE TABLE {name} ({columns})".encode())
    with connect(parse_url(postgresql.url), (), 5, utc=True) as db:
        table = find_table(db, "a")
        assert table
        yield db, table


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_whatever_the_rows_binary_and_text_mean_the_same(twins: tuple[Connection, Table], data: st.DataObject) -> None:
    """Any columns, beside each other; anything beneath nulls; arrays that begin and end within their buffers."""
    db, table = twins
    count = data.draw(st.integers(1, 5))
    start = data.draw(st.integers(0, count - 1))
    rows = data.draw(st.integers(1, count - start))
    chosen = data.draw(st.lists(st.sampled_from(range(len(_DRAWN))), min_size=1, max_size=6, unique=True))
    columns = [table.columns[number] for number in chosen]
    arrays = []
    for number, column in zip(chosen, columns, strict=True):
        arrow = accepted(column.type, column.modifier, column.told, pa.field("v", pa.string()))
        values = data.draw(st.lists(list(_DRAWN.values())[number], min_size=count, max_size=count))
        if pa.types.is_decimal(arrow):
            values = [Decimal(value).scaleb(-arrow.scale, Context(prec=80)) for value in values]
        valid = data.draw(st.none() | st.integers(0, 2**count - 1))
        arrays.append(_with_nulls(_array(values, arrow), valid).slice(start, rows))
    batch = pa.RecordBatch.from_arrays(arrays, [column.name for column in columns])
    assert not misfits(batch, columns)
    how = encoders(columns, batch.schema)
    assert how is not None
    names = ", ".join(batch.schema.names)
    with db.copy_in(f"COPY a ({names}) FROM STDIN (FORMAT binary)") as copy:
        for piece in [HEADER, *encoded(batch, how), TRAILER]:
            copy.write(piece)
    with db.copy_in(f"COPY b ({names}) FROM STDIN (FORMAT csv)") as copy:
        copy.write(rendered(batch, columns))
    texts = ", ".join(f"{name}::text" for name in batch.schema.names)
    binary, text = (db.execute(f"SELECT {texts} FROM {name} ORDER BY ctid") for name in "ab")
    db.execute("TRUNCATE a, b")
    assert binary == text
    assert [[value is None for value in row] for row in binary] == [
        [not value.is_valid for value in row] for row in zip(*arrays, strict=True)
    ]


def _with_nulls(values: pa.Array, valid: int | None) -> pa.Array:
    """The array with these bits for what is valid, buffers that are longer than they need be, and all values kept."""
    if isinstance(values.type, pa.BaseExtensionType):
        return pa.ExtensionArray.from_storage(values.type, _with_nulls(values.storage, valid))
    buffers = [None if valid is None else pa.py_buffer(bytes([valid]))]
    buffers += [pa.py_buffer((buffer.to_pybytes() if buffer else b"") + b"\xff") for buffer in values.buffers()[1:]]
    return pa.Array.from_buffers(values.type, len(values), buffers)


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
