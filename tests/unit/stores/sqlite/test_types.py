"""Declared types, what is stored for a value, and SQL texts."""

from __future__ import annotations

import sqlite3
from decimal import Decimal

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from starhaul import ConfigError, PermanentError, TransientError
from starhaul_stores.sqlite.catalog import fold, literal, quoted, renamed, statements
from starhaul_stores.sqlite.failure import Refused, failure
from starhaul_stores.sqlite.storage import loaded, stored
from starhaul_stores.sqlite.types import accepted, declaration, declared


def no_note(counter: str, rows: int) -> None:
    raise AssertionError(f"altered: {counter}: {rows}")


@pytest.mark.parametrize(
    ("text", "arrow", "affinity"),
    [
        ("INTEGER", pa.int64(), "INTEGER"), ("unsigned big int", pa.int64(), "INTEGER"),
        ("TINYINT(1)", pa.int64(), "INTEGER"), ("CHARINT", pa.int64(), "INTEGER"),
        ("varchar(30)", pa.string(), "TEXT"), ("TEXT", pa.string(), "TEXT"),
        ("BLOB", pa.binary(), "BLOB"), ("", None, "BLOB"), ("double precision", pa.float64(), "REAL"),
        ("FLOATING POINT", pa.int64(), "INTEGER"), ("STRING", None, "NUMERIC"), ("NUMERIC", None, "NUMERIC"),
        ("decimal(10, 2)", pa.decimal128(10, 2), "NUMERIC"), ("DECIMAL(5)", pa.decimal128(5, 0), "NUMERIC"),
        ("NUMERIC(50,5)", pa.decimal256(50, 5), "NUMERIC"), ("DECIMAL(2,5)", None, "NUMERIC"),
        ("DECIMAL_TEXT(38,10)", pa.decimal128(38, 10), "TEXT"), ("UNSIGNED_TEXT", pa.uint64(), "TEXT"),
        ("DATE", pa.date32(), "NUMERIC"), ("DATETIME", pa.timestamp("us"), "NUMERIC"),
        ("timestamp(0)", pa.timestamp("s"), "NUMERIC"), ("TIMESTAMP(3)", pa.timestamp("ms"), "NUMERIC"),
        ("TIMESTAMP(9)", pa.timestamp("ns"), "NUMERIC"), ("TIMESTAMPTZ(6)", pa.timestamp("us", "UTC"), "NUMERIC"),
        ("TIMESTAMP(9) WITH  TIME ZONE", pa.timestamp("ns", "UTC"), "NUMERIC"), ("TIME", pa.time64("us"), "NUMERIC"),
        ("TIME(9)", pa.time64("ns"), "NUMERIC"), ("DURATION_MS", pa.duration("ms"), "NUMERIC"),
        ("BOOLEAN", pa.bool_(), "NUMERIC"), ("JSON", pa.json_(), "NUMERIC"), ("JSON_TEXT", pa.json_(), "TEXT"),
        ("UUID", pa.uuid(), "NUMERIC"), ("))((", None, "NUMERIC"),
    ],
)  # fmt: skip
def test_declared_types(text: str, arrow: pa.DataType | None, affinity: str) -> None:
    assert (declared(text).arrow, declared(text).affinity) == (arrow, affinity)


@pytest.mark.parametrize(
    "text", ["INT", "varchar(30)", "BLOB", "", "DOUBLE", "STRING", "DECIMAL(9,2)", "A TEXT B", "DATE"]
)
def test_affinity_is_what_sqlite_says(text: str) -> None:
    db = sqlite3.connect(":memory:")
    db.execute(f"CREATE TABLE t (a {text})")
    db.execute("INSERT INTO t VALUES ('12'), (12), (12.0)")
    classes = tuple(row[0] for row in db.execute("SELECT typeof(a) FROM t ORDER BY rowid"))
    db.close()
    expected = {
        "INTEGER": ("integer",) * 3, "NUMERIC": ("integer",) * 3, "REAL": ("real",) * 3, "TEXT": ("text",) * 3,
        "BLOB": ("text", "integer", "real"),
    }  # fmt: skip
    assert classes == expected[declared(text).affinity]


