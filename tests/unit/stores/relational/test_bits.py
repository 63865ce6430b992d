"""Strings of bits as digits and as numbers."""

from __future__ import annotations

import pyarrow as pa
import pytest

from starhaul_stores.relational.bits import digits_of, numbers_of


@pytest.mark.parametrize("width", [1, 2, 7, 8, 9, 33, 63, 64])
def test_there_and_back(width: int) -> None:
    numbers = [None, 0, 1, 2**width - 1, None, 2 ** (width - 1)]
    digits = [None if each is None else format(each, f"0{width}b") for each in numbers]
    array = pa.array([5, *numbers], pa.uint64()).slice(1)
    assert digits_of(array, width).to_pylist() == digits
    found, bad = numbers_of(pa.array(["x", *digits]).slice(1), width)
    assert (found.type, found.to_pylist()) == (pa.uint64(), numbers)
    assert not any(bad.to_pylist())


def test_nothing() -> None:
    assert digits_of(pa.array([], pa.uint64()), 8).to_pylist() == []
    found, bad = numbers_of(pa.array([], pa.string()), 8)
    assert (found.to_pylist(), bad.to_pylist()) == ([], [])


@pytest.mark.parametrize("text", ["", "1010101", "101010101", "1010101x", "10101010\n", "１0101010", " 0101010"])
def test_what_is_not_so_many_digits(text: str) -> None:
    _, bad = numbers_of(pa.array([None, "10101010", text]), 8)
    assert bad.to_pylist() == [False, False, True]
