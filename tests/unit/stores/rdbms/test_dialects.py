"""The SQL that goes to Oracle and SQL Server, of which no server can be had: by its text, and by compiling."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
import sqlalchemy

from starhaul import (
    ColumnFacts,
    ConfigError,
    Default,
    IndexFacts,
    TableFacts,
    with_column_facts,
    with_table_facts,
)
from starhaul_readers.oracle import oracle_hint
from starhaul_stores.rdbms import staging, statements
from starhaul_stores.rdbms.addresses import parse_address
from starhaul_stores.rdbms.catalog import Table, find_table, full_name
from starhaul_stores.rdbms.connection import MARK, Connection, connect
from starhaul_stores.rdbms.creation import creation
from starhaul_stores.rdbms.ledger import RdbmsLedger
from starhaul_stores.rdbms.references import references, refuse_cascades, refuse_references
from starhaul_stores.rdbms.selection import of_table
from starhaul_stores.rdbms.slices import condition, slices
from starhaul_stores.rdbms.statements import Target
from starhaul_stores.rdbms.target import fields_to_create
from starhaul_stores.rdbms.traits import traits_of
from tests.unit.stores.rdbms.offline import oracle, sqlserver, table


def orders_of_oracle(db: Connection) -> Table:
    return table(
        db, "orders", ["id"], "shop", id="NUMBER(18, 0)", total="NUMBER(12, 2)", free="NUMBER", made="DATE",
        seen="TIMESTAMP", at="TIMESTAMP WITH TIME ZONE", note="CLOB", raw="RAW(16)", ratio="BINARY_DOUBLE",
    )  # fmt: skip


def orders_of_sqlserver(db: Connection) -> Table:
    return table(
        db, "Orders", ["id"], "dbo", id="BIGINT", total="DECIMAL(12, 2)", made="DATETIME", seen="DATETIME2(7)",
        at="DATETIMEOFFSET(3)", cash="MONEY", code="UNIQUEIDENTIFIER", version="TIMESTAMP", note="NVARCHAR(max)",
    )  # fmt: skip


def target(db: Connection, of: Table, *names: str) -> Target:
    columns = [column for column in of.columns if column.name in names]
    rest = [name for name in names if name not in of.key]
    return Target(of.sql, columns, of.key, rest, db.dialect, db.quoted)


class TestSelect:
    def test_oracle(self) -> None:
        db = oracle()
        selection = of_table(db, orders_of_oracle(db), ["*"], "/*+ full(t) */ ")
        clock = 'YYYY-MM-DD" "HH24:MI:SS'
        assert selection.sql == (
            f"SELECT /*+ full(t) */ id, total, free, TO_CHAR(made, '{clock}'), TO_CHAR(seen, '{clock}.FF9'), "
            f'TO_CHAR(SYS_EXTRACT_UTC(at), \'{clock}.FF9"Z"\'), note, "raw", ratio FROM shop.orders'
        )
        assert selection.schema.types == [
            pa.int64(), pa.decimal128(12, 2), pa.string(), pa.timestamp("s"), pa.timestamp("us"),
            pa.timestamp("us", "UTC"), pa.string(), pa.binary(), pa.float64(),
        ]  # fmt: skip

    def test_sqlserver(self) -> None:
        db = sqlserver()
        selection = of_table(db, orders_of_sqlserver(db), ["*"])
        assert selection.sql == (
            "SELECT id, total, CONVERT(VARCHAR(27), made, 121), CONVERT(VARCHAR(27), seen, 121), "
            "CONVERT(VARCHAR(27), CAST(SWITCHOFFSET(at, '+00:00') AS DATETIME2(7)), 121) + 'Z', "
            "CAST(cash AS DECIMAL(19,4)), CAST(code AS CHAR(36)), version, note FROM dbo.[Orders]"
        )
        assert selection.schema.types == [
            pa.int64(), pa.decimal128(12, 2), pa.timestamp("ms"), pa.timestamp("ns"), pa.timestamp("ms", "UTC"),
            pa.decimal128(19, 4), pa.uuid(), pa.binary(), pa.string(),
        ]  # fmt: skip

    @pytest.mark.parametrize("kind", ["SQL_VARIANT", "GEOGRAPHY", "HIERARCHYID", "NULL"])
    def test_what_arrow_lacks_is_refused(self, kind: str) -> None:
        db = sqlserver()
        with pytest.raises(ConfigError, match=r"'odd'.*cast it to text"):
            of_table(db, table(db, "t", [], odd=kind), ["*"])

    def test_hints(self) -> None:
        assert oracle_hint("/*+ parallel(@table, 4) */", "t") == "/*+ parallel(t, 4) */ "
        assert oracle_hint("ord.*#/*+ full(t) */", "ORDERS") == "/*+ full(t) */ "
        assert oracle_hint("ord.*#/*+ full(t) */", "items") == ""


class TestSlices:
    def test_oracle(self) -> None:
        db = oracle([(5_000_000,)], [(1,), (1,), (9,)], [(12,)])
        of = orders_of_oracle(db)
        found = slices(db, of, "total > 0", None, 2, 1, 1)
        there = "FROM shop.orders WHERE (total > 0\n) AND id IS NOT NULL"
        assert [sql for sql, _ in db.asked] == [
            "SELECT count(*) FROM shop.orders WHERE (total > 0\n)",
            "SELECT k0 FROM (SELECT k0, part, row_number() OVER (PARTITION BY part ORDER BY k0) AS place FROM "
            f"(SELECT id AS k0, ntile(5) OVER (ORDER BY id) AS part {there}) starhaul_r) starhaul_p "
            "WHERE place = 1 ORDER BY part",
            f"SELECT max(id) {there}",
        ]
        assert found == [
            {"key": "id", "to": 9, "rows": 2_500_000},
            {"key": "id", "from": 9, "last": 12, "rows": 2_500_000},
        ]
        assert condition(db, of, found[0], "total > 0") == (f" WHERE (total > 0\n) AND id < {MARK}", [9])
        assert condition(db, of, found[-1], "") == (f" WHERE id >= {MARK} AND id <= {MARK}", [9, 12])

    def test_several_columns(self) -> None:
        db = oracle([(2_000_000,)], [(7, "2026-01-31 00:00:00"), (7, "2026-02-01 00:00:00")], [(7,)],
                    [("2026-03-01 00:00:00",)])  # fmt: skip
        of = table(db, "t", ["shop", "made"], shop="NUMBER(9, 0)", made="DATE", v="CLOB")
        first, second = slices(db, of, "", None, 2, 1, 1)
        clock = 'YYYY-MM-DD" "HH24:MI:SS'
        date = f"TO_DATE({MARK}, '{clock}')"
        assert db.asked[-1] == (f"SELECT TO_CHAR(max(made), '{clock}') FROM t WHERE shop IS NOT NULL AND shop = {MARK}",
                                [7])  # fmt: skip
        assert condition(db, of, first, "") == (
            f" WHERE ((shop < {MARK}) OR (shop = {MARK} AND made < {date}))", [7, 7, "2026-02-01 00:00:00"],
        )  # fmt: skip
        assert condition(db, of, second, "") == (
            f" WHERE ((shop > {MARK}) OR (shop = {MARK} AND made >= {date})) "
            f"AND ((shop < {MARK}) OR (shop = {MARK} AND made <= {date}))",
            [7, 7, "2026-02-01 00:00:00", 7, 7, "2026-03-01 00:00:00"],
        )  # fmt: skip

    def test_texts_that_the_database_orders_otherwise_than_it_compares(self) -> None:
        """NLS_SORT is GERMAN, NLS_COMP is BINARY: what does not ascend for the comparison is no bound."""
        answers = [[(1,)], [(0,)], [(1,)]]  # is the next one larger?
        starts: list[tuple[Any, ...]] = [("a",), ("b",), ("B",), ("c",)]
        db = oracle([(8_000_000,)], starts, [("c",)], *answers, [(0,)])
        of = table(db, "t", ["name"], name="VARCHAR2(20 CHAR)")
        found = slices(db, of, "", None, 4, 1, 1)
        same = f"SELECT count(*) FROM t WHERE name IS NOT NULL AND name = {MARK} AND name < {MARK}"
        assert db.asked[3:6] == [(same, ["a", "b"]), (same, ["b", "B"]), (same, ["b", "c"])]
        assert [(part.get("from"), part.get("to"), part.get("last")) for part in found] == [
            (None, "b", None), ("b", "c", None), ("c", None, "c"),
        ]  # fmt: skip

    def test_a_largest_text_that_is_not_stays_no_bound(self) -> None:
        db = oracle([(2_000_000,)], [("a",), ("b",)], [("b",)], [(1,)], [(5,)])
        found = slices(db, table(db, "t", ["name"], name="VARCHAR2(20 CHAR)"), "", None, 2, 1, 1)
        assert "last" not in found[-1]
        assert db.asked[-1][0] == f"SELECT count(*) FROM t WHERE name IS NOT NULL AND name > {MARK}"

    def test_dates_pass_as_text(self) -> None:
        db = oracle()
        part = {"key": "made", "from": "2026-01-31 00:00:00", "last": "2026-02-01 00:00:00"}
        clause, parameters = condition(db, orders_of_oracle(db), part, "")
        clock = 'YYYY-MM-DD" "HH24:MI:SS'
        assert clause == f" WHERE made >= TO_DATE({MARK}, '{clock}') AND made <= TO_DATE({MARK}, '{clock}')"
        assert parameters == ["2026-01-31 00:00:00", "2026-02-01 00:00:00"]


ORACLE_MERGE = (
    "MERGE INTO shop.orders t USING (SELECT :p0 AS id, :p1 AS total, TO_DATE(:p2, 'YYYY-MM-DD\" \"HH24:MI:SS') AS made "
    "FROM DUAL) s ON (t.id = s.id) WHEN MATCHED THEN UPDATE SET t.total = s.total, t.made = s.made "
    "WHEN NOT MATCHED THEN INSERT (id, total, made) VALUES (s.id, s.total, s.made)"
)
SQLSERVER_MERGE = (
    "MERGE INTO dbo.[Orders] WITH (HOLDLOCK) t USING (SELECT :p0 AS id, CONVERT(DATETIME2(7), :p1, 121) AS seen, "
    ":p2 AS cash) s ON (t.id = s.id) WHEN MATCHED THEN UPDATE SET t.seen = s.seen, t.cash = s.cash "
    "WHEN NOT MATCHED THEN INSERT (id, seen, cash) VALUES (s.id, s.seen, s.cash);"
)


class TestRows:
    def test_oracle(self) -> None:
        db = oracle()
        into = target(db, orders_of_oracle(db), "id", "total", "made")
        date = "TO_DATE(:p2, 'YYYY-MM-DD\" \"HH24:MI:SS')"
        assert _plain(statements.insert(into)) == f"INSERT INTO shop.orders (id, total, made) VALUES (:p0, :p1, {date})"
        assert _plain(statements.insert_or_update(into)) == ORACLE_MERGE
        assert "WHEN MATCHED" not in statements.insert_unless_there(into)
        assert _plain(statements.delete(into)) == "DELETE FROM shop.orders WHERE id = :p0"

    def test_sqlserver(self) -> None:
        db = sqlserver()
        into = target(db, orders_of_sqlserver(db), "id", "seen", "cash")
        assert _plain(statements.insert_or_update(into)) == SQLSERVER_MERGE
        assert _plain(statements.insert(into)) == (
            "INSERT INTO dbo.[Orders] (id, seen, cash) VALUES (:p0, CONVERT(DATETIME2(7), :p1, 121), :p2)"
        )

    @pytest.mark.parametrize("make", [oracle, sqlserver])
    def test_a_statement_has_exactly_its_parameters(self, make: Any) -> None:
        """Colons of the formats of times are not taken for parameters, nor percent signs for places."""
        db = make()
        of = orders_of_oracle(db) if make is oracle else orders_of_sqlserver(db)
        into = target(db, of, "id", "made", "at", "seen")
        for sql in (statements.insert(into), statements.insert_or_update(into)):
            compiled = sqlalchemy.text(sql).compile(dialect=db._driver.dialect)
            assert set(compiled.params) == {"p0", "p1", "p2", "p3"}
            assert "\\" not in str(compiled)

    @pytest.mark.parametrize(
        ("dialect", "start"),
        [("firebird", "MERGE INTO t t USING (SELECT :p0 AS id, :p1 AS v FROM RDB$DATABASE) s ON (t.id = s.id) "
                      "WHEN MATCHED THEN UPDATE SET v = s.v "),
         ("db2", "MERGE INTO t t USING (SELECT :p0 AS id, :p1 AS v FROM SYSIBM.SYSDUMMY1) s "),
         ("postgresql", "INSERT INTO t (id, v) VALUES (:p0, :p1) ON CONFLICT (id) DO UPDATE SET v = excluded.v"),
         ("mysql", "INSERT INTO t (id, v) VALUES (:p0, :p1) ON DUPLICATE KEY UPDATE v = VALUES(v)"),
         ("unheard_of", "")],
    )  # fmt: skip
    def test_upserts(self, dialect: str, start: str) -> None:
        of = table(oracle(), "t", ["id"], id="BIGINT", v="TEXT")
        sql = statements.insert_or_update(Target("t", of.columns, ["id"], ["v"], dialect, str))
        assert sql.startswith(start)
        assert bool(sql) is bool(start)


def _plain(sql: str) -> str:
    """As it is after SQLAlchemy's text()."""
    return sql.replace("\\:", ":")


