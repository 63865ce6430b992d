"""`rdbmsreader` on real databases: splits, queries, expressions, types, and what goes wrong."""

from __future__ import annotations

import sqlite3
import time
from contextlib import closing
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from starhaul import ConfigError, TransientError
from starhaul.testing.task import RecordingTask
from starhaul_readers.rdbms import RdbmsReader
from starhaul_stores.rdbms.reading import RdbmsReaderParams
from tests.conftest import PostgresqlSchema
from tests.servers.rdbms import RdbmsDatabase


def reader(url: str, **more: Any) -> RdbmsReader:
    return RdbmsReader(RdbmsReaderParams.model_validate({"url": url, **more}))


def read(source: RdbmsReader, target: int = 1) -> pa.Table:
    """All rows; none may be rejected."""
    task = RecordingTask(source.schema())
    batches = [batch for split in source.split(target) for batch in source.read(split, task)]
    assert not task.rejected
    return pa.Table.from_batches(batches, schema=task.schema)


class TestSplits:
    @pytest.mark.parametrize(
        ("kind", "values"),
        [
            ("bigint", [*range(-50, 50), 10**15, None, None]),
            ("numeric(20,5)", [f"{number}.12500" for number in range(100)] + [None]),
            ("date", [f"2026-0{1 + number % 9}-1{number % 10}" for number in range(100)] + [None]),
            ("varchar(20)", ["a", "A", "á", "b ", "b", "", "ß", "ss", "日本", "😀", "a'b", "%", ":x",
              *map(str, range(90)), None]),
        ],
        ids=lambda value: value.split("(")[0] if isinstance(value, str) else "",
    )  # fmt: skip
    def test_every_row_is_in_one_slice(self, rdbms: RdbmsDatabase, kind: str, values: list[Any]) -> None:
        """Whatever the key, whatever the collation: the database finds and compares the borders."""
        rdbms.execute(f"CREATE TABLE t (n integer, k {kind})")
        rows = [{"n": number, "k": value} for number, value in enumerate(values)]
        key = (
            ":k" if rdbms.engine != "postgresql" or kind.startswith("varchar") else f"CAST(CAST(:k AS text) AS {kind})"
        )
        rows = [{**row, "k": None if row["k"] is None else str(row["k"])} for row in rows] if "CAST" in key else rows
        rdbms.execute(f"INSERT INTO t (n, k) VALUES (:n, {key})", rows=rows)
        source = reader(rdbms.url, table="t", splitPk="k", column=["n"])
        splits = source.split(7)
        assert len(splits) > 5
        assert sum("null" in split.args["part"] for split in splits) == 1, "rows without a key have a slice"
        assert sorted(read(source, 7)["n"].to_pylist()) == list(range(len(values)))

    def test_a_heavy_first_column_is_cut_by_the_next(self, rdbms: RdbmsDatabase) -> None:
        kind = "varchar(9) COLLATE NOCASE" if rdbms.engine == "sqlite" else "varchar(9)"
        rdbms.execute(f"CREATE TABLE t (shop {kind}, id integer NOT NULL, v integer, PRIMARY KEY (shop, id))")
        rows = [{"shop": "b'%:" if n % 10 else "aBc"[n % 3], "id": n, "v": n} for n in range(300)]
        rdbms.execute("INSERT INTO t VALUES (:shop, :id, :v)", rows=rows)
        source = reader(rdbms.url, table="t", column=["v"])
        splits = source.split(6)
        task = RecordingTask(source.schema())
        counts = [sum(batch.num_rows for batch in source.read(split, task)) for split in splits]
        assert len(counts) == 6
        assert max(counts) < 80
        assert sorted(read(source, 6)["v"].to_pylist()) == list(range(300))

    @pytest.mark.parametrize("collation", ["BINARY", "NOCASE", "RTRIM"])
    @settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
    @given(data=st.data())
    def test_collations_of_sqlite(self, tmp_path: Path, collation: str, data: st.DataObject) -> None:
        """An expression has not the collation of the column that it is made of: it is ordered otherwise than the slices
        compare."""
        db = RdbmsDatabase("sqlite", f"sqlite:///{tmp_path / 'x.db'}")
        several = data.draw(st.booleans())
        keys = data.draw(st.lists(st.tuples(st.text("aAbBcC ", max_size=2), st.integers(0, 9)), max_size=30))
        primary = ", k2 integer NOT NULL, PRIMARY KEY (k, k2)" if several else ", k2 integer"
        db.execute(
            "DROP TABLE IF EXISTS t", f"CREATE TABLE t (n integer, k text NOT NULL COLLATE {collation}{primary})"
        )
        rows = [{"n": n, "k": text, "k2": number} for n, (text, number) in enumerate(keys)]
        if rows:
            db.execute("INSERT OR IGNORE INTO t VALUES (:n, :k, :k2)", rows=rows)
        wanted = [n for (n,) in db.execute("SELECT n FROM t ORDER BY n")]
        source = reader(db.url, table="t", column=["n"], splitPk="k")
        assert sorted(read(source, data.draw(st.integers(2, 9)))["n"].to_pylist()) == wanted

    def test_where_and_splits(self, rdbms: RdbmsDatabase) -> None:
        rdbms.execute("CREATE TABLE t (id integer PRIMARY KEY, v varchar(9))")
        rdbms.execute("INSERT INTO t VALUES (:id, :v)", rows=[{"id": n, "v": f"a:{n % 2}"} for n in range(40)])
        source = reader(rdbms.url, table="t", where="v = 'a:1' -- odd ones\n;")
        assert sorted(read(source, 3)["id"].to_pylist()) == list(range(1, 40, 2))

    def test_floats_are_no_keys(self, rdbms: RdbmsDatabase) -> None:
        rdbms.execute("CREATE TABLE t (x double precision)", "INSERT INTO t VALUES (1.5)", "INSERT INTO t VALUES (2.5)")
        with pytest.raises(ConfigError, match="cannot cut by 'x'"):
            reader(rdbms.url, table="t", splitPk="x").split(2)


