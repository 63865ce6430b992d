"""Databases that fail over to another server in the midst of a run: in the end the target equals the source, even where
the other server lagged behind and does not know what had been acknowledged."""

from __future__ import annotations

import signal
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Generic, TypeVar

import pytest

from starhaul import RunStarted, TaskFinished, resume, run
from tests.faults.proxy import Fault, Proxy
from tests.faults.test_network import ALL, ROWS
from tests.faults.test_servers import PATIENCE, execute, new_place
from tests.servers import mariadb, postgresql
from tests.servers.mariadb import MariadbServer
from tests.servers.postgresql import PostgresqlServer

_DURABLE = {"innodb-flush-log-at-trx-commit": "1"}
_REPLICATING = {"synchronous_commit": "on", "wal_level": "replica", "max_wal_senders": "4", "hot_standby": "on"}


S = TypeVar("S", MariadbServer, PostgresqlServer)


class Pair(ABC, Generic[S]):
    """A primary and its standby, with the tables of `Place` in both."""

    options = ""
    """What finds the primary among several hosts."""

    def __init__(self, primary: S, standby: S, folder: Path) -> None:
        self.primary: S = primary
        self.standby: S = standby
        self._now: S = primary
        self._database = f"test_{folder.name}"
        self.replicate()
        self.place = new_place(primary, self._database, self.execute, folder)

    def execute(self, sql: str) -> list[Any]:
        """Run one statement where the database is now, in a connection of its own."""
        return execute(self._now, self._database, sql)

    @abstractmethod
    def replicate(self) -> None:
        """Let the standby follow the primary."""

    @abstractmethod
    def caught_up(self) -> None:
        """Wait until the standby has all there is."""

    @abstractmethod
    def let_lag(self) -> None:
        """From now on the standby gets nothing any more, and the primary does not mind."""

    @abstractmethod
    def fail_over(self) -> None:
        """The primary dies, the standby takes its place."""


class MariadbPair(Pair[MariadbServer]):
    """Replication that the primary does not wait for: `caught_up` is what a cluster would ask before it commits."""

    def replicate(self) -> None:
        at = f"MASTER_HOST='127.0.0.1', MASTER_PORT={self.primary.port}, MASTER_USER='root'"
        execute(self.standby, "", f"CHANGE MASTER TO {at}, MASTER_USE_GTID=slave_pos")
        execute(self.standby, "", "START SLAVE")

    def caught_up(self) -> None:
        ((position,),) = execute(self.primary, "", "SELECT @@gtid_binlog_pos")
        assert execute(self.standby, "", f"SELECT MASTER_GTID_WAIT('{position}', 30)") == [(0,)]

    def let_lag(self) -> None:
        execute(self.standby, "", "STOP SLAVE")

    def fail_over(self) -> None:
        self.primary.stop(signal.SIGKILL)
        execute(self.standby, "", "STOP SLAVE")
        self._now = self.standby


class PostgresqlPair(Pair[PostgresqlServer]):
    """Replication that the primary waits for until `let_lag`."""

    options = "?targetServerType=primary"

    def replicate(self) -> None:
        _set(self.primary, "synchronous_standby_names", "*")

    def caught_up(self) -> None:
        """It always has, as the primary waits for it."""

    def let_lag(self) -> None:
        _set(self.primary, "synchronous_standby_names", "")
        _set(self.standby, "primary_conninfo", "")
        while execute(self.standby, "", "SELECT count(*) FROM pg_stat_wal_receiver") != [(0,)]:
            time.sleep(0.02)

    def fail_over(self) -> None:
        self.primary.stop(signal.SIGQUIT)
        execute(self.standby, "", "SELECT pg_promote()")
        self._now = self.standby


def _set(server: PostgresqlServer, name: str, value: str) -> None:
    execute(server, "", f"ALTER SYSTEM SET {name} = '{value}'")
    execute(server, "", "SELECT pg_reload_conf()")


@pytest.fixture
def mariadb_pair(tmp_path: Path) -> Iterator[Pair[Any]]:
    primary = {**_DURABLE, "server-id": "1", "log-bin": "binlog", "binlog-format": "ROW"}
    with mariadb.running(primary) as first, mariadb.running({**_DURABLE, "server-id": "2"}) as second:
        yield MariadbPair(first, second, tmp_path)


@pytest.fixture
def postgresql_pair(tmp_path: Path) -> Iterator[Pair[Any]]:
    with postgresql.running(_REPLICATING) as first, postgresql.running(_REPLICATING, like=first) as second:
        yield PostgresqlPair(first, second, tmp_path)


