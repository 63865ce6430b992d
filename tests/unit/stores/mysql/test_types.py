"""What is asked of the server."""

from __future__ import annotations

import pytest

from starhaul_stores.mysql.types import without_alias


@pytest.mark.parametrize(
    ("sql", "name", "plain"),
    [
        ("price AS p", "p", "price "),
        ("price p", "p", "price "),
        ("max(price)p", "p", "max(price)"),
        ("max(price) as`p``q`", "p`q", "max(price) "),
        ("if(a, 'x', 1) AS 'it''s'", "it's", "if(a, 'x', 1) "),
        ("price asp", "asp", "price "),
        ("price AS as_of", "as_of", "price "),
        ("price * 2", "price * 2", "price * 2"),
        ("max( price )", "max( price )", "max( price )"),
        ("binary price", "binary price", "binary price"),
        ("a +\n price", "a + price", "a +\n price"),
    ],
)
def test_an_alias_is_taken_off(sql: str, name: str, plain: str) -> None:
    assert without_alias(sql, name) == plain
