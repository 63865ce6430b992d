"""What tells that a table is not to be cut, or not by a condition."""

from __future__ import annotations

import pytest

from starhaul_stores.relational.slices import closes_too_much, look_at_many_rows


@pytest.mark.parametrize(
    "text",
    ["count(*)", "MAX (a)", "distinct a", "sum(a) / 2 AS s", "rank() over w", "lag(a) OVER (ORDER BY b)",
     "@n := @n + 1", "ROWNUM", "string_agg(a, ',')", "'x' || avg(a)"],
)  # fmt: skip
def test_columns_of_many_rows(text: str) -> None:
    assert look_at_many_rows(["id", text])


@pytest.mark.parametrize(
    "text",
    ["*", "id", "count", "over", '"sum(a)"', "`count(*)`", "'max(a)'", "'it''s count(*)'", "now()", "least(a, b)",
     "a::text", "accounts(a)", "row_to_json(t)", "concat(a, 'distinct')"],
)  # fmt: skip
def test_columns_of_one_row(text: str) -> None:
    assert not look_at_many_rows(["id", text])


@pytest.mark.parametrize(
    ("where", "expected"),
    [
        ("a = 1) OR (b = 2", True),
        ("a = 1)", True),
        ("(a = 1) OR (b = 2)", False),
        ("a = ')' OR b = '\\')'", False),
        ("a = 'it''s)' AND `)` = 1 AND \")\" = 2", False),
        ("a = 1 -- )", False),
        ("a = 1 /* ) */", False),
        ("", False),
    ],
)
def test_conditions_that_close_too_much(where: str, expected: bool) -> None:
    assert closes_too_much(where) is expected