class TestColumns:
    def test_names_and_expressions(self, rdbms: RdbmsDatabase) -> None:
        rdbms.execute("CREATE TABLE t (id bigint, name varchar(9))", "INSERT INTO t VALUES (1, 'a')")
        source = reader(rdbms.url, table="t", column=["NAME", "id + 1", "'x:y %s'"])
        assert [column.to_pylist() for column in read(source).columns] == [["a"], [2], ["x:y %s"]]

    def test_queries(self, rdbms: RdbmsDatabase) -> None:
        rdbms.execute("CREATE TABLE t (id bigint, name varchar(9), n numeric(12,3), d date)")
        rdbms.execute("INSERT INTO t VALUES (1, 'a', 1.125, '2026-01-31')", "INSERT INTO t (id) VALUES (2)")
        rows = read(reader(rdbms.url, querySql="SELECT id, name, count(*) AS c FROM t GROUP BY id, name ORDER BY id;"))
        assert rows.to_pylist() == [{"id": 1, "name": "a", "c": 1}, {"id": 2, "name": None, "c": 1}]
        twice = reader(rdbms.url, querySql="SELECT id AS x, id AS x, id + 1 AS X, 7 AS x_2 FROM t WHERE id < 2")
        (row,) = read(twice).to_pylist()
        names = {
            "sqlite": ["x", "x:1", "X:2", "x_2"],  # it tells them apart itself
            "postgresql": ["x", "x_3", "x_4", "x_2"],
            "mariadb": ["x", "x_3", "X", "x_2"],
        }[rdbms.engine]
        assert row == dict(zip(names, (1, 1, 2, 7), strict=True))
        column = ["id", "name", "ID", "id + 1 AS id"]
        assert read(reader(rdbms.url, table="t", column=column, where="id < 2")).to_pylist() == [
            {"id": 1, "name": "a", "id_2": 1, "id_3": 2}
        ]
        twice = reader(rdbms.url, querySql="SELECT id AS x, id AS y FROM t WHERE id < 2")
        assert [column.to_pylist() for column in read(twice).columns] == [[1], [1]]

    def test_several_tables(self, rdbms: RdbmsDatabase) -> None:
        for number in range(3):
            rdbms.execute(f"CREATE TABLE t{number} (id bigint)", f"INSERT INTO t{number} VALUES ({number})")
        assert sorted(read(reader(rdbms.url, table="t[0-2]"))["id"].to_pylist()) == [0, 1, 2]
        rdbms.execute("DROP TABLE t2", "CREATE TABLE t2 (id varchar(9))")
        with pytest.raises(ConfigError, match="t2 has not the columns of t0"):
            reader(rdbms.url, table="t[0-2]").schema()


