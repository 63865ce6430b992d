"""MySQL → PostgreSQL in the encoding `lines/tab`: the same rows as through Arrow, the same rows rejected."""

from __future__ import annotations

import datetime as dt
import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

import starhaul
from starhaul_readers.mysql import MysqlReader, MysqlReaderParams
from starhaul_stores.mysql.line_loading import ROWS
from starhaul_stores.relational.lines import LINES
from starhaul_writers.postgresql import PostgresqlWriter, PostgresqlWriterParams
from tests.conftest import MysqlDatabase, PostgresqlSchema

COLUMNS = (
    "id bigint{key}, small smallint, n int, amount decimal(20,2), word varchar(300), code char(3), day date, at {at}"
)
TEXTS = [
    "", " ", "x  ", "NULL", "\\N", "\\", "\\.", "\\t", "a\tb", "a\nb", "a\rb", "\r\n", '"', '"a","b"', "'", "é😀",
    "\x01\x7f", None, "b" * 250, "c" * 251, "d" * 300,
]  # fmt: skip
Row = tuple[Any, ...]


def rows() -> list[Row]:
    made: list[Row] = []
    for number in range(20_000):
        # Most blocks are plain; what is special stands in the first thousand rows.
        text = TEXTS[number % len(TEXTS)] if number < 1000 else f"word {number}"
        absent = number < 1000 and number % 5 == 0
        moment = dt.datetime(9999, 12, 31, 23, 59, 59, 999999) - dt.timedelta(days=number, microseconds=number)
        amount = Decimal(number - 500).scaleb(-2) * 10 ** (number % 12)
        code = "äöü"[: number % 4]
        made.append(
            (number - 500, number % 32767 - 100, None if absent else -number, None if absent else amount, text, code,
             None if absent else dt.date(1, 1, 1) + dt.timedelta(days=number * 150), moment)
        )  # fmt: skip
    return made


@pytest.fixture
def tables(mysql: MysqlDatabase, postgresql: PostgresqlSchema) -> tuple[MysqlDatabase, PostgresqlSchema]:
    mysql.execute(f"CREATE TABLE source ({COLUMNS.format(key=' PRIMARY KEY', at='datetime(6)')}) CHARACTER SET utf8mb4")
    postgresql.db.execute(f"CREATE TABLE target ({COLUMNS.format(key=' PRIMARY KEY', at='timestamp')})".encode())
    return mysql, postgresql


def planned(mysql: MysqlDatabase, postgresql: PostgresqlSchema, **reader: Any) -> bool:
    """Whether the two sides agree on lines."""
    source = MysqlReader(MysqlReaderParams.model_validate({"url": mysql.url, "table": "source", **reader}))
    target = PostgresqlWriter(PostgresqlWriterParams.model_validate({"url": postgresql.url, "table": "target"}))
    return LINES in source.encodings() and LINES in target.encodings(source.schema())


def run(
    mysql: MysqlDatabase, postgresql: PostgresqlSchema, tmp_path: Path, observers: Any = (), **settings: Any
) -> Any:
    job = {
        "reader": {"name": "mysql", "url": mysql.url, "table": "source"},
        "writer": {"name": "postgresql", "url": postgresql.url, "table": "target"},
        "settings": {"channel": 2, **settings},
    }
    return starhaul.run(job, state=tmp_path / "state", observers=observers)


def arrived(postgresql: PostgresqlSchema) -> list[Row]:
    return [tuple(row) for row in postgresql.db.execute("SELECT * FROM target ORDER BY id")]


def test_every_value_arrives(tables: tuple[MysqlDatabase, PostgresqlSchema], tmp_path: Path) -> None:
    mysql, postgresql = tables
    sent = rows()
    with mysql.db.cursor() as cursor:
        cursor.executemany("INSERT INTO source VALUES (%s, %s, %s, %s, %s, %s, %s, %s)", sent)
    assert planned(mysql, postgresql)
    report = run(mysql, postgresql, tmp_path)
    assert (report.state, report.written, report.rejected) == ("done", len(sent), 0)
    padded = [(*row[:5], row[5].ljust(3), *row[6:]) for row in sent]
    assert arrived(postgresql) == padded


