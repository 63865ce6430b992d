"""Hostile and reserved names, computed and invisible columns on every route."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from starhaul import ConfigError, run
from tests.fidelity.databases import Database
from tests.fidelity.shapes import SHAPES, Shape, journey
from tests.fidelity.values import Store


@pytest.mark.parametrize(
    "shape", [shape for shapes in SHAPES.values() for shape in shapes], ids=lambda shape: shape.told
)
def test_a_table_fares_as_the_page_says(shape: Shape, bases: Mapping[Store, Database], tmp_path: Path) -> None:
    seen = journey(shape, bases, tmp_path)
    wrong = {route: told for route, told in seen.items() if not shape.seen_as(route, told)}
    assert wrong == {}


@pytest.mark.parametrize("store", ["mysql", "postgresql", "sqlite"])
def test_values_do_not_move_over_when_a_column_is_computed(
    store: Store, bases: Mapping[Store, Database], tmp_path: Path
) -> None:
    """As many columns on both sides as by chance, one of the source's computed by the target."""
    base = bases[store]
    base.execute("CREATE TABLE shift_from (id int, twice int, b int)")
    base.execute("INSERT INTO shift_from VALUES (1, 2, 3)")
    base.execute("CREATE TABLE shift_into (id int, twice int GENERATED ALWAYS AS (id * 2) STORED, b int, c int)")
    sides = {"reader": {**base.address(), "table": "shift_from"}, "writer": {**base.address(), "table": "shift_into"}}
    with pytest.raises(ConfigError, match=r"'twice' is computed by the target.*\(name all other columns"):
        run(sides, state=tmp_path)
    assert base.execute("SELECT * FROM shift_into") == []
    base.execute("DROP TABLE shift_from")
    base.execute("DROP TABLE shift_into")
