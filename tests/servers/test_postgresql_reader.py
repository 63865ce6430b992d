"""`postgresqlreader`: splits, parameters, what it says of a wrong job."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from starhaul import ConfigError, PermanentError, StarhaulError, TransientError
from starhaul.testing import RecordingTask
from starhaul_readers.postgresql import PostgresqlReader, PostgresqlReaderParams
from starhaul_stores.postgresql.connection import Connection
from starhaul_stores.postgresql.slices import condition
from tests.conftest import PostgresqlSchema

GUARDED = """
    DO $$ BEGIN CREATE ROLE guarded LOGIN PASSWORD 'right'; EXCEPTION WHEN duplicate_object THEN END $$
"""


def reader(schema: PostgresqlSchema, **more: Any) -> PostgresqlReader:
    params = {"url": schema.url, **more}
    return PostgresqlReader(PostgresqlReaderParams.model_validate(params))


def rows(source: PostgresqlReader, target: int = 1) -> list[dict[str, Any]]:
    source.check()
    task = RecordingTask(source.schema())
    batches = [batch for split in source.split(target) for batch in source.read(split, task)]
    assert not task.rejected
    return pa.Table.from_batches(batches, schema=task.schema).to_pylist()


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
    kinds = data.draw(st.lists(st.sampled_from([*KEY_TYPES]), min_size=2, max_size=3))
    key = st.tuples(*(KEY_TYPES[kind] for kind in kinds))
    heavy = st.tuples(st.just(data.draw(KEY_TYPES[kinds[0]])), *(KEY_TYPES[kind] for kind in kinds[1:]))
    keys = data.draw(st.lists(heavy | key, max_size=60))
    names = [f"k{place}" for place in range(len(kinds))]
    columns = ", ".join(f"{name} {kind}" for name, kind in zip(names, kinds, strict=True))
    db.execute(f"DROP TABLE IF EXISTS t; CREATE TABLE t (n int, {columns}, PRIMARY KEY ({', '.join(names)}))".encode())
    with db.cursor() as cursor:
        for number, values in enumerate(keys):
            marks = ", ".join(["%s"] * (1 + len(values)))
            cursor.execute(f"INSERT INTO t VALUES ({marks}) ON CONFLICT DO NOTHING".encode(), [number, *values])
    wanted = [n for (n,) in db.execute("SELECT n FROM t ORDER BY n").fetchall()]
    source = reader(postgresql, table="t", column=["n"])
    assert sorted(row["n"] for row in rows(source, data.draw(st.integers(2, 9)))) == wanted


@pytest.mark.parametrize("partitioned", [False, True])
def test_a_heavy_first_column_is_cut_by_the_next(
    postgresql: PostgresqlSchema, monkeypatch: pytest.MonkeyPatch, partitioned: bool
) -> None:
    """One tenant has nine tenths of the rows. Each slice reads its part of the index only. Of a big table, partitioned
    or not, a sample is looked through."""
    monkeypatch.setattr("starhaul_stores.postgresql.slices._SAMPLE_ROWS", 60_000)
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


def test_a_table_without_a_key_is_cut_by_blocks_of_one_snapshot(postgresql: PostgresqlSchema) -> None:
    postgresql.db.execute(
        "CREATE TABLE t AS SELECT n, repeat('x', 100) AS v FROM generate_series(1, 5000) n; ANALYZE t"
    )
    source = reader(postgresql, table="t")
    with source.hold(2) as held:
        splits = held.split(4)
        assert len(splits) == 4
        assert "one snapshot" in held.describe()[1]
        postgresql.db.execute("UPDATE t SET v = 'moved'; INSERT INTO t SELECT 9, 'new' FROM generate_series(1, 3000)")
        task = RecordingTask(source.schema())
        read = [row for split in splits for batch in held.read(split, task) for row in batch.to_pylist()]
    assert sorted(row["n"] for row in read) == list(range(1, 5001))
    assert {row["v"] for row in read} == {"x" * 100}
    with source.hold(2) as later:
        for resumed in (source, later):
            with pytest.raises(PermanentError, match="snapshot that t@1 was cut by is gone"):
                next(iter(resumed.read(splits[1], task)))


@pytest.mark.parametrize(
    "change",
    [
        "TRUNCATE t; INSERT INTO t SELECT n, 'new' FROM generate_series(1, 5000) n",
        "BEGIN; TRUNCATE t; INSERT INTO t SELECT n, 'new' FROM generate_series(1, 5000) n; COMMIT",
        "ALTER TABLE t ALTER v TYPE varchar(10) USING 'x'",
        "VACUUM FULL t",
        "CREATE TABLE u AS TABLE t; ALTER TABLE t RENAME TO old; ALTER TABLE u RENAME TO t",
        "ALTER TABLE t RENAME TO old; ALTER TABLE before RENAME TO t",
        "DROP TABLE t; CREATE TABLE t (n int PRIMARY KEY, v text)",
    ],
)
@pytest.mark.parametrize("params", [{"table": "t"}, {"table": "t", "splitPk": "ctid"}, {"table": "w", "splitPk": "n"}])
def test_a_table_that_is_emptied_between_slices_fails_the_run(
    postgresql: PostgresqlSchema, change: str, params: dict[str, str]
) -> None:
    """A snapshot does not see the rows that were there any more, nor those that came instead."""
    db = postgresql.db
    db.execute("CREATE TABLE t (n int PRIMARY KEY, v text); INSERT INTO t SELECT generate_series(1, 5000)")
    db.execute("CREATE TABLE before (n int PRIMARY KEY, v text); ANALYZE t")
    view = "CREATE VIEW w AS SELECT n FROM t"
    if params["table"] == "w":
        if "TYPE" in change or "DROP" in change:
            change = f"DROP VIEW w; {change}; {view}"
        elif "RENAME" in change:
            change = f"{change}; DROP VIEW w; {view}"
        db.execute(view.encode())
    source = reader(postgresql, **params)
    with source.hold(2) as held:
        splits = held.split(4)
        assert len(splits) == 4
        task = RecordingTask(source.schema())
        assert sum(map(len, held.read(splits[0], task))) > 0
        db.execute(change.encode())
        for encoding in (None, *held.encodings()):
            with pytest.raises(PermanentError, match=r"truncated, rewritten or replaced|columns have changed"):
                list(held.read_encoded(splits[1], task, encoding) if encoding else held.read(splits[1], task))


def test_a_query_that_reads_an_emptied_table_fails(postgresql: PostgresqlSchema) -> None:
    db = postgresql.db
    db.execute("CREATE TABLE t (n int); INSERT INTO t SELECT generate_series(1, 50); CREATE TABLE u AS TABLE t")
    source = reader(postgresql, querySql=["SELECT n FROM u", "SELECT n FROM t WHERE n IN (SELECT n FROM u) -- all"])
    with source.hold(2) as held:
        splits = held.split(2)
        db.execute("TRUNCATE u")
        with pytest.raises(PermanentError, match="u was truncated, rewritten or replaced"):
            list(held.read(splits[1], RecordingTask(source.schema())))


def test_rows_and_partitions_that_come_between_slices_do_not_matter(postgresql: PostgresqlSchema) -> None:
    db = postgresql.db
    db.execute(
        "CREATE TABLE t (n int PRIMARY KEY) PARTITION BY RANGE (n); "
        "CREATE TABLE t1 PARTITION OF t FOR VALUES FROM (1) TO (5001); INSERT INTO t SELECT generate_series(1, 5000)"
    )
    db.execute("ANALYZE t")
    source = reader(postgresql, table="t")
    with source.hold(2) as held:
        splits = held.split(4)
        task = RecordingTask(source.schema())
        read = [n for batch in held.read(splits[0], task) for n in batch.column(0).to_pylist()]
        db.execute("CREATE TABLE t2 PARTITION OF t FOR VALUES FROM (5001) TO (9001)")
        db.execute("INSERT INTO t SELECT generate_series(5001, 9000); DELETE FROM t WHERE n < 2000")
        db.execute("CREATE INDEX t_n ON t (n)")
        db.execute("VACUUM ANALYZE t")
        db.execute("REINDEX TABLE t1")
        read += [n for split in splits[1:] for batch in held.read(split, task) for n in batch.column(0).to_pylist()]
    assert sorted(read) == list(range(1, 5001))
    assert not task.notes


def test_a_partition_that_is_taken_away_between_slices_fails_the_run(postgresql: PostgresqlSchema) -> None:
    db = postgresql.db
    db.execute(
        "CREATE TABLE t (n int PRIMARY KEY, v int) PARTITION BY RANGE (n); "
        "CREATE TABLE t1 PARTITION OF t FOR VALUES FROM (1) TO (2501); "
        "CREATE TABLE t2 PARTITION OF t FOR VALUES FROM (2501) TO (5001); INSERT INTO t SELECT generate_series(1, 5000)"
    )
    db.execute("ANALYZE t")
    source = reader(postgresql, table="t")
    with source.hold(2) as held:
        splits = held.split(4)
        db.execute("ALTER TABLE t DETACH PARTITION t2")
        with pytest.raises(PermanentError, match="t2 was truncated, rewritten or replaced"):
            list(held.read(splits[0], RecordingTask(source.schema())))


def test_slices_without_a_snapshot_in_common_are_noted(
    postgresql: PostgresqlSchema, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As behind a proxy, or with a server that only speaks PostgreSQL's language."""
    db = postgresql.db
    db.execute("CREATE TABLE t AS SELECT n FROM generate_series(1, 5000) n; ALTER TABLE t ADD PRIMARY KEY (n)")
    db.execute("ANALYZE t")
    execute = Connection.execute

    def without(self: Connection, sql: str, parameters: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        if "pg_export_snapshot" in sql:
            raise PermanentError("", "no such function")
        return execute(self, sql, parameters)

    monkeypatch.setattr(Connection, "execute", without)
    source = reader(postgresql, table="t")
    task = RecordingTask(source.schema())
    with source.hold(2) as held:
        read = [row for split in held.split(4) for batch in held.read(split, task) for row in batch.to_pylist()]
    assert len(read) == 5000
    assert task.notes == {"slice read at a moment of its own": 4}
    quiet = RecordingTask(source.schema())
    assert sum(map(len, source.read(source.split(1)[0], quiet))) == 5000
    assert not quiet.notes, "one slice is one moment"


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


def test_slices_are_read_on_when_the_snapshot_is_lost(postgresql: PostgresqlSchema) -> None:
    postgresql.db.execute(
        "CREATE TABLE t AS SELECT n FROM generate_series(1, 5000) n; ALTER TABLE t ADD PRIMARY KEY (n)"
    )
    postgresql.db.execute("ANALYZE t")
    source = reader(postgresql, table="t")
    with source.hold(2) as held:
        splits = held.split(4)
        postgresql.db.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE state = 'idle in transaction' AND query LIKE '%pg_export_snapshot%'"
        )
        task = RecordingTask(source.schema())
        read = [n for split in splits for batch in held.read(split, task) for n in batch.column(0).to_pylist()]
    assert sorted(read) == list(range(1, 5001))
    assert task.notes == {"slice read at a later moment than others": 4}


