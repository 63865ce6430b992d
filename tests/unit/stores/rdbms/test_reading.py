"""The SQL that reads tables of Oracle and SQL Server, of which no server can be had: by its text, and by compiling."""

from __future__ import annotations

from typing import Any

import pyarrow as pa
import pytest

from starhaul import (
    ConfigError,
)
from starhaul_readers.oracle import oracle_hint
from starhaul_stores.rdbms.connection import MARK
from starhaul_stores.rdbms.selection import of_table
from starhaul_stores.rdbms.slices import condition, slices
from tests.unit.stores.rdbms.offline import oracle, orders_of_oracle, orders_of_sqlserver, sqlserver, table


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