SCHEMA = pa.schema(
    [
        pa.field("id", pa.int64(), nullable=False), ("flag", pa.bool_()), ("big", pa.uint64()),
        ("n", pa.decimal128(38, 10)), ("huge", pa.decimal256(50, 0)), ("x", pa.float64()),
        ("day", pa.date32()), ("seen", pa.timestamp("us")),
        ("at", pa.timestamp("us", "UTC")), ("name", pa.string()), ("raw", pa.binary()), ("code", pa.uuid()),
    ]
)  # fmt: skip


class TestCreate:
    def test_oracle(self) -> None:
        db = oracle()
        made = creation(db, "SHOP.ORDERS", SCHEMA.names, SCHEMA, ["id"])
        assert [" ".join(each.split()) for each in made.statements] == [
            "CREATE TABLE shop.orders ( id NUMBER(19, 0) NOT NULL, flag NUMBER(1, 0), big NUMBER(20, 0), "
            "n NUMBER(38, 10), huge VARCHAR2(100 CHAR), x BINARY_DOUBLE, day DATE, seen TIMESTAMP, "
            'at TIMESTAMP WITH TIME ZONE, name CLOB, "raw" BLOB, code CHAR(36), PRIMARY KEY (id) )'
        ]
        types = fields_to_create(db, SCHEMA.names, SCHEMA, ["id"]).types
        assert types[:5] == [
            pa.decimal128(19, 0),
            pa.bool_(),
            pa.decimal128(20, 0),
            SCHEMA.types[3],
            pa.string(),
        ]

    def test_sqlserver(self) -> None:
        db = sqlserver()
        made = creation(db, "[dbo].[Orders]", SCHEMA.names, SCHEMA, ["id"])
        assert [" ".join(each.split()) for each in made.statements] == [
            "CREATE TABLE dbo.[Orders] ( id BIGINT NOT NULL, flag BIT NULL, big NUMERIC(20, 0) NULL, "
            "n NUMERIC(38, 10) NULL, huge VARCHAR(100) NULL, x DOUBLE PRECISION NULL, day DATE NULL, "
            "seen DATETIME2(6) NULL, at DATETIMEOFFSET(6) NULL, name NVARCHAR(max) NULL, raw VARBINARY(max) NULL, "
            "code UNIQUEIDENTIFIER NULL, PRIMARY KEY (id) )"
        ]

    def test_what_the_source_knows(self) -> None:
        def column(name: str, kind: pa.DataType, default: Default | None = None, comment: str = "") -> pa.Field:
            facts = ColumnFacts(name, "postgresql", default=default, comment=comment)
            return with_column_facts(pa.field(name, kind, nullable=name != "id"), facts)

        fields = [
            column("id", pa.int64(), comment="it's 100%: the \\ key"),
            column("ok", pa.bool_(), Default("true", "true")),
            column("total", pa.decimal128(9, 2), Default("1.50", "1.50")),
            column("name", pa.string(), Default("'a:b%''c'", "a:b%'c")),
            column("at", pa.timestamp("us"), Default("now()", now=True)),
        ]
        index = IndexFacts(("name",), "by_name")
        facts = TableFacts("postgresql", tuple(field.name for field in fields), IndexFacts(("id",)), (index,))
        schema = with_table_facts(pa.schema(fields), facts)
        made = creation(oracle(), "t", schema.names, schema, [])
        assert [" ".join(each.split()) for each in made.statements] == [
            "CREATE TABLE t ( id NUMBER(19, 0) NOT NULL, ok NUMBER(1, 0) DEFAULT 1, total NUMBER(9, 2) DEFAULT 1.50, "
            "name CLOB DEFAULT 'a:b%''c', at TIMESTAMP, PRIMARY KEY (id) )",
            "COMMENT ON COLUMN t.id IS 'it''s 100%: the \\ key'",
        ]
        assert made.left_out == ("default of column at: now()", "index by_name (name)")
        made = creation(sqlserver(), "t", schema.names, schema, [])
        assert "ok BIT NULL DEFAULT 1" in made.statements[0]
        assert "name NVARCHAR(max) NULL DEFAULT N'a:b%''c'" in made.statements[0]
        assert made.left_out[0] == "comment of column id: it's 100%: the \\ key"
        by_name = with_table_facts(schema, replace(facts, key=IndexFacts(("name",))))
        made = creation(oracle(), "t", schema.names, by_name, [])
        assert "PRIMARY KEY" not in made.statements[0]
        assert made.left_out[0] == "primary key (name), as CLOB is no type for a key here"

    def test_what_has_no_place_is_refused(self) -> None:
        with pytest.raises(ConfigError, match="no type that holds every time64"):
            fields_to_create(oracle(), ["t"], pa.schema([("t", pa.time64("us"))]), [])


