"""Names of tables and columns as jobs write them."""

from __future__ import annotations

import pytest

from starhaul import ConfigError
from starhaul_stores.relational.names import expanded, told_apart


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


def test_names_that_differ_by_case_stay_where_that_tells_them_apart() -> None:
    assert told_apart(["a", "A", "a", "A"], by_case=True) == ["a", "A", "a_2", "A_2"]


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("t", ["t"]),
        (" a , b ,", ["a", "b"]),
        ("db.t_[08-10]x, u", ["db.t_08x", "db.t_09x", "db.t_10x", "u"]),
        ("t[9-11]", ["t9", "t10", "t11"]),
        ("t[02-00]", ["t00", "t01", "t02"]),
        ("t[3-3]", ["t3"]),
        ("`t_[00-31]`", ["`t_[00-31]`"]),
        ("db.`t,[0-1]`, `d`.t[0-1]", ["db.`t,[0-1]`", "`d`.t[0-1]"]),
        ("t[x]", ["t[x]"]),
    ],
)
def test_lists_and_ranges(text: str, names: list[str]) -> None:
    assert expanded(text) == names


def test_a_range_may_be_too_long() -> None:
    with pytest.raises(ConfigError, match="longer than 10000"):
        expanded("t[0-10000]")
