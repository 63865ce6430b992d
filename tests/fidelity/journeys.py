"""All routes of the values of one store, one after the other."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from pathlib import Path

from tests.fidelity import mysql_values, postgresql_values
from tests.fidelity.databases import Database
from tests.fidelity.passage import APART, Outcome, Passage
from tests.fidelity.values import ROUTES, Route, Store, Type

TYPES: Mapping[Store, tuple[Type, ...]] = {"mysql": mysql_values.TYPES, "postgresql": postgresql_values.TYPES}


class Journeys:
    """What becomes of the values of `store`: one row for each at first, then all that got through in great number, as
    the stores' bulk paths are not those for a few rows."""

    def __init__(self, databases: Sequence[Database], store: Store, folder: Path) -> None:
        self._databases: Mapping[str, Database] = {each.store: each for each in databases}
        self._passage = Passage(self._databases[store], TYPES[store], folder)
        self._passage.fill()
        self.few = self._travel("origin", {})
        self.many = self._travel("many", {route: self._lost(route) for route in ROUTES})
        self.created = self._created()

    def _created(self) -> list[Outcome]:
        """Into the same kind of store, but into a table that Starhaul creates."""
        source, into = self._passage.source, "created"
        rejected = self._passage.move("same", source, "origin", source, into, "")
        return self._passage.outcomes("same", source, into, rejected, "origin", "", strict=False)

    def _lost(self, route: Route) -> list[int]:
        """The ids of the values that were rejected on a route."""
        outcomes = [each for each in self.few if each.route == route and each.seen.startswith("rejected")]
        lost = {id(each.value) for each in outcomes}
        return [row for row, (_, value) in enumerate(self._passage.values) if id(value) in lost]

    def _travel(self, origin: str, without: Mapping[Route, Collection[int]]) -> list[Outcome]:
        passage, sqlite = self._passage, self._databases["sqlite"]
        source = passage.source
        (other,) = (base for base in self._databases.values() if base not in (source, sqlite))
        legs: tuple[tuple[Route, Database, str, Database], ...] = (
            ("same", source, origin, source),
            ("other", source, origin, other),
            ("sqlite", source, origin, sqlite),
            ("back", sqlite, f"{origin}_of_{source.store}_sqlite", source),
        )
        found: list[Outcome] = []
        lost: dict[int, str] = {}
        for route, base, table, target in legs:
            into = f"{origin}_of_{source.store}_{route}"
            if target is source:
                passage.like_origin(into)
            left_out = without.get(route, ())
            where = f"id % {APART} NOT IN ({', '.join(map(str, left_out))})" if left_out else ""
            rejected = passage.move(route, base, table, target, into, where)
            reasons = {**lost, **rejected} if route == "back" else rejected
            lost = rejected if route == "sqlite" else {}
            found += passage.outcomes(route, target, into, reasons, origin, where, strict=target is source)
            for number, kind in enumerate(passage.types):
                if kind.is_refused(route) and not without:
                    told = passage.refusal(base, table, target, into, number)
                    found += [Outcome(kind, value, route, "", told) for value in kind.values]
        return found
