"""Servers whose disk fills up under a run: it fails and says so, loses nothing that was there, and can be resumed when
there is room again."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from starhaul import RunStarted, resume, run
from tests.faults.proxy import Fault, Proxy
from tests.faults.test_network import OLD, ROWS
from tests.faults.test_servers import Server
from tests.servers import mariadb, postgresql
from tests.servers.full_disk import can_fill_up, fill_up, make_room


@pytest.fixture(scope="module")
def tight_mariadb() -> Iterator[mariadb.MariadbServer]:
    with mariadb.running(disk=partial(can_fill_up, files=".ibd")) as server:
        yield server


@pytest.fixture(scope="module")
def tight_postgresql() -> Iterator[postgresql.PostgresqlServer]:
    with postgresql.running(disk=partial(can_fill_up, files="/base/")) as server:
        yield server


@pytest.fixture(params=["tight_mariadb", "tight_postgresql"])
def server(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Server]:
    """One server after the other, with room at first."""
    with ThreadPoolExecutor(1) as hand:
        found = Server(request.getfixturevalue(request.param), tmp_path, hand)
        yield found
        make_room(found.server)


def _mended(
    server: Server, job: dict[str, Any], mode: str, observer: Callable[[Any], None] = lambda event: None
) -> None:
    state = server.place.folder / "state"
    report = run(job, state=state, observers=[observer])
    assert report.state == "failed"
    assert report.error is not None
    assert report.error.kind == "PermanentError", report.error
    assert "make room" in report.error.hint or "free disk space" in report.error.hint, report.error
    assert report.rejected == 0, "no row is to blame"
    if mode == "overwrite":
        assert server.execute("SELECT count(*) FROM t WHERE v = 'old'") == [(OLD,)], "the old rows are there"
    again = resume(report.run, job, state=state)
    assert again.state == "failed", "there is no more room than before"
    make_room(server.server)
    report = resume(report.run, job, state=state)
    assert report.state == "done", report.error
    server.place.require_equal(mode)


@pytest.mark.moment("disk full in the midst of a run")
@pytest.mark.parametrize("mode", ["insert", "overwrite", "update"])
def test_a_disk_that_is_full_in_the_midst_of_a_run(server: Server, mode: str) -> None:
    server.place.fill(mode)
    full = Fault("pass", after=ROWS, act=partial(fill_up, server.server))
    with Proxy(server.place.port, full) as proxy:
        job = server.place.job(mode, server.place.port, proxy.port)
        _mended(server, job, mode)
    assert full.happened


@pytest.mark.moment("disk full when a run prepares")
@pytest.mark.parametrize("mode", ["overwrite"])
def test_a_disk_that_is_full_when_a_run_prepares(server: Server, mode: str) -> None:
    server.place.fill(mode)
    job = server.place.job(mode, server.place.port, server.place.port)

    def fill(event: Any) -> None:
        if isinstance(event, RunStarted):
            fill_up(server.server)

    _mended(server, job, mode, fill)
