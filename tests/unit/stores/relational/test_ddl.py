"""CREATE TABLE statements are taken apart at the right places."""

from __future__ import annotations

import pytest

from starhaul_stores.relational.ddl import body, tokens, without, words

HARD = """CREATE TABLE "a (b" (
  x int DEFAULT ',)' CHECK (x IN (1, 2)), -- the first, of them
  [y,(] text /* , */ DEFAULT 'it''s',
  PRIMARY KEY (x, [y,(])
) WITHOUT ROWID"""


def test_items_are_cut_at_their_commas() -> None:
    head, items, tail = body(HARD)
    assert head == 'CREATE TABLE "a (b" '
    assert items == [
        "x int DEFAULT ',)' CHECK (x IN (1, 2))",
        "[y,(] text /* , */ DEFAULT 'it''s'",
        "PRIMARY KEY (x, [y,(])",
    ]
    assert tail == " WITHOUT ROWID"


def test_backslashes_escape_where_they_do() -> None:
    text = r"CREATE TABLE t (a int COMMENT 'x\'), (y', b int) COMMENT='\\'"
    assert body(text, backslashes=True)[1:] == ([r"a int COMMENT 'x\'), (y'", "b int"], r" COMMENT='\\'")


@pytest.mark.parametrize("text", ["", "CREATE TABLE t AS SELECT 1", "CREATE TABLE t (a int", "CREATE VIEW v"])
def test_what_is_no_create_table(text: str) -> None:
    with pytest.raises(ValueError, match="no CREATE TABLE"):
        body(text)


def test_tokens_make_the_text_again() -> None:
    assert "".join(tokens(HARD)) == HARD
    assert words("a  int -- x\n/* y */ NOT NULL") == ["a", "int", "NOT", "NULL"]


@pytest.mark.parametrize(
    ("item", "kept", "cut"),
    [
        ("p int REFERENCES t (id) ON DELETE CASCADE NOT NULL", "p int NOT NULL", "REFERENCES t (id) ON DELETE CASCADE"),
        ("p int DEFAULT 'REFERENCES' CHECK (p > 0)", "p int DEFAULT 'REFERENCES' CHECK (p > 0)", ""),
        ("p REFERENCES t DEFERRABLE INITIALLY DEFERRED", "p", "REFERENCES t DEFERRABLE INITIALLY DEFERRED"),
    ],
)
def test_a_clause_is_cut_out(item: str, kept: str, cut: str) -> None:
    assert without(item, "REFERENCES") == (kept, cut)
