"""PostgreSQL and MySQL → MySQL in the encoding `lines/tab`: the same rows as through Arrow, the same rejected."""

from __future__ import annotations

import datetime as dt
import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

import starhaul
from starhaul_readers.mysql import MysqlReader, MysqlReaderParams
from starhaul_readers.postgresql import PostgresqlReader, PostgresqlReaderParams
from starhaul_stores.relational.lines import LINES
from starhaul_writers.mysql import MysqlWriter, MysqlWriterParams
from starhaul_writers.postgresql import PostgresqlWriter, PostgresqlWriterParams
from tests.conftest import MysqlDatabase, PostgresqlSchema

COLUMNS = "id bigint{key}, small smallint, n int, amount decimal(20,2), word varchar(300), day date, at {at}"
TEXTS = [
    "", " ", "x  ", "NULL", "\\N", "\\", "\\.", "\\f", "\\\\v", "a\tb", "a\nb", "a\rb", "\r\n", '"', '"a","b"', "'",
    "é😀", "\x01\x7f\x1a", "\b", "\f", "\v", "\\\v\\", None, "d" * 300,
]  # fmt: skip
Row = tuple[Any, ...]


def rows() -> list[Row]:
    made: list[Row] = []
    for number in range(5_000):
        text = TEXTS[number % len(TEXTS)] if number < 1000 else f"word {number}"
        absent = number < 1000 and number % 5 == 0
        moment = dt.datetime(9999, 12, 31, 23, 59, 59, 999999) - dt.timedelta(days=number, microseconds=number)
        amount = Decimal(number - 500).scaleb(-2) * 10 ** (number % 12)
        day = dt.date(1, 1, 1) + dt.timedelta(days=number * 700)
        made.append(
            (number - 500, number % 32767 - 100, None if absent else -number, None if absent else amount, text,
             None if absent else day, moment)
        )  # fmt: skip
    return made


@pytest.fixture(params=["postgresql", "mysql"])
def source(request: Any, mysql: MysqlDatabase, postgresql: PostgresqlSchema) -> Any:
    """The database that the rows come from, with its empty table `source`; and `target` beside it in MySQL."""
    mysql.execute(f"CREATE TABLE target ({COLUMNS.format(key=' PRIMARY KEY', at='datetime(6)')}) CHARACTER SET utf8mb4")
    if request.param == "mysql":
        mysql.execute("CREATE TABLE source LIKE target")
        return mysql
    postgresql.db.execute(f"CREATE TABLE source ({COLUMNS.format(key=' PRIMARY KEY', at='timestamp')})".encode())
    return postgresql


def filled(source: Any, sent: list[Row]) -> None:
    cursor = source.db.cursor()
    with cursor:
        cursor.executemany("INSERT INTO source VALUES (%s, %s, %s, %s, %s, %s, %s)", sent)


def reader(source: Any) -> PostgresqlReader | MysqlReader:
    parameters = {"url": source.url, "table": "source"}
    if isinstance(source, PostgresqlSchema):
        return PostgresqlReader(PostgresqlReaderParams.model_validate(parameters))
    return MysqlReader(MysqlReaderParams.model_validate(parameters))


def planned(source: Any, mysql: MysqlDatabase, **writer: Any) -> bool:
    """Whether the two sides agree on lines."""
    parameters = {"url": mysql.url, "table": "target", **writer}
    target = MysqlWriter(MysqlWriterParams.model_validate(parameters))
    return LINES in reader(source).encodings() and LINES in target.encodings(reader(source).schema())


def run(source: Any, mysql: MysqlDatabase, state: Path, mode: str = "insert", **settings: Any) -> Any:
    name = "postgresql" if isinstance(source, PostgresqlSchema) else "mysql"
    job = {
        "reader": {"name": name, "url": source.url, "table": "source"},
        "writer": {"name": "mysql", "url": mysql.url, "table": "target", "writeMode": mode},
        "settings": {"channel": 2, **settings},
    }
    return starhaul.run(job, state=state)


def arrived(mysql: MysqlDatabase) -> list[Row]:
    return [tuple(row) for row in mysql.execute("SELECT * FROM target ORDER BY id")]


