"""Values from drivers, and values to them: exactly, or named."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal
from typing import Any
from uuid import UUID

import pyarrow as pa
import pytest

from starhaul import ConfigError
from starhaul_stores.rdbms.binding import bound, empty_texts, unfit
from starhaul_stores.rdbms.catalog import Column
from starhaul_stores.rdbms.declaration import accepted
from starhaul_stores.rdbms.type_names import arrow_type, type_name
from starhaul_stores.rdbms.values import column

HOUR = timedelta(hours=1)


@pytest.mark.parametrize(
    ("kind", "given", "wanted"),
    [
        (pa.int64(), [1, None, Decimal("2"), "3", 4.0], [1, None, 2, 3, 4]),
        (pa.decimal128(10, 2), [Decimal("1.5"), 2, 12.25, "3.10"],
         [Decimal(x) for x in ("1.50", "2.00", "12.25", "3.10")]),
        (pa.decimal128(20, 0), [2**64 - 1, None], [Decimal(2**64 - 1), None]),
        (pa.string(), ["a", Decimal("1E+3"), Decimal("NaN"), 5], ["a", "1000", "NaN", "5"]),
        (pa.binary(), [b"a", memoryview(b"b"), bytearray(b"c"), None], [b"a", b"b", b"c", None]),
        (pa.bool_(), [True, 0, b"\x01", None], [True, False, True, None]),
        (pa.date32(), [date(1, 1, 1), datetime(2026, 1, 31), "9999-12-31"],
         [date(1, 1, 1), date(2026, 1, 31), date(9999, 12, 31)]),
        (pa.timestamp("us"), [datetime(2026, 1, 31, 1, 2, 3, 4), "0001-01-01 00:00:00"],
         [datetime(2026, 1, 31, 1, 2, 3, 4), datetime(1, 1, 1)]),
        (pa.time64("us"), [time(1, 2, 3, 4), timedelta(seconds=5), "23:59:59.5"],
         [time(1, 2, 3, 4), time(0, 0, 5), time(23, 59, 59, 500000)]),
        (pa.uuid(), [UUID(int=1), str(UUID(int=2)), UUID(int=3).bytes], [UUID(int=1), UUID(int=2), UUID(int=3)]),
    ],
)  # fmt: skip
def test_what_fits(kind: pa.DataType, given: list[Any], wanted: list[Any]) -> None:
    found = column(given, kind)
    assert found.bad is None or not any(found.bad.to_pylist()), [found.explain(row) for row in range(len(given))]
    assert found.values.type == kind
    assert found.values.to_pylist() == wanted


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        (pa.int64(), 1.5), (pa.int64(), 1.0000001), (pa.int64(), 2**63), (pa.int64(), "x"),
        (pa.decimal128(4, 2), Decimal("1.555")),
        (pa.decimal128(4, 2), Decimal("NaN")), (pa.decimal128(4, 2), 100), (pa.date32(), datetime(2026, 1, 31, 1)),
        (pa.date32(), "0000-00-00"), (pa.timestamp("us"), datetime(2026, 1, 31, tzinfo=timezone(HOUR))),
        (pa.timestamp("s"), datetime(2026, 1, 31, 0, 0, 0, 1)), (pa.timestamp("us"), "2026-01-31 00:00:00.0000001"),
        (pa.timestamp("ns"), "0001-01-01 00:00:00.0000000"), (pa.time64("us"), timedelta(days=1)),
        (pa.time64("us"), timedelta(seconds=-1)), (pa.bool_(), 2), (pa.binary(), "text"), (pa.json_(), {"a": 1.10}),
        (pa.string(), b"\xff"), (pa.string(), "\ud800"), (pa.uuid(), "x"),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_named(kind: pa.DataType, value: Any) -> None:
    """Never altered: the row is bad, with the value in the reason; its neighbours are not."""
    found = column([None, value], kind)
    assert found.bad is not None
    assert found.bad.to_pylist() == [False, True]
    assert found.explain(1).strip()


def test_instants_keep_their_moment() -> None:
    moments = [datetime(2026, 1, 31, 12, tzinfo=timezone(HOUR)), datetime(2026, 1, 31, 11), "2026-01-31 11:00:00Z"]
    for given in (moments[:1], moments[1:2], moments):
        assert set(column(given, pa.timestamp("us", "UTC")).values.cast(pa.int64()).to_pylist()) == {1769857200000000}


@pytest.mark.parametrize(
    ("dialect", "text", "kind"),
    [
        ("oracle", "NUMBER", pa.string()), ("oracle", "NUMBER(10, 0)", pa.int64()),
        ("oracle", "DATE", pa.timestamp("s")),
        ("oracle", "NUMBER(38, 0)", pa.decimal128(38, 0)), ("oracle", "NUMBER(5, -2)", pa.decimal128(7, 0)),
        ("oracle", "NUMBER(2, 5)", pa.decimal128(5, 5)), ("oracle", "FLOAT(126)", pa.string()),
        ("oracle", "INTEGER", pa.decimal128(38, 0)),
        ("oracle", "TIMESTAMP WITH LOCAL TIME ZONE", pa.timestamp("us", "UTC")),
        ("oracle", "RAW(16)", pa.binary()), ("oracle", "LONG RAW", pa.binary()),
        ("oracle", "VARCHAR2(30 CHAR)", pa.string()),
        ("oracle", "INTERVAL DAY(2) TO SECOND(6)", None), ("mssql", "TINYINT", pa.uint8()),
        ("mssql", "TIME", pa.time64("ns")),
        ("mssql", "SQL_VARIANT", None), ("mssql", "DATETIME2(3)", pa.timestamp("ms")),
        ("mysql", "BIGINT(20) UNSIGNED", pa.uint64()), ("mysql", "TIMESTAMP(6)", pa.timestamp("us", "UTC")),
        ("mysql", "VARCHAR(3) CHARACTER SET latin1", pa.string()), ("mysql", "ENUM('a','b')", pa.string()),
        ("postgresql", "TIMESTAMP(3) WITH TIME ZONE", pa.timestamp("ms", "UTC")), ("postgresql", "INTEGER[]", None),
        ("postgresql", "TIME WITH TIME ZONE", None), ("postgresql", "NUMERIC(1000, 0)", pa.string()), ("x", "", None),
        ("postgresql", 'VARCHAR(5) COLLATE "de_DE"', pa.string()), ("db2", "CHAR(16) FOR BIT DATA", pa.binary()),
    ],
)  # fmt: skip
def test_types(dialect: str, text: str, kind: pa.DataType | None) -> None:
    assert arrow_type(type_name(text), dialect) == kind


def _batch(**columns: pa.Array) -> pa.RecordBatch:
    return pa.record_batch(columns)


def test_rows_that_would_be_altered() -> None:
    rows = _batch(v=pa.array(["abc", "abc ", None]), x=pa.array([1.0, 2.0, float("nan")]))
    columns = [
        Column("v", type_name("VARCHAR(3)"), True, False, False),
        Column("x", type_name("DOUBLE"), False, False, False),
    ]
    bad = unfit(rows, columns, "mssql")
    assert set(bad) == {1, 2}
    assert "longer than VARCHAR(3)" in bad[1], "by the standard, blanks are cut off without a word"
    assert set(unfit(rows, columns, "sqlite")) == {2}
    assert set(unfit(rows.slice(0, 1), columns, "mssql")) == set()


@pytest.mark.parametrize(
    ("dialect", "wanted"),
    [
        ("oracle", "2026-01-31 11:00:00.000001+00:00"), ("mssql", "2026-01-31 11:00:00.000001 +00:00"),
        ("sqlite", "2026-01-31 11:00:00.000001Z"), ("postgresql", datetime(2026, 1, 31, 11, 0, 0, 1, UTC)),
    ],
)  # fmt: skip
def test_instants_are_bound(dialect: str, wanted: Any) -> None:
    rows, bad = bound(_batch(at=pa.array([1769857200000001], pa.timestamp("us", "Asia/Shanghai"))), dialect)
    assert rows == [{"p0": wanted}]
    assert not bad


def test_nothing_passes_through_floats() -> None:
    digits = Decimal("12345678901234567890.123456789012345678")
    rows, _ = bound(_batch(n=pa.array([digits], pa.decimal128(38, 18))), "postgresql")
    assert rows == [{"p0": digits}]
    rows, _ = bound(_batch(n=pa.array([digits], pa.decimal128(38, 18))), "sqlite")
    assert rows == [{"p0": str(digits)}]


def test_empty_texts_are_counted() -> None:
    assert empty_texts(_batch(a=pa.array(["", None, "x"]), b=pa.array([1, 2, 3]), c=pa.array(["", "", ""]))) == 4


@pytest.mark.parametrize(
    ("dialect", "kind", "values", "good"),
    [
        ("mssql", "DATETIME", pa.array([0, 3, 7, 1, 10, -3], pa.timestamp("ms")), [0, 3, 7, 10, -3]),
        ("mssql", "SMALLDATETIME", pa.array([60, 61, -60], pa.timestamp("s")), [60, -60]),
        ("mssql", "DATETIME2(7)", pa.array([100, 101], pa.timestamp("ns")), [100]),
        ("mssql", "DATETIME2(1)", pa.array([100, 101], pa.timestamp("ms")), [100]),
        ("postgresql", "TIMESTAMP(4) WITHOUT TIME ZONE", pa.array([100, 101], pa.timestamp("us")), [100]),
        ("postgresql", "TIME(3)", pa.array([1000, 1001], pa.time64("us")), [1000]),
        ("postgresql", "TIMESTAMP WITHOUT TIME ZONE", pa.array([100, 101], pa.timestamp("us")), [100, 101]),
        ("mysql", "TIME", pa.array([10**6, 1], pa.duration("us")), [10**6]),
        ("mysql", "YEAR", pa.array([0, 5, 1901], pa.int16()), [0, 1901]),
    ],
)
def test_what_would_be_rounded(dialect: str, kind: str, values: pa.Array, good: list[int]) -> None:
    column = Column("v", type_name(kind), False, False, False)
    bad = unfit(pa.record_batch({"v": values}), [column], dialect)
    whole = values if values.type == pa.int16() else values.view(pa.int64())
    assert [tick for row, tick in enumerate(whole.to_pylist()) if row not in bad] == good


def test_numbers_of_oracle() -> None:
    assert accepted(type_name("NUMBER"), pa.int32(), "oracle") == pa.int32()
    assert accepted(type_name("NUMBER"), pa.string(), "oracle") == pa.decimal128(38, 10)
    assert accepted(type_name("NUMBER(1, 0)"), pa.bool_(), "oracle") == pa.bool_()
    with pytest.raises(ConfigError, match="rounds"):
        accepted(type_name("NUMBER(5, -2)"), pa.int32(), "oracle")
