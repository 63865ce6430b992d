"""What the fault tests have in common: outcomes are collected, and kept when all were run."""

from __future__ import annotations

import os
import platform
import time
from collections.abc import Iterator
from importlib.metadata import version

import pytest

from tests.faults.outcomes import Outcome, keep


@pytest.fixture(scope="session")
def outcomes() -> Iterator[list[Outcome]]:
    """For each test to add to. `make faults` keeps them for docs/guarantees.md."""
    collected: list[Outcome] = []
    yield collected
    if os.environ.get("STARHAUL_FAULTS") == "all" and collected:
        day = time.strftime("%Y-%m-%d", time.gmtime())
        about = {"date": day, "starhaul": version("starhaul"), "python": platform.python_version()}
        keep(collected, about)


@pytest.fixture(scope="session")
def clean() -> dict[tuple[str, str], float]:
    """How long the run of a route in a mode takes when nothing happens."""
    return {}
