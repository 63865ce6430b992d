"""Runs that are killed, stopped or held at every point, in every write mode, and mended as users mend them: in the end
the target equals the source, nothing is left behind, and who looks at a replaced target never sees part of it.

`make faults` hits them everywhere; the ordinary run takes a sample.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.faults.hitting import Hitting, Route
from tests.faults.outcomes import Outcome
from tests.faults.points import ALL, Blow, blows, long_stop
from tests.faults.sources import SOURCES
from tests.faults.targets import TARGETS

EVERY = int(os.environ.get("STARHAUL_FAULTS_EVERY", "1"))
"""`make faults EVERY=3` takes every third blow of each mode only."""
ROUTES = (
    Route("CSV", "SQLite"), Route("MySQL", "PostgreSQL"), Route("PostgreSQL", "MySQL"), Route("MySQL", "OceanBase"),
    Route("PostgreSQL", "HDFS"), Route("PostgreSQL", "Hive"), Route("MySQL", "HBase"), Route("CSV", "S3"),
    Route("CSV", "files"), Route("MySQL", "PostgreSQL by SQLAlchemy"), Route("CSV", "SFTP"), Route("CSV", "FTP"),
)  # fmt: skip
EVERYWHERE = ("insert", "overwrite", "truncate", "normal")
"""The modes that are hit at every point; the others at every third one, each at other ones."""
SAMPLE = {
    ("CSV → SQLite", "overwrite"): ["KILL before an abort", "KILL in the tasks of a resume"],
    ("CSV → SQLite", "insert"): ["TERM in the midst of a task"],
    ("CSV → SQLite", "update"): ["KILL before the end of a task"],
    ("MySQL → PostgreSQL", "overwrite"): ["KILL within the publication 4", "KILL at random 0.55"],
    ("MySQL → PostgreSQL", "insert"): ["KILL before a receipt of a resume", "STOP in the midst of a task"],
    ("PostgreSQL → MySQL", "overwrite"): ["KILL within the publication 5", "KILL within an abort 1"],
    ("PostgreSQL → MySQL", "insert"): ["TERM before a receipt"],
    ("MySQL → OceanBase", "replace"): ["KILL after a task"],
    ("MySQL → HBase", "normal"): ["KILL before the end of a task"],
    ("PostgreSQL → HDFS", "truncate"): ["KILL within the publication 3"],
    ("CSV → S3", "truncate"): ["KILL after the last receipt"],
    ("PostgreSQL → Hive", "overwrite"): ["KILL within the publication 4"],
    ("CSV → SFTP", "truncate"): ["KILL after the last receipt"],
    ("CSV → FTP", "overwrite"): ["KILL before the publication"],
}  # fmt: skip


def cases() -> Iterator[Any]:
    """Route, mode and blow of each test."""
    for place, route in enumerate(ROUTES):
        target = TARGETS[route.target]
        for turn, mode in enumerate(target.modes):
            chosen = blows(target.writer)
            if not ALL:
                chosen = [blow for blow in chosen if blow.id in SAMPLE.get((route.id, mode), ())]
            elif mode not in EVERYWHERE:
                chosen = [blow for number, blow in enumerate(chosen) if number % 3 == turn % 3]
            if ALL:
                chosen = [*chosen[(turn + place) % EVERY :: EVERY], *([long_stop()] if turn == 0 else [])]
            for number, blow in enumerate(chosen):
                yield pytest.param(route, mode, blow, id=f"{route.id} {mode} {blow.id} {number}")


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize(("route", "mode", "blow"), list(cases()))
def test_a_run_that_is_hit(
    request: pytest.FixtureRequest,
    tmp_path: Path,
    outcomes: list[Outcome],
    clean: dict[tuple[str, str], float],
    route: Route,
    mode: str,
    blow: Blow,
) -> None:
    reader = SOURCES[route.source](request, tmp_path)
    hitting = Hitting(route, mode, reader, TARGETS[route.target](request, tmp_path))
    if not blow.at and (route.id, mode) not in clean:
        clean[route.id, mode] = hitting.seconds()
    outcome = hitting.hit(blow, clean.get((route.id, mode), 0))
    outcomes.append(outcome)
    assert not outcome.wrong, outcome.wrong
