"""A run store that is full, or that somebody else has locked for good, in the midst of runs: they fail with its place
in their message, and a resume delivers the rest exactly. `make faults` tries every border, the ordinary run two."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.faults.points import BORDERS
from tests.faults.process import starhaul
from tests.faults.sources import SOURCES
from tests.faults.targets import Postgresql, Sqlite, Target, expected_rows

ALL = os.environ.get("STARHAUL_FAULTS") == "all"
LATER = tuple(BORDERS)[1:]
"""When the run is there to be resumed."""


@pytest.mark.slow
@pytest.mark.parametrize(
    ("mode", "trouble", "told"), [("insert", "full_at", "disk"), ("overwrite", "locked_at", "locked")]
)
def test_a_run_store_that_fails_under_a_run(
    request: pytest.FixtureRequest, tmp_path: Path, mode: str, trouble: str, told: str
) -> None:
    target = Postgresql(request, tmp_path)
    job, reader = tmp_path / "job.json", SOURCES["CSV"](request, tmp_path)
    writer = {"name": target.writer, **target.parameters(mode)}
    job.write_text(json.dumps({"reader": dict(reader), "writer": writer, "settings": {"channel": 2}}))
    for number, phase in enumerate(LATER if ALL else ("before a receipt", "after the publication")):
        state = tmp_path / f"state{number}"
        state.mkdir()
        target.fill(mode)
        broken = starhaul(state, "run", str(job), **{trouble: BORDERS[phase]})
        assert broken.returncode == 1, f"{phase}: {broken.stdout}{broken.stderr}"
        assert told in broken.stderr, f"{phase}: {broken.stderr}"
        assert str(state / "runs.db") in broken.stderr
        assert "Traceback" not in broken.stderr
        mended = starhaul(state, "resume", "--last")
        assert mended.returncode == 0, f"{phase}: {mended.stderr}"
        assert _rows(target) == expected_rows(mode), phase
        assert target.left() == [], phase


@pytest.mark.slow
@pytest.mark.parametrize("mode", ["insert", "overwrite"])
def test_a_disk_that_is_full_for_target_and_run_store(
    request: pytest.FixtureRequest, tmp_path: Path, mode: str
) -> None:
    target = Sqlite(request, tmp_path)
    job, reader = tmp_path / "job.json", SOURCES["CSV"](request, tmp_path)
    writer = {"name": target.writer, **target.parameters(mode)}
    job.write_text(json.dumps({"reader": dict(reader), "writer": writer, "settings": {"channel": 2}}))
    for number, phase in enumerate(LATER if ALL else ("in the midst of a task", "before the publication")):
        state = tmp_path / f"state{number}"
        state.mkdir()
        target.fill(mode)
        broken = starhaul(state, "run", str(job), full_at=BORDERS[phase])
        assert broken.returncode == 1, f"{phase}: {broken.stdout}{broken.stderr}"
        assert ".db" in broken.stderr, f"{phase}: {broken.stderr}"
        assert "Traceback" not in broken.stderr
        mended = starhaul(state, "resume", "--last")
        assert mended.returncode == 0, f"{phase}: {mended.stderr}"
        assert _rows(target) == expected_rows(mode), phase
        assert target.left() == [], phase


@pytest.mark.parametrize("trouble", ["full_at", "locked_at"])
def test_a_run_store_that_fails_before_a_run_begins(
    request: pytest.FixtureRequest, tmp_path: Path, trouble: str
) -> None:
    target = Postgresql(request, tmp_path)
    job, reader = tmp_path / "job.json", SOURCES["CSV"](request, tmp_path)
    target.fill("insert")
    before = _rows(target)
    job.write_text(
        json.dumps({"reader": dict(reader), "writer": {"name": target.writer, **target.parameters("insert")}})
    )
    starhaul(tmp_path / "state", "runs")
    broken = starhaul(tmp_path / "state", "run", str(job), **{trouble: "starhaul.runs.store:RunStore.begin:before:1"})
    assert broken.returncode == 1, broken.stdout + broken.stderr
    assert "runs.db" in broken.stderr
    assert _rows(target) == before


def _rows(target: Target) -> Sequence[tuple[int, str]]:
    with target.looking() as look:
        return sorted(look())