@pytest.mark.parametrize(
    "kind",
    [
        pa.bool_(), pa.int8(), pa.uint32(), pa.uint64(), pa.float32(), pa.float64(), pa.decimal128(15, 2),
        pa.decimal128(38, 38), pa.decimal256(76, 3), pa.decimal128(5, -2), pa.string(), pa.large_string(), pa.binary(4),
        pa.date32(), pa.date64(), pa.time32("s"), pa.time64("ns"), pa.timestamp("s"),
        pa.timestamp("ns", "Asia/Shanghai"), pa.duration("us"), pa.json_(), pa.uuid(), pa.list_(pa.int64()),
        pa.dictionary(pa.int8(), pa.string()), pa.null(),
    ],
)  # fmt: skip
def test_a_created_column_takes_what_it_declares(kind: pa.DataType) -> None:
    column = declared(declaration(pa.field("a", kind)))
    assert column.arrow is not None
    assert accepted(column, kind) == column.arrow


def test_types_without_a_place_are_refused() -> None:
    with pytest.raises(ConfigError, match="no place for"):
        declaration(pa.field("a", pa.month_day_nano_interval()))


@settings(max_examples=150, deadline=None)
@given(
    st.integers(1, 15).flatmap(
        lambda p: st.tuples(st.just(p), st.integers(0, p), st.lists(st.integers(-(10**p) + 1, 10**p - 1)))
    )
)
def test_decimals_of_fifteen_digits_survive_as_doubles(case: tuple[int, int, list[int]]) -> None:
    precision, scale, unscaled = case
    kind = pa.decimal128(precision, scale)
    values = pa.array([None, *(Decimal(number).scaleb(-scale) for number in unscaled)], kind)
    doubles = stored(values, "NUMERIC", no_note).values
    assert doubles.to_pylist() == [None if value is None else float(value) for value in values.to_pylist()]
    db = sqlite3.connect(":memory:")
    db.execute(f"CREATE TABLE t (a DECIMAL({precision},{scale}))")
    db.executemany("INSERT INTO t VALUES (?)", [(value,) for value in doubles.to_pylist()])
    back = pa.array([row[0] for row in db.execute("SELECT CAST(a AS REAL) FROM t ORDER BY rowid")], pa.float64())
    db.close()
    result = loaded(back, kind)
    assert result.bad is None
    assert result.values.equals(values)


@settings(max_examples=100, deadline=None)
@given(st.text())
def test_names_and_literals(text: str) -> None:
    db = sqlite3.connect(":memory:")
    name = text.replace("\0", "") or "x"
    db.execute(f"CREATE TABLE {quoted(name)} ({quoted(name)} TEXT)")
    assert db.execute("SELECT name FROM sqlite_master").fetchone()[0] == name
    assert db.execute(f"SELECT {literal(text)}").fetchone()[0] == text
    create = db.execute("SELECT sql FROM sqlite_master").fetchone()[0]
    db.execute(renamed(create, "other"))
    assert db.execute("SELECT name FROM pragma_table_info('other')").fetchone()[0] == name
    db.close()


def test_statements() -> None:
    script = (
        "INSERT INTO t VALUES ('a;b'); /* ; */ DELETE FROM t -- ;\n; "
        "CREATE TRIGGER x AFTER INSERT ON t BEGIN SELECT 1; SELECT 2; END;"
    )
    assert statements([script, " ; ", "SELECT 1"]) == [
        "INSERT INTO t VALUES ('a;b')",
        "/* ; */ DELETE FROM t -- ;",
        "CREATE TRIGGER x AFTER INSERT ON t BEGIN SELECT 1; SELECT 2; END",
        "SELECT 1",
    ]


def test_names_fold_as_sqlite_does() -> None:
    assert fold("ÀbC") == "Àbc"


@pytest.mark.parametrize(
    ("message", "kind"),
    [
        ("database is locked", TransientError),
        ("IO: Failed to step query: database table is locked: t", TransientError),
        ("database or disk is full", PermanentError),
        ("IO: failed to open '/x': failed to allocate memory", PermanentError),
        (
            "INVALID_ARGUMENT: [SQLite] Failed to prepare query: no such table: x\nquery: SELECT 'is locked'",
            ConfigError,
        ),
        ("INTERNAL: Failed to reset statement: UNIQUE constraint failed: t.a", Refused),
    ],
)
def test_messages(message: str, kind: type[Exception]) -> None:
    error = failure(RuntimeError(message), "x.db")
    assert type(error) is kind
    assert "Failed to" not in error.problem
