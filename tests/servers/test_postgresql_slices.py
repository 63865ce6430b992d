"""Slices of `postgresqlreader` hold every row once, whatever the key, and are level."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from starhaul.testing import RecordingTask
from starhaul_stores.postgresql.slices import condition
from tests.conftest import PostgresqlSchema
from tests.servers.keyed import drawn_keys
from tests.servers.postgresql_reading import reader, rows

COLLATIONS = ('"C"', '"en-x-icu"', '"und-x-icu"', "insensitive")


@pytest.mark.parametrize("collation", COLLATIONS)
@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    keys=st.lists(st.none() | st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=4), max_size=40),
    target=st.integers(2, 9),
)
def test_slices_by_texts_hold_every_row_once(
    postgresql: PostgresqlSchema, collation: str, keys: list[str | None], target: int
) -> None:
    db = postgresql.db
    db.execute(
        "CREATE COLLATION IF NOT EXISTS insensitive (provider = icu, locale = 'und-u-ks-level1', deterministic = false)"
    )
    db.execute(f"DROP TABLE IF EXISTS t; CREATE TABLE t (n int, k text COLLATE {collation})".encode())
    with db.cursor() as cursor:
        cursor.executemany("INSERT INTO t VALUES (%s, %s)", list(enumerate(keys)))
    source = reader(postgresql, table="t", splitPk="k")
    found = rows(source, target)
    assert sorted(row["n"] for row in found) == list(range(len(keys)))
    assert {row["n"]: row["k"] for row in found} == dict(enumerate(keys))


@pytest.mark.parametrize(
    ("kind", "key"),
    [
        ("bigint", "n::bigint * n * n"),
        ("numeric", "n / 7.0"),
        ("date", "date '2000-01-01' + n"),
        ("timestamptz", "timestamptz '2000-01-01' + n * interval '1 second'"),
        ("uuid", "md5(n::text)::uuid"),
        ("text", "md5(n::text)"),
        ("double precision", "n / 3.0"),
        ("bytea", "decode(md5(n::text), 'hex')"),
    ],
)
def test_slices_are_level_and_complete(postgresql: PostgresqlSchema, kind: str, key: str) -> None:
    postgresql.db.execute(f"CREATE TABLE t AS SELECT n, ({key})::{kind} AS k FROM generate_series(1, 5000) n".encode())
    postgresql.db.execute("INSERT INTO t SELECT n, NULL FROM generate_series(5001, 5100) n; ANALYZE t")
    source = reader(postgresql, table="t", splitPk="k")
    splits = source.split(4)
    assert len(splits) == 5, "four between keys, one without"
    task = RecordingTask(source.schema())
    counts = [sum(map(len, source.read(split, task))) for split in splits]
    assert counts[-1] == 100
    assert all(1000 <= count <= 1500 for count in counts[:-1]), counts
    assert sum(counts) == 5100


KEY_TYPES = {
    "integer": st.integers(-3, 3),
    "bigint": st.sampled_from([0, 1, -(2**63), 2**63 - 1]) | st.integers(-(2**63), 2**63 - 1),
    "numeric(10,2)": st.decimals(-2, 2, places=2),
    "date": st.dates().filter(lambda day: day.year > 1).map(str) | st.just("2026-01-31"),
    "uuid": st.uuids().map(str),
    **{
        f"text COLLATE {collation}": st.text(st.sampled_from("aAbBäßé '\\😀"), max_size=2)
        for collation in ('"C"', '"en-x-icu"', "insensitive")
    },
    "char(3)": st.text(st.sampled_from("aAb "), max_size=3),
}


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_slices_by_several_columns_hold_every_row_once(postgresql: PostgresqlSchema, data: st.DataObject) -> None:
    """Whatever their types, and however many rows the first column's values have."""
    db = postgresql.db
    db.execute(
        "CREATE COLLATION IF NOT EXISTS insensitive (provider = icu, locale = 'und-u-ks-level1', deterministic = false)"
    )
    names, columns, keys = drawn_keys(data, KEY_TYPES)
    db.execute(f"DROP TABLE IF EXISTS t; CREATE TABLE t (n int, {columns}, PRIMARY KEY ({names}))".encode())
    with db.cursor() as cursor:
        for number, values in enumerate(keys):
            marks = ", ".join(["%s"] * (1 + len(values)))
            cursor.execute(f"INSERT INTO t VALUES ({marks}) ON CONFLICT DO NOTHING".encode(), [number, *values])
    wanted = [n for (n,) in db.execute("SELECT n FROM t ORDER BY n").fetchall()]
    source = reader(postgresql, table="t", column=["n"])
    assert sorted(row["n"] for row in rows(source, data.draw(st.integers(2, 9)))) == wanted


