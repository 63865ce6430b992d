"""How much a run keeps of the rows that it rejects."""

from __future__ import annotations

from pathlib import Path

from starhaul.runs.rejects import read_rejects
from tests.unit.engine.conftest import Bench


def test_rows_beyond_the_bound_are_counted_and_told(bench: Bench) -> None:
    report = bench.run(writer={"refuse": 5}, rejects={"maxBytes": 0}, errorLimit={"record": 1})
    assert (report.state, report.rejected, report.written) == ("done", 1, 11)
    assert report.warnings == ["1 rejected rows were not kept: settings.rejects.maxBytes was reached"]
    assert report.rejects is not None
    assert list(read_rejects(Path(report.rejects))) == []


def test_limits_hold_for_rows_that_are_not_kept(bench: Bench) -> None:
    assert bench.run(writer={"refuse": 5}, rejects={"maxBytes": 0}).exit_code == 4
