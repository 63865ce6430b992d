"""Names of tables and columns as jobs write them."""

from __future__ import annotations

import pytest

from starhaul_stores.relational.names import told_apart


@pytest.mark.parametrize(
    ("names", "told"),
    [
        ([], []),
        (["a", "b"], ["a", "b"]),
        (["a", "A", "a"], ["a", "A_2", "a_3"]),
        (["a", "a", "a_2", "a_2"], ["a", "a_3", "a_2", "a_2_2"]),
    ],
)
def test_names_are_told_apart(names: list[str], told: list[str]) -> None:
    assert told_apart(names) == told
