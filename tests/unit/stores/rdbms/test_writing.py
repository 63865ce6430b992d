"""The SQL that writes rows to Oracle and SQL Server, of which no server can be had: by its text, and by compiling."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import sqlalchemy

from starhaul_stores.rdbms import staging, statements
from starhaul_stores.rdbms.catalog import Table, find_table
from starhaul_stores.rdbms.connection import MARK, Connection
from starhaul_stores.rdbms.ledger import RdbmsLedger
from starhaul_stores.rdbms.statements import Target
from tests.unit.stores.rdbms.offline import oracle, orders_of_oracle, orders_of_sqlserver, sqlserver, table


def target(db: Connection, of: Table, *names: str) -> Target:
    columns = [column for column in of.columns if column.name in names]
    rest = [name for name in names if name not in of.key]
    return Target(of.sql, columns, of.key, rest, db.dialect, db.quoted)


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
