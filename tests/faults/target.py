"""A store that the runs that are hit write into, and how to look at it past the plugins."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, ClassVar, TypeAlias

from tests.faults.sources import ROWS, Fixtures

OLD = 100
Row: TypeAlias = tuple[int, str]
Look: TypeAlias = Callable[[], Sequence[Row]]
"""All rows that anybody sees now."""

KEYED = ("ignore", "replace", "update", "normal")
REPLACING = ("overwrite", "truncate")


def old_rows(mode: str) -> list[Row]:
    """What the target holds before the run: rows with the keys of new ones where the mode knows keys."""
    return [] if mode == "nonConflict" else [(n if mode in KEYED else -n, "old") for n in range(1, OLD + 1)]


def expected_rows(mode: str) -> list[Row]:
    """What it is to hold after it."""
    new, old = {n: f"row {n}" for n in range(1, ROWS + 1)}, dict(old_rows(mode))
    if mode in REPLACING:
        old = {}
    return sorted(({**new, **old} if mode == "ignore" else {**old, **new}).items())


class Target(ABC):
    """One target in the hands of one test."""

    writer: ClassVar[str]
    modes: ClassVar[Sequence[str]]
    at_once: ClassVar[bool] = True
    """Whether `overwrite` shows all new rows and takes the old ones away in one step. Where it does not, the old rows
    go only when all new ones are there."""
    shields: ClassVar[bool] = True
    """Whether who looks at rows that are replaced sees all the old ones or all the new ones at any moment."""

    def __init__(self, request: Fixtures, folder: Path) -> None:
        self.folder = folder

    @classmethod
    def choice(cls, mode: str) -> Mapping[str, Any]:
        """The parameters that choose a mode."""
        return {"writeMode": mode}

    @abstractmethod
    def fill(self, mode: str) -> None:
        """Put the old rows there, and nothing else."""

    @abstractmethod
    def parameters(self, mode: str) -> Mapping[str, Any]:
        """The writer's."""

    @abstractmethod
    def looking(self) -> AbstractContextManager[Look]:
        """A connection of one's own to look through."""

    @abstractmethod
    def left(self) -> Sequence[str]:
        """What a run has left behind."""
