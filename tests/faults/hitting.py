"""One run that is hit, mended as a user would, and judged by what the target holds then."""

from __future__ import annotations

import json
import signal
import threading
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from starhaul.runs.store import RunStore
from tests.faults.outcomes import Outcome
from tests.faults.points import Blow
from tests.faults.process import clean_seconds, hit, starhaul
from tests.faults.sources import ROWS
from tests.faults.target import OLD, REPLACING, Target, expected_rows

PAUSE_BETWEEN_LOOKS = 0.02
_RESUMES = 3
_STRUCK = (-signal.SIGKILL, -signal.SIGTERM, 143)
"""How a process ends that was hit."""


@dataclass(frozen=True)
class Route:
    """From one store into another."""

    source: str
    target: str

    @property
    def id(self) -> str:
        """As pages name it."""
        return f"{self.source} → {self.target}"


class Hitting:
    """Hits the runs of one route in one mode."""

    def __init__(self, route: Route, mode: str, reader: Mapping[str, Any], target: Target) -> None:
        self._route, self._mode, self._target = route, mode, target
        self._folder = target.folder
        target.fill(mode)
        self._job = self._folder / "job.json"
        writer = {"name": target.writer, **target.parameters(mode)}
        self._job.write_text(json.dumps({"reader": dict(reader), "writer": writer, "settings": {"channel": 3}}))

    def seconds(self) -> float:
        """How long a run takes that nobody hits."""
        seconds = clean_seconds(self._folder / "clean", self._job)
        outcome = self._empty(Blow("never"))
        self._judge(outcome)
        assert not outcome.wrong, outcome.wrong
        self._target.fill(self._mode)
        return seconds

    def hit(self, blow: Blow, clean: float) -> Outcome:
        """Run the job, hit it, mend it. `clean` is what `seconds` said. Called once."""
        outcome = self._empty(blow)
        with self._watched(outcome):
            self._strike(blow, outcome, clean)
        self._judge(outcome)
        return outcome

    def _empty(self, blow: Blow) -> Outcome:
        return Outcome(self._route.id, self._target.writer, self._mode, blow.phase, blow.how)

    def _strike(self, blow: Blow, outcome: Outcome, clean: float) -> None:
        state = self._folder / "state"
        with RunStore(state) as store:
            known = {run.id for run in store.runs(10**6)}
        done = hit(state, ["run", str(self._job)], blow, clean)
        if done.returncode == 0:
            outcome.blows = int(blow.how == "SIGSTOP")
            outcome.by_itself = 1
            return
        outcome.blows = int(done.returncode in _STRUCK)
        if not outcome.blows and not blow.fail_at:  # a run that fails may have nothing to abort
            outcome.wrong.append(f"exit code {done.returncode}: {done.stdout[-500:]}")
        if blow.again_at:
            done = hit(state, ["resume", "--last"], replace(blow, at=blow.again_at), clean)
            outcome.blows += done.returncode != 0
        self._mend(state, outcome, known)

    def _mend(self, state: Path, outcome: Outcome, known: Collection[str]) -> None:
        """Resume the run that is not `known`, as often as that helps; without one, begin anew."""
        with RunStore(state) as store:
            states = [run.state for run in store.runs() if run.id not in known]
        if states == ["done"]:
            outcome.by_itself = 1
            return
        if not states:
            anew = starhaul(state, "run", str(self._job))
            outcome.anew = 1
            if anew.returncode:
                outcome.wrong.append(f"a run anew: {anew.stderr[-500:]}")
            return
        for _ in range(_RESUMES):
            resumed = starhaul(state, "resume", "--last")
            if resumed.returncode == 0:
                outcome.resumed = 1
                return
        outcome.wrong.append(f"not resumed, exit code {resumed.returncode}: {resumed.stderr[-500:]}")

    @contextmanager
    def _watched(self, outcome: Outcome) -> Iterator[None]:
        """Look at the target all the while where its rows are to be replaced."""
        if self._mode not in REPLACING or not self._target.shields:
            yield
            return
        over = threading.Event()

        def watch() -> None:
            with self._target.looking() as look:
                while not over.wait(PAUSE_BETWEEN_LOOKS):
                    rows = look()
                    old = sum(text == "old" for _, text in rows)
                    new = len(rows) - old
                    outcome.looks += 1
                    outcome.partial += old < OLD and new < ROWS
                    outcome.both += old > 0 and new > 0

        watcher = threading.Thread(target=watch)
        watcher.start()
        try:
            yield
        finally:
            over.set()
            watcher.join()

    def _judge(self, outcome: Outcome) -> None:
        with self._target.looking() as look:
            rows = sorted(look())
        expected = expected_rows(self._mode)
        if rows != expected:
            lost, more = set(expected) - set(rows), set(rows) - set(expected)
            told = f"{len(rows)} rows for {len(expected)}; lost {sorted(lost)[:3]}, not expected {sorted(more)[:3]}"
            outcome.wrong.append(told)
        if left := self._target.left():
            outcome.wrong.append(f"left behind: {left}")
        if outcome.partial or (outcome.both and self._target.at_once):
            outcome.wrong.append(f"{outcome.partial} looks saw part of the rows, {outcome.both} both")