def test_rows_that_are_refused_are_told(tables: tuple[MysqlDatabase, PostgresqlSchema], tmp_path: Path) -> None:
    mysql, postgresql = tables
    mysql.execute(
        "SET sql_mode = ''",
        "INSERT INTO source (id, word, day) VALUES (1, 'good', '2024-02-29'), (2, 'zero', '0000-00-00'), "
        "(3, 'a\\0b', '2024-01-01'), (4, 'month 0', '2024-00-10'), (5, 'good', NULL)",
    )
    assert planned(mysql, postgresql)
    report = run(mysql, postgresql, tmp_path, errorLimit={"record": 3})
    assert (report.written, report.rejected) == (2, 3)
    assert [row[0] for row in arrived(postgresql)] == [1, 5]
    (path,) = (tmp_path / "state").rglob("*.jsonl")
    told = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    found = {str(each["row"]["id"]): each["reason"] for each in told}
    assert set(found) == {"2", "3", "4"}
    assert "0000-00-00" in found["2"]
    assert "0x00" in found["3"]


@pytest.mark.parametrize(
    "change",
    [
        "word TYPE varchar(299)", "code TYPE char(2)", "amount TYPE numeric(20,1)", "n TYPE bigint",
        "word TYPE bytea USING ''",
        "at TYPE timestamp(4)", "at TYPE timestamptz", "day TYPE timestamp", "word TYPE xml USING word::xml",
    ],
)  # fmt: skip
def test_columns_that_could_alter_a_value_go_through_arrow(
    tables: tuple[MysqlDatabase, PostgresqlSchema], change: str
) -> None:
    mysql, postgresql = tables
    postgresql.db.execute(f"ALTER TABLE target ALTER {change}".encode())
    assert not planned(mysql, postgresql)


@pytest.mark.parametrize("kind", ["bit(3)", "blob", "binary(3)", "point", "uuid"])
def test_types_whose_text_is_not_the_same_are_no_lines(mysql: MysqlDatabase, kind: str) -> None:
    mysql.execute(f"CREATE TABLE source (id int, value {kind})")
    reader = MysqlReader(MysqlReaderParams.model_validate({"url": mysql.url, "table": "source"}))
    assert reader.encodings() == (ROWS,)


def test_zero_dates_that_become_null_go_through_arrow(tables: tuple[MysqlDatabase, PostgresqlSchema]) -> None:
    mysql, postgresql = tables
    assert planned(mysql, postgresql)
    assert not planned(mysql, postgresql, zeroDate="null")


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ("MODIFY small bit(9)", "have changed since the run began"),
        ("MODIFY id int AFTER small", "not the one of schema"),
        ("DROP small", "not the one of schema"),
    ],
)
def test_a_source_that_is_altered_after_the_plan_fails_the_run(
    tables: tuple[MysqlDatabase, PostgresqlSchema], tmp_path: Path, change: str, told: str
) -> None:
    """Its rows would go to columns that they do not belong to."""
    mysql, postgresql = tables
    mysql.execute("INSERT INTO source (id, small) VALUES (1, 2)")

    def alter(event: Any) -> None:
        if isinstance(event, starhaul.RunStarted):
            mysql.execute(f"ALTER TABLE source {change}")

    report = run(mysql, postgresql, tmp_path, observers=[alter])
    assert report.state == "failed"
    assert told in str(report.error)
    assert arrived(postgresql) == []


@pytest.mark.parametrize("change", ["word TYPE varchar(3)", "at TYPE timestamp(5)"])
def test_a_target_that_is_altered_while_rows_come_fails_the_run(
    tables: tuple[MysqlDatabase, PostgresqlSchema], tmp_path: Path, change: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It would cut blanks, and round times."""
    mysql, postgresql = tables
    mysql.execute("INSERT INTO source (id, word, at) VALUES (1, 'ab   ', '2026-01-31 00:00:00.000006')")
    written = PostgresqlWriter._written

    def altered(self: PostgresqlWriter, *rows: Any) -> Any:
        postgresql.db.execute(f"ALTER TABLE target ALTER {change}".encode())
        return written(self, *rows)

    monkeypatch.setattr(PostgresqlWriter, "_written", altered)
    report = run(mysql, postgresql, tmp_path)
    assert report.state == "failed"
    assert "once a run is planned" in str(report.error)
    assert arrived(postgresql) == []
