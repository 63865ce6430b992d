"""What became of each run that was hit, and how that is kept."""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

KEPT = Path(__file__).with_name("outcomes.json")


@dataclass
class Outcome:
    """One blow and what came of it. Where it is kept, all blows of a kind together."""

    route: str
    writer: str
    mode: str
    phase: str
    how: str
    blows: int = 0
    """How often it was hit. A run that was over before its moment came is none."""
    resumed: int = 0
    """The target was right after `starhaul resume` (or, with cut connections, after the engine's own retries),"""
    anew: int = 0
    """after a second `starhaul run`, as there was no run yet to resume,"""
    by_itself: int = 0
    """or at the end of the run that was hit."""
    looks: int = 0
    """How often another program looked at a target whose rows were to be replaced,"""
    partial: int = 0
    """and saw part of the new rows and not all of the old ones,"""
    both: int = 0
    """or new rows beside old ones."""
    wrong: list[str] = field(default_factory=list)
    """What was not as promised."""

    @property
    def kind(self) -> tuple[str, ...]:
        """What belongs together."""
        return self.writer, self.mode, self.route, self.phase, self.how


def together(outcomes: Iterable[Outcome]) -> list[Outcome]:
    """One for each kind, in order."""
    kinds: dict[tuple[str, ...], Outcome] = {}
    for each in outcomes:
        known = kinds.get(each.kind)
        if known is None:
            kinds[each.kind] = replace(each, wrong=list(each.wrong))
            continue
        for name in ("blows", "resumed", "anew", "by_itself", "looks", "partial", "both", "wrong"):
            setattr(known, name, getattr(known, name) + getattr(each, name))
    return sorted(kinds.values(), key=lambda each: each.kind)


def load() -> list[Outcome]:
    """What was kept last."""
    return [Outcome(**each) for each in json.loads(KEPT.read_text(encoding="utf-8"))["outcomes"]]


def keep(outcomes: Iterable[Outcome], about: dict[str, Any]) -> None:
    """Keep these in place of what is known of their kinds. Several processes may do so."""
    lock = os.open(KEPT.parent, os.O_RDONLY)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        _keep(list(outcomes), about)
    finally:
        os.close(lock)


def _keep(new: Sequence[Outcome], about: dict[str, Any]) -> None:
    again = {each.kind for each in new}
    old = [each for each in load() if each.kind not in again] if KEPT.exists() else []
    kept = {"about": about, "outcomes": [_lean(each) for each in together([*old, *new])]}
    lines = json.dumps(kept, ensure_ascii=False, separators=(", ", ": ")).replace('{"route"', '\n{"route"')
    KEPT.write_text(lines + "\n", encoding="utf-8")


def _lean(outcome: Outcome) -> dict[str, Any]:
    return {name: value for name, value in asdict(outcome).items() if value or name in ("route", "blows")}