class TestPostgresqlTypes:
    def test_types_without_an_equal_come_as_text(self, postgresql: PostgresqlSchema, tmp_path: Path) -> None:
        postgresql.db.execute(
            "CREATE TABLE t (a int[], i interval, j jsonb, m money, u uuid, z timestamptz, n numeric, r int4range)"
        )
        postgresql.db.execute(
            "INSERT INTO t VALUES ('{1,2}', '1 mon', '{\"a\": 1.10}', '12.50', "
            "'12345678-1234-5678-1234-567812345678', '2026-01-31 12:00:00+01', 'NaN', '[1,2)')"
        )
        url = f"postgresql+psycopg://postgres@127.0.0.1:{postgresql.server.port}/postgres"
        found = read(reader(f"{url}?options=-csearch_path%3D{postgresql.name}", table="t"))
        assert found.schema.types[5] == pa.timestamp("us", "UTC")
        row = found.to_pylist()[0]
        assert (row["a"], row["i"], row["n"], row["r"]) == ("{1,2}", "1 mon", "NaN", "[1,2)")
        assert str(row["m"]) == "12.5000"
        assert str(row["j"]) == '{"a": 1.10}', "numbers in documents keep their digits"
        assert row["z"].isoformat() == "2026-01-31T11:00:00+00:00"

    def test_a_column_with_a_collation_of_its_own(self, postgresql: PostgresqlSchema) -> None:
        """SQLAlchemy asks for it as a document."""
        postgresql.db.execute('CREATE TABLE t (k text COLLATE "C" PRIMARY KEY, j json)')
        postgresql.db.execute("""INSERT INTO t VALUES ('a', '{"a": 1.10}'), ('B', '2.50')""")
        url = f"postgresql+psycopg://postgres@127.0.0.1:{postgresql.server.port}/postgres"
        url = f"{url}?options=-csearch_path%3D{postgresql.name}"
        assert read(reader(url, table="t"), 2).to_pydict() == {"k": ["B", "a"], "j": ["2.50", '{"a": 1.10}']}
        assert read(reader(url, querySql="SELECT j FROM t ORDER BY k")).to_pydict() == {"j": ["2.50", '{"a": 1.10}']}


class TestSqliteTypes:
    def test_a_decimal_in_a_text(self, tmp_path: Path) -> None:
        """As `sqlitewriter` declares it. SQLAlchemy takes the second number for a collation."""
        with closing(sqlite3.connect(tmp_path / "test.db")) as db, db:
            db.execute("CREATE TABLE t (id int, d DECIMAL_TEXT(12,4) COLLATE RTRIM, v varchar(9) COLLATE NOCASE)")
            db.execute("INSERT INTO t VALUES (1, '12345678.1234', 'a')")
        found = read(reader(f"sqlite:///{tmp_path / 'test.db'}", table="t"))
        assert found.to_pylist() == [{"id": 1, "d": "12345678.1234", "v": "a"}]


