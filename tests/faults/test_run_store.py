"""A run store that is full, or that somebody else has locked for good, in the midst of runs: they fail with its place
in their message, and a resume delivers the rest exactly. `make faults` tries every border, the ordinary run two."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.faults.points import ALL, BORDERS
from tests.faults.process import starhaul
from tests.faults.sources import SOURCES
from tests.faults.table_targets import Postgresql, Sqlite
from tests.faults.target import Target, expected_rows

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
    job = _job(request, target, mode)
    for number, phase in enumerate(LATER if ALL else ("before a receipt", "after the publication")):
        state = tmp_path / f"state{number}"
        said = _broken_and_mended(target, mode, job, state, **{trouble: BORDERS[phase]})
        assert told in said, f"{phase}: {said}"
        assert str(state / "runs.db") in said


@pytest.mark.slow
@pytest.mark.parametrize("mode", ["insert", "overwrite"])
def test_a_disk_that_is_full_for_target_and_run_store(
    request: pytest.FixtureRequest, tmp_path: Path, mode: str
) -> None:
    target = Sqlite(request, tmp_path)
    job = _job(request, target, mode)
    for number, phase in enumerate(LATER if ALL else ("in the midst of a task", "before the publication")):
        said = _broken_and_mended(target, mode, job, tmp_path / f"state{number}", full_at=BORDERS[phase])
        assert ".db" in said, f"{phase}: {said}"


@pytest.mark.parametrize("trouble", ["full_at", "locked_at"])
def test_a_run_store_that_fails_before_a_run_begins(
    request: pytest.FixtureRequest, tmp_path: Path, trouble: str
) -> None:
    target = Postgresql(request, tmp_path)
    job = _job(request, target, "insert")
    target.fill("insert")
    before = _rows(target)
    starhaul(tmp_path / "state", "runs")
    broken = starhaul(tmp_path / "state", "run", str(job), **{trouble: "starhaul.runs.store:RunStore.begin:before:1"})
    assert broken.returncode == 1, broken.stdout + broken.stderr
    assert "runs.db" in broken.stderr
    assert _rows(target) == before


def _job(request: pytest.FixtureRequest, target: Target, mode: str) -> Path:
    job, reader = target.folder / "job.json", SOURCES["CSV"](request, target.folder)
    writer = {"name": target.writer, **target.parameters(mode)}
    job.write_text(json.dumps({"reader": dict(reader), "writer": writer, "settings": {"channel": 2}}))
    return job


def _broken_and_mended(target: Target, mode: str, job: Path, state: Path, **trouble: str) -> str:
    """What a run says that meets this trouble. It must fail, and a resume without the trouble must deliver exactly."""
    state.mkdir()
    target.fill(mode)
    broken = starhaul(state, "run", str(job), **trouble)
    assert broken.returncode == 1, f"{trouble}: {broken.stdout}{broken.stderr}"
    assert "Traceback" not in broken.stderr
    mended = starhaul(state, "resume", "--last")
    assert mended.returncode == 0, f"{trouble}: {mended.stderr}"
    assert _rows(target) == expected_rows(mode), trouble
    assert target.left() == [], trouble
    return broken.stderr


def _rows(target: Target) -> Sequence[tuple[int, str]]:
    with target.looking() as look:
        return sorted(look())
