"""Connections that are cut, stall or are slow, in every write mode: in the end the target is equal to the source.

`make faults` runs every combination; the ordinary run takes a sample of them.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

import pytest

from starhaul import Report, resume, run
from tests.conftest import MysqlDatabase, PostgresqlSchema
from tests.faults.proxy import Fault, Proxy

ROWS = 20_000
OLD = 100
"""Rows that the target has already, in the modes that know keys."""
ALL = os.environ.get("STARHAUL_FAULTS") == "all"
BULK = {"mysql": b"LOAD DATA", "postgresql": b"COPY "}
MODES = ("insert", "ignore", "replace", "update", "overwrite")

READING: Mapping[str, Fault] = {
    "cut while it reads": Fault(direction="down", after=200_000),
    "cut twice while it reads": Fault(direction="down", after=100_000, times=2),
    "the client's side is closed": Fault("close", direction="down", after=300_000),
}
WRITING: Mapping[str, Fault] = {
    "cut while it writes": Fault(after=150_000),
    "cut twice while it writes": Fault(after=100_000, times=2),
    "cut before COMMIT": Fault(at=b"COMMIT", once=b"BULK"),
    "cut after COMMIT": Fault("lose answer", at=b"COMMIT", once=b"BULK"),
    "cut after COMMIT, twice": Fault("lose answer", at=b"COMMIT", once=b"BULK", times=2),
}
PUBLISHING: Mapping[str, Mapping[str, Fault]] = {
    "mysql": {
        "cut before the swap": Fault(at=b"RENAME TABLE"),
        "cut after the swap": Fault("lose answer", at=b"RENAME TABLE"),
    },
    "postgresql": {
        "cut before the swap": Fault(at=b"COMMIT", once=b" RENAME TO "),
        "cut after the swap": Fault("lose answer", at=b"COMMIT", once=b" RENAME TO "),
    },
}
SAMPLE = {
    ("mysql", "insert", "cut after COMMIT, twice"), ("mysql", "insert", "cut while it reads"),
    ("mysql", "update", "cut while it writes"), ("mysql", "replace", "cut before COMMIT"),
    ("mysql", "ignore", "cut after COMMIT"), ("mysql", "overwrite", "cut after the swap"),
    ("mysql", "overwrite", "cut while it writes"), ("postgresql", "insert", "cut after COMMIT, twice"),
    ("postgresql", "insert", "cut while it reads"), ("postgresql", "update", "cut while it writes"),
    ("postgresql", "replace", "cut before COMMIT"), ("postgresql", "ignore", "cut after COMMIT"),
    ("postgresql", "overwrite", "cut before the swap"), ("postgresql", "overwrite", "cut after the swap"),
}  # fmt: skip


class Place:
    """The tables `s`, of `ROWS` rows, and `t` in one store, and jobs from one into the other."""

    def __init__(self, store: str, execute: Callable[[str], Any], url: str, port: int, folder: Path) -> None:
        self.store, self.execute, self.port, self.folder = store, execute, port, folder
        self._url = url

    def fill(self, mode: str) -> None:
        """Make the tables."""
        series = "seq_1_to_{} AS n(id)" if self.store == "mysql" else "generate_series(1, {}) AS n(id)"
        numbers = f"SELECT seq AS id FROM seq_1_to_{ROWS}" if self.store == "mysql" else f"SELECT id FROM {series}"
        self.execute("CREATE TABLE s (id int PRIMARY KEY, v varchar(80))")
        self.execute(f"INSERT INTO s SELECT id, concat('the text of row ', id) FROM ({numbers.format(ROWS)}) AS n")
        keyed = mode in ("ignore", "replace", "update")
        self.execute(f"CREATE TABLE t (id int{' PRIMARY KEY' if keyed else ''}, v varchar(80))")
        if mode != "insert":
            self.execute(f"INSERT INTO t SELECT id, 'old' FROM s WHERE id <= {OLD}")

    def job(self, mode: str, reading: int, writing: int, **writer: Any) -> dict[str, Any]:
        """A job whose sides connect to these ports."""
        source, target = (self._url.replace(f":{self.port}/", f":{port}/") for port in (reading, writing))
        return {
            "reader": {"name": self.store, "url": source, "table": "s"},
            "writer": {"name": self.store, "url": target, "table": "t", "writeMode": mode, **writer},
            "settings": {"channel": 2, "retry": {"attempts": 4, "pause": 0.05}},
        }

    def run(self, job: dict[str, Any]) -> Report:
        """Run it, and resume it if it fails."""
        state = self.folder / "state"
        report = run(job, state=state)
        return report if report.state == "done" else resume(report.run, job, state=state)

    def require_equal(self, mode: str) -> None:
        """Raise if a row is missing, twice, or not as it should be, or if something is left behind."""
        kept = OLD if mode == "ignore" else 0
        assert self.execute("SELECT count(*), count(DISTINCT id) FROM t") == [(ROWS, ROWS)]
        assert self.execute("SELECT count(*) FROM t WHERE v = concat('the text of row ', id)") == [(ROWS - kept,)]
        assert self.execute("SELECT count(*) FROM t WHERE v = 'old'") == [(kept,)]
        schema = "database()" if self.store == "mysql" else "current_schema()"
        tables = f"SELECT table_name FROM information_schema.tables WHERE table_schema = {schema} ORDER BY 1"
        assert self.execute(tables) == [("s",), ("t",)]


@pytest.fixture
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Place:
    """The place of the store that the test names."""
    store = request.getfixturevalue("store")
    server: MysqlDatabase | PostgresqlSchema = request.getfixturevalue(store)
    if isinstance(server, MysqlDatabase):
        return Place(store, server.execute, server.url, server.server.port, tmp_path)

    def execute(sql: str) -> list[Any]:
        cursor = server.db.execute(sql.encode())
        return cursor.fetchall() if cursor.description else []

    return Place(store, execute, server.url, server.server.port, tmp_path)


def cases(faults: Callable[[str], Mapping[str, Fault]], *modes: str) -> list[Any]:
    """Store, mode and fault of each test."""
    found = [(store, mode, name) for store in BULK for mode in modes for name in faults(store)]
    return [pytest.param(*case, id=" ".join(case)) for case in found if ALL or case in SAMPLE]


def fault(store: str, faults: Mapping[str, Fault], name: str) -> Fault:
    """A new fault of this name; `BULK` stands for how a store's bulk load begins."""
    found = faults[name]
    return replace(found, once=found.once.replace(b"BULK", BULK[store]))


