"""`rdbmswriter` on real databases: each write mode over rows that are there, and what goes wrong."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

import starhaul
from starhaul import ConfigError
from tests.conftest import MysqlDatabase, PostgresqlSchema
from tests.servers.rdbms import RdbmsDatabase
from tests.servers.rdbms_writing import filled as filled
from tests.servers.rdbms_writing import rows_of, run


@pytest.mark.parametrize(("empty_as_null", "rejected"), [(None, 1), (False, 1), (True, 0)])
def test_empty_texts_for_numbers(
    rdbms: RdbmsDatabase, tmp_path: Path, empty_as_null: bool | None, rejected: int
) -> None:
    rdbms.execute("CREATE TABLE t (id integer, a varchar(5), b integer)")
    told = {} if empty_as_null is None else {"emptyAsNull": empty_as_null}
    report = run(tmp_path, rdbms.url, "1,\n2,3\n", column=["id", "b"], **told)
    assert (report.state, report.rejected) == ("done", rejected)
    assert rows_of(rdbms) == [(1, None, None), (2, None, 3)][rejected:]


class TestModes:
    def test_insert(self, filled: RdbmsDatabase, tmp_path: Path) -> None:
        report = run(tmp_path, filled.url, "2,again\n3,three\n4,four\n")
        assert (report.state, report.written, report.rejected) == ("done", 2, 1)
        assert rows_of(filled) == [(1, "one", "old"), (2, "two", "old"), (3, "three", "new"), (4, "four", "new")]

    def test_ignore(self, filled: RdbmsDatabase, tmp_path: Path) -> None:
        report = run(tmp_path, filled.url, "2,again\n3,three\n3,twice\n1,again\n", writeMode="insert ignore")
        assert (report.state, report.written, report.skipped, report.rejected) == ("done", 1, 3, 0)
        assert rows_of(filled) == [(1, "one", "old"), (2, "two", "old"), (3, "three", "new")]

    def test_update(self, filled: RdbmsDatabase, tmp_path: Path) -> None:
        report = run(tmp_path, filled.url, "2,TWO\n3,three\n3,THREE\n", writeMode="update")
        assert (report.state, report.written) == ("done", 3)
        assert rows_of(filled) == [(1, "one", "old"), (2, "TWO", "old"), (3, "THREE", "new")]

    def test_replace(self, filled: RdbmsDatabase, tmp_path: Path) -> None:
        """The columns that the rows lack take their defaults."""
        report = run(tmp_path, filled.url, "2,TWO\n3,three\n3,THREE\n", writeMode="replace")
        assert (report.state, report.written) == ("done", 3)
        assert rows_of(filled) == [(1, "one", "old"), (2, "TWO", "new"), (3, "THREE", "new")]

    def test_overwrite(self, filled: RdbmsDatabase, tmp_path: Path) -> None:
        report = run(tmp_path, filled.url, "7,x\n8,y\n7,twice\n", writeMode="overwrite")
        assert (report.state, report.written, report.rejected) == ("done", 2, 1)
        assert rows_of(filled) == [(7, "x", "new"), (8, "y", "new")]
        assert filled.tables() == {"t", "_starhaul_ledger"}, "the staging table is gone"

    def test_update_without_a_statement_for_it(
        self, filled: RdbmsDatabase, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """As on a database that nobody coded for: INSERT, and UPDATE or nothing where that is refused."""
        monkeypatch.setattr("starhaul_stores.rdbms.statements.insert_or_update", lambda target: "")
        monkeypatch.setattr("starhaul_stores.rdbms.statements.insert_unless_there", lambda target: "")
        report = run(tmp_path, filled.url, "2,TWO\n3,three\n3,THREE\n", writeMode="update")
        assert (report.state, report.written) == ("done", 3)
        assert rows_of(filled) == [(1, "one", "old"), (2, "TWO", "old"), (3, "THREE", "new")]
        report = run(tmp_path, filled.url, "2,x\n4,four\n", writeMode="ignore")
        assert (report.written, report.skipped) == (1, 1)


class TestRows:
    def test_rows_that_would_be_cut_are_rejected(self, filled: RdbmsDatabase, tmp_path: Path) -> None:
        report = run(tmp_path, filled.url, '3,abcde\n4,abcdef\n5,"abcde "\n,no key\n6,\n')
        wanted = [(3, "abcde"), (6, "")]
        if filled.engine == "sqlite":  # holds no length
            wanted = [(3, "abcde"), (4, "abcdef"), (5, "abcde "), (6, "")]
        found = [(number, text or "") for number, text, _ in rows_of(filled) if number > 2]
        assert found == wanted
        assert report.written == len(wanted)

    def test_statements_around(self, filled: RdbmsDatabase, tmp_path: Path) -> None:
        report = run(tmp_path, filled.url, "2,x\n", preSql="DELETE FROM @table", postSql="UPDATE @table SET b = '%s:x'")
        assert report.state == "done"
        assert rows_of(filled) == [(2, "x", "%s:x")]


def test_quoted_names(rdbms: RdbmsDatabase, tmp_path: Path) -> None:
    # SQLAlchemy reads the name of a column with a mark of MySQL's in it with two of them.
    names = ["`id`", '`a "b`'] if rdbms.engine == "mariadb" else ['"id"', '"a ""b"']
    for _ in range(2):  # the table is created, and then it is there
        report = run(tmp_path, rdbms.url, "1,x\n", column=names, createTable="ifMissing")
        assert report.state == "done", report.error
    assert rdbms.execute(f"SELECT {', '.join(names)} FROM t") == [(1, "x")] * 2


def test_a_computed_column_that_the_source_gives_refuses_the_job(rdbms: RdbmsDatabase, tmp_path: Path) -> None:
    columns = "(id integer, a integer, c integer)"
    computed = "(id integer, a integer GENERATED ALWAYS AS (id * 2) STORED, b integer, c integer)"
    rdbms.execute(f"CREATE TABLE s {columns}", "INSERT INTO s VALUES (1, 2, 3)", f"CREATE TABLE t {computed}")
    sides = {
        "reader": {"name": "rdbms", "url": rdbms.url, "table": "s"},
        "writer": {"name": "rdbms", "url": rdbms.url, "table": "t"},
    }
    with pytest.raises(ConfigError, match="'a' is computed by the target"):
        starhaul.run(sides, state=tmp_path / "state")
    assert rdbms.execute("SELECT * FROM t") == []


class TestWhatGoesWrong:
    @pytest.mark.parametrize(
        ("more", "told"),
        [
            ({"table": "tt"}, "has no table 'tt'"),
            ({"column": ["id", "aa"]}, "has no column 'aa'"),
            ({"writeMode": "update", "keys": ["a"]}, r"no primary key or unique index of 't' is on \(a\)"),
            ({"writeMode": "update", "updateColumns": ["z"]}, "has no column 'z'"),
        ],
    )
    def test_the_job_is_refused(self, filled: RdbmsDatabase, tmp_path: Path, more: dict[str, Any], told: str) -> None:
        with pytest.raises(ConfigError, match=told):
            run(tmp_path, filled.url, "3,x\n", **more)
        assert len(rows_of(filled)) == 2
        assert filled.tables() == {"t"}


def test_what_mysql_would_alter_is_rejected(mysql: MysqlDatabase, tmp_path: Path) -> None:
    """Numbers of enums and of years, and times that it would round."""
    mysql.execute("CREATE TABLE t (id int PRIMARY KEY, a enum('1x','b'))")
    url = f"mysql+pymysql://root@127.0.0.1:{mysql.server.port}/{mysql.name}"
    report = run(tmp_path, url, "1,b\n2,B\n3,2\n4,1x\n")
    assert (report.written, report.rejected) == (2, 2)
    assert mysql.execute("SELECT id, a FROM t ORDER BY id") == [(1, "b"), (4, "1x")]


def test_floats_that_their_column_would_round(mysql: MysqlDatabase, tmp_path: Path) -> None:
    """FLOAT(M,D) and DOUBLE(M,D) round without a warning."""
    url = f"mysql+pymysql://root@127.0.0.1:{mysql.server.port}/{mysql.name}"
    for kind, found in (("float(7,2)", [(1, 0.1), (2, -2.5)]), ("double(9,2)", [(1, 0.1), (2, -2.5)])):
        mysql.execute("DROP TABLE IF EXISTS t", f"CREATE TABLE t (id int PRIMARY KEY, a {kind})")
        report = run(tmp_path, url, "1,0.1\n2,-2.5\n3,1.005\n4,1.125\n")
        assert (report.written, report.rejected) == (2, 2)
        assert mysql.execute("SELECT * FROM t ORDER BY id") == found


@pytest.mark.parametrize(
    ("kind", "fits", "misfits"),
    [
        ("money", ["1.50", "-0.01"], ["1.005"]),
        ("oid", ["0", "4294967295"], ["-1"]),
    ],
)
def test_what_postgresql_would_alter_is_rejected(
    postgresql: PostgresqlSchema, tmp_path: Path, kind: str, fits: list[str], misfits: list[str]
) -> None:
    """Each of these types takes more than it holds."""
    postgresql.db.execute(f"CREATE TABLE t (id int PRIMARY KEY, a {kind})".encode())
    url = f"postgresql+psycopg://postgres@127.0.0.1:{postgresql.server.port}/postgres"
    rows = "".join(f"{number},{value}\n" for number, value in enumerate([*fits, *misfits]))
    report = run(tmp_path, f"{url}?options=-csearch_path%3D{postgresql.name}", rows)
    assert (report.written, report.rejected) == (len(fits), len(misfits))
    told = postgresql.db.execute("SELECT ltrim(replace(a::text, '$', ''), '0') FROM t ORDER BY id").fetchall()
    assert [text or "0" for (text,) in told] == fits


def test_a_blank_too_many_for_a_text_of_mysql_is_rejected(mysql: MysqlDatabase, tmp_path: Path) -> None:
    """The server leaves it out with a note."""
    mysql.execute("CREATE TABLE t (id int PRIMARY KEY, a tinytext)")
    url = f"mysql+pymysql://root@127.0.0.1:{mysql.server.port}/{mysql.name}"
    report = run(tmp_path, url, f"1,{'x' * 255}\n2,{'x' * 255} \n3,{'x' * 254} \n")
    assert (report.written, report.rejected) == (2, 1)
    assert mysql.execute("SELECT id, length(a) FROM t ORDER BY id") == [(1, 255), (3, 255)]


def test_what_sqlite_would_make_numbers_of_is_rejected(tmp_path: Path) -> None:
    """NULL in an INTEGER PRIMARY KEY, but not in an INT PRIMARY KEY; documents that look like a number."""
    with closing(sqlite3.connect(tmp_path / "source.db")) as source, source:
        source.execute("CREATE TABLE t (id int, a text)")
        source.executemany("INSERT INTO t VALUES (?, ?)", [(1, "1e5"), (None, '"x"'), (3, "12"), (4, '{"a": 1.0}')])
    with closing(sqlite3.connect(tmp_path / "test.db")) as db:
        db.execute("CREATE TABLE t (id INTEGER PRIMARY KEY, a JSON)")
        db.execute("CREATE TABLE u (id INT PRIMARY KEY, a JSON)")
        reader = {"name": "sqlite", "path": str(tmp_path / "source.db"), "table": "t"}
        for table, rejected in (("t", 2), ("u", 1)):
            writer = {"name": "rdbms", "url": f"sqlite:///{tmp_path / 'test.db'}", "table": table}
            job = {"reader": reader, "writer": writer, "settings": {"errorLimit": {"record": 9}}}
            assert starhaul.run(job, state=tmp_path / "state").rejected == rejected
        assert db.execute("SELECT * FROM t").fetchall() == [(3, 12), (4, '{"a": 1.0}')]
        assert db.execute("SELECT * FROM u").fetchall() == [(None, '"x"'), (3, 12), (4, '{"a": 1.0}')]
