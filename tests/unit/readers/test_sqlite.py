"""What `sqlitereader` does beyond the contract: types, misfits, slices, queries. With both drivers."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from starhaul import ConfigError, PermanentError, native_type
from starhaul.testing import RecordingTask
from starhaul_readers.sqlite import SqliteReader, SqliteReaderParams
from starhaul_stores.sqlite import slices
from tests.sqlite_drivers import driver as driver


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "source.db"


def make(path: Path, *statements: str) -> None:
    with closing(sqlite3.connect(path, isolation_level=None)) as db:
        for statement in statements:
            db.execute(statement)


def reader(path: Path, **more: Any) -> SqliteReader:
    source = {} if "querySql" in more else {"table": "t"}
    return SqliteReader(SqliteReaderParams.model_validate({"path": str(path), **source, **more}))


def read(source: SqliteReader, target: int = 1) -> tuple[pa.Table, RecordingTask]:
    source.check()
    task = RecordingTask(source.schema())
    batches = [batch for split in source.split(target) for batch in source.read(split, task)]
    return pa.Table.from_batches(batches, schema=task.schema), task


def test_values_that_do_not_fit_their_declaration_are_rejected(path: Path) -> None:
    make(
        path,
        "CREATE TABLE t (i INTEGER, r REAL, s TEXT, b BLOB, d DATE, n DECIMAL(5,2), f BOOLEAN, x TIMESTAMP)",
        "INSERT INTO t VALUES (1, 1.5, 'a', x'00', '2026-01-01', 1.25, 1, '2026-01-01 00:00:00')",
        *(
            f"INSERT INTO t ({column}) VALUES ({value})"
            for column, value in [
                ("i", "'abc'"), ("i", "1.5"), ("i", "x'31'"), ("i", "9e18 * 2"), ("r", "'abc'"), ("r", "x'00'"),
                ("s", "x'61'"), ("b", "'text'"), ("b", "5"), ("d", "20260101"), ("d", "'2026-02-30'"), ("d", "x'00'"),
                ("n", "1.125"), ("n", "1000"), ("n", "'abc'"), ("f", "2"), ("f", "'true'"), ("x", "1767225600"),
                ("x", "'soon'"),
            ]
        ),
        "INSERT INTO t (i) VALUES (NULL)",
    )  # fmt: skip
    table, task = read(reader(path))
    assert table.num_rows == 2
    assert len(task.rejected) == 19
    told = [reason for _, reason, _ in task.rejected]
    assert "column 'i', declared INTEGER, holds text 'abc'" in told
    assert "column 'b', declared BLOB, holds integer 5" in told
    assert any("1.125" in reason and "decimal(5, 2)" in reason for reason in told)


def test_open_columns_take_the_type_of_their_values(path: Path) -> None:
    make(
        path,
        "CREATE TABLE t (id INTEGER PRIMARY KEY, i, r NUMERIC, s, b, empty, mixed)",
        "INSERT INTO t VALUES (1, 1, 1, 'a', x'00', NULL, 1)",
        "INSERT INTO t VALUES (2, 2, 2.5, 'b', x'ff', NULL, 0.1)",
        "INSERT INTO t VALUES (3, NULL, NULL, NULL, NULL, NULL, 'text')",
        "INSERT INTO t VALUES (4, 4, 9007199254740993, 'c', x'', NULL, 1)",
        "INSERT INTO t VALUES (5, 5, 5, 'd', x'', NULL, x'00')",
    )
    table, task = read(reader(path))
    kinds = dict(zip(table.schema.names, table.schema.types, strict=True))
    text, real = pa.string(), pa.float64()
    assert kinds == {
        "id": pa.int64(),
        "i": pa.int64(),
        "r": real,
        "s": text,
        "b": pa.binary(),
        "empty": text,
        "mixed": text,
    }
    assert table["mixed"].to_pylist() == ["1", "0.1", "text"]
    assert [reason for _, reason, _ in task.rejected] == [
        "column 'r', declared NUMERIC, holds integer 9007199254740993",
        "column 'mixed', read as string, holds blob X'00'",
    ]


def test_texts_that_are_not_utf8_are_rejected(path: Path) -> None:
    make(path, "CREATE TABLE t (s TEXT)", "INSERT INTO t VALUES ('a'), (CAST(x'61ff62' AS TEXT)), ('é')")
    table, task = read(reader(path))
    assert table["s"].to_pylist() == ["a", "é"]
    assert "not UTF-8" in task.rejected[0][1]
    assert task.rejected[0][0] == {"s": "a\ufffdb"}


def test_a_first_batch_of_nulls_does_not_decide_the_type(path: Path) -> None:
    make(path, "CREATE TABLE t (s TEXT, b BLOB, r REAL)")
    make(
        path,
        "INSERT INTO t SELECT NULL, NULL, NULL FROM pragma_function_list LIMIT 50",
        "INSERT INTO t VALUES ('x', x'01', 1)",
    )
    table, _ = read(reader(path, fetchSize=7))
    assert table.to_pylist()[-1] == {"s": "x", "b": b"\x01", "r": 1.0}


def test_long_decimals_in_numeric_columns(path: Path) -> None:
    make(path, "CREATE TABLE t (d DECIMAL(38,4))")
    make(path, "INSERT INTO t VALUES (9223372036854775807), (12345678901.2345), (0.5), (1e15 + 0.5), (0.00001), (-7)")
    table, task = read(reader(path))
    assert table["d"].to_pylist() == [Decimal(2**63 - 1), Decimal("12345678901.2345"), Decimal("0.5"), Decimal(-7)]
    assert len(task.rejected) == 2


def test_columns_and_expressions_are_taken_as_written(path: Path) -> None:
    make(
        path,
        'CREATE TABLE t (id INTEGER, "order" VARCHAR(9), "1st" TEXT)',
        "INSERT INTO t VALUES (1, 'a;b', 'x'), (2, NULL, 'y')",
    )
    source = reader(path, column=["order", "1st", "id * 2 AS twice", "'lit'", "null", 'upper("1st")'], where="id > 0; ")
    table, _ = read(source)
    assert [list(row.values()) for row in table.to_pylist()] == [
        ["a;b", "x", 2, "lit", None, "X"],
        [None, "y", 4, "lit", None, "Y"],
    ]
    assert table.schema.names[:3] == ["order", "1st", "twice"]
    assert [native_type(field) for field in table.schema][:3] == ["VARCHAR(9)", "TEXT", None]


def test_a_table_of_very_many_columns(path: Path) -> None:
    """Nearly as many as SQLite allows; it limits how deep an expression may be, too."""
    names = [f"c{number}" for number in range(1999)]
    make(path, f"CREATE TABLE t ({', '.join(f'{name} INTEGER' for name in names)})")
    make(path, f"INSERT INTO t VALUES ({', '.join(map(str, range(1999)))})")
    table, task = read(reader(path))
    assert table.to_pylist() == [{name: number for number, name in enumerate(names)}]
    assert not task.rejected


def test_what_a_query_leaves_without_effect_is_told(path: Path) -> None:
    make(path, "CREATE TABLE t (i INTEGER)")
    told = reader(path, querySql="SELECT i FROM t", where="i > 1", splitPk="i").describe()
    assert told[-1] == "No effect on querySql, which is run as it stands: where, splitPk."
    assert not [fact for fact in reader(path, where="i > 1").describe() if "No effect" in fact]


def test_queries(path: Path) -> None:
    make(
        path,
        "CREATE TABLE t (id INTEGER, d DATE)",
        "INSERT INTO t VALUES (1, '2026-01-01'), (2, NULL), (3, '2026-01-03')",
    )
    query = (
        "WITH a AS (SELECT * FROM t) SELECT a.id, d AS day, count(*) AS n FROM a GROUP BY 1, 2 ORDER BY 1 DESC -- done;"
    )
    table, _ = read(reader(path, querySql=query), 7)
    assert table.schema.types == [pa.int64(), pa.date32(), pa.int64()]
    assert table["id"].to_pylist() == [3, 2, 1]


@pytest.mark.parametrize(
    ("ddl", "key"),
    [
        ("id INTEGER PRIMARY KEY", None),
        ("id INTEGER", None),
        ("id TEXT PRIMARY KEY COLLATE NOCASE", "id"),
        ("id TEXT COLLATE NOCASE", "ID"),
        ("id TEXT", "id"),
        ("id INTEGER", "id"),
        ("id", "id"),
        ("id INTEGER, rowid TEXT, oid TEXT, _rowid_ TEXT", None),
        ("id INTEGER, rowid TEXT", None),
    ],
)
def test_slices_hold_every_row_once(path: Path, ddl: str, key: str | None) -> None:
    make(path, f"CREATE TABLE t ({ddl})")
    values = [f"'{chr(65 + n % 40)}{n}'" if "TEXT" in ddl.partition(",")[0] else str(n * n - 500) for n in range(100)]
    odd = ["'a'", "'é'", "'it''s'", "'nul' || char(0) || 'x'"] if "TEXT" in ddl.partition(",")[0] else ["0", "1"]
    unique = "PRIMARY" in ddl
    extra = [] if unique else ["NULL", "NULL", *odd * 20]
    make(path, *(f"INSERT OR IGNORE INTO t (id) VALUES ({value})" for value in [*values, *odd, *extra]))
    with closing(sqlite3.connect(path)) as db:
        wanted = sorted(repr(row[0]) for row in db.execute("SELECT id FROM t"))
    for target in (1, 2, 3, 7, 50, 1000):
        source = reader(path, column=["id"], **({"splitPk": key} if key else {}))
        table, _ = read(source, target)
        assert sorted(map(repr, table["id"].to_pylist())) == wanted
        counted = [split.rows or 0 for split in source.split(target)]
        assert len(counted) <= 2 * target + 2, "equal keys stay together, NULLs have a slice of their own"


def test_slices_are_level_and_bounded(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(slices, "ROWS_PER_SLICE", 10)
    make(path, "CREATE TABLE t (id INTEGER PRIMARY KEY)", *(f"INSERT INTO t VALUES ({n**3})" for n in range(100)))
    source = reader(path, where="id >= 0")
    splits = source.split(1)
    assert len(splits) == 10
    make(path, "INSERT INTO t VALUES (10000000)")
    task = RecordingTask(source.schema())
    assert [sum(b.num_rows for b in source.read(split, task)) for split in splits] == [10] * 10


def test_several_tables_and_datax_form(path: Path) -> None:
    make(path, "CREATE TABLE a (id INTEGER)", "CREATE TABLE b (id INTEGER)", "CREATE TABLE c (id TEXT)")
    make(path, "INSERT INTO a VALUES (1)", "INSERT INTO b VALUES (2)")
    document = {"connection": [{"jdbcUrl": [f"jdbc:sqlite:{path}"], "table": ["a", "b"]}], "column": ["id"]}
    params = SqliteReaderParams.parse(document)
    assert isinstance(params, SqliteReaderParams)
    assert sorted(read(SqliteReader(params), 4)[0]["id"].to_pylist()) == [1, 2]
    with pytest.raises(ConfigError, match="has not the columns"):
        reader(path, table=["a", "c"]).schema()


def test_what_is_missing_is_named(path: Path) -> None:
    with pytest.raises(ConfigError, match="no such file"):
        reader(path).check()
    make(path, "CREATE TABLE Orders (id INTEGER)")
    assert not path.with_name("other.db").exists()
    for source, told in (
        (reader(path, table="ordrs"), "did you mean 'Orders'"),
        (reader(path, table="orders", column=["idd"]), "no such column: idd"),
        (reader(path, table="orders", column=['"ID"', '"rowid"', '"idd"']), "has no column 'idd'.*did you mean 'id'"),
        (reader(path, table="orders", splitPk="ide"), "did you mean 'id'"),
        (reader(path, table="orders", where="nope = 1"), "no such column: nope"),
        (reader(path, querySql="SELEC 1"), "syntax error"),
        (reader(path, querySql="SELECT 1; DROP TABLE orders"), "2 statements"),
    ):
        with pytest.raises(ConfigError, match=told):
            source.check()
    path.write_bytes(b"hello" * 1000)
    with pytest.raises(PermanentError, match="not a database"):
        reader(path).check()


@pytest.mark.parametrize(
    "wrong",
    [
        {"table": []},
        {"querySql": "SELECT 1", "table": "t"},
        {"column": []},
        {"where": "a = 1) OR (a = 2"},
        {"fetchSize": 0},
        {"connection": [{"path": "x"}]},
    ],
)
def test_wrong_parameters(path: Path, wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError):
        reader(path, **wrong)


def test_reading_changes_nothing(path: Path) -> None:
    make(path, "CREATE TABLE t (id INTEGER)", "INSERT INTO t VALUES (1)")
    before = path.read_bytes()
    path.chmod(0o444)
    read(reader(path))
    assert path.read_bytes() == before
    assert [each.name for each in path.parent.iterdir()] == ["source.db"]