def test_where_columns_and_expressions(postgresql: PostgresqlSchema) -> None:
    postgresql.db.execute(
        'CREATE TABLE "Mixed Case" ("a b" int, "select" text); INSERT INTO "Mixed Case" VALUES (1, \'x\'), (2, NULL)'
    )
    source = reader(
        postgresql,
        table='"Mixed Case"',
        column=["select", '"a b" + 1', "'lit%'", "null", "a b"],
        where='"a b" > 1 -- the rest;',
    )
    assert source.schema().names == ["select", "?column?", "?column?", "?column?", "a b"]
    task = RecordingTask(source.schema())
    (batch,) = source.read(source.split(1)[0], task)
    assert [column.to_pylist() for column in batch.columns] == [[None], [3], ["lit%"], [None], [2]]


def test_several_tables_and_queries(postgresql: PostgresqlSchema) -> None:
    for number in range(3):
        postgresql.db.execute(f"CREATE TABLE t_0{number} AS SELECT {number} AS n".encode())
    assert sorted(row["n"] for row in rows(reader(postgresql, table="t_[00-01], t_02"), 7)) == [0, 1, 2]
    assert [row["n"] for row in rows(reader(postgresql, querySql="SELECT n FROM t_01 -- c;"))] == [1]


@pytest.mark.parametrize(
    ("params", "told"),
    [
        ({"table": "custmer"}, "did you mean 'customer'"),
        ({"table": "customer", "column": ["nam"]}, 'column "nam" does not exist'),
        ({"table": "customer", "where": "nam = 1"}, 'column "nam" does not exist'),
        ({"table": "customer", "splitPk": "nam"}, "did you mean 'name'"),
        ({"table": "customer", "column": ["id", "name"], "splitPk": "doc"}, "cannot order by"),
        ({"querySql": "SELECT 1 FROM nowhere"}, 'relation "nowhere" does not exist'),
        ({"querySql": "SELEC 1"}, "syntax error"),
    ],
)
def test_a_wrong_job_is_told(postgresql: PostgresqlSchema, params: dict[str, Any], told: str) -> None:
    postgresql.db.execute(
        "CREATE TABLE customer (id int, name text, doc json); "
        "INSERT INTO customer SELECT n FROM generate_series(1, 9) n"
    )
    source = reader(postgresql, **params)
    with pytest.raises(ConfigError) as caught:
        rows(source, 3)
    assert told in str(caught.value)


