"""The SQL that creates tables of Oracle and SQL Server, and asks what they and others know of theirs."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pytest

from starhaul import (
    ColumnFacts,
    ConfigError,
    Default,
    IndexFacts,
    TableFacts,
    with_column_facts,
    with_table_facts,
)
from starhaul_stores.rdbms.addresses import parse_address
from starhaul_stores.rdbms.catalog import find_table, full_name
from starhaul_stores.rdbms.connection import connect
from starhaul_stores.rdbms.creation import creation
from starhaul_stores.rdbms.references import references, refuse_cascades, refuse_references
from starhaul_stores.rdbms.target import fields_to_create
from starhaul_stores.rdbms.traits import traits_of
from tests.unit.stores.rdbms.offline import oracle, orders_of_oracle, sqlserver, table

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
