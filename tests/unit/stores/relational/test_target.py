"""The columns that a job names are found, and those that cannot be written are told."""

from __future__ import annotations

from dataclasses import replace

import pytest

from starhaul import ConfigError
from starhaul_stores.relational.target import target_columns
from tests.unit.stores.rdbms.offline import oracle, table

PLAIN = table(oracle(), "orders", ["id"], id="NUMBER", name="VARCHAR2(9)", twice="NUMBER")
ORDERS = replace(PLAIN, columns=(*PLAIN.columns[:2], replace(PLAIN.columns[2], generated=True)))


@pytest.mark.parametrize(
    ("wanted", "names"), [(["*"], ["id", "name"]), (["name", "ID"], ["name", "id"]), (["id"], ["id"])]
)
def test_columns_are_found(wanted: list[str], names: list[str]) -> None:
    assert [column.name for column in target_columns(ORDERS, wanted)] == names


@pytest.mark.parametrize(
    ("wanted", "told"),
    [
        (["nam"], r"column: table 'orders' has no column 'nam' \(did you mean 'name'\?"),
        (["*", "id"], r"has no column '\*'"),
        (["twice"], "column: 'twice' is a generated column .leave it out"),
        (["id", "ID"], "column: 'id' is named twice"),
    ],
)
def test_others_are_refused(wanted: list[str], told: str) -> None:
    with pytest.raises(ConfigError, match=told):
        target_columns(ORDERS, wanted)
