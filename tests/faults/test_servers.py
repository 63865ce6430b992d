"""Servers that are killed, come back, or stand still in the midst of a run: in the end the target equals the source."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from starhaul import resume, run
from tests.faults.proxy import Fault, Proxy
from tests.faults.test_network import ALL, ROWS, Place
from tests.servers import mariadb, postgresql
from tests.servers.mariadb import MariadbServer
from tests.servers.postgresql import PostgresqlServer

PATIENCE = {"channel": 2, "retry": {"attempts": 6, "pause": 0.2}}


@pytest.fixture(scope="module")
def hand() -> Iterator[ThreadPoolExecutor]:
    """A thread to start servers in: they end with the thread that they were started in."""
    with ThreadPoolExecutor(1) as pool:
        yield pool


@pytest.fixture(scope="module")
def durable_mariadb(hand: ThreadPoolExecutor) -> Iterator[MariadbServer]:
    """One that keeps what it has committed when it is killed."""
    del hand  # it must outlive the server
    with mariadb.running({"innodb-flush-log-at-trx-commit": "1"}) as server:
        yield server


@pytest.fixture(scope="module")
def durable_postgresql(hand: ThreadPoolExecutor) -> Iterator[PostgresqlServer]:
    """One that keeps what it has committed when it is killed."""
    del hand  # it must outlive the server
    with postgresql.running({"synchronous_commit": "on"}) as server:
        yield server


def execute(server: MariadbServer | PostgresqlServer, database: str, sql: str) -> list[Any]:
    """Run one statement in a new connection; its rows, if it returns any."""
    if isinstance(server, MariadbServer):
        with server.connect(database=database or None) as db, db.cursor() as cursor:
            cursor.execute(sql)
            return list(cursor.fetchall())
    with server.connect(dbname=database or "postgres") as connection:
        found = connection.execute(sql.encode())
        return found.fetchall() if found.description else []


def new_place(
    server: MariadbServer | PostgresqlServer, database: str, execute_there: Callable[[str], Any], folder: Path
) -> Place:
    """A place in a database of its own, which is made."""
    if isinstance(server, MariadbServer):
        execute(server, "", f"CREATE DATABASE `{database}` CHARACTER SET utf8mb4")
        url = f"mysql://root@127.0.0.1:{server.port}/{database}"
        return Place("mysql", execute_there, url, server.port, folder)
    execute(server, "", f'CREATE DATABASE "{database}"')
    url = f"postgresql://postgres@127.0.0.1:{server.port}/{database}"
    return Place("postgresql", execute_there, url, server.port, folder)


class Server:
    """A server that may be killed, and the place in it."""

    def __init__(self, server: MariadbServer | PostgresqlServer, folder: Path, hand: ThreadPoolExecutor) -> None:
        self.server, self._hand = server, hand
        self.database = f"test_{folder.name}"
        self.place = new_place(server, self.database, self.execute, folder)

    def execute(self, sql: str) -> list[Any]:
        """Run one statement in a new connection, as the server may have been away."""
        return execute(self.server, self.database, sql)

    def kill(self) -> None:
        """Take it down without warning, and start it again at once."""
        self.server.stop(signal.SIGKILL if isinstance(self.server, MariadbServer) else signal.SIGQUIT)
        self._hand.submit(self.server.start).result()

    def freeze(self, seconds: float) -> None:
        """Let all its processes stand still for so long."""
        processes = [self.server.pid, *children(self.server.pid)]
        for process in processes:
            os.kill(process, signal.SIGSTOP)

        def thaw() -> None:
            for process in processes:
                os.kill(process, signal.SIGCONT)

        threading.Timer(seconds, thaw).start()


def children(parent: int) -> list[int]:
    """The processes that a process has started."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            rest = stat.read_text().rpartition(")")[2].split()
        except (FileNotFoundError, ProcessLookupError):
            continue
        if int(rest[1]) == parent:
            found.append(int(stat.parent.name))
    return found


@pytest.fixture(params=["durable_mariadb", "durable_postgresql"])
def server(request: pytest.FixtureRequest, tmp_path: Path, hand: ThreadPoolExecutor) -> Server:
    """One server after the other."""
    return Server(request.getfixturevalue(request.param), tmp_path, hand)


@pytest.mark.slow
@pytest.mark.moment("server killed and started again")
@pytest.mark.parametrize("mode", ["insert", "update", "overwrite"] if ALL else ["insert"])
def test_a_server_that_is_killed_and_comes_back(server: Server, mode: str) -> None:
    server.place.fill(mode)
    with Proxy(server.server.port, dying := Fault(after=150_000, act=server.kill)) as proxy:
        job = {**server.place.job(mode, proxy.port, proxy.port), "settings": PATIENCE}
        report = server.place.run(job)
    assert report.state == "done", report.error
    assert dying.happened == 1
    server.place.require_equal(mode)


@pytest.mark.moment("server that stands still")
def test_a_server_that_stands_still_for_a_while(server: Server) -> None:
    server.place.fill("insert")
    with Proxy(server.server.port, still := Fault("pass", after=100_000, act=lambda: server.freeze(1))) as proxy:
        report = server.place.run(server.place.job("insert", proxy.port, proxy.port))
    assert (report.state, report.written) == ("done", ROWS)
    assert still.happened == 1
    server.place.require_equal("insert")


@pytest.mark.slow
@pytest.mark.moment("connection that falls silent")
@pytest.mark.parametrize("direction", ["up", "down"] if ALL else ["down"])
def test_a_connection_that_falls_silent_is_given_up(server: Server, direction: Any) -> None:
    """With `socketTimeout`, as nothing else tells a dead connection from a slow one."""
    server.place.fill("insert")
    with Proxy(server.server.port, silent := Fault("silence", direction, after=150_000)) as proxy:
        reading, writing = (proxy.port, server.server.port) if direction == "down" else (server.server.port, proxy.port)
        job = server.place.job("insert", reading, writing)
        unit = 1000 if server.place.store == "mysql" else 1
        for side in ("reader", "writer"):
            job[side]["url"] += f"?socketTimeout={2 * unit}"
        state = server.place.folder / "state"
        report = run(job, state=state)
        if report.state == "failed":  # as the server holds the locks of a connection that it takes for alive
            assert report.error is not None
            assert report.error.kind == "TransientError"
            proxy.reset()
            report = resume(report.run, job, state=state)
    assert report.state == "done", report.error
    assert silent.happened == 1
    server.place.require_equal("insert")
