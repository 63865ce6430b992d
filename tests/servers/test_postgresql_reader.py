"""`postgresqlreader`: parameters, and what it says of a wrong job."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest

from starhaul import ConfigError, PermanentError, StarhaulError, TransientError, run
from starhaul.testing import RecordingTask
from starhaul_readers.postgresql import PostgresqlReader, PostgresqlReaderParams
from tests.conftest import MysqlDatabase, PostgresqlSchema
from tests.servers.postgresql import GUARDED
from tests.servers.postgresql_reading import reader, rows


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
    assert source.schema().names == ["select", "?column?", "?column?_2", "?column?_3", "a b"]
    task = RecordingTask(source.schema())
    (batch,) = source.read(source.split(1)[0], task)
    assert [column.to_pylist() for column in batch.columns] == [[None], [3], ["lit%"], [None], [2]]


def test_a_target_slower_than_idle_transactions_are_let_live(postgresql: PostgresqlSchema) -> None:
    """All rows of a slice are sent long before they are taken."""
    role = f"impatient_{postgresql.name}"
    postgresql.db.execute("CREATE TABLE t AS SELECT n FROM generate_series(1, 100) n")
    postgresql.db.execute(f"CREATE ROLE {role} SUPERUSER LOGIN".encode())
    postgresql.db.execute(f"ALTER ROLE {role} SET idle_in_transaction_session_timeout = '200ms'".encode())
    source = reader(postgresql, username=role, table="t")
    with source.hold(2) as held:
        taken = 0
        for split in held.split(2):
            for batch in held.read(split, RecordingTask(held.schema())):
                taken += batch.num_rows
                time.sleep(0.5)
    assert taken == 100


JOINED = (
    "CREATE TABLE a (id int PRIMARY KEY, v text); CREATE TABLE b (id int, v text); "
    "INSERT INTO a VALUES (1, 'x'); INSERT INTO b VALUES (1, 'y')"
)


def test_columns_of_one_name_are_told_apart(postgresql: PostgresqlSchema) -> None:
    postgresql.db.execute(JOINED)
    query = reader(postgresql, querySql="SELECT a.*, b.*, 7 AS v_2 FROM a JOIN b USING (id)")
    assert rows(query) == [{"id": 1, "v": "x", "id_2": 1, "v_3": "y", "v_2": 7}]
    table = reader(postgresql, table="a", column=["id", "v", "id", "id + 1 AS id"])
    assert rows(table, 2) == [{"id": 1, "v": "x", "id_2": 1, "id_3": 2}]


@pytest.mark.parametrize("target", ["mysql", "postgresql", "sqlite", "txtfile", "stream"])
def test_columns_of_one_name_arrive_by_position(
    postgresql: PostgresqlSchema, mysql: MysqlDatabase, tmp_path: Path, target: str
) -> None:
    postgresql.db.execute(JOINED)
    created = {"table": "t", "createTable": "ifMissing"}
    writers: dict[str, dict[str, Any]] = {
        "mysql": {"url": mysql.url, **created},
        "postgresql": {"url": postgresql.url, **created},
        "sqlite": {"path": str(tmp_path / "t.db"), **created},
        "txtfile": {"path": str(tmp_path), "fileName": "t", "writeMode": "truncate", "header": True},
        "stream": {"print": True},
    }
    job = {
        "reader": {"name": "postgresql", "url": postgresql.url, "querySql": "SELECT a.*, b.* FROM a, b"},
        "writer": {"name": target, **writers[target]},
    }
    report = run(job, state=tmp_path / "state")
    assert (report.state, report.written) == ("done", 1), report.error
    if target == "mysql":
        assert mysql.execute("SELECT id, v, id_2, v_2 FROM t") == [(1, "x", 1, "y")]


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


def test_the_plan_tells_of_rows_that_a_policy_hides(postgresql: PostgresqlSchema) -> None:
    postgresql.db.execute(GUARDED)
    postgresql.db.execute("""
        CREATE TABLE t (id int); INSERT INTO t VALUES (1), (2); ALTER TABLE t ENABLE ROW LEVEL SECURITY;
        CREATE POLICY shown ON t USING (id = 1); GRANT SELECT ON t TO guarded
    """)
    postgresql.db.execute(f"GRANT USAGE ON SCHEMA {postgresql.name} TO guarded".encode())
    some, every = reader(postgresql, table="t", session="SET ROLE guarded"), reader(postgresql, table="t")
    assert (len(rows(some)), len(rows(every))) == (1, 2)
    assert ["Row security" in " ".join(each.describe()) for each in (some, every)] == [True, False]


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