class TestLedger:
    def test_the_ledger(self) -> None:
        for db, columns in (
            (oracle(), 'run VARCHAR2(64 CHAR) NOT NULL, task VARCHAR2(64 CHAR) NOT NULL, attempt INTEGER NOT NULL, '
                       'receipt VARCHAR2(2000 CHAR), written_at VARCHAR2(64 CHAR) NOT NULL, PRIMARY KEY (run, task)'),
            (sqlserver(), "run VARCHAR(64) NOT NULL, task VARCHAR(64) NOT NULL, attempt INTEGER NOT NULL, "
                          "receipt VARCHAR(2000), written_at VARCHAR(64) NOT NULL, PRIMARY KEY (run, task)"),
        ):  # fmt: skip
            ledger = RdbmsLedger(db, "_starhaul_ledger")
            assert ledger.columns == columns
            ledger._insert("run_1", ledger.the_run, 0, "")
            ledger._find("run_1", "t0")
            name = db.quoted("_starhaul_ledger")
            marks = ", ".join([MARK] * 5)
            assert [sql for sql, _ in db.asked] == [
                f"INSERT INTO {name} (run, task, attempt, receipt, written_at) VALUES ({marks})",
                f"SELECT attempt, receipt FROM {name} WHERE run = {MARK} AND task = {MARK}",
            ]
            assert db.asked[0][1][:4] == ["run_1", "-", 0, ""], "an empty text would be NULL to Oracle"

    def test_publishing(self) -> None:
        assert statements.publish("shop.orders", "shop.staged", ["id", "v"]) == (
            "DELETE FROM shop.orders", "INSERT INTO shop.orders (id, v) SELECT id, v FROM shop.staged",
        )  # fmt: skip


