"""Moves the values of one store along a route and tells what became of each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from starhaul import ConfigError, run
from starhaul.runs.rejects import read_rejects
from tests.fidelity.databases import Database
from tests.fidelity.forms import exactly, plain, there_is, told
from tests.fidelity.values import REFUSED, Route, Type, Value

TIMES = 5
APART = 1000
"""The table `many` holds each row so many times, with ids so far apart."""


@dataclass(frozen=True)
class Outcome:
    """What became of a value on a route."""

    type: Type
    value: Value
    route: Route
    target: str
    """The type of the target column."""
    seen: str
    """`equal`, `rejected: REASON` in the run's words, or `differs: SOURCE | TARGET`, as both databases tell it."""

    @property
    def expected(self) -> str:
        """What the value table says."""
        return self.value.expected(self.route, self.type)

    @property
    def right(self) -> bool:
        """Whether it is what the value table says."""
        how, _, detail = self.expected.partition(": ")
        if how == "rejected":
            return self.seen.startswith("rejected: ") and detail in self.seen
        if how == "converted" and " to " in detail:
            return self.seen.startswith("differs: ") and self.seen.endswith(f" | {detail.rpartition(' to ')[2]}")
        return self.seen == "equal"


@dataclass(frozen=True)
class Passage:
    """The values of one store: in its table `origin` there is a column for each type and a row for each value, with
    NULL in all other columns; `many` holds the same rows several times, but for those of values to be moved alone."""

    source: Database
    types: Sequence[Type]
    folder: Path

    @property
    def values(self) -> list[tuple[int, Value]]:
        """Each value with the number of its type. Its row's id is its place in this list."""
        return [(number, value) for number, kind in enumerate(self.types) for value in kind.values]

    def fill(self) -> None:
        """Make the tables."""
        columns = ", ".join(f"c{number} {kind.sql} NULL" for number, kind in enumerate(self.types))
        self.source.execute(f"CREATE TABLE origin (id int NOT NULL, {columns})")
        for row, (number, value) in enumerate(self.values):
            literal = self.source.literal(value.literal, self.types[number].sql)
            self.source.execute(f"INSERT INTO origin (id, c{number}) VALUES ({row}, {literal})")
        self.like_origin("many")
        names = ", ".join(f"c{number}" for number in range(len(self.types)))
        few = f"id NOT IN (-1{''.join(f', {row}' for row, (_, value) in enumerate(self.values) if value.alone)})"
        for time in range(TIMES):
            self.source.execute(f"INSERT INTO many SELECT id + {time * APART}, {names} FROM origin WHERE {few}")

    def like_origin(self, table: str) -> None:
        """Make an empty table of the same types."""
        like = "LIKE origin" if self.source.store == "mysql" else "(LIKE origin)"
        self.source.execute(f"CREATE TABLE {table} {like}")

    def move(self, route: Route, base: Database, table: str, target: Database, into: str, where: str) -> dict[int, str]:
        """Run a job from a table into another, which it creates if it is not there; the ids of the rejected rows, with
        the reasons."""
        columns = ["id", *(f"c{number}" for number, kind in enumerate(self.types) if not kind.is_refused(route))]
        report = self._run(base, table, target, into, columns, where)
        lines = read_rejects(Path(report.rejects)) if report.rejects else ()
        return {int(line["row"]["id"]): line["reason"] for line in lines}

    def refusal(self, base: Database, table: str, target: Database, into: str, number: int) -> str:
        """The words with which a job is refused that moves the values of one type."""
        with pytest.raises(ConfigError) as error:
            self._run(base, table, target, into, ["id", f"c{number}"], "")
        return f"rejected: {REFUSED}: {error.value}"

    def _run(self, base: Database, table: str, target: Database, into: str, columns: list[str], where: str) -> Any:
        reader = {**base.address(), "table": table, "column": columns, "where": where}
        writer = {**target.address(), "table": into, "column": columns, "createTable": "ifMissing"}
        settings = {"errorLimit": {"record": len(self.values)}}
        report = run({"reader": reader, "writer": writer, "settings": settings}, state=self.folder / "state")
        assert report.state == "done", report.error
        return report

    def outcomes(
        self,
        route: Route,
        target: Database,
        table: str,
        rejected: Mapping[int, str],
        origin: str,
        where: str,
        *,
        strict: bool,
    ) -> list[Outcome]:
        """What became of the rows of `origin`, or those that `where` selects, on their way to `table`. With
        `strict` not even a different text of the same value will do."""
        kinds, there = self.source.types("origin"), target.types(table)
        found = []
        for number, kind in enumerate(self.types):
            if kind.is_refused(route):
                continue
            column = f"c{number}"
            tell = exactly if strict else told
            sent = self._told(
                self.source, tell(self.source.store, kind.form, column, kinds[column]), column, origin, where
            )
            arrived = self._told(target, tell(target.store, kind.form, column, there[column]), column, table)
            wrong = {row: text for row, text in arrived.items() if row not in sent or row in rejected}
            assert not wrong, f"{kind.sql}: values out of nothing: {wrong}"
            for row, before in sorted(sent.items()):
                after = arrived.get(row, "nothing")
                if not strict and row in arrived:
                    before, after = plain(kind.form, before), plain(kind.form, after)
                seen = "equal" if before == after else f"differs: {before:.200} | {after:.200}"
                seen = f"rejected: {rejected[row]}" if row in rejected else seen
                found.append(Outcome(kind, self.values[row % APART][1], route, there[column], seen))
        return found

    def _told(self, base: Database, sql: str, column: str, table: str, where: str = "") -> dict[int, str]:
        there = f"{there_is(base.store, column)}{' AND ' if where else ''}{where}"
        return {row: str(text) for row, text in base.execute(f"SELECT id, {sql} FROM {table} WHERE {there}")}
