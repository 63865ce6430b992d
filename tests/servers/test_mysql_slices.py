"""Slices of `mysqlreader` hold every row once, whatever the key, and are level."""

from __future__ import annotations

from collections import Counter
from contextlib import suppress
from typing import Any

import pymysql
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from starhaul.testing import RecordingTask
from starhaul_stores.mysql.slices import condition
from tests.conftest import MysqlDatabase
from tests.servers.keyed import drawn_keys
from tests.servers.mysql_reading import KEYS, reader, slices


@pytest.mark.parametrize("kind", KEYS)
def test_slices_hold_every_row_once(mysql: MysqlDatabase, kind: str) -> None:
    mysql.execute(f"CREATE TABLE t (n int, k {kind} NULL, KEY (k))")
    rows = [(number, value) for number, value in enumerate([*KEYS[kind], None, None])]
    with mysql.db.cursor() as cursor:
        cursor.executemany("INSERT INTO t VALUES (%s, %s)", rows)
    for target in (1, 2, 5, 13):
        found = slices(reader(mysql, table="t", splitPk="k", where="n >= 0 -- all of them"), target)
        assert Counter(row["n"] for part in found for row in part) == Counter(range(len(rows)))
        if target > 1 and kind not in ("varbinary(9)", "double"):
            assert len(found) > 2


LETTERS = "aAbBäÄßsé 中文\\'\t"


TEXTS = {
    "utf8mb4 COLLATE utf8mb4_general_ci": LETTERS + "😀",
    "utf8mb4 COLLATE utf8mb4_unicode_ci": LETTERS + "😀",
    "utf8mb4 COLLATE utf8mb4_nopad_bin": LETTERS + "😀",
    "utf8mb4 COLLATE utf8mb4_unicode_nopad_ci": LETTERS + "😀",
    "utf8mb4 COLLATE utf8mb4_bin": LETTERS + "😀",
    "latin1 COLLATE latin1_german1_ci": "aAbBäÄßsé '\\\t",
    "gbk COLLATE gbk_chinese_ci": "aAb 中文乗'\\\t",
    "gbk COLLATE gbk_bin": "aAb 中文乗'\\\t",
}


@pytest.mark.parametrize("charset", TEXTS)
@pytest.mark.parametrize("kind", ["varchar(4)", "char(4)"])
@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data(), target=st.integers(2, 9))
def test_slices_by_texts_hold_every_row_once(
    mysql: MysqlDatabase, kind: str, charset: str, data: st.DataObject, target: int
) -> None:
    texts = st.none() | st.text(st.sampled_from(TEXTS[charset]), max_size=4)
    keys = data.draw(st.lists(texts, max_size=40))
    mysql.execute("DROP TABLE IF EXISTS t", f"CREATE TABLE t (n int, k {kind} CHARACTER SET {charset} NULL, KEY (k))")
    with mysql.db.cursor() as cursor:
        cursor.executemany("INSERT INTO t VALUES (%s, %s)", list(enumerate(keys)))
    found = slices(reader(mysql, table="t", column=["n"], splitPk="k"), target)
    assert Counter(row["n"] for part in found for row in part) == Counter(range(len(keys)))


KEY_TYPES = {
    "int": st.integers(-3, 3),
    "bigint unsigned": st.sampled_from([0, 1, 2**63, 2**64 - 1]) | st.integers(0, 2**64 - 1),
    "decimal(30,2)": st.decimals(-2, 2, places=2) | st.just("1234567890123456789012345678.01"),
    "date": st.dates().map(str) | st.just("2026-01-31"),
    **{
        f"varchar(3) CHARACTER SET {charset}": st.text(st.sampled_from(letters), max_size=3)
        for charset, letters in TEXTS.items()
    },
    "varbinary(3)": st.binary(max_size=3),
}


@pytest.mark.parametrize("counted", [200_000, 0])
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_slices_by_several_columns_hold_every_row_once(
    mysql: MysqlDatabase, monkeypatch: pytest.MonkeyPatch, counted: int, data: st.DataObject
) -> None:
    """Whatever their types, and however many rows the first column's values have; by walking, and by estimates."""
    monkeypatch.setattr("starhaul_stores.mysql.slices._COUNTED", counted)
    names, columns, keys = drawn_keys(data, KEY_TYPES)
    mysql.execute("DROP TABLE IF EXISTS t", f"CREATE TABLE t (n int, {columns}, PRIMARY KEY ({names}))")
    with mysql.db.cursor() as cursor:
        for number, values in enumerate(keys):
            marks = ", ".join(["%s"] * (1 + len(values)))
            with suppress(pymysql.err.IntegrityError):
                cursor.execute(f"INSERT INTO t VALUES ({marks})", [number, *values])
    wanted = Counter(n for (n,) in mysql.execute("SELECT n FROM t"))
    found = slices(reader(mysql, table="t", column=["n"]), data.draw(st.integers(2, 9)))
    assert Counter(row["n"] for part in found for row in part) == wanted


