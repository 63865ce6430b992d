"""Keys of several columns for property tests of slices."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hypothesis import strategies as st


def drawn_keys(
    data: st.DataObject, kinds: Mapping[str, st.SearchStrategy[Any]]
) -> tuple[str, str, list[tuple[Any, ...]]]:
    """Names of columns and the same with their types, as SQL, and keys; many begin with the same value. `kinds` gives
    the values of each type."""
    chosen = data.draw(st.lists(st.sampled_from([*kinds]), min_size=2, max_size=3))
    key = st.tuples(*(kinds[kind] for kind in chosen))
    heavy = st.tuples(st.just(data.draw(kinds[chosen[0]])), *(kinds[kind] for kind in chosen[1:]))
    keys = data.draw(st.lists(heavy | key, max_size=60))
    names = [f"k{place}" for place in range(len(chosen))]
    return ", ".join(names), ", ".join(f"{name} {kind}" for name, kind in zip(names, chosen, strict=True)), keys