class TestBadValues:
    def test_what_sqlite_holds_against_its_types(self, tmp_path: Path) -> None:
        """Each row that does not fit is named; the others come."""
        db = RdbmsDatabase("sqlite", f"sqlite:///{tmp_path / 'x.db'}")
        db.execute("CREATE TABLE t (id INTEGER, d DATE, n DECIMAL(6,2))")
        db.execute("INSERT INTO t VALUES (1, '2026-01-31', 1.25)", "INSERT INTO t VALUES (2, 'soon', 1)")
        db.execute("INSERT INTO t VALUES (3, '2026-02-01', 1.255)", "INSERT INTO t VALUES ('x', NULL, NULL)")
        source = reader(db.url, table="t")
        task = RecordingTask(source.schema())
        rows = [row for split in source.split(1) for batch in source.read(split, task) for row in batch.to_pylist()]
        assert [row["id"] for row in rows] == [1]
        assert [reason.split(":")[0] for _, reason, _ in task.rejected] == ["column 'd'", "column 'n'", "column 'id'"]


class TestWhatGoesWrong:
    def test_a_missing_table(self, rdbms: RdbmsDatabase) -> None:
        rdbms.execute("CREATE TABLE orders (id bigint)")
        with pytest.raises(ConfigError, match=r"has no table 'ordres' \(did you mean 'orders'\?\)"):
            reader(rdbms.url, table="ordres").check()

    def test_a_missing_column(self, rdbms: RdbmsDatabase) -> None:
        rdbms.execute("CREATE TABLE orders (id bigint, total bigint)")
        with pytest.raises(ConfigError, match="totl"):
            reader(rdbms.url, table="orders", column=["id", "totl"]).check()
        with pytest.raises(ConfigError, match="did you mean 'total'"):
            reader(rdbms.url, table="orders", splitPk="totl").split(2)

    def test_bad_sql(self, rdbms: RdbmsDatabase) -> None:
        rdbms.execute("CREATE TABLE orders (id bigint)")
        for more in ({"where": "id ="}, {"column": ["id +"]}):
            with pytest.raises(ConfigError):
                reader(rdbms.url, table="orders", **more).check()
        with pytest.raises(ConfigError):
            reader(rdbms.url, querySql="SELEC 1").check()

    def test_a_wrong_password_fails_at_once(self, postgresql: PostgresqlSchema) -> None:
        # Other tests of the run use this role, too: the server asks no other for a password.
        postgresql.db.execute(
            "DO $$ BEGIN CREATE ROLE guarded LOGIN PASSWORD 'right'; EXCEPTION WHEN duplicate_object THEN END $$"
        )
        url = f"postgresql+psycopg://guarded:wr0ng@127.0.0.1:{postgresql.server.port}/postgres"
        started = time.monotonic()
        with pytest.raises(ConfigError, match="password") as caught:
            reader(url, table="t").check()
        assert time.monotonic() - started < 5
        assert "wr0ng" not in str(caught.value)

    def test_a_server_that_is_down(self) -> None:
        with pytest.raises(TransientError, match="is the server up"):
            reader("mysql+pymysql://root@127.0.0.1:1/x", table="t").check()

    def test_the_first_url_that_answers_counts(self, rdbms: RdbmsDatabase) -> None:
        rdbms.execute("CREATE TABLE t (id bigint)", "INSERT INTO t VALUES (1)")
        urls = ["mysql+pymysql://root@127.0.0.1:1/x", rdbms.url]
        assert read(RdbmsReader(RdbmsReaderParams.model_validate({"url": urls, "table": "t"}))).num_rows == 1

    def test_health_checks(self, rdbms: RdbmsDatabase) -> None:
        rdbms.execute("CREATE TABLE t (id bigint)")
        reader(rdbms.url, table="t", preSql="SELECT 0").check()
        with pytest.raises(TransientError, match="does not give a single 0"):
            reader(rdbms.url, table="t", preSql="SELECT 1").check()
