"""What a value is in these tests, and what may become of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

Store: TypeAlias = Literal["mysql", "postgresql", "sqlite"]
Route: TypeAlias = Literal["same", "other", "sqlite", "back"]
"""Into the same kind of store, into the other one, into SQLite, and from SQLite back into the first."""
Form: TypeAlias = Literal["number", "float", "text", "bytes", "bool", "bits", "digits", "moment", "duration", "own"]
"""How values of a type are compared across stores: see `forms`."""

REFUSED = "the job is refused"
OWN_TEXT = "converted: its own text"
ROUTES: tuple[Route, ...] = ("same", "other", "sqlite", "back")


@dataclass(frozen=True)
class Value:
    """One value of a type."""

    literal: str
    """As SQL of its store."""
    outcomes: Mapping[Route, str] = field(default_factory=dict)
    """What becomes of it where that is not `equal`: `converted: how` or `rejected: why`. `why` must occur in the reason
    that the run gives."""
    shown: str = ""
    """In place of the literal, where that is long."""
    alone: bool = False
    """Whether it is so long that it is not moved in great number."""

    def expected(self, route: Route, kind: Type) -> str:
        """What must become of it. What does not get into SQLite does not come back."""
        told = self.outcomes.get(route) or kind.outcomes.get(route, "equal")
        there = self.outcomes.get("sqlite", "") if route == "back" else ""
        return there if there.startswith("rejected") else told


@dataclass(frozen=True)
class Type:
    """A type of a store with its extreme values."""

    sql: str
    form: Form
    values: Sequence[Value]
    outcomes: Mapping[Route, str] = field(default_factory=dict)
    """What becomes of all its values where nothing is said of one: `converted: how` where the other store has no such
    type."""

    def is_refused(self, route: Route) -> bool:
        """Whether a job that moves it this way is refused as a whole."""
        return REFUSED in self.outcomes.get(route, "")


def of(sql: str, form: Form, *values: str | Value, **outcomes: str) -> Type:
    """A type; values that arrive equal everywhere are given as literals."""
    made = [Value(value) if isinstance(value, str) else value for value in values]
    return Type(sql, form, made, outcomes)  # type: ignore[arg-type]  # the names are routes


def but(literal: str, shown: str = "", **outcomes: str) -> Value:
    """A value that does not arrive equal everywhere."""
    return Value(literal, outcomes, shown)  # type: ignore[arg-type]  # the names are routes


def alone(literal: str, shown: str) -> Value:
    """A value too long to be moved in great number, which arrives equal everywhere."""
    return Value(literal, {}, shown, alone=True)


def text_elsewhere(sql: str, *values: str | Value, **outcomes: str) -> Type:
    """A type that no other store has: what the store itself prints for a value arrives there, as text."""
    return of(sql, "own", *values, **{"other": OWN_TEXT, "sqlite": OWN_TEXT, **outcomes})


def seen_as(seen: str, told: str) -> bool:
    """Whether what was seen is what is told, where `rejected: WHY` and `refused: WHY` tell but part of the
    reason."""
    how, _, reason = told.partition(": ")
    if how in ("rejected", "refused"):
        return seen.startswith(f"{how}: ") and reason.lower() in seen.lower()
    return seen == told