@pytest.mark.parametrize(
    ("url", "kind"),
    [
        ("postgresql://guarded:wrong@127.0.0.1:{port}/postgres", ConfigError),
        ("postgresql://nobody_there@127.0.0.1:{port}/postgres", ConfigError),
        ("postgresql://postgres@127.0.0.1:{port}/no_such_database", ConfigError),
        ("postgresql://postgres@no-such-host.invalid:{port}/postgres", ConfigError),
        ("postgresql://postgres@127.0.0.1:1/postgres", TransientError),
        ("mysql://postgres@127.0.0.1:{port}/postgres", ConfigError),
        ("postgresql://postgres@127.0.0.1:{port}/postgres?sslmod=require", ConfigError),
    ],
)
def test_a_wrong_address_is_told(postgresql: PostgresqlSchema, url: str, kind: type[StarhaulError]) -> None:
    postgresql.db.execute(GUARDED)
    params = {"url": url.format(port=postgresql.server.port), "table": "t"}
    source = PostgresqlReader(PostgresqlReaderParams.model_validate(params))
    with pytest.raises(kind) as caught:
        source.check()
    assert "wrong" not in str(caught.value)


def test_a_missing_privilege_is_named(postgresql: PostgresqlSchema) -> None:
    postgresql.db.execute(GUARDED)
    postgresql.db.execute(f"CREATE TABLE t (n int); GRANT USAGE ON SCHEMA {postgresql.name} TO guarded".encode())
    url = postgresql.url.replace("postgres@", "guarded@")
    source = reader(postgresql, table="t")
    guarded = PostgresqlReader(source.params.model_copy(update={"url": (url,), "password": _secret("right")}))
    with pytest.raises(StarhaulError, match=r"permission denied for table t|no privilege"):
        guarded.check()