class TestIdentities:
    """SQL Server must be told that values for an IDENTITY column come."""

    def table(self, db: Connection) -> Table:
        of = table(db, "Orders", ["id"], "dbo", id="BIGINT", v="NVARCHAR(9)")
        columns = tuple(replace(column, identity=column.name == "id", alchemy=sqlalchemy.BigInteger())
                        for column in of.columns)  # fmt: skip
        return replace(of, columns=columns)

    def test_publishing(self) -> None:
        db = sqlserver([], [], [], [], [], [(3,)], [(3,)])
        of = self.table(db)
        staging.publish(db, of, of.columns, "run_1")
        staged = staging.sql_of(db, of, "run_1")
        assert [sql for sql, _ in db.asked[1:5]] == [
            "SET IDENTITY_INSERT dbo.[Orders] ON",
            "DELETE FROM dbo.[Orders]",
            f"INSERT INTO dbo.[Orders] (id, v) SELECT id, v FROM {staged}",
            "SET IDENTITY_INSERT dbo.[Orders] OFF",
        ]

    def test_where_no_row_has_such_a_value(self) -> None:
        db = sqlserver([], [], [], [(3,)], [(3,)])
        of = self.table(db)
        staging.publish(db, of, of.columns[1:], "run_1")
        assert not any("IDENTITY_INSERT" in sql for sql, _ in db.asked)
        assert statements.giving_identities(of.sql, of.columns, "oracle") == ([], [])

    def test_a_staging_table_numbers_nothing(self, monkeypatch: pytest.MonkeyPatch) -> None:
        db = sqlserver()
        monkeypatch.setattr(staging, "drop", lambda *_: None)
        of = self.table(db)
        staging.create(db, of, of.columns, "run_1")
        assert "IDENTITY" not in db.asked[0][0]

    @pytest.mark.parametrize("told", [{}, {"start": 1, "increment": 1}])
    def test_columns_that_are_such(self, monkeypatch: pytest.MonkeyPatch, told: dict[str, int]) -> None:
        class Inspector:
            def has_table(self, *_: Any, **__: Any) -> bool:
                return True

            def get_columns(self, *_: Any, **__: Any) -> list[dict[str, Any]]:
                kind = sqlalchemy.BigInteger()
                return [
                    {"name": "id", "type": kind, "nullable": False, "identity": told},
                    {"name": "v", "type": kind, "nullable": True},
                ]

            def nothing(self, *_: Any, **__: Any) -> Any:
                return []

            get_pk_constraint = get_unique_constraints = get_indexes = nothing

        db = sqlserver()
        monkeypatch.setattr(db, "inspector", Inspector)
        found = find_table(db, "dbo.Orders")
        assert found is not None
        assert [column.identity for column in found.columns] == [True, False]


