"""`postgresqlwriter`: modes, rejects, faults, and what it says of a wrong job."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import Any

import psycopg
import pyarrow as pa
import pytest

from starhaul import ConfigError, PermanentError, StarhaulError, TransientError, with_native_type
from starhaul.testing.delivery import Delivery
from starhaul_stores.postgresql.ledger import Ledger
from starhaul_writers.postgresql import PostgresqlWriter, PostgresqlWriterParams
from tests.conftest import PostgresqlSchema
from tests.servers.postgresql import GUARDED
from tests.servers.postgresql_writing import ODD, contents, writer
from tests.servers.whole_runs import write


@pytest.mark.parametrize("mode", ["insert", "ignore"])
def test_a_key_twice_at_the_last_row(postgresql: PostgresqlSchema, mode: str) -> None:
    postgresql.db.execute("CREATE TABLE t (id int PRIMARY KEY, v text)")
    rows = pa.table({"id": [*range(99_999), 5], "v": ["x"] * 100_000})
    (receipt,), (task,) = write(writer(postgresql, writeMode=mode), rows)
    assert contents(postgresql, "SELECT count(*), max(id) FROM t") == [(99_999, 99_998)]
    if mode == "ignore":
        assert (receipt.rows, receipt.skipped, task.rejected) == (99_999, 1, [])
    else:
        assert receipt.rows == 99_999
        ((row, reason, _),) = task.rejected
        assert row == {"id": 5, "v": "x"}
        assert reason.startswith('duplicate key value violates unique constraint "t_pkey": Key (id)=(5)')


def test_each_bad_row_is_told_with_the_servers_words(postgresql: PostgresqlSchema) -> None:
    postgresql.db.execute("CREATE TABLE t (id int, v varchar(3) NOT NULL, k text CHECK (k <> 'bad'), j inet)")
    rows = pa.table(
        {
            "id": [1, 2, 3, 4, 5, 6],
            "v": ["ok", None, "long", "a    ", "\0", "ok"],
            "k": ["", "", "", "", "", "bad"],
            "j": ["::1", "::1", "::1", "::1", "::1", "::1"],
        }
    )
    (receipt,), (task,) = write(
        writer(postgresql), pa.concat_tables([rows, rows.slice(0, 1).set_column(3, "j", pa.array(["no"]))])
    )
    assert receipt.rows == 1
    reasons = {row["id"]: reason for row, reason, _ in task.rejected if row["id"] != 1}
    assert 'null value in column "v"' in reasons[2]
    assert reasons[3] == reasons[4] == "column v: value too long for type character varying(3)", "blanks are values too"
    assert "NUL" in reasons[5]
    assert 'violates check constraint "t_k_check"' in reasons[6]
    assert any('column j: invalid input syntax for type inet: "no"' in reason for _, reason, _ in task.rejected)


@pytest.mark.parametrize("parts", ["", "CREATE TABLE t1 PARTITION OF t FOR VALUES FROM (0) TO (10000); "])
@pytest.mark.parametrize("mode", ["insert", "ignore", "update"])
def test_rows_that_break_a_deferred_constraint_are_rejected(
    postgresql: PostgresqlSchema, mode: str, parts: str
) -> None:
    """The server looks at it with COMMIT, where it fails the transaction."""
    db = postgresql.db
    db.execute("CREATE TABLE other (id int PRIMARY KEY); INSERT INTO other VALUES (1)")
    db.execute(
        'CREATE TABLE t (id int PRIMARY KEY, ref int CONSTRAINT "To other" REFERENCES other INITIALLY DEFERRED) '
        f"{'PARTITION BY RANGE (id)' if parts else ''}; "
        f"{parts}".encode()
    )
    rows = pa.table({"id": range(1000), "ref": [1] * 700 + [2] + [1] * 299})
    (receipt,), (task,) = write(writer(postgresql, writeMode=mode), rows)
    assert contents(postgresql, "SELECT count(*), sum(ref) FROM t") == [(999, 999)]
    assert receipt.rows == 999
    ((row, reason, _),) = task.rejected
    assert row == {"id": 700, "ref": 2}
    assert 'violates foreign key constraint "To other": Key (ref)=(2) is not present' in reason


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        ("timetz(0)", "00:00:00.6+02"),
        ("interval(0)", "00:00:00.6"),
        ("numeric(3,0)[]", "{1.5}"),
        ("time(0)[]", "{00:00:00.6}"),
        ("timestamptz(3)[]", "{2026-01-31 00:00:00.0006+00}"),
        ("interval year[]", "{1 year 6 mons}"),
    ],
)
def test_a_column_that_rounds_what_comes_as_text_is_refused(
    postgresql: PostgresqlSchema, kind: str, value: str
) -> None:
    postgresql.db.execute(f"CREATE TABLE t (v {kind})".encode())
    with pytest.raises(ConfigError, match="the server would round values for"):
        write(writer(postgresql), pa.table({"v": [value]}))
    of_the_same = (
        "SELECT format_type(atttypid, atttypmod) FROM pg_attribute WHERE attrelid = 't'::regclass AND attnum = 1"
    )
    ((told,),) = contents(postgresql, of_the_same)
    same = with_native_type(pa.field("v", pa.string()), told)
    (receipt,), _ = write(writer(postgresql), pa.table({"v": [value]}, schema=pa.schema([same])))
    assert receipt.rows == 1


@pytest.mark.parametrize(
    ("kind", "source", "value"),
    [
        ("real[]", "double precision[]", "{0.1234567890123}"),
        ("double precision[]", "numeric[]", "{0.12345678901234567890123}"),
        ("double precision[]", "bigint[]", "{9007199254740993}"),
        ("date[]", "timestamp without time zone[]", '{"2026-01-31 12:00:00"}'),
        ("timestamp[]", "timestamp with time zone[]", '{"2026-01-31 12:00:00+00"}'),
        ("timestamptz[]", "timestamp without time zone[]", '{"2026-01-31 12:00:00"}'),
        ("daterange", "tsrange", '["2026-01-31 12:00:00","2026-02-01 12:00:00")'),
        ("tsrange", "tstzrange", '["2026-01-31 12:00:00+00",)'),
    ],
)
def test_arrays_and_ranges_of_other_elements_are_refused(
    postgresql: PostgresqlSchema, kind: str, source: str, value: str
) -> None:
    postgresql.db.execute(f"CREATE TABLE t (v {kind})".encode())
    field = with_native_type(pa.field("v", pa.string()), source)
    with pytest.raises(ConfigError, match=r"the server would make other values of .* for "):
        write(writer(postgresql), pa.table({"v": [value]}, schema=pa.schema([field])))


@pytest.mark.parametrize(
    ("kind", "good", "bad", "told"),
    [
        ("date[]", '{2026-01-31,"0044-03-15 BC",infinity}', '{"2026-01-31 12:00"}', "leave out the time of day"),
        ("daterange", "[2026-01-31,)", '["2026-01-31 12:00",)', "leave out the time of day"),
        ("datemultirange", "{[2026-01-31,2026-02-03)}", '{["2026-01-31 12:00",)}', "leave out the time of day"),
        ("timestamp[]", '{"0044-03-15 12:00:00.5 BC"}', '{"2026-01-31 12:00:00.5+02"}', "leave out the zone"),
        ("tsrange", '["2026-01-31 12:00:00",)', "[2026-01-31T12:00:00Z,)", "leave out the zone"),
        ("real[]", "{0.1,NaN,-1e-10}", "", ""),
        ("varchar(3)[]", '{abc,"ab ",NULL}', '{a,"abc "}', "cut it to character varying(3)[]"),
        ("varchar(3)[]", '{"a\\" ","{}"}', "{{a},{abc\\ }}", "cut it to character varying(3)[]"),
        ("name[]", "{" + "n" * 63 + "}", "{a," + "é" * 32 + "}", "cut it to name[]"),
    ],
)
def test_texts_of_arrays_and_ranges(postgresql: PostgresqlSchema, kind: str, good: str, bad: str, told: str) -> None:
    postgresql.db.execute(f"CREATE TABLE t (v {kind})".encode())
    _, (task,) = write(writer(postgresql), pa.table({"v": [good, *([bad] if bad else [])]}))
    assert contents(postgresql, f"SELECT count(*) FROM t WHERE v = '{good}'") == [(1,)]
    assert [reason for _, reason, _ in task.rejected] == ([f"column v: the server would {told}"] if bad else [])


def test_domains_of_domains_do_not_round_or_cut(postgresql: PostgresqlSchema) -> None:
    """The type underneath them all says what fits, and any of them whether there may be nulls."""
    postgresql.db.execute("""
        CREATE DOMAIN price AS numeric(5,2); CREATE DOMAIN given AS price NOT NULL; CREATE DOMAIN fee AS given;
        CREATE DOMAIN word AS varchar(3); CREATE DOMAIN term AS word;
        CREATE DOMAIN hour AS timestamp(0); CREATE DOMAIN shift AS hour;
        CREATE TABLE t (id int, n fee, v term, at shift)
    """)
    digits = pa.array([Decimal("1.5000"), Decimal("1.2390"), Decimal("2.0000"), Decimal("3.0000")])
    moments = pa.array([10**6, 10**6, 10**6, 10**6 + 1], pa.timestamp("us"))
    rows = pa.table({"id": range(4), "n": digits, "v": ["abc", "abc", "ab   ", "abc"], "at": moments})
    delivery = Delivery(writer(postgresql), rows.schema)
    delivery.prepare()
    receipt = delivery.write(task := delivery.task(), delivery.converted(rows))
    delivery.commit(receipt)
    assert contents(postgresql, "SELECT id, n::text, v FROM t") == [(0, "1.50", "abc")]
    assert [reason for _, reason, _ in task.rejected] == ["column v: value too long for type character varying(3)"]


@pytest.mark.parametrize("build", ["afterLoad", "beforeLoad"])
def test_rows_that_break_a_deferred_key(postgresql: PostgresqlSchema, build: str) -> None:
    db = postgresql.db
    db.execute("CREATE TABLE t (id int PRIMARY KEY DEFERRABLE INITIALLY DEFERRED); INSERT INTO t VALUES (7)")
    rows = pa.table({"id": [1, 2, 7, 2, 3]})
    _, (task,) = write(writer(postgresql), rows)
    assert [row for row, *_ in task.rejected] == [{"id": 7}, {"id": 2}]
    assert contents(postgresql) == [(1,), (2,), (3,), (7,)]
    if build == "afterLoad":
        with pytest.raises(PermanentError, match="is duplicated"):
            write(writer(postgresql, writeMode="overwrite"), rows)
        return
    db.execute("DROP TABLE t; CREATE TABLE t (id int PRIMARY KEY DEFERRABLE INITIALLY DEFERRED)")
    _, (task,) = write(writer(postgresql, writeMode="overwrite", buildKeys=build), rows)
    assert [row for row, *_ in task.rejected] == [{"id": 2}]
    assert contents(postgresql) == [(1,), (2,), (3,), (7,)]


def test_rows_that_refer_to_later_ones_arrive_where_that_is_deferred(postgresql: PostgresqlSchema) -> None:
    db = postgresql.db
    db.execute("CREATE TABLE t (id int PRIMARY KEY, up int REFERENCES t DEFERRABLE INITIALLY DEFERRED)")
    rows = pa.table({"id": pa.array(range(100), pa.int32()), "up": pa.array([*range(1, 100), 0], pa.int32())})
    (receipt,), (task,) = write(writer(postgresql, batchByteSize=1), rows)
    assert (receipt.rows, task.rejected) == (100, [])


def test_update_sets_only_its_columns(postgresql: PostgresqlSchema) -> None:
    postgresql.db.execute("CREATE TABLE t (id int PRIMARY KEY, a text, b text, c text DEFAULT 'default')")
    postgresql.db.execute("INSERT INTO t VALUES (1, 'old', 'old', 'old')")
    rows = pa.table({"id": [1, 2, 2], "a": ["new", "first", "second"], "b": ["new", "first", "second"]})
    params: dict[str, Any] = {"column": ["id", "a", "b"], "writeMode": "update", "updateColumns": "a"}
    (receipt,), _ = write(writer(postgresql, **params), rows)
    assert receipt.rows == 3
    assert contents(postgresql) == [(1, "new", "old", "old"), (2, "second", "first", "default")], "one after the other"


@pytest.mark.parametrize("unique", ["UNIQUE", "UNIQUE NULLS NOT DISTINCT"])
def test_keys_that_come_several_times_beside_many_without(postgresql: PostgresqlSchema, unique: str) -> None:
    """Quickly: of 20,000 rows without a key none is like another."""
    postgresql.db.execute(f"CREATE TABLE t (k int {unique}, v int)".encode())
    count = 20_000 if unique == "UNIQUE" else 20
    keys = [None] * count + [1, 2, 1, 1]
    rows = pa.table({"k": pa.array(keys, pa.int32()), "v": range(count + 4)})
    begun = time.monotonic()
    (receipt,), _ = write(writer(postgresql, writeMode="update", keys=["k"]), rows)
    assert time.monotonic() - begun < 20
    assert receipt.rows == count + 4
    nulls = count if unique == "UNIQUE" else 1
    found = "SELECT k, count(*), max(v) FROM t GROUP BY k ORDER BY k"
    assert contents(postgresql, found) == [(1, 1, count + 3), (2, 1, count + 1), (None, nulls, count - 1)]


def test_replace_forgets_the_other_columns(postgresql: PostgresqlSchema) -> None:
    postgresql.db.execute("CREATE TABLE t (id int PRIMARY KEY, a text, c text DEFAULT 'default')")
    postgresql.db.execute("INSERT INTO t VALUES (1, 'old', 'old'), (3, 'kept', 'kept')")
    write(
        writer(postgresql, column=["id", "a"], writeMode="replace into"), pa.table({"id": [1, 2], "a": ["new", "new"]})
    )
    assert contents(postgresql) == [(1, "new", "default"), (2, "new", "default"), (3, "kept", "kept")]


@pytest.mark.parametrize(
    ("kind", "old", "new"), [("text COLLATE ci", "Zoë", "zoë"), ("numeric", "1.0", "1.00"), ("float8", "0", "-0")]
)
def test_replace_takes_the_key_as_it_comes(postgresql: PostgresqlSchema, kind: str, old: str, new: str) -> None:
    """Also where it is equal to the old one and not the same. `update` leaves it."""
    postgresql.db.execute(f"""
        CREATE COLLATION ci (provider = icu, locale = 'und-u-ks-level2', deterministic = false);
        CREATE TABLE t (k {kind} PRIMARY KEY, v int); INSERT INTO t VALUES ('{old}', 1)
    """.encode())  # fmt: skip
    keys = pa.array([new], pa.string()) if kind != "float8" else pa.array([float(new)])
    for mode, kept in (("update", old), ("replace", new)):
        write(writer(postgresql, writeMode=mode), pa.table({"k": keys, "v": pa.array([2], pa.int32())}))
        assert contents(postgresql, "SELECT k::text, v FROM t") == [(kept, 2)]


def test_upsert_by_another_unique_key(postgresql: PostgresqlSchema) -> None:
    postgresql.db.execute("CREATE TABLE t (id int GENERATED ALWAYS AS IDENTITY, code text UNIQUE, n int)")
    write(
        writer(postgresql, column=["code", "n"], writeMode="update", keys="code"),
        pa.table({"code": ["a", "b"], "n": [1, 2]}),
    )
    write(
        writer(postgresql, column=["code", "n"], writeMode="update", keys="code"),
        pa.table({"code": ["b", "c"], "n": [3, 4]}),
    )
    assert contents(postgresql, "SELECT code, n FROM t ORDER BY 1") == [("a", 1), ("b", 3), ("c", 4)]


def test_statements_before_and_after(postgresql: PostgresqlSchema) -> None:
    db = postgresql.db
    db.execute("CREATE TABLE done (what text)")
    target = writer(
        postgresql,
        table='"T t"',
        preSql=["CREATE TABLE @table (id int)", "INSERT INTO @table VALUES (0)"],
        postSql=["INSERT INTO done SELECT 'rows: ' || count(*) FROM @table", "VACUUM @table"],
    )
    write(target, pa.table({"id": [1, 2]}))
    assert contents(postgresql, "SELECT what FROM done") == [("rows: 3",)]
    write(target.appending(), pa.table({"id": [3]}))
    assert contents(postgresql, 'SELECT count(*) FROM "T t"') == [(4,)]


@pytest.mark.parametrize(
    ("params", "told"),
    [
        ({"table": "nope"}, "createTable"),
        ({"table": "tt"}, "did you mean 't'"),
        ({"column": ["id", "nam"]}, "did you mean 'name'"),
        ({"column": ["id", "gen"]}, "generated column"),
        ({"column": ["id", "ID"]}, "named twice"),
        ({"column": ["id", "name"], "writeMode": "update"}, "no primary key"),
        ({"column": ["id", "name"], "writeMode": "update", "keys": "id"}, r"unique index of 't' is on \(id\)"),
        ({"table": "v", "writeMode": "overwrite"}, "no table"),
    ],
)
def test_a_wrong_job_is_told(postgresql: PostgresqlSchema, params: dict[str, Any], told: str) -> None:
    postgresql.db.execute(
        "CREATE TABLE t (id int, name text, gen int GENERATED ALWAYS AS (1) STORED); "
        "CREATE VIEW v AS SELECT id, name FROM t"
    )
    with pytest.raises(ConfigError, match=told):
        Delivery(
            writer(postgresql, **{"column": ["id", "name"], **params}),
            pa.schema([("a", pa.int64()), ("b", pa.string())]),
        )


def test_a_temporary_table_is_refused(postgresql: PostgresqlSchema) -> None:
    target = writer(postgresql, session=["CREATE TEMPORARY TABLE t (id int)"])
    with pytest.raises(ConfigError, match="'t' is a temporary table"):
        write(target, pa.table({"id": [1]}))


def test_a_missing_privilege_is_named(postgresql: PostgresqlSchema) -> None:
    db = postgresql.db
    db.execute(GUARDED)
    db.execute(
        f"CREATE TABLE t (id int PRIMARY KEY); GRANT INSERT ON t TO guarded; "
        f"GRANT USAGE ON SCHEMA {postgresql.name} TO guarded".encode()
    )
    url = postgresql.url.replace("postgres@", "guarded:right@")
    params = PostgresqlWriterParams.model_validate({"url": url, "table": "t", "writeMode": "update"})
    with pytest.raises(ConfigError, match="no UPDATE privilege"):
        PostgresqlWriter(params).check(pa.schema([("id", pa.int32())]))


def _batches(rows: int, between: Any) -> Iterator[pa.RecordBatch]:
    schema = pa.schema([("id", pa.int32()), ("v", pa.string())])
    for number in range(4):
        if number == 2:
            between()
        start = number * rows
        yield pa.record_batch([pa.array(range(start, start + rows), pa.int32()), pa.array(["x"] * rows)], schema=schema)


def test_the_small_batches_of_datax_jobs_do_not_slow_the_load(postgresql: PostgresqlSchema) -> None:
    """`batchSize` is written in most jobs, and means rows of a JDBC batch."""
    postgresql.db.execute("CREATE TABLE t (id int)")
    postgresql.db.execute("CREATE TABLE statements (at timestamptz)")
    postgresql.db.execute(
        "CREATE FUNCTION count_statement() RETURNS trigger LANGUAGE plpgsql "
        f"AS $$ BEGIN INSERT INTO {postgresql.name}.statements VALUES (now()); RETURN NULL; END $$"
    )
    postgresql.db.execute("CREATE TRIGGER counts AFTER INSERT ON t EXECUTE FUNCTION count_statement()")
    write(writer(postgresql, batchSize=256), pa.table({"id": pa.array(range(20_000), pa.int32())}))
    assert contents(postgresql, "SELECT count(*) FROM t") == [(20_000,)]
    assert contents(postgresql, "SELECT count(*) FROM statements") == [(1,)]


def test_a_killed_backend_is_transient(postgresql: PostgresqlSchema) -> None:
    """In the midst of a COPY: nothing of the attempt stays, and the next one is as the first."""
    postgresql.db.execute("CREATE TABLE t (id int PRIMARY KEY, v text)")
    target = writer(postgresql)
    delivery = Delivery(target, pa.schema([("id", pa.int32()), ("v", pa.string())]))
    delivery.prepare()

    def kill() -> None:
        postgresql.db.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE 'COPY %'")

    with pytest.raises(TransientError):
        target.write(delivery.task(), _batches(5000, kill))
    assert target.delivered(delivery.task(attempt=2)) is None
    delivery.commit(delivery.write(delivery.task(attempt=2), _batches(5000, lambda: None)))
    assert contents(postgresql, "SELECT count(*), count(DISTINCT id) FROM t") == [(20_000, 20_000)]


def test_a_deadlock_is_transient(postgresql: PostgresqlSchema) -> None:
    """Two tasks that bring the same keys in opposite order: one of them fails, for now."""
    postgresql.db.execute("CREATE TABLE t (id int PRIMARY KEY, v text)")
    target = writer(postgresql, batchByteSize=1, session="SET deadlock_timeout = '100ms'")
    delivery = Delivery(target, pa.schema([("id", pa.int32()), ("v", pa.string())]))
    delivery.prepare()
    both = threading.Barrier(2)
    errors: list[StarhaulError] = []

    def task(number: int, keys: Sequence[int]) -> None:
        def batches() -> Iterator[pa.RecordBatch]:
            # The writer sends a row once it has pulled the next one.
            for at, key in enumerate([keys[0], 10 + number, 20 + number, keys[1]]):
                if at == 3:
                    both.wait(10)
                yield pa.record_batch([pa.array([key], pa.int32()), pa.array(["x"])], schema=delivery.schema)

        try:
            target.write(delivery.task(number), batches())
        except StarhaulError as error:
            errors.append(error)

    threads = [threading.Thread(target=task, args=(n, keys)) for n, keys in ((1, (1, 2)), (2, (2, 1)))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [type(error) for error in errors] == [TransientError]


def test_a_lost_answer_is_settled_by_the_ledger(postgresql: PostgresqlSchema, monkeypatch: pytest.MonkeyPatch) -> None:
    """COMMIT went through, its answer was lost: the attempt fails, and the ledger knows better."""
    from starhaul_stores.postgresql.connection import Connection

    postgresql.db.execute("CREATE TABLE t (id int)")
    target = writer(postgresql)
    rows = pa.table({"id": pa.array([1, 2], pa.int32())})
    delivery = Delivery(target, rows.schema)
    delivery.prepare()
    execute = Connection.execute

    def losing(self: Connection, sql: str, parameters: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        found = execute(self, sql, parameters)
        if sql == "COMMIT":
            raise TransientError("", "lost")
        return found

    with monkeypatch.context() as patch:
        patch.setattr(Connection, "execute", losing)
        with pytest.raises(TransientError):
            target.write(delivery.task(), iter(delivery.converted(rows)))
    receipt = target.delivered(delivery.task(attempt=2))
    assert receipt is not None
    assert receipt.rows == 2
    delivery.commit(receipt)
    assert contents(postgresql) == [(1,), (2,)]


def test_an_attempt_waits_for_one_that_still_runs(postgresql: PostgresqlSchema) -> None:
    """The client lost its connection, the server does not know yet: the two attempts must not both go through."""
    postgresql.db.execute("CREATE TABLE t (id int)")
    target = writer(postgresql, session="SET lock_timeout = '200ms'")
    rows = pa.table({"id": pa.array([1], pa.int32())})
    delivery = Delivery(target, rows.schema)
    delivery.prepare()
    with postgresql.server.connect() as other, other.transaction():
        other.execute("SELECT pg_advisory_xact_lock(hashtext(%s), hashtext(%s))", [delivery.run, "t0"])
        with pytest.raises(TransientError, match="lock timeout"):
            target.write(delivery.task(attempt=2), iter(delivery.converted(rows)))
    delivery.commit(delivery.write(delivery.task(attempt=3), delivery.converted(rows)))


@pytest.mark.parametrize("mode", ["insert", "replace", "update"])
def test_triggers_that_leave_rows_out_are_noted(postgresql: PostgresqlSchema, mode: str) -> None:
    postgresql.db.execute("CREATE TABLE t (id int PRIMARY KEY, v text)")
    postgresql.db.execute(ODD)
    rows = pa.table({"id": [1, 2, 3], "v": ["a", "b", "c"]})
    (receipt,), (task,) = write(writer(postgresql, writeMode=mode), rows)
    assert (receipt.rows, receipt.skipped) == (2, 1)
    assert task.notes == {"left out by a trigger or rule of the table": 1}


def test_two_runs_share_a_ledger(postgresql: PostgresqlSchema) -> None:
    postgresql.db.execute("CREATE TABLE a (id int); CREATE TABLE b (id int)")
    rows = pa.table({"id": pa.array([1], pa.int32())})
    one, two = (Delivery(writer(postgresql, table), rows.schema, run=f"run_{table}") for table in "ab")
    one.prepare()
    two.prepare()
    one.commit(one.write(one.task(), one.converted(rows)))
    two.commit(two.write(two.task(), two.converted(rows)))
    with pytest.raises(psycopg.errors.UndefinedTable):
        postgresql.db.execute("SELECT * FROM _starhaul_ledger")


def test_a_ledger_that_another_run_drops_after_it_was_found(postgresql: PostgresqlSchema) -> None:
    """It is a reason to try again: `prepare` is called anew, and makes one."""
    target = writer(postgresql)
    postgresql.db.execute("CREATE TABLE t (id int)")
    postgresql.db.execute("CREATE TABLE _starhaul_ledger (run text, task text, attempt int, receipt text, at text)")
    with target._open() as db, db.transaction():
        ledger = Ledger(db, "_starhaul_ledger")
        postgresql.db.execute("DROP TABLE _starhaul_ledger")
        with pytest.raises(TransientError, match="another run dropped"):
            ledger.is_open("r1")