def test_the_next_url_is_taken(postgresql: PostgresqlSchema) -> None:
    postgresql.db.execute("CREATE TABLE t AS SELECT 1 AS n")
    postgresql.db.execute(GUARDED)
    port = postgresql.server.port
    for dead in (
        "postgresql://postgres@127.0.0.1:1/postgres",
        "postgresql://postgres@no-such-host.invalid/postgres",
        f"postgresql://postgres@127.0.0.1:{port}/no_such_database",
        f"postgresql://guarded:wrong@127.0.0.1:{port}/postgres",
    ):
        assert rows(reader(postgresql, url=[dead, postgresql.url], table="t")) == [{"n": 1}]
        with pytest.raises(StarhaulError):
            rows(reader(postgresql, url=[postgresql.url, dead], table="t", preSql="SELECT 1"))
    assert rows(reader(postgresql, table="t", preSql="SELECT 0")) == [{"n": 1}]
    with pytest.raises(PermanentError, match="single 0"):
        rows(reader(postgresql, table="t", preSql="SELECT 1"))


def test_a_session_in_another_zone_reads_the_same_instants(postgresql: PostgresqlSchema) -> None:
    postgresql.db.execute(
        "CREATE TABLE t AS SELECT timestamptz '1890-01-01 00:00:00Z' AS at UNION ALL SELECT '2026-07-01 12:00Z'"
    )
    plain = rows(reader(postgresql, table="t"))
    moved = rows(reader(postgresql, table="t", session="SET TimeZone = 'Asia/Shanghai'"))
    assert plain == moved


def _secret(text: str) -> Any:
    from pydantic import SecretStr

    return SecretStr(text)