class TestReferences:
    def test_oracle(self) -> None:
        lines = ("of_order", "SHOP.LINES")
        db = oracle([(*lines, "NO ACTION", 0)])
        with pytest.raises(ConfigError, match=r"of_order of SHOP\.LINES"):
            refuse_references(db, orders_of_oracle(db))
        assert db.asked[0][1] == ["ORDERS", "SHOP"]
        refuse_references(oracle([(*lines, "NO ACTION", 1)]), orders_of_oracle(db))
        refuse_cascades(oracle([(*lines, "NO ACTION", 0)]), orders_of_oracle(db))
        for own in (0, 1):
            with pytest.raises(ConfigError, match=r"of_order of SHOP\.LINES \(ON DELETE SET NULL\).*writeMode update"):
                refuse_cascades(oracle([(*lines, "SET NULL", own)]), orders_of_oracle(db))

    def test_sqlserver(self) -> None:
        db = sqlserver()
        of = table(db, "Orders", ["id"], "My Db.dbo", id="BIGINT")
        refuse_references(db, of)
        with pytest.raises(ConfigError, match=r"FK of dbo\.Lines \(ON DELETE CASCADE"):
            refuse_cascades(sqlserver([("FK", "dbo.Lines", "CASCADE", 0), ("FK2", "dbo.More", "NO_ACTION", 0)]), of)
        sql, parameters = db.asked[0]
        assert "FROM [My Db].sys.foreign_keys f JOIN [My Db].sys.objects o " in sql
        assert parameters == ["[My Db].dbo.[Orders]"]

    @pytest.mark.parametrize("known", [True, False])
    def test_sqlite_and_a_database_that_nobody_coded_for(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, known: bool
    ) -> None:
        """The latter by SQLAlchemy's reflection, which does not tell whether they are enforced."""
        if not known:
            monkeypatch.setattr("starhaul_stores.rdbms.references._QUERIES", {})
        with connect([parse_address(f"sqlite:///{tmp_path / 'x.db'}")], [], 5) as db:
            for sql in (
                "CREATE TABLE t (id integer PRIMARY KEY, up integer REFERENCES t (id))",
                "CREATE TABLE other (id integer PRIMARY KEY, up integer REFERENCES other (id))",
            ):
                db.execute(sql)
            found = find_table(db, "t")
            assert found is not None
            refuse_references(db, found)
            refuse_cascades(db, found)
            key = "FOREIGN KEY (t) REFERENCES t (id) ON DELETE CASCADE"
            db.execute(f"CREATE TABLE child (t integer, u integer REFERENCES T, {key})")
            if known:
                assert references(db, found) == [], "they are not enforced"
            db._driver.connection.cursor().execute("PRAGMA foreign_keys = ON")
            with pytest.raises(ConfigError, match="refer: one of child"):
                refuse_references(db, found)
            with pytest.raises(ConfigError, match=r"what refers to it: one of child \(ON DELETE CASCADE\) \("):
                refuse_cascades(db, found)


def test_names() -> None:
    assert full_name(traits_of("oracle"), "SHOP.ORDERS") == ("shop", "orders")
    assert full_name(traits_of("oracle"), '"Shop"."Orders"') == ("Shop", "Orders")
    assert full_name(traits_of("mssql"), "[My Db].[dbo].[Order Lines]") == ("My Db.dbo", "Order Lines")
    with pytest.raises(ConfigError):
        full_name(traits_of("mssql"), "a.b.c.d")