@pytest.mark.parametrize(("store", "mode", "name"), cases(lambda _: READING, "insert", "overwrite"))
def test_while_it_reads(place: Place, store: str, mode: str, name: str) -> None:
    place.fill(mode)
    with Proxy(place.port, happening := fault(store, READING, name)) as proxy:
        report = place.run(place.job(mode, proxy.port, place.port))
    assert report.state == "done", report.error
    assert happening.happened == happening.times
    place.require_equal(mode)


@pytest.mark.parametrize(("store", "mode", "name"), cases(lambda _: WRITING, *MODES))
def test_while_it_writes(place: Place, store: str, mode: str, name: str) -> None:
    place.fill(mode)
    with Proxy(place.port, happening := fault(store, WRITING, name)) as proxy:
        report = place.run(place.job(mode, place.port, proxy.port))
    assert report.state == "done", report.error
    assert happening.happened == happening.times
    place.require_equal(mode)


@pytest.mark.parametrize(("store", "mode", "name"), cases(lambda store: PUBLISHING[store], "overwrite"))
def test_while_it_publishes(place: Place, store: str, mode: str, name: str) -> None:
    place.fill(mode)
    with Proxy(place.port, happening := fault(store, PUBLISHING[store], name)) as proxy:
        report = place.run(place.job(mode, place.port, proxy.port))
    assert report.state == "done", report.error
    assert happening.happened == happening.times
    place.require_equal(mode)


@pytest.mark.parametrize("store", BULK)
def test_a_slow_network_changes_nothing(place: Place, store: Literal["mysql", "postgresql"]) -> None:
    place.fill("insert")
    with Proxy(place.port, latency=0.005, rate=20e6) as slow:
        report = place.run(place.job("insert", slow.port, slow.port))
    assert (report.state, report.written) == ("done", ROWS)
    place.require_equal("insert")


@pytest.mark.parametrize("store", BULK)
def test_a_network_that_is_down_for_good_fails_the_run_which_can_be_resumed(place: Place, store: str) -> None:
    place.fill("insert")
    state = place.folder / "state"
    with Proxy(place.port, Fault(after=100_000, times=9**9)) as proxy:
        job = place.job("insert", place.port, proxy.port)
        report = run(job, state=state)
        assert report.state == "failed"
        proxy.faults.clear()
        report = resume(report.run, job, state=state)
    assert report.state == "done", report.error
    place.require_equal("insert")
