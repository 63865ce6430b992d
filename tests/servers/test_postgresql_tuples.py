"""Rows that pass from PostgreSQL to PostgreSQL in binary, through whole runs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from starhaul import RunStarted, run
from starhaul.runs.rejects import read_rejects
from starhaul.testing.delivery import Delivery
from starhaul.testing.task import RecordingTask
from starhaul_readers.postgresql import PostgresqlReader, PostgresqlReaderParams
from starhaul_writers.postgresql import PostgresqlWriter, PostgresqlWriterParams
from tests.conftest import PostgresqlSchema

DDL = """
    CREATE TABLE {} (id int{}, d date, t time, s timestamp, z timestamptz, n numeric(10,2), free numeric, r real,
    f double precision, b bytea, j json, jb jsonb, u uuid, c char(4), v varchar(9), ok boolean, o oid, x text)
"""
VALUES = """
    (1, 'infinity', '24:00', '-infinity', 'infinity', 'NaN', 'Infinity', 'NaN', '-Infinity', '\\x00ff', '{"a":  1}',
     '{"a": 1}', '12345678-1234-5678-1234-567812345678', 'ab', 'né', true, 4294967295, E'tab\\there'),
    (2, '0044-03-15 BC', '00:00', '294276-12-31', '2026-01-31 23:59:59.5+02', -0.05, '123456789012345678901.00012300',
     -0.0, 0.1, '', '[]', 'null', '00000000-0000-0000-0000-000000000000', '', '', false, 0, ''),
    (3, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL),
    (4, '2026-01-31', '12:00:00.000001', '4713-01-01 BC', '0001-01-01 00:00:00+00 BC', 99999999.99, '1e-30', 1.5,
     5e-324, '\\xff', '"q"', '{"b": [1.50]}', 'ffffffff-ffff-ffff-ffff-ffffffffffff', 'abcd', '😀', NULL, 1, '\\N')