@pytest.mark.parametrize("second", ["bigint", "varchar(20)"])
def test_a_heavy_first_column_is_cut_by_the_next(mysql: MysqlDatabase, second: str) -> None:
    """One tenant has nine tenths of the rows. Each slice reads its part of the index only."""
    mysql.execute(
        f"CREATE TABLE t (tenant bigint, id {second}, v int, PRIMARY KEY (tenant, id))",
        "INSERT INTO t SELECT IF(seq % 10 = 0, seq * 1000000007, 7), seq, 0 FROM seq_1_to_300000",
        "INSERT INTO t VALUES (9223372036854775807, '1', 1), (-9223372036854775808, '2', 1)",
        "ANALYZE TABLE t",
    )
    source = reader(mysql, table="t", column=["tenant", "id"])
    found = slices(source, 4)
    counts = [len(part) for part in found]
    assert sum(counts) == len({(row["tenant"], row["id"]) for part in found for row in part}) == 300_002
    assert max(counts) < 300_002 / 4 * 1.7, counts
    parts = [split.args["part"] for split in source.split(4)]
    inner = [part for part in parts if _of_one_tenant(part)]
    assert inner
    for part in inner:
        plan = mysql.execute(f"EXPLAIN SELECT * FROM t{condition(part, '')}")[0]
        assert "range" in plan
        assert int(str(plan[8])) < 200_000


def _of_one_tenant(part: dict[str, Any]) -> bool:
    start, end = part.get("from"), part.get("to")
    return isinstance(start, list) and isinstance(end, list) and bool(start[0] == end[0])


def test_chars_that_the_server_orders_in_two_ways_are_no_keys(mysql: MysqlDatabase) -> None:
    """MariaDB's index has CHAR with its padding, its comparison without: `k > 'A'` finds nothing here."""
    for collation, keyed in (("utf8mb4_unicode_nopad_ci", False), ("utf8mb4_unicode_ci", True)):
        mysql.execute(
            "DROP TABLE IF EXISTS t", f"CREATE TABLE t (n int, k char(4) COLLATE {collation} PRIMARY KEY)",
            "INSERT INTO t VALUES (0, 'A'), (1, 'A\\t'), (2, 'B'), (3, 'C')",
        )  # fmt: skip
        found = slices(reader(mysql, table="t"), 2)
        assert sorted(row["n"] for part in found for row in part) == [0, 1, 2, 3]
        assert (len(found) > 1) is keyed


def test_keys_without_an_index_are_not_estimated_for_long(mysql: MysqlDatabase) -> None:
    """The optimiser expects every row in every range, however small."""
    mysql.execute("CREATE TABLE t (k bigint NOT NULL)", "INSERT INTO t SELECT seq * 1000 FROM seq_1_to_210000")
    mysql.execute("ANALYZE TABLE t")
    found = slices(reader(mysql, table="t", splitPk="k"), 2)
    assert len(found) >= 2
    assert sum(map(len, found)) == 210_000


def test_skewed_keys_of_a_large_table_make_even_slices(mysql: MysqlDatabase, monkeypatch: pytest.MonkeyPatch) -> None:
    """Beyond what is counted, the optimiser's estimates level the skew; nobody walks through the table."""
    monkeypatch.setattr("starhaul_stores.mysql.slices._Cutting.walked", lambda *_: pytest.fail("walked"))
    mysql.execute(
        "CREATE TABLE t (id bigint PRIMARY KEY, v int)",
        "INSERT INTO t SELECT seq, 0 FROM seq_1_to_150000",
        "INSERT INTO t SELECT seq + 1000000000, 0 FROM seq_1_to_150000",
        "INSERT INTO t VALUES (9223372036854775807, 1), (-9223372036854775808, 1)",
        "ANALYZE TABLE t",
    )
    source = reader(mysql, table="t", column=["id"])
    splits = source.split(4)
    assert len(splits) >= 4
    task = RecordingTask(source.schema())
    counts = [sum(batch.num_rows for batch in source.read(split, task)) for split in splits]
    assert sum(counts) == 300_002
    assert max(counts) < 300_002 / 2
    assert len(slices(reader(mysql, table="t", splitPk=""), 4)) == 1
    mysql.execute("CREATE TABLE even (id int PRIMARY KEY)", "INSERT INTO even SELECT seq FROM seq_1_to_300000")
    mysql.execute("ANALYZE TABLE even")
    halves = slices(reader(mysql, table="even"), 2)
    assert len(halves) >= 2
    assert max(map(len, halves)) < 200_000
