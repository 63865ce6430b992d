"""Whatever is wrong with a job, its rows, or a server that is there: what a whole run says of it, and what stays."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from starhaul import ConfigError, Report, StarhaulError, TransientError, run
from starhaul.runs.rejects import read_rejects
from tests.conftest import MysqlDatabase, PostgresqlSchema

STORES = ("mysql", "postgresql")
SERIES = {
    "mysql": "SELECT seq AS id FROM seq_1_to_{}",
    "postgresql": "SELECT id FROM generate_series(1, {}) AS n(id)",
}


class Side:
    """A database of one of the stores, and jobs within it from table `s` to table `t`."""

    def __init__(self, base: MysqlDatabase | PostgresqlSchema, folder: Path) -> None:
        self.base, self.folder = base, folder
        self.store = "mysql" if isinstance(base, MysqlDatabase) else "postgresql"
        self.url = base.url

    def sql(self, *statements: str) -> list[Any]:
        """Run statements; the rows of the last."""
        if isinstance(self.base, MysqlDatabase):
            return self.base.execute(*statements)
        for statement in statements:
            cursor = self.base.db.execute(statement.encode())
        return cursor.fetchall() if cursor.description else []

    def numbers(self, rows: int) -> str:
        """A query of the numbers from 1, as column `id`."""
        return SERIES[self.store].format(rows)

    @contextmanager
    def other(self) -> Iterator[Any]:
        """A cursor of another connection, in a transaction that ends with the block."""
        if isinstance(self.base, MysqlDatabase):
            with self.base.server.connect(database=self.base.name) as db, db.cursor() as cursor:
                cursor.execute("START TRANSACTION")
                yield cursor
                cursor.execute("ROLLBACK")
        else:
            with self.base.server.connect(options=f"-c search_path={self.base.name}") as connection:
                connection.execute("BEGIN")
                yield connection
                connection.execute("ROLLBACK")

    def run(self, *, reader: dict[str, Any] | None = None, tolerated: int = 0, **writer: Any) -> Report:
        """Run a job with these parameters."""
        job = {
            "reader": {"name": self.store, "url": self.url, "table": "s", **(reader or {})},
            "writer": {"name": self.store, "url": self.url, "table": "t", **writer},
            "settings": {
                "retry": {"attempts": 2, "pause": 0.05},
                "errorLimit": {"record": tolerated},
                "whenRunning": "allow",
            },
        }
        return run(job, state=self.folder / "state")

    def reasons(self, report: Report) -> dict[str, str]:
        """Id of each rejected row, with the reason."""
        lines = read_rejects(Path(report.rejects)) if report.rejects else ()
        return {str(line["row"]["id"]): line["reason"] for line in lines}


@pytest.fixture(params=STORES)
def side(request: pytest.FixtureRequest, tmp_path: Path) -> Side:
    """One store after the other."""
    return Side(request.getfixturevalue(request.param), tmp_path)


def test_a_key_twice_at_the_end_of_many_rows(side: Side) -> None:
    """All other rows arrive, by the bulk path."""
    side.sql(
        "CREATE TABLE s (id int, v varchar(20))",
        f"INSERT INTO s SELECT id, 'new' FROM ({side.numbers(60_000)}) AS n",
        "CREATE TABLE t (id int PRIMARY KEY, v varchar(20))",
        "INSERT INTO t VALUES (59999, 'old')",
    )
    report = side.run(tolerated=1)
    assert (report.state, report.written, report.rejected) == ("done", 59_999, 1)
    told = {"mysql": "Duplicate entry '59999' for key 'PRIMARY'", "postgresql": "Key (id)=(59999) already exists"}
    (reason,) = side.reasons(report).values()
    assert told[side.store] in reason
    assert side.sql("SELECT count(*), min(v), max(v) FROM t") == [(60_000, "new", "old")]


def test_a_reject_too_many_undoes_the_task(side: Side) -> None:
    side.sql(
        "CREATE TABLE s (id int)", "INSERT INTO s VALUES (1), (2), (2)", "CREATE TABLE t (id int PRIMARY KEY)"
    )  # fmt: skip
    report = side.run()
    assert (report.state, report.exit_code) == ("failed", 4)
    assert side.sql("SELECT count(*) FROM t") == [(0,)]


BAD_ROWS = {
    "mysql": {
        "NULL": "column 'v' takes no NULL",
        "'long'": "Data too long for column 'v'",
        "'300'": "300",
        "'-1'": "-1",
    },
    "postgresql": {
        "NULL": 'null value in column "v"',
        "'long'": "value too long for type character varying(3)",
        "'300'": "300",
        "'-1'": "-1",
    },
}


def test_rows_that_do_not_fit_are_told_apart(side: Side) -> None:
    """A NULL for NOT NULL, a text too long, a number out of range: each by itself, the good ones arrive."""
    small = "tinyint unsigned" if side.store == "mysql" else "smallint CHECK (n BETWEEN 0 AND 255)"
    side.sql(
        "CREATE TABLE s (id int, v varchar(9), n int)",
        "INSERT INTO s VALUES (1, 'ok', 7), (2, NULL, 7), (3, 'long', 7), (4, 'ok', 300), (5, 'ok', -1), (6, 'ok', 0)",
        f"CREATE TABLE t (id int, v varchar(3) NOT NULL, n {small})",
    )
    report = side.run(tolerated=4)
    assert side.sql("SELECT id FROM t ORDER BY id") == [(1,), (6,)]
    reasons = side.reasons(report)
    assert sorted(reasons) == ["2", "3", "4", "5"]
    for row, (_, told) in zip("2345", BAD_ROWS[side.store].items(), strict=True):
        assert told in reasons[row], reasons
    assert all("column" in reason or "constraint" in reason for reason in reasons.values())


@pytest.mark.parametrize(
    ("reader", "writer", "told"),
    [
        ({"table": "nothere"}, {}, "no table 'nothere'"),
        ({"table": "ss"}, {}, "did you mean 's'"),
        ({}, {"table": "nothere"}, "no table 'nothere'"),
        ({}, {"column": ["id", "nme"]}, "did you mean 'name'"),
        ({"column": ["id"]}, {}, "the source has 1 columns and the target 2"),
        ({"column": ["id", "name", "id"]}, {}, "the source has 3 columns and the target 2"),
        ({"column": ["id", "nme"]}, {}, "nme"),
        ({"where": "nonsense = 1"}, {}, "nonsense"),
    ],
)
def test_a_wrong_job_is_refused_and_nothing_is_touched(
    side: Side, reader: dict[str, Any], writer: dict[str, Any], told: str
) -> None:
    side.sql(
        "CREATE TABLE s (id int, name text)", "INSERT INTO s VALUES (1, 'x')", "CREATE TABLE t (id int, name text)"
    )  # fmt: skip
    with pytest.raises(ConfigError) as error:
        side.run(reader=reader, preSql=["DROP TABLE t"] if "table" not in writer else [], **writer)
    assert told in str(error.value)
    assert side.sql("SELECT count(*) FROM t") == [(0,)]


def test_a_wrong_password_fails_at_once(side: Side) -> None:
    if side.store == "mysql":
        side.sql("CREATE USER IF NOT EXISTS guarded@'%' IDENTIFIED BY 'right'")
        user = "root"
    else:
        side.sql("DO $$ BEGIN CREATE ROLE guarded LOGIN PASSWORD 'right'; EXCEPTION WHEN duplicate_object THEN END $$")
        user = "postgres"
    side.url = side.url.replace(f"{user}@", "guarded:wr0ng@")
    begun = time.monotonic()
    with pytest.raises(ConfigError, match="check username and password") as error:
        side.run()
    assert time.monotonic() - begun < 5
    assert "wr0ng" not in str(error.value)


def test_a_read_only_server(side: Side) -> None:
    side.sql("CREATE TABLE s (id int)", "INSERT INTO s VALUES (1)", "CREATE TABLE t (id int)")
    session = {
        "mysql": "SET SESSION TRANSACTION READ ONLY",
        "postgresql": "SET default_transaction_read_only = on",
    }[side.store]
    try:
        error = side.run(session=[session]).error
        told = f"{error.problem} {error.hint}" if error is not None else ""
    except StarhaulError as refused:
        told = str(refused)
    assert "read only; name the primary" in told
    assert side.sql("SELECT count(*) FROM t") == [(0,)]


def test_a_lock_that_is_held_too_long_is_tried_again(side: Side) -> None:
    side.sql(
        "CREATE TABLE s (id int PRIMARY KEY)", "INSERT INTO s VALUES (1)", "CREATE TABLE t (id int PRIMARY KEY)"
    )  # fmt: skip
    session = {"mysql": "SET SESSION innodb_lock_wait_timeout = 1", "postgresql": "SET lock_timeout = '300ms'"}
    with side.other() as other:
        other.execute("INSERT INTO t VALUES (1)")
        report = side.run(session=[session[side.store]])
    assert report.state == "failed"
    assert report.error is not None
    assert report.error.kind == "TransientError"
    assert "lock" in report.error.problem.lower()
    assert side.sql("SELECT count(*) FROM t") == [(0,)]


def test_a_statement_that_takes_too_long_fails_with_a_hint(side: Side) -> None:
    side.sql(
        "CREATE TABLE s (id int)",
        f"INSERT INTO s {side.numbers(1000)}",
        "CREATE TABLE t (id int)",
    )
    slow = "id + sleep(0.01)" if side.store == "mysql" else "id + (pg_sleep(0.01) IS NULL)::int"
    session = {"mysql": "SET SESSION max_statement_time = 0.5", "postgresql": "SET statement_timeout = '500ms'"}
    report = side.run(reader={"column": [slow], "session": [session[side.store]]})
    assert report.state == "failed"
    assert report.error is not None
    assert (report.error.kind, report.error.hint.partition(" of ")[0]) == (
        "PermanentError",
        {"mysql": "see max_statement_time", "postgresql": "see statement_timeout"}[side.store],
    )
    assert side.sql("SELECT count(*) FROM t") == [(0,)]


@pytest.mark.parametrize("mode", ["insert", "overwrite", "update"])
def test_two_runs_of_the_same_job_at_once(side: Side, mode: str) -> None:
    """Neither disturbs the other: both have put all their rows, and nothing of theirs is left."""
    side.sql(
        "CREATE TABLE s (id int PRIMARY KEY, v varchar(20))",
        f"INSERT INTO s SELECT id, concat('row ', id) FROM ({side.numbers(3000)}) AS n",
        f"CREATE TABLE t (id int{' PRIMARY KEY' if mode == 'update' else ''}, v varchar(20))",
    )
    reports: list[Report] = []
    runs = [threading.Thread(target=lambda: reports.append(side.run(writeMode=mode))) for _ in range(2)]
    for each in runs:
        each.start()
    for each in runs:
        each.join()
    done = [report for report in reports if report.state == "done"]
    assert len(done) == 2, [report.error for report in reports]
    times = 2 if mode == "insert" else 1
    assert side.sql("SELECT count(*), count(DISTINCT id) FROM t") == [(3000 * times, 3000)]
    schema = "database()" if side.store == "mysql" else "current_schema()"
    tables = f"SELECT table_name FROM information_schema.tables WHERE table_schema = {schema} ORDER BY 1"
    assert side.sql(tables) == [("s",), ("t",)]


def test_a_user_who_may_not_create_the_ledger(side: Side) -> None:
    """The message holds the statement by which somebody else makes it; it is not dropped then."""
    side.sql("CREATE TABLE s (id int)", "INSERT INTO s VALUES (1)", "CREATE TABLE t (id int)")
    if side.store == "mysql":
        user, who, own = "root", f"loader_{side.base.name}@'%'", side.base.name
        side.sql(f"CREATE USER {who} IDENTIFIED BY 'pw'")
    else:
        user, who, own = "postgres", f"loader_{side.base.name}", side.base.name
        side.sql(f"CREATE ROLE {who} LOGIN PASSWORD 'pw'", f"GRANT USAGE ON SCHEMA {own} TO {who}")
    side.sql(f"GRANT SELECT ON {own}.s TO {who}", f"GRANT SELECT, INSERT ON {own}.t TO {who}")
    side.url = side.url.replace(f"{user}@", f"loader_{own}:pw@")
    refused = side.run()
    assert refused.error is not None
    assert "denied" in refused.error.problem
    told, _, statement = refused.error.hint.partition(": CREATE TABLE")
    assert told.startswith("the ledger of the run is kept there: let the user create and drop it, or make it")
    side.sql(f"CREATE TABLE{statement}", f"GRANT SELECT, INSERT, UPDATE, DELETE ON {own}._starhaul_ledger TO {who}")
    for rows in (1, 2):
        report = side.run()
        assert report.state == "done", report.error
        assert side.sql("SELECT count(*) FROM t") == [(rows,)]
        assert side.sql("SELECT count(*) FROM _starhaul_ledger") == [(0,)]


@pytest.mark.parametrize(("wrong", "hint"), [("host", "check the host"), ("database", "check the database's name")])
def test_a_server_or_database_that_is_not_there(side: Side, wrong: str, hint: str) -> None:
    """Told at once: no retry would help."""
    side.sql("CREATE TABLE s (id int)", "CREATE TABLE t (id int)")
    url = side.url.partition("?")[0]
    there = url.replace("127.0.0.1", "nowhere.invalid") if wrong == "host" else f"{url}_nowhere"
    begun = time.monotonic()
    for job in ({"reader": {"url": there}}, {"url": there}):
        with pytest.raises(ConfigError, match=hint) as error:
            side.run(**job)
        assert "nowhere" in str(error.value)
    assert time.monotonic() - begun < 5


def test_a_user_of_few_connections(side: Side) -> None:
    """Where it has them all, that is told after some attempts."""
    side.sql("CREATE TABLE s (id int PRIMARY KEY)", f"INSERT INTO s {side.numbers(1000)}", "CREATE TABLE t (id int)")
    name, own = f"few_{side.base.name}", side.base.name
    if side.store == "mysql":
        side.sql(f"CREATE USER {name} WITH MAX_USER_CONNECTIONS 1", f"GRANT ALL ON {own}.* TO {name}")
    else:
        side.sql(f"CREATE ROLE {name} LOGIN CONNECTION LIMIT 1", f"GRANT ALL ON SCHEMA {own} TO {name}")
    few = side.url.replace("root@" if side.store == "mysql" else "postgres@", f"{name}@")
    holder = side.base.server.connect(user=name)
    try:
        with pytest.raises(TransientError, match=r"takes no more connections.*settings\.channel"):
            side.run(url=few)
    finally:
        holder.close()
