"""What the fault tests have in common: outcomes are collected, and kept when all were run."""

from __future__ import annotations

import os
import platform
import time
from collections.abc import Generator, Iterator
from importlib.metadata import version

import pytest

from tests.faults.outcomes import Outcome, keep
from tests.faults.points import ALL

_CALL = pytest.StashKey[pytest.CallInfo[None]]()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Leave how a test ended to its fixtures."""
    if call.when == "call":
        item.stash[_CALL] = call
    return (yield)


@pytest.fixture(autouse=True)
def _other_outcome(request: pytest.FixtureRequest, outcomes: list[Outcome]) -> Iterator[None]:
    """Collect what became of a run whose connections were cut (`test_network.py`), or whose server was hit (tests that
    are marked with the moment)."""
    known = dict(getattr(getattr(request.node, "callspec", None), "params", {}))
    how, mark, anew = "network", request.node.get_closest_marker("moment"), False
    if mark is not None:
        store = request.getfixturevalue("server").place.store
        how, anew = "server", mark.kwargs.get("anew", False)
        known = {"mode": "insert", **known, "store": store, "name": mark.args[0]}
    yield
    if not {"store", "mode", "name"} <= known.keys() or _CALL not in request.node.stash:
        return
    store, mode, name = (known[each] for each in ("store", "mode", "name"))
    shown = {"mysql": "MySQL", "postgresql": "PostgreSQL"}[store]
    error = request.node.stash[_CALL].excinfo
    wrong = [] if error is None else [str(error.value)[-500:]]
    mended = {"anew" if anew else "resumed": int(not wrong)}
    outcomes.append(Outcome(f"{shown} → {shown}", f"{store}writer", mode, name, how, 1, **mended, wrong=wrong))


@pytest.fixture(scope="session")
def outcomes() -> Iterator[list[Outcome]]:
    """For each test to add to. `make faults` keeps them for docs/guarantees.md."""
    collected: list[Outcome] = []
    yield collected
    if ALL and collected:
        day = time.strftime("%Y-%m-%d", time.gmtime())
        about = {
            "date": day,
            "starhaul": version("starhaul"),
            "python": platform.python_version(),
            "every": int(os.environ.get("STARHAUL_FAULTS_EVERY", "1")),
        }
        keep(collected, about)


@pytest.fixture(scope="session")
def clean() -> dict[tuple[str, str], float]:
    """How long the run of a route in a mode takes when nothing happens."""
    return {}
