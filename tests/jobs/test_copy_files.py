"""`starhaul copy` with files of delimited text: what is inferred, that nothing is altered, and the one file written."""

from __future__ import annotations

import gzip
import json
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from starhaul.cli.group import starhaul

CSV = (
    'id,na me,price,day,at,code,"empty, all",mixed\n'
    '1,"a,b",1.50,2026-01-31,2026-01-31 10:00:00,007,,1\n'
    "2,,-0.01,0001-01-01,2026-02-01 23:59:59,42,,1.5\n"
    '3,"",12345678901234567890.12,9999-12-31,1969-12-31 00:00:00,1,,x\n'
)


@pytest.fixture
def call(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Result]:
    monkeypatch.setenv("STARHAUL_STATE_DIR", str(tmp_path / "state"))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.chdir(tmp_path)
    return lambda *arguments: CliRunner().invoke(starhaul, [*map(str, arguments)])


def test_types_are_those_that_every_value_is_written_as(call: Callable[..., Result], tmp_path: Path) -> None:
    (tmp_path / "orders.csv").write_text(CSV)
    done = call("copy", "orders.csv", "sqlite:///x.db#orders", "--create")
    assert done.exit_code == 0, done.output
    assert "id int64, na me string, price decimal(38,2), day date32" in done.output
    with closing(sqlite3.connect("x.db")) as db:
        rows = db.execute('SELECT id, "na me", price, day, at, code, "empty, all", mixed FROM orders').fetchall()
    assert rows == [
        (1, "a,b", "1.50", "2026-01-31", "2026-01-31 10:00:00", "007", None, "1"),
        (2, None, "-0.01", "0001-01-01", "2026-02-01 23:59:59", "42", None, "1.5"),
        (3, "", "12345678901234567890.12", "9999-12-31", "1969-12-31 00:00:00", "1", None, "x"),
    ]


def test_there_and_back_is_the_same_file(call: Callable[..., Result], tmp_path: Path) -> None:
    (tmp_path / "orders.csv").write_text(CSV)
    assert call("copy", "orders.csv", "x.db#orders", "--create").exit_code == 0
    done = call("copy", "x.db#orders", "out/back.csv.gz", "--channel", "2")
    assert done.exit_code == 0, done.output
    assert gzip.decompress((tmp_path / "out/back.csv.gz").read_bytes()).decode() == CSV
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["back.csv.gz"]
    again = call("copy", "x.db#orders", "out/back.csv.gz")
    assert again.exit_code == 2, again.output
    (tmp_path / "out/back.csv.gz.old").write_text("stays")
    over = call("copy", "x.db#orders", "out/back.csv.gz", "--mode", "overwrite", "--where", "id = 1", "--columns", "id")
    assert over.exit_code == 0, over.output
    assert gzip.decompress((tmp_path / "out/back.csv.gz").read_bytes()) == b"id\n1\n"
    assert (tmp_path / "out/back.csv.gz.old").read_text() == "stays"


def test_many_tasks_make_one_file_in_order(call: Callable[..., Result], tmp_path: Path) -> None:
    with closing(sqlite3.connect("x.db")) as db, db:
        db.execute("CREATE TABLE t (id INTEGER PRIMARY KEY)")
        db.executemany("INSERT INTO t VALUES (?)", [(number,) for number in range(5000)])
    done = call("copy", "x.db#t", "t.csv", "--channel", "4")
    assert done.exit_code == 0, done.output
    assert (tmp_path / "t.csv").read_text() == "id\n" + "".join(f"{number}\n" for number in range(5000))


@pytest.mark.parametrize(("late", "told"), [("007", "is not how int64 is written"), ("x", "'x'"), (" 7", "' 7'")])
def test_a_later_value_is_never_altered(call: Callable[..., Result], tmp_path: Path, late: str, told: str) -> None:
    rows = "".join(f"{number},{'y' * 100}\n" for number in range(90_000))  # more than the first look
    (tmp_path / "big.csv").write_text(f"n,filler\n{rows}{late},end\n")
    done = call("copy", "big.csv", "x.db#big", "--create")
    assert done.exit_code == 4, done.output
    assert told in done.output
    mended = call("copy", "big.csv", "x.db#mended", "--create", "--types", "n=string")
    assert mended.exit_code == 0, mended.output
    with closing(sqlite3.connect("x.db")) as db:
        assert db.execute("SELECT n FROM mended WHERE filler = 'end'").fetchall() == [(late,)]


def test_options_of_a_file(call: Callable[..., Result], tmp_path: Path) -> None:
    (tmp_path / "o.csv").write_bytes("1;é;\\N\n2;b;c\n".encode("latin-1"))
    source = "o.csv?delimiter=;&header=false&encoding=latin-1&null=\\N"
    done = call("copy", source, "x.db#o", "--create", "--columns", "column_1,column_2")
    assert done.exit_code == 0, done.output
    with closing(sqlite3.connect("x.db")) as db:
        assert db.execute("SELECT * FROM o").fetchall() == [("é", None), ("b", "c")]


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("none.csv", "x.db#t"), "none.csv"),
        (("orders.csv", "x.db#t", "--where", "id > 1"), "--where"),
        (("orders.csv", "x.db#t", "--types", "idd=int64"), "did you mean 'id'"),
        (("orders.csv", "x.db#t", "--types", "id=number"), "is not a type"),
        (("orders.csv", "x.db#t", "--columns", "idd"), "did you mean 'id'"),
        (("orders.csv?headr=true&header=true", "x.db#t"), "no file matches"),
        (("orders.csv?header=maybe", "x.db#t"), "header"),
        (("orders.csv", "copy.csv", "--mode", "update"), "--mode"),
        (("orders.csv", "copy.csv", "--keys", "id"), "--keys"),
        (("orders.csv", "orders.unknown"), "neither the URL of a store"),
    ],
)
def test_what_is_wrong_is_told(
    call: Callable[..., Result], tmp_path: Path, arguments: tuple[str, ...], told: str
) -> None:
    (tmp_path / "orders.csv").write_text(CSV)
    done = call("copy", *arguments)
    assert done.exit_code == 2, done.output
    assert told in done.output


def test_discovery_of_a_file(call: Callable[..., Result], tmp_path: Path) -> None:
    (tmp_path / "orders.csv").write_text(CSV)
    found = json.loads(call("discover", "orders.csv", "--json").stdout)
    assert [(each["name"], each["type"]) for each in found[0]["columns"]][:2] == [("id", "int64"), ("na me", "string")]


def test_very_many_guesses_are_not_all_told(call: Callable[..., Result], tmp_path: Path) -> None:
    (tmp_path / "wide.csv").write_text(",".join(f"c{n}" for n in range(100)) + "\n" + ",".join("1" * 100) + "\n")
    done = call("copy", "wide.csv", "sqlite:///x.db#wide", "--create", "--dry-run")
    assert done.exit_code == 0, done.output
    assert "c28 int64, c29 int64 and 70 more\n" in done.output
