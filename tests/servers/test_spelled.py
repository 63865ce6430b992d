"""MySQL and PostgreSQL → delimited files in the encodings `text/csv;…`: the same bytes as through Arrow, the same rows
rejected."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import pytest

import starhaul
from starhaul.job.load import load_job
from starhaul.plan.build import make_plan
from starhaul.registry import Registry
from starhaul_readers.mysql import MysqlReader, MysqlReaderParams
from starhaul_readers.postgresql import PostgresqlReader, PostgresqlReaderParams
from starhaul_stores.csv_lines import CSV_LINES
from starhaul_writers.txtfile import TxtFileWriter, TxtFileWriterParams
from tests.conftest import MysqlDatabase, PostgresqlSchema

TEXTS = [
    "plain", "", " ", "x  ", "NULL", "\\N", "\\", "\\.", "a\tb", "a,b", "a|b;c", "a\x01b", "a\nb", "a\rb", "\r\n",
    '"', '"a","b"', "'", "é😀",
    "\ufeffmark", "x\ufeff", "infinity", "NaN", "Vancouver, BC", "12345-01-01", "2024-00-10",
    "\x1f\x02", "b" * 250, "c" * 251, "d" * 300, ",", ",,", None,
]  # fmt: skip
STYLES = [
    {"fileFormat": "csv"},
    {"fileFormat": "text"},
    {"fileFormat": "csv", "fieldDelimiter": "\t", "header": True},
    {"fileFormat": "text", "fieldDelimiter": "\x01"},
    {"fileFormat": "csv", "fieldDelimiter": "|", "compress": "gzip"},
]


def words(count: int) -> list[str | None]:
    """Many harmless texts between some that are not."""
    return [*TEXTS * 3, *[f"some words{',' * (n % 9 == 0)} {n} of them" for n in range(count)], *TEXTS]


def written(reader: dict[str, Any], style: dict[str, Any], folder: Path, encoded: bool) -> tuple[Any, bytes, list[Any]]:
    """The report of a run in one channel, what the file holds, and row and reason of the rejects."""
    into = {"name": "txtfile", "path": str(folder / "out"), "fileName": "f", "writeMode": "truncate", **style}
    job = {"reader": reader, "writer": into, "settings": {"channel": 1, "errorLimit": {"record": 100000}}}
    with pytest.MonkeyPatch.context() as patch:
        if not encoded:
            patch.setattr(TxtFileWriter, "encodings", lambda self, schema: ())
        report = starhaul.run(job, state=folder / "state")
    (path,) = (folder / "out").iterdir()
    data = path.read_bytes()
    if style.get("compress"):
        import gzip

        data = gzip.decompress(data)
    told = [json.loads(line) for each in (folder / "state").rglob("*.jsonl") for line in each.read_text().splitlines()]
    return report, data, [(each["row"]["id"], each["reason"]) for each in told if "row" in each]


def agreed(source: Any, style: dict[str, Any]) -> bool:
    params = {"path": "/nowhere", "fileName": "f", "writeMode": "truncate", **style}
    writer = TxtFileWriter(TxtFileWriterParams.model_validate(params))
    return bool(set(source.encodings()) & set(writer.encodings(source.schema())))


def same_both_ways(reader: dict[str, Any], style: dict[str, Any], folder: Path) -> tuple[bytes, list[Any]]:
    """What a job writes, after a look that it is what it writes through Arrow."""
    fast, data, rejected = written(reader, style, folder / "fast", True)
    slow, expected, refused = written(reader, style, folder / "slow", False)
    assert data == expected
    assert sorted(rejected) == sorted(refused)
    assert (fast.read, fast.written, fast.rejected) == (slow.read, slow.written, slow.rejected)
    return data, rejected


@pytest.fixture
def on_mysql(mysql: MysqlDatabase) -> MysqlDatabase:
    mysql.execute(
        "CREATE TABLE source (word longtext, id bigint, small smallint unsigned, amount decimal(20,4), code char(3), "
        "day date, at datetime(6), noon datetime, kind enum('ab','c'), word2 varchar(300)) CHARACTER SET utf8mb4"
    )
    rows = [
        (text, number, number % 65536, f"{number - 5000}.{number % 10000:04}", "äöü"[: number % 4],
         f"{1 + number % 9999:04}-02-28", f"2024-02-29 23:59:59.{number:06}", "2024-02-29 00:00:00", "ab", text)
        for number, text in enumerate(words(5000))
    ]  # fmt: skip
    with mysql.db.cursor() as cursor:
        cursor.executemany(f"INSERT INTO source VALUES ({', '.join(['%s'] * 10)})", rows)
    return mysql


@pytest.mark.parametrize("style", STYLES, ids=str)
def test_mysql(on_mysql: MysqlDatabase, style: dict[str, Any], tmp_path: Path) -> None:
    reader = {"name": "mysql", "url": on_mysql.url, "table": "source"}
    assert agreed(MysqlReader(MysqlReaderParams.model_validate({"url": on_mysql.url, "table": "source"})), style)
    _, rejected = same_both_ways(reader, style, tmp_path)
    assert bool(rejected) == (style["fileFormat"] == "text")
    on_mysql.execute("DELETE FROM source WHERE word IS NULL OR length(word) > 250 OR word2 REGEXP '[^a-z0-9, ]'")
    same_both_ways(reader, style, tmp_path / "plain")  # each row where it came from the wire
    on_mysql.execute("SET sql_mode = ''", "UPDATE source SET day = '2024-00-10' WHERE id % 100 = 0")
    _, rejected = same_both_ways(reader, style, tmp_path / "zero")
    assert any("2024-00-10" in reason for _, reason in rejected)


def test_one_file_with_one_first_line(on_mysql: MysqlDatabase, tmp_path: Path) -> None:
    reader = {"name": "mysql", "url": on_mysql.url, "table": "source", "splitPk": "id"}
    into = {"name": "txtfile", "path": str(tmp_path / "out"), "fileName": "f", "writeMode": "truncate"}
    job = {
        "reader": reader,
        "writer": {**into, "fileFormat": "csv", "singleFile": True, "header": True},
        "settings": {"channel": 2},
    }
    report = starhaul.run(job, state=tmp_path / "state")
    assert (report.state, report.rejected) == ("done", 0), report.error
    with (tmp_path / "out" / "f").open(newline="", encoding="utf-8") as file:
        first, *rows = csv.reader(file)
    assert first[:2] == ["word", "id"]
    assert sorted(int(row[1]) for row in rows) == list(range(len(words(5000))))


@pytest.mark.parametrize(
    "kind", ["float", "int zerofill", "datetime(2)", "timestamp", "time", "year", "bit(3)", "blob", "double"]
)
def test_mysql_spells_otherwise(mysql: MysqlDatabase, kind: str) -> None:
    mysql.execute(f"CREATE TABLE source (id int, value {kind})")
    for source in ({"table": "source"}, {"querySql": "SELECT * FROM source"}):
        reader = MysqlReader(MysqlReaderParams.model_validate({"url": mysql.url, **source}))
        assert not set(CSV_LINES) & set(reader.encodings())


@pytest.fixture
def on_postgresql(postgresql: PostgresqlSchema) -> PostgresqlSchema:
    db = postgresql.db
    db.execute(
        "CREATE TABLE source (word text, id bigint, small smallint, amount numeric(20,4), code char(3), day date, "
        "at timestamp, at3 timestamp(3), zoned timestamptz, yes boolean, one uuid, doc jsonb, word2 varchar(300))"
    )
    with db.cursor() as cursor:
        cursor.executemany(
            "INSERT INTO source VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)",
            [
                (text, number, number % 32767, f"{number - 5000}.{number % 10000:04}", "äöü"[: number % 4],
                 f"{1 + number % 9999:04}-02-28", f"2024-02-29 23:59:59.{number:06}", "2024-02-29 00:00:00.12",
                 "2024-03-31 02:30:00+02", number % 2 == 0, "11111111-2222-3333-4444-555555555555",
                 json.dumps({"a, b": [text and text.replace(chr(0), "")]}), text)
                for number, text in enumerate(words(2000))
            ],
        )  # fmt: skip
    return postgresql


@pytest.mark.parametrize("style", STYLES, ids=str)
def test_postgresql(on_postgresql: PostgresqlSchema, style: dict[str, Any], tmp_path: Path) -> None:
    params = {"url": on_postgresql.url, "table": "source"}
    assert agreed(PostgresqlReader(PostgresqlReaderParams.model_validate(params)), style)
    _, rejected = same_both_ways({"name": "postgresql", **params}, style, tmp_path)
    assert bool(rejected) == (style["fileFormat"] == "text")
    on_postgresql.db.execute(b"DELETE FROM source WHERE id < 100 OR id > 2000; UPDATE source SET doc = '[]'")
    same_both_ways({"name": "postgresql", **params}, style, tmp_path / "plain")


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ("day = 'infinity'", "infinity"), ("day = '12345-06-07'", "day"), ("at = '-infinity'", "infinity"),
        ("zoned = '10000-01-01 00:00Z'", "zoned"), ("amount = 'NaN'", "NaN"), ("day = '0044-03-15 BC'", ""),
        ("at = '0001-12-31 23:59:59 BC'", ""),
    ],
)  # fmt: skip
def test_postgresql_values_without_a_text(
    on_postgresql: PostgresqlSchema, change: str, told: str, tmp_path: Path
) -> None:
    on_postgresql.db.execute(f"UPDATE source SET {change} WHERE id % 500 = 1".encode())
    reader = {"name": "postgresql", "url": on_postgresql.url, "table": "source"}
    _, rejected = same_both_ways(reader, {"fileFormat": "csv"}, tmp_path)
    assert [number for number, _ in rejected if int(number) % 500 != 1] == []
    assert all(told in reason for _, reason in rejected)


@pytest.mark.parametrize("kind", ["real", "time", "bytea", "numeric", "interval", "money"])
def test_postgresql_spells_otherwise(postgresql: PostgresqlSchema, kind: str) -> None:
    """Or, like `numeric`, is read as text, and may be passed on as it is."""
    postgresql.db.execute(f"CREATE TABLE source (id int, value {kind})".encode())
    reader = PostgresqlReader(PostgresqlReaderParams.model_validate({"url": postgresql.url, "table": "source"}))
    read_as_text = reader.schema().field("value").type == "string"
    assert bool(set(CSV_LINES) & set(reader.encodings())) == read_as_text


@pytest.mark.parametrize(
    "settings",
    [
        {"conversion": {"rules": "datax"}}, {"conversion": {"dateFormat": "yyyyMMdd"}},
        {"transformers": [{"name": "rename", "columns": {"small": "little"}}]},
    ],
    ids=str,
)  # fmt: skip
def test_values_that_are_needed_go_through_arrow(
    on_postgresql: PostgresqlSchema, settings: dict[str, Any], tmp_path: Path
) -> None:
    transformers = settings.pop("transformers", [])
    job = {
        "reader": {"name": "postgresql", "url": on_postgresql.url, "table": "source"},
        "transformers": transformers,
        "writer": {"name": "txtfile", "path": str(tmp_path), "fileName": "f", "writeMode": "truncate"},
        "settings": settings,
    }
    registry = Registry()
    with make_plan(load_job(job, registry), registry) as plan:
        assert plan.streams[0].encoding is None


def test_a_server_that_takes_backslashes_for_escapes(on_postgresql: PostgresqlSchema, tmp_path: Path) -> None:
    """Its `'\\N'` would be an N, and NULL could not be told from it."""
    on_postgresql.db.execute(b"UPDATE source SET word = 'N', word2 = NULL")
    reader = {"name": "postgresql", "url": on_postgresql.url, "table": "source"}
    session = ["SET standard_conforming_strings = off", "SET escape_string_warning = off"]
    data, _ = same_both_ways({**reader, "session": session}, {"fileFormat": "csv"}, tmp_path)
    assert b",\\N\n" in data
    assert data.startswith(b"N,")