def told(state: Path) -> dict[str, str]:
    """The reasons of rejected rows, by their `id`."""
    lines = [line for path in state.rglob("*.jsonl") for line in path.read_text(encoding="utf-8").splitlines()]
    return {str(each["row"]["id"]): each["reason"] for each in map(json.loads, lines)}


@pytest.mark.parametrize("mode", ["insert", "replace", "update", "overwrite", "insert ignore"])
def test_every_value_arrives(source: Any, mysql: MysqlDatabase, tmp_path: Path, mode: str) -> None:
    sent = rows()
    filled(source, sent)
    mysql.execute("INSERT INTO target (id, word) VALUES (9999, 'before')")
    if mode in ("replace", "update", "insert ignore"):
        mysql.execute("INSERT INTO target (id, word) VALUES (7, 'there')")
    assert planned(source, mysql)
    report = run(source, mysql, tmp_path, mode)
    ignored = mode == "insert ignore"
    assert (report.state, report.written, report.rejected) == ("done", len(sent) - ignored, 0)
    expected = [row for row in sent if not (ignored and row[0] == 7)]
    assert [row for row in arrived(mysql) if row[4] not in ("before", "there")] == expected


@pytest.mark.parametrize("way", ["lines", "Arrow"])
@pytest.mark.parametrize("change", ["at datetime(3)", "at datetime(5)", "amount decimal(21,1)", "n bit(40)"])
def test_a_target_that_is_altered_while_rows_come_fails_the_run(
    source: Any, mysql: MysqlDatabase, tmp_path: Path, way: str, change: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It would cut times, or have rows rejected that fitted."""
    filled(source, rows()[:3])
    if way == "Arrow":
        monkeypatch.setattr(MysqlWriter, "encodings", lambda self, schema: ())

    written = MysqlWriter._written

    def altered(self: MysqlWriter, *rows: Any) -> Any:
        with mysql.server.connect(database=mysql.name) as db, db.cursor() as cursor:
            cursor.execute(f"ALTER TABLE target MODIFY {change}")
        return written(self, *rows)

    monkeypatch.setattr(MysqlWriter, "_written", altered)
    report = run(source, mysql, tmp_path, errorLimit={"record": 9}, channel=1)
    if way == "Arrow" and change == "at datetime(5)":  # each value is looked at
        assert (report.state, report.rejected) == ("done", 3)
    else:
        assert report.state == "failed"
        assert "once a run is planned" in str(report.error)
    assert arrived(mysql) == []


@pytest.mark.parametrize("way", ["lines", "Arrow"])
def test_rows_that_are_refused_are_told(
    source: Any, mysql: MysqlDatabase, tmp_path: Path, way: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent = [(number, 1, 1, 1, f"word {number}", dt.date(2024, 1, 1), None) for number in range(3000)]
    filled(source, sent)
    mysql.execute(
        "ALTER TABLE target MODIFY word varchar(10), MODIFY n smallint, ADD UNIQUE (word), ADD CHECK (n <> 13)",
        "INSERT INTO target (id) VALUES (100), (2999)",
    )
    ask = source.execute if isinstance(source, MysqlDatabase) else lambda sql: source.db.execute(sql.encode())
    ask("UPDATE source SET word = 'a word that is too long' WHERE id = 5")
    ask("UPDATE source SET word = 'blanks      ' WHERE id = 6")
    ask("UPDATE source SET word = 'word 8' WHERE id = 7")
    ask("UPDATE source SET n = 13 WHERE id = 1500")
    if isinstance(source, MysqlDatabase):
        mysql.execute("SET sql_mode = ''", "UPDATE source SET day = '0000-00-00' WHERE id = 2000")
    mysql.execute("ALTER TABLE target MODIFY n int")
    if way == "Arrow":
        monkeypatch.setattr(MysqlWriter, "encodings", lambda self, schema: ())
    else:
        assert planned(source, mysql)
    report = run(source, mysql, tmp_path, errorLimit={"record": 100})
    found = told(tmp_path)
    (second,) = {"7", "8"} & set(found)  # that which comes later, and the order of rows is the server's
    bad = {5, 6, int(second), 100, 1500, 2999}
    if isinstance(source, MysqlDatabase) and way == "Arrow":
        bad.add(2000)  # as it is, a zero date goes where there are zero dates
    assert {int(number) for number in found} == bad
    assert report.rejected == len(bad)
    assert [row[0] for row in arrived(mysql) if row[4]] == [number for number in range(3000) if number not in bad]
    assert "Data too long" in found["5"]
    assert "Duplicate" in found[second]


@pytest.mark.parametrize(
    "value",
    ["'infinity', NULL", "'-infinity', NULL", "'10000-01-01', NULL", "'5874897-12-31', NULL", "'0044-03-15 BC', NULL",
     "NULL, 'infinity'", "NULL, '10000-01-01 00:00:00'", "NULL, '294276-12-31 23:59:59.5'",
     "NULL, '20240-01-01 00:00:00'", "NULL, '0044-03-15 10:00:00 BC'"],
)  # fmt: skip
def test_dates_that_mysql_has_not_are_rejected(
    mysql: MysqlDatabase, postgresql: PostgresqlSchema, tmp_path: Path, value: str
) -> None:
    postgresql.db.execute(f"CREATE TABLE source ({COLUMNS.format(key='', at='timestamp')})".encode())
    mysql.execute(f"CREATE TABLE target ({COLUMNS.format(key='', at='datetime(6)')})")
    postgresql.db.execute(f"INSERT INTO source (id, day, at) VALUES (1, {value}), (2, NULL, NULL)".encode())
    assert planned(postgresql, mysql)
    report = run(postgresql, mysql, tmp_path, errorLimit={"record": 1})
    assert (report.written, report.rejected) == (1, 1)
    assert [row[0] for row in arrived(mysql)] == [2]
    assert set(told(tmp_path)) == {"1"}


def test_nan_is_rejected(mysql: MysqlDatabase, postgresql: PostgresqlSchema, tmp_path: Path) -> None:
    postgresql.db.execute(f"CREATE TABLE source ({COLUMNS.format(key='', at='timestamp')})".encode())
    mysql.execute(f"CREATE TABLE target ({COLUMNS.format(key='', at='datetime(6)')})")
    postgresql.db.execute(b"INSERT INTO source (id, amount) VALUES (1, 'NaN'), (2, 0)")
    assert planned(postgresql, mysql)
    assert run(postgresql, mysql, tmp_path, errorLimit={"record": 1}).rejected == 1
    assert [row[0] for row in arrived(mysql)] == [2]


@pytest.mark.parametrize(
    "change",
    [
        "word char(255)", "word enum('a')", "word blob", "amount decimal(20,3)", "n bigint", "n int unsigned",
        "at datetime(5)", "at timestamp(6)", "day datetime", "n int NOT NULL", "id bigint AUTO_INCREMENT", "day year",
    ],
)  # fmt: skip
def test_columns_that_could_alter_a_value_go_through_arrow(
    mysql: MysqlDatabase, postgresql: PostgresqlSchema, change: str
) -> None:
    postgresql.db.execute(f"CREATE TABLE source ({COLUMNS.format(key='', at='timestamp')})".encode())
    mysql.execute(f"CREATE TABLE target ({COLUMNS.format(key=', KEY (id)', at='datetime(6)')})")
    assert planned(postgresql, mysql)
    mysql.execute(f"ALTER TABLE target MODIFY {change}")
    assert not planned(postgresql, mysql)


@pytest.mark.parametrize("kind", ["real", "float8", "time", "timestamptz", "boolean", "bytea", "uuid", "json"])
def test_types_whose_text_is_not_the_same_go_through_arrow(postgresql: PostgresqlSchema, kind: str) -> None:
    postgresql.db.execute(f"CREATE TABLE source (id int, value {kind})".encode())
    assert LINES not in reader(postgresql).encodings()


def test_a_table_without_transactions_goes_through_arrow(source: Any, mysql: MysqlDatabase) -> None:
    assert planned(source, mysql)
    assert not planned(source, mysql, exactlyOnce=False)


def test_padding_of_char_is_no_part_of_the_value(
    mysql: MysqlDatabase, postgresql: PostgresqlSchema, tmp_path: Path
) -> None:
    """Both databases compare CHAR without the blanks at its end; MySQL does not keep them."""
    postgresql.db.execute(b"CREATE TABLE source (id int, word char(5), long char(9))")
    postgresql.db.execute(
        b"INSERT INTO source VALUES (1, 'a', 'b'), (2, NULL, ''), (3, E'\\t', 'too long'), (4, ' x', 'c')"
    )
    mysql.execute("CREATE TABLE target (id int, word char(5), `long` char(7))")
    assert planned(postgresql, mysql)
    report = run(postgresql, mysql, tmp_path, errorLimit={"record": 1})
    assert (report.written, report.rejected) == (3, 1)
    assert arrived(mysql) == [(1, "a", "b"), (2, None, ""), (4, " x", "c")]
    assert "Data too long" in told(tmp_path)["3"]


MOMENTS = (
    "id int PRIMARY KEY, at timestamp(6) NULL, second timestamp NULL, milli timestamp(3) NULL, y year, "
    "f float, d double, d2 double"
)
VALUES = [
    "(1, '1970-01-01 00:00:01', '2038-01-19 03:14:07', '2001-02-03 04:05:06.789', 1901, 0.1, 0.1, 5e-324)",
    "(2, '2038-01-19 03:14:07.999999', '1970-01-01 00:00:01', NULL, 2155, -3.4028234e38, 1.7976931348623157e308, -0.0)",
    "(3, NULL, NULL, '1999-12-31 23:59:59.001', NULL, 1.17549435e-38, 123456789012345678, 2.2250738585072014e-308)",
    "(4, '2024-03-31 02:30:00', '2024-10-27 01:30:00', '2024-10-27 00:30:00', 2070, 16777217, 1e22, 9007199254740993)",
]


def test_types_of_mysql_that_others_spell_otherwise(mysql: MysqlDatabase, tmp_path: Path) -> None:
    """TIME, YEAR, TIMESTAMP and floating-point numbers, at their ends, a zero timestamp and a year 0 among them; the
    session of whoever looks is in another zone."""
    columns = f"{MOMENTS}, t time(6), t0 time"
    mysql.execute(f"CREATE TABLE source ({columns})", f"CREATE TABLE target ({columns})")
    times = ["'-838:59:59', '838:59:59'", "'00:00:00.000001', NULL", "'-00:00:00.5', '-00:00:01'", "NULL, '24:00:00'"]
    rows = [value.replace(")", f", {time})") for value, time in zip(VALUES, times, strict=True)]
    mysql.execute("SET sql_mode = '', time_zone = '+09:00'", f"INSERT INTO source VALUES {', '.join(rows)}")
    mysql.execute("INSERT INTO source (id, at, second, y) VALUES (5, 0, 0, 0), (6, 0, 0, '70')")
    assert planned(mysql, mysql)
    report = run(mysql, mysql, tmp_path)
    assert (report.state, report.written, report.rejected) == ("done", 6, 0)
    same = " AND ".join(f"s.{name.split()[0]} <=> t.{name.split()[0]}" for name in columns.split(", "))
    assert mysql.execute(f"SELECT count(*) FROM source s JOIN target t ON s.id = t.id WHERE {same}") == [(6,)]


@pytest.mark.parametrize(
    ("here", "there"),
    [("smallint", "year"), ("timestamp(6)", "timestamp(3)"), ("time(3)", "time"), ("double", "double(9,2)"),
     ("float", "double"), ("timestamp", "datetime"), ("time", "varchar(20)")],
)  # fmt: skip
def test_types_that_would_be_altered_go_another_way(mysql: MysqlDatabase, here: str, there: str) -> None:
    mysql.execute(f"CREATE TABLE source (v {here} NULL)", f"CREATE TABLE target (v {there} NULL)")
    assert not planned(mysql, mysql)


def test_types_of_mysql_in_postgresql(mysql: MysqlDatabase, postgresql: PostgresqlSchema, tmp_path: Path) -> None:
    mysql.execute(f"CREATE TABLE source ({MOMENTS})", f"INSERT INTO source VALUES {', '.join(VALUES)}")
    postgresql.db.execute(
        "CREATE TABLE target (id int PRIMARY KEY, at timestamptz, second timestamptz(0), milli timestamptz(3), "
        "y smallint, f real, d double precision, d2 double precision)"
    )
    params = {"url": postgresql.url, "table": "target"}
    target = PostgresqlWriter(PostgresqlWriterParams.model_validate(params))
    assert LINES in target.encodings(reader(mysql).schema())
    job = {
        "reader": {"name": "mysql", "url": mysql.url, "table": "source"},
        "writer": {"name": "postgresql", **params, "session": ["SET TimeZone = 'Asia/Tokyo'"]},
    }
    report = starhaul.run(job, state=tmp_path)
    assert (report.state, report.written, report.rejected) == ("done", 4, 0)
    shown = "id, at, second, milli, y, f, d, d2"
    told = postgresql.db.execute(
        "SELECT id, at AT TIME ZONE 'UTC', second AT TIME ZONE 'UTC', milli AT TIME ZONE 'UTC', y, f::float8, d, d2 "
        "FROM target ORDER BY id"
    ).fetchall()
    mysql.execute("SET time_zone = '+00:00'")
    assert told == mysql.execute(f"SELECT {shown.replace(' f,', ' f * 1e0,')} FROM source ORDER BY id")


def test_rows_with_bytes_pass_as_they_are_between_columns_of_one_type(mysql: MysqlDatabase, tmp_path: Path) -> None:
    """Zero dates among them, which Arrow has no place for; two rows are refused by the target, and told."""
    columns = (
        "id int PRIMARY KEY, b blob, f binary(3), v varbinary(9), bits bit(9), one bit(1), g point, day date, "
        "e enum('1', 'x', ''), s set('a','b'), word varchar(20)"
    )
    mysql.execute(f"CREATE TABLE source ({columns})", f"CREATE TABLE target ({columns}, CHECK (id <> 600))")
    mysql.execute("SET sql_mode = ''")
    made = []
    for number in range(2000):
        octets = bytes([number % 256, 0, 9, 10, 13, 92, 255]).hex()
        day = ("0000-00-00", "2026-02-00", "2026-01-31")[number % 3]
        text = TEXTS[number % len(TEXTS)] or ""
        word = text[:20].encode().hex()
        bits = "NULL" if number % 7 == 0 else f"{number % 512}"
        made.append(
            f"({number}, x'{octets}', x'{octets[:6]}', x'{octets[4:]}', {bits}, {number % 2}, "
            f"ST_PointFromText('POINT({number} 1)'), '{day}', {number % 3 + 1}, {number % 4}, x'{word}')"
        )
    mysql.execute(f"INSERT INTO source VALUES {', '.join(made)}", "INSERT INTO target (id) VALUES (7)")
    assert not planned(mysql, mysql)
    target = MysqlWriter(MysqlWriterParams.model_validate({"url": mysql.url, "table": "target"}))
    assert "mysql/rows" in reader(mysql).encodings()
    assert "mysql/rows" in target.encodings(reader(mysql).schema())
    report = run(mysql, mysql, tmp_path, errorLimit={"record": 9})
    assert (report.state, report.written, report.rejected) == ("done", 1998, 2)
    found = told(tmp_path)
    assert "Duplicate" in found["7"]
    assert "CONSTRAINT" in found["600"]
    names = [each.split()[0] for each in columns.split(", ") if each[0] not in "'"]
    same = " AND ".join(f"s.{name} <=> t.{name}" for name in names)
    joined = f"SELECT count(*) FROM source s JOIN target t ON s.id = t.id WHERE {same}"
    assert mysql.execute(joined) == [(1998,)]


@pytest.mark.parametrize(
    ("here", "there"),
    [("blob", "longblob"), ("bit(9)", "bit(10)"), ("binary(3)", "binary(4)"), ("int", "int unsigned")],
)
def test_rows_of_other_types_do_not(mysql: MysqlDatabase, here: str, there: str) -> None:
    mysql.execute(f"CREATE TABLE source (v {here} NULL)", f"CREATE TABLE target (v {there} NULL)")
    target = MysqlWriter(MysqlWriterParams.model_validate({"url": mysql.url, "table": "target"}))
    assert "mysql/rows" not in target.encodings(reader(mysql).schema())