@pytest.fixture(params=["mariadb_pair", "postgresql_pair"])
def server(request: pytest.FixtureRequest) -> Pair[Any]:
    """One kind of database after the other."""
    pair: Pair[Any] = request.getfixturevalue(request.param)
    return pair


def job_of(pair: Pair[Any], mode: str, first: int, **writer: Any) -> dict[str, Any]:
    """A job whose sides name both servers; `first` stands for the primary's port."""
    job = {**pair.place.job(mode, first, first, **writer), "settings": PATIENCE}
    for side in ("reader", "writer"):
        job[side]["url"] = job[side]["url"].replace(f":{first}/", f":{first},127.0.0.1:{pair.standby.port}/")
        job[side]["url"] += pair.options
    return job


def quartered(job: dict[str, Any]) -> dict[str, Any]:
    """The same in four tasks, one after the other, each of which takes a moment."""
    del job["reader"]["table"]
    job["reader"]["querySql"] = [f"SELECT id, v FROM s WHERE id % 4 = {rest}" for rest in range(4)]
    return {**job, "settings": {**PATIENCE, "channel": 1, "speed": {"record": ROWS}}}


class Finishing:
    """Does something when the first task of a run has its receipt, and when the last one has, which is right before
    the stream is committed."""

    def __init__(self, first: Callable[[], object] = lambda: None, last: Callable[[], object] = lambda: None) -> None:
        self._first, self._last = first, last
        self._tasks = self._finished = 0

    def __call__(self, event: Any) -> None:
        if isinstance(event, RunStarted):
            self._tasks = event.tasks
        if isinstance(event, TaskFinished):
            self._finished += 1
            if self._finished == 1:
                self._first()
            if self._finished == self._tasks:
                self._last()


@pytest.mark.slow
@pytest.mark.moment("fail-over to a standby that has all")
@pytest.mark.parametrize("mode", ["insert", "update", "overwrite"] if ALL else ["insert"])
def test_a_standby_that_has_all(server: Pair[Any], mode: str) -> None:
    server.place.fill(mode)

    def fail_over() -> None:
        server.caught_up()
        server.fail_over()

    with Proxy(server.primary.port, failing := Fault(after=150_000, act=fail_over)) as proxy:
        report = server.place.run(job_of(server, mode, proxy.port))
    assert report.state == "done", report.error
    assert failing.happened == 1
    server.place.require_equal(mode)


@pytest.mark.slow
@pytest.mark.moment("fail-over to a standby that lags")
@pytest.mark.parametrize("mode", ["insert", "update", "overwrite"] if ALL else ["insert"])
def test_a_standby_that_has_lost_tasks(server: Pair[Any], mode: str) -> None:
    """It fell behind after the first task, and all that came later is gone when it takes over, just before the run is
    committed: the run may not pass for done, and a resume writes what is missing."""
    server.place.fill(mode)
    state = server.place.folder / "state"
    job = quartered(job_of(server, mode, server.primary.port))

    def lag() -> None:
        server.caught_up()
        server.let_lag()

    report = run(job, state=state, observers=[Finishing(first=lag, last=server.fail_over)])
    assert report.state == "failed", "the rows of tasks are gone"
    assert report.error is not None
    assert report.error.kind == "TasksLost", report.error
    report = resume(report.run, job, state=state)
    assert (report.state, report.written + report.skipped) == ("done", ROWS), report.error
    server.place.require_equal(mode)


@pytest.mark.slow
@pytest.mark.moment("fail-over to a standby that never heard of the run", anew=True)
def test_a_standby_that_has_lost_the_run(server: Pair[Any]) -> None:
    """Not even what `prepare` did is there: that is no run that was committed before."""
    server.place.fill("insert")
    server.caught_up()
    server.let_lag()
    state = server.place.folder / "state"
    job = quartered(job_of(server, "insert", server.primary.port))
    report = run(job, state=state, observers=[Finishing(last=server.fail_over)])
    assert report.state == "failed"
    for _ in range(2):  # a resume does not take it for done either
        assert report.error is not None
        assert report.error.kind == "PermanentError", report.error
        assert f"run {report.run}_0 is not open" in report.error.problem, report.error
        report = resume(report.run, job, state=state)
        assert report.state == "failed"
    assert server.execute("SELECT count(*) FROM t") == [(0,)]
    assert run(job, state=state).state == "done"
    server.place.require_equal("insert")