"""
CREATED = {"origin": " PRIMARY KEY", "target": " PRIMARY KEY"}


@pytest.fixture
def tables(postgresql: PostgresqlSchema) -> PostgresqlSchema:
    for name, key in CREATED.items():
        postgresql.db.execute(DDL.format(name, key).encode())
    postgresql.db.execute(f"INSERT INTO origin VALUES {VALUES}".encode())
    return postgresql


def copied(schema: PostgresqlSchema, state: Path, **more: Any) -> Any:
    reader = {"name": "postgresql", "url": schema.url, "table": "origin"}
    writer = {"name": "postgresql", "url": schema.url, "table": "target", **more}
    return run({"reader": reader, "writer": writer, "settings": {"errorLimit": {"record": 9}}}, state=state)


def rows(schema: PostgresqlSchema, table: str) -> list[tuple[object, ...]]:
    return schema.db.execute(f"SELECT {table}::text FROM {table} ORDER BY id".encode()).fetchall()


@pytest.mark.parametrize("mode", ["insert", "overwrite", "update"])
def test_values_without_a_place_in_arrow_arrive(tables: PostgresqlSchema, tmp_path: Path, mode: str) -> None:
    report = copied(tables, tmp_path, writeMode=mode)
    assert (report.state, report.written, report.rejected) == ("done", 4, 0), report.error
    assert rows(tables, "target") == rows(tables, "origin")


def test_a_row_that_is_refused_is_told_in_the_servers_words(tables: PostgresqlSchema, tmp_path: Path) -> None:
    tables.db.execute("INSERT INTO target (id, x) VALUES (1, 'old'), (4, 'old')")
    report = copied(tables, tmp_path)
    assert (report.state, report.written, report.rejected) == ("done", 2, 2), report.error
    told = {str(line["row"]["id"]): line for line in read_rejects(Path(report.rejects))}
    assert all("duplicate key value" in line["reason"] for line in told.values())
    names = ("d", "s", "z", "n", "free", "r", "f", "b", "j", "jb", "u", "v", "ok", "o", "x")
    shown = ", ".join(f"{name}::text" for name in names)
    (wanted,) = tables.db.execute(f"SELECT {shown} FROM origin WHERE id = 1".encode()).fetchall()
    assert [told["1"]["row"][name] for name in names] == list(wanted), "Arrow has no place for it: all are texts"
    assert (told["1"]["row"]["t"], told["1"]["row"]["c"]) == ("24:00:00.000000", "ab  ")
    assert told["4"]["row"]["free"] == "0.000000000000000000000000000001"


def test_columns_of_other_types_go_through_arrow(tables: PostgresqlSchema, tmp_path: Path) -> None:
    tables.db.execute("ALTER TABLE target ALTER COLUMN d TYPE text")
    report = copied(tables, tmp_path)
    assert (report.written, report.rejected) == (2, 2), "infinite dates have no place there"


def test_a_table_that_changes_after_the_plan_fails_the_run(tables: PostgresqlSchema, tmp_path: Path) -> None:
    """The server would take the bytes of one type for those of another."""
    params = {"url": tables.url, "table": "origin"}
    reader = PostgresqlReader(PostgresqlReaderParams.model_validate(params))
    writer = PostgresqlWriter(PostgresqlWriterParams.model_validate({**params, "table": "target"}))
    delivery = Delivery(writer, reader.schema())
    delivery.prepare()
    (split,) = reader.split(1)
    blocks = list(reader.read_encoded(split, RecordingTask(reader.schema()), "pgcopy/binary"))
    tables.db.execute("ALTER TABLE target ALTER COLUMN v TYPE varchar(20)")
    with pytest.raises(Exception, match=r"is character varying\(20\) now"):
        writer.write_encoded(delivery.task(), "pgcopy/binary", iter(blocks))


def test_types_without_a_binary_form_of_their_own_pass_as_text(postgresql: PostgresqlSchema, tmp_path: Path) -> None:
    """And so do infinite dates beside them; a row that is refused is found, whatever line ends and quotes it holds."""
    for name in ("origin", "target"):
        postgresql.db.execute(f"CREATE TABLE {name} (id int PRIMARY KEY, n int[], d date, x text)".encode())
    postgresql.db.execute(
        """INSERT INTO origin SELECT id, ARRAY[id, NULL], 'infinity', E'a"\n' || chr(10) || '"",' || id
           FROM generate_series(1, 3000) AS n(id)"""
    )
    postgresql.db.execute("INSERT INTO target (id) VALUES (7)")
    report = copied(postgresql, tmp_path)
    assert (report.state, report.written, report.rejected) == ("done", 2999, 1), report.error
    (line,) = read_rejects(Path(report.rejects))
    assert "Key (id)=(7) already exists" in line["reason"]
    assert (line["row"]["id"], line["row"]["d"]) == ("7", "infinity")
    same = "SELECT count(*) FROM origin o JOIN target t ON o::text = t::text"
    assert postgresql.db.execute(same).fetchall() == [(2999,)]


def test_a_row_beyond_the_limit_of_digits_is_not_rounded(postgresql: PostgresqlSchema, tmp_path: Path) -> None:
    postgresql.db.execute("CREATE TABLE origin (id int, s timestamp(0), v text); CREATE TABLE target (LIKE origin)")
    postgresql.db.execute("ALTER TABLE origin ALTER s TYPE timestamp")
    postgresql.db.execute("INSERT INTO origin VALUES (1, '2026-01-31 12:00:00.5', ''), (2, '2026-01-31 12:00', '')")
    report = copied(postgresql, tmp_path)
    assert (report.written, report.rejected) == (1, 1)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ("ALTER COLUMN amount TYPE money", "have changed since the run began"),
        ("RENAME COLUMN amount TO other", "not the one of schema"),
    ],
)
def test_a_source_that_is_altered_after_the_plan_fails_the_run(
    postgresql: PostgresqlSchema, tmp_path: Path, change: str, told: str
) -> None:
    postgresql.db.execute("CREATE TABLE here (id int, amount numeric(9,2)); INSERT INTO here VALUES (1, 2)")
    postgresql.db.execute("CREATE TABLE there (id int, amount numeric(9,2))")

    def alter(event: Any) -> None:
        if isinstance(event, RunStarted):
            postgresql.db.execute(f"ALTER TABLE here {change}".encode())

    job = {
        "reader": {"name": "postgresql", "url": postgresql.url, "table": "here"},
        "writer": {"name": "postgresql", "url": postgresql.url, "table": "there"},
    }
    report = run(job, state=tmp_path / "state", observers=[alter])
    assert report.state == "failed"
    assert told in str(report.error)
    assert postgresql.db.execute("TABLE there").fetchall() == []
