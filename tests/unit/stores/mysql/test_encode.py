"""What is sent to MySQL: files for LOAD DATA, and decimals as texts."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from starhaul_stores.mysql.digits import printed
from starhaul_stores.mysql.encode import Form, Sent, as_file, lines_as_rows

SPECIAL = st.sampled_from(["\t", "\n", "\r", '"', "\\", "\\N", "NULL", "", "\0", "'", ",", " ", "é😀"])
TEXTS = st.one_of(st.none(), st.text(st.characters(codec="utf-8"), max_size=4), SPECIAL)
ROWS = st.integers(1, 3).flatmap(lambda width: st.lists(st.lists(TEXTS, min_size=width, max_size=width), min_size=1))
DECIMALS = st.one_of(st.none(), st.decimals(-(10**17), 10**17, places=2), st.decimals(0, 10**13, places=2))


def line(row: list[str | None]) -> str:
    """https://mariadb.com/kb/en/load-data-infile/: escapes, and NULL."""
    table = str.maketrans({"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r"})
    return "\t".join("\\N" if text is None else text.translate(table) for text in row) + "\n"


@given(ROWS, st.integers(0, 2))
def test_a_file_holds_every_text(rows: list[list[str | None]], before: int) -> None:
    texts = [pa.array(["x"] * before + list(values), pa.string()) for values in zip(*rows, strict=True)]
    columns = [Sent(each.slice(before), "text") for each in texts]
    assert bytes(as_file(columns)).decode() == "".join(map(line, rows))


@given(st.lists(DECIMALS, min_size=1), st.sampled_from([0, 1, 2, 6, 7]), st.integers(0, 2))
def test_printed_decimals_are_the_same_numbers(numbers: list[Decimal | None], scale: int, before: int) -> None:
    shift = Decimal(1).scaleb(2 - scale)
    values = [None if number is None else number * shift for number in numbers]
    array = pa.array([Decimal(0)] * before + values, pa.decimal128(38, scale)).slice(before)
    found = printed(array)
    plain = all(value is None or value >= 0 for value in values)
    digits = [max(len(str(int(value.scaleb(scale)))), scale + 1) for value in values if value is not None]
    fits = all(each + (scale > 0) <= 16 for each in digits)
    assert (found is not None) == (plain and fits and scale <= 6)
    if found is not None:
        found.validate(full=True)
        assert [None if text is None else Decimal(text) for text in found.to_pylist()] == values
        assert found.cast(array.type).equals(array)


@pytest.mark.parametrize("scale", [0, 1, 2, 5, 6])
def test_printed_decimals_at_their_borders(scale: int) -> None:
    numbers = [0, 1, 9, 99_999_999, 100_000_000, 10 ** (15 if scale else 16) - 1, 12_345_678_901_234]
    values = pa.array([Decimal(number).scaleb(-scale) for number in numbers], pa.decimal128(20, scale))
    for number in range(len(values)):
        found: Any = printed(values.slice(number, 1))
        (text,) = found.to_pylist()
        assert Decimal(text) == values[number].as_py()


def test_decimals_of_no_rows_and_beyond_sixteen_characters_are_left_to_arrow() -> None:
    assert printed(pa.array([], pa.decimal128(10, 2))) is None
    assert printed(pa.array([Decimal(10**15) / 100], pa.decimal128(20, 2))) is None
    assert printed(pa.array([Decimal(2**70)], pa.decimal128(38, 0))) is None


@given(ROWS)
def test_lines_become_rows_of_an_insert(rows: list[list[str | None]]) -> None:
    lines = "".join(map(line, rows)).encode()[:-1]
    told = [[b"NULL" if text is None else f"'{_in_lines(text)}'".encode() for text in row] for row in rows]
    width = len(rows[0])
    expected = b",".join(b"(" + b",".join(row) + b")" for row in told)
    texts: list[Form] = ["text"] * width
    assert lines_as_rows(lines, texts) == expected
    forms: list[Form] = ["hex", *texts, "bits"]
    wider = b"\n".join(b"00ff\t" + each + b"\t5" for each in lines.split(b"\n"))
    expected = b",".join(b"(x'00ff'," + b",".join(row) + b",5)" for row in told)
    assert lines_as_rows(wider, forms) == expected
    nulls = b"\n".join(rb"\N" + b"\t" + each + b"\t" + rb"\N" for each in lines.split(b"\n"))
    assert lines_as_rows(nulls, forms) == expected.replace(b"(x'00ff',", b"(NULL,").replace(b",5)", b",NULL)")


def _in_lines(text: str) -> str:
    for plain, escaped in (("\\", "\\\\"), ("\t", "\\t"), ("\n", "\\n"), ("\r", "\\r"), ("'", "''")):
        text = text.replace(plain, escaped)
    return text
