"""Values arrive as they were, and so do their types, or their row is rejected."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from pathlib import Path

import pyarrow as pa

from tests.unit.writers.sqlite.conftest import reasons, run, sql, writer


def test_values_that_sqlite_would_alter_are_rejected(path: Path) -> None:
    sql(path, "CREATE TABLE t (a STRING, b DOUBLE, c DATE, d TIMESTAMP)")
    table = pa.table(
        {
            "a": pa.array(["abc", "007", "1e3", " 5 ", "5x", ""]),
            "b": pa.array([1.5, 1.0, float("inf"), 2.0, float("nan"), -0.0]),
            "c": pa.array([1, 1, 1, 1, 1, 10**7], pa.date32()),
            "d": pa.array([1, 1, 1, 1, 1, 1], pa.timestamp("us")),
        }
    )
    receipt, task = run(writer(path), table)
    assert sql(path, "SELECT a, typeof(a), c, d FROM t") == [
        ("abc", "text", "1970-01-02", "1970-01-01 00:00:00.000001")
    ]
    assert receipt.rows == 1
    assert len(task.rejected) == 5
    assert "make a number of this text" in reasons(task)[0]
    assert "NaN" in reasons(task)[3]
    assert "0001 to 9999" in reasons(task)[4]
    assert task.notes == {"negative zero stored as 0.0": 1}


def test_decimals_arrive_digit_by_digit(path: Path) -> None:
    long = Decimal("1234567890123456789.0123456789")
    values = [Decimal("0.01"), Decimal("-12345678901.23"), Decimal("9999999999999.99"), Decimal(17)]
    table = pa.table({"a": pa.array(values, pa.decimal128(15, 2)), "b": pa.array([long] * 4, pa.decimal128(38, 10))})
    run(writer(path, createTable="ifMissing"), table)
    found = sql(path, "SELECT a, b FROM t")
    assert [row[0] for row in found] == [float(value) for value in values]
    assert found[0][1] == str(long)
    assert sql(path, "SELECT type FROM pragma_table_info('t')") == [("DECIMAL(15,2)",), ("DECIMAL_TEXT(38,10)",)]
    sql(path, "DROP TABLE t", "CREATE TABLE t (a DECIMAL(38,10))")
    accepted = writer(path).accept(pa.schema([("a", pa.decimal128(38, 10))]))
    assert accepted == pa.schema([("a", pa.decimal128(15, 10))])


def test_native_types_are_kept_where_they_mean_the_same(path: Path) -> None:
    from starhaul import with_native_type

    fields = [
        with_native_type(pa.field("a", pa.string()), "VARCHAR(30)"),
        with_native_type(pa.field("b", pa.decimal128(38, 2)), "NUMERIC(38,2)"),
        with_native_type(pa.field("c", pa.int32()), "INT"),
        with_native_type(pa.field("d", pa.string()), "x); DROP TABLE y; --"),
        with_native_type(pa.field("e", pa.bool_()), "TINYINT(1)"),
    ]
    target = writer(path, createTable="ifMissing")
    accepted = target.accept(pa.schema(fields))
    assert accepted is not None
    target.prepare(accepted, "r1")
    target.abort("r1", [])
    types = [row[0] for row in sql(path, "SELECT type FROM pragma_table_info('t')")]
    assert types == ["VARCHAR(30)", "DECIMAL_TEXT(38,2)", "INT", "TEXT", "BOOLEAN"]


def test_dates_sort_as_text(path: Path) -> None:
    micros = [0, 1, 999_999, 1_000_000, -1]
    table = pa.table(
        {"d": pa.array([date(2026, 1, n + 1) for n in range(5)]), "z": pa.array(micros, pa.timestamp("us", "UTC"))}
    )
    run(writer(path, createTable="ifMissing"), table)
    found = [row[0] for row in sql(path, "SELECT z FROM t ORDER BY z")]
    assert found[1:] == [
        "1970-01-01 00:00:00+00:00",
        "1970-01-01 00:00:00.000001+00:00",
        "1970-01-01 00:00:00.999999+00:00",
        "1970-01-01 00:00:01+00:00",
    ]
    assert sql(path, "SELECT julianday(z) IS NOT NULL FROM t LIMIT 1") == [(1,)]
