"""Tables whose names or columns are not plain, and what becomes of their rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeAlias

from starhaul import ConfigError, run
from tests.fidelity.databases import Database
from tests.fidelity.values import ROUTES, Route, Store

Column: TypeAlias = tuple[str, str]
"""Name and type, as SQL."""

HOSTILE = (
    "it's", 'say "so"', "back`tick", "with blank", " before", "a.b", "[x]", "100%s %", "back\\slash", "semi;--",
    "$1 ?:a", "{x}", "#h", "Éé日本",
)  # fmt: skip
RESERVED = (
    "select", "ORDER", "Group", "user", "table", "from", "where", "key", "primary", "index", "values", "default",
    "null", "rowid", "oid", "_rowid_", "schema", "count", "id_",
)  # fmt: skip
_SYSTEM = ("ctid", "xmin", "tableoid")
_LONG = "日" * 22
_REFUSED = "refused: "


@dataclass(frozen=True)
class Shape:
    """A table with the column `id` and others."""

    told: str
    """What it is, for the page."""
    store: Store
    columns: Sequence[Column]
    filled: Sequence[str] = ()
    """The columns that its rows are inserted with; empty: all of them."""
    table: str = "shaped"
    copy: str = "shaped_copy"
    """What its copy in the same database is called."""
    wanted: Sequence[str] = ("*",)
    """What the job says in `column` on both sides, but for `id`."""
    compared: Sequence[str] = ()
    """The columns to compare; empty: all of them."""
    there: bool = False
    """Whether the target is there before, of the same columns; else it is created."""
    outcomes: Mapping[Route, str] = field(default_factory=dict)
    """What becomes of it where that is not `equal`: what begins with `refused` is refused with these words."""

    def expected(self, route: Route) -> str:
        """What must become of it. What does not get into SQLite does not come back."""
        there = self.outcomes.get("sqlite", "") if route == "back" else ""
        return there if there.startswith(_REFUSED) else self.outcomes.get(route, "equal")

    def seen_as(self, route: Route, seen: str) -> bool:
        """Whether it is what must become of it."""
        told = self.expected(route)
        if told.startswith(_REFUSED):
            return seen.startswith(_REFUSED) and told.removeprefix(_REFUSED) in seen
        return seen == told


def _of(names: Sequence[str]) -> list[Column]:
    return [(name, "varchar(40)") for name in names]


def _computed(kind: str) -> list[Column]:
    return [("a", "int"), ("twice", f"int GENERATED ALWAYS AS (a * 2) {kind}"), ("b", "int")]


_HIDDEN = (("a", "int"), ("hidden", "int INVISIBLE DEFAULT 7"), ("b", "int"))
_TWICE: Mapping[Route, str] = dict.fromkeys(ROUTES, f"{_REFUSED}'twice' is computed by the target")
_ALIKE: Mapping[Route, str] = {
    "other": f"{_REFUSED}are the same column in MySQL", "sqlite": f"{_REFUSED}are the same column in SQLite",
}  # fmt: skip
_PLAIN = "into a new table, where it is a plain one that holds its values"
_SHOWN = ", ".join(f"`` {name} ``" if "`" in name or name[0] == " " else f"`{name}`" for name in HOSTILE)


def _both(store: Store) -> tuple[Shape, ...]:
    return (
        Shape(f"table and columns with names like {_SHOWN}", store, _of(HOSTILE),
              table="o'r \"d` [e] %s; -- \\ é", copy="c'o \"p` [y] %s; -- \\ é"),
        Shape("table `select`, with columns called by reserved words", store, _of(RESERVED), table="select",
              copy="ORDER"),
        Shape(f"a computed column (stored) {_PLAIN}", store, _computed("STORED"),
              ("a", "b")),
        Shape("a computed column (stored) into a table that computes it too, with `column: [\"*\"]`", store,
              _computed("STORED"), ("a", "b"), there=True, outcomes=_TWICE),
        Shape("the same, with all other columns named", store,
              _computed("STORED"), ("a", "b"), wanted=("a", "b"), there=True),
    )  # fmt: skip


SHAPES: Mapping[Store, tuple[Shape, ...]] = {
    "mysql": (
        *_both("mysql"),
        Shape(f"a computed column (virtual) {_PLAIN}", "mysql", _computed("VIRTUAL"),
              ("a", "b")),
        Shape("a column called by 22 letters of 66 bytes", "mysql", _of((_LONG,)),
              outcomes={"other": f"{_REFUSED}63 bytes"}),
        Shape("columns called `ctid`, `xmin`, `tableoid`", "mysql", _of(_SYSTEM),
              outcomes={"other": f"{_REFUSED}system column in PostgreSQL"}),
        Shape("an invisible column, which `column: [\"*\"]` leaves out as `SELECT *` does", "mysql", _HIDDEN,
              compared=("a", "b")),
        Shape("an invisible column that is named", "mysql", _HIDDEN, wanted=("a", "hidden", "b")),
    ),
    "postgresql": (
        *_both("postgresql"),
        Shape("columns that differ by case alone", "postgresql", _of(("a", "A")), outcomes=_ALIKE),
        Shape("a column with a blank at the end of its name", "postgresql", _of(("a ",)),
              outcomes={"other": f"{_REFUSED}no blank at the end"}),
    ),
}  # fmt: skip


def quoted(store: Store, name: str) -> str:
    """A name as SQL, and as a job may give it."""
    mark = "`" if store == "mysql" else '"'
    return f"{mark}{name.replace(mark, mark * 2)}{mark}"


def journey(shape: Shape, bases: Mapping[Store, Database], folder: Path) -> dict[Route, str]:
    """What becomes of a table on every route: `equal`, `differs: …`, or `refused: …`."""
    source, sqlite = bases[shape.store], bases["sqlite"]
    other = bases["postgresql" if shape.store == "mysql" else "mysql"]
    _create(source, shape.table, shape)
    names = [name for name, _ in shape.columns if not shape.filled or name in shape.filled]
    for row in range(3):
        values = ", ".join(str(row + place) for place in range(len(names))) if row else ", ".join(["NULL"] * len(names))
        into = ", ".join(quoted(shape.store, name) for name in ("id", *names))
        source.execute(f"INSERT INTO {quoted(shape.store, shape.table)} ({into}) VALUES ({row}, {values})")
    seen: dict[Route, str] = {}
    legs: tuple[tuple[Route, Database, str, Database, str], ...] = (
        ("same", source, shape.table, source, shape.copy),
        ("other", source, shape.table, other, shape.table),
        ("sqlite", source, shape.table, sqlite, shape.table),
        ("back", sqlite, shape.table, source, shape.copy),
    )
    for route, base, table, target, into in legs:
        if route == "back" and seen["sqlite"].startswith(_REFUSED):
            seen[route] = seen["sqlite"]
            continue
        seen[route] = _moved(shape, base, table, target, into, folder)
        if seen[route] == "equal":
            wanted, arrived = _rows(shape, source, shape.table), _rows(shape, target, into)
            seen[route] = "equal" if wanted == arrived else f"differs: {wanted} | {arrived}"
    for base, table in ((source, shape.table), (source, shape.copy), (other, shape.table), (sqlite, shape.table)):
        base.execute(f"DROP TABLE IF EXISTS {quoted(base.store, table)}")
    return seen


def _create(base: Database, table: str, shape: Shape) -> None:
    base.execute(f"DROP TABLE IF EXISTS {quoted(base.store, table)}")
    columns = "".join(f", {quoted(base.store, name)} {kind}" for name, kind in shape.columns)
    base.execute(f"CREATE TABLE {quoted(base.store, table)} (id int NOT NULL{columns})")


def _moved(shape: Shape, base: Database, table: str, target: Database, into: str, folder: Path) -> str:
    if shape.there:
        _create(target, into, shape)
    else:
        target.execute(f"DROP TABLE IF EXISTS {quoted(target.store, into)}")

    def side(of: Database, name: str) -> dict[str, Any]:
        every = tuple(shape.wanted) == ("*",)
        columns = shape.wanted if every else [quoted(of.store, column) for column in ("id", *shape.wanted)]
        return {**of.address(), "table": quoted(of.store, name), "column": list(columns)}

    try:
        report = run(
            {"reader": side(base, table), "writer": {**side(target, into), "createTable": "ifMissing"}},
            state=folder / "state",
        )
    except ConfigError as error:
        return f"{_REFUSED}{error}"
    return "equal" if report.state == "done" else f"failed: {report.error}"


def _rows(shape: Shape, base: Database, table: str) -> list[tuple[Any, ...]]:
    """The rows that the store tells, as texts."""
    kind = {"mysql": "char", "postgresql": "text", "sqlite": "text"}[base.store]
    names = shape.compared or [name for name, _ in shape.columns]
    told = ", ".join(f"CAST({quoted(base.store, name)} AS {kind})" for name in names)
    return base.execute(f"SELECT id, {told} FROM {quoted(base.store, table)} ORDER BY id")
