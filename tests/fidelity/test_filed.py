"""Values through a text file and back into the same store."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.fidelity.databases import Database
from tests.fidelity.filed import FILED, FORMATS, Filed, FileFormat, round_trip
from tests.fidelity.values import Store, seen_as

CASES = [pytest.param(store, each, id=f"{store} {each.type}") for store, filed in FILED.items() for each in filed]


@pytest.mark.parametrize("style", FORMATS)
@pytest.mark.parametrize(("store", "filed"), CASES)
def test_a_value_comes_back_out_of_a_file_as_it_was(
    bases: Mapping[Store, Database], store: Store, filed: Filed, style: FileFormat, tmp_path: Path
) -> None:
    for value, seen in zip(filed.values, round_trip(filed, bases[store], style, tmp_path), strict=True):
        assert seen_as(seen, filed.expected(value, style)), (value, seen)