@pytest.mark.parametrize("partitioned", [False, True])
def test_a_heavy_first_column_is_cut_by_the_next(postgresql: PostgresqlSchema, partitioned: bool) -> None:
    """One tenant has nine tenths of the rows. Each slice reads its part of the index only. Of a big table, partitioned
    or not, a sample is looked through."""
    postgresql.db.execute(
        "CREATE TABLE t (tenant int, id bigint, v text, PRIMARY KEY (tenant, id))"
        + (" PARTITION BY LIST (tenant)" if partitioned else "")
    )
    if partitioned:
        postgresql.db.execute("CREATE TABLE t7 PARTITION OF t FOR VALUES IN (7)")
        postgresql.db.execute("CREATE TABLE others PARTITION OF t DEFAULT")
    postgresql.db.execute(
        "INSERT INTO t SELECT CASE WHEN n % 10 = 0 THEN n % 13 ELSE 7 END, n, 'x' FROM generate_series(1, 300000) n; "
        "ANALYZE t"
    )
    source = reader(postgresql, table="t", column=["tenant", "id"])
    splits = source.split(4)
    task = RecordingTask(source.schema())
    read = [[row for batch in source.read(split, task) for row in batch.to_pylist()] for split in splits]
    counts = [len(each) for each in read]
    assert sum(counts) == len({(row["tenant"], row["id"]) for each in read for row in each}) == 300_000
    assert max(counts) < 300_000 / len(splits) * 1.5
    assert len(splits) >= 4
    (middle,) = [split for split in splits if split.args["part"].get("from", [None])[0] == "7"][:1]
    sql = f"EXPLAIN SELECT * FROM t{condition(middle.args['part'], '')}"
    plan = "\n".join(str(line) for (line,) in postgresql.db.execute(sql.encode()).fetchall())
    assert "ROW(tenant, id) >= ROW(7," in plan
    assert "Index Cond" in plan


def test_slices_by_blocks(postgresql: PostgresqlSchema) -> None:
    postgresql.db.execute(
        "CREATE TABLE t AS SELECT n, repeat('x', 100) AS v FROM generate_series(1, 5000) n; ANALYZE t"
    )
    assert len(reader(postgresql, table="t").split(4)) == 1, "no key, and blocks only on request"
    source = reader(postgresql, table="t", splitPk="ctid")
    assert len(source.split(4)) == 4
    assert sorted(row["n"] for row in rows(source, 4)) == list(range(1, 5001))
    assert any("twice" in fact for fact in source.describe())


def test_a_partitioned_table_without_a_key_is_cut_by_blocks_of_all_partitions(postgresql: PostgresqlSchema) -> None:
    """Of very different sizes, one of them partitioned again, one empty."""
    db = postgresql.db
    db.execute(
        "CREATE TABLE t (n int, v text) PARTITION BY RANGE (n); "
        "CREATE TABLE t1 PARTITION OF t FOR VALUES FROM (0) TO (100); "
        "CREATE TABLE t2 PARTITION OF t FOR VALUES FROM (100) TO (3000); "
        "CREATE TABLE t3 PARTITION OF t FOR VALUES FROM (3000) TO (9000) PARTITION BY HASH (n); "
        "CREATE TABLE t31 PARTITION OF t3 FOR VALUES WITH (MODULUS 2, REMAINDER 0); "
        "CREATE TABLE t32 PARTITION OF t3 FOR VALUES WITH (MODULUS 2, REMAINDER 1); "
        "CREATE TABLE t4 PARTITION OF t DEFAULT; "
        "INSERT INTO t SELECT n, repeat('x', 100) FROM generate_series(0, 8999) n; ANALYZE t"
    )
    source = reader(postgresql, table="t", column=["n"])
    with source.hold(2) as held:
        splits = held.split(6)
        db.execute("UPDATE t SET v = 'moved'; INSERT INTO t SELECT n, 'new' FROM generate_series(0, 9999) n")
        task = RecordingTask(source.schema())
        read = [[n for batch in held.read(split, task) for n in batch.column(0).to_pylist()] for split in splits]
    assert sorted(n for part in read for n in part) == list(range(9000))
    assert len(splits) == 6
    assert max(map(len, read)) < 9000 / 6 * 1.6, list(map(len, read))
    sql = f"EXPLAIN SELECT * FROM t{condition(splits[0].args['part'], '')}"
    plan = "\n".join(str(line) for (line,) in db.execute(sql.encode()).fetchall())
    assert plan.count("Tid Range Scan") >= 3, "all but tiny partitions are looked up by blocks"
