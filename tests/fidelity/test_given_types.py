"""Values into columns of given types fare as the page says."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.fidelity.databases import Database
from tests.fidelity.given import GIVEN, Given, moved
from tests.fidelity.values import Store, seen_as

CASES = [pytest.param(store, each, id=f"{each.type} to {each.target} {each.told[:9]}")
         for store, given in GIVEN.items() for each in given]  # fmt: skip


@pytest.mark.parametrize(("store", "given"), CASES)
def test_a_value_into_a_column_of_a_given_type(
    bases: Mapping[Store, Database], store: Store, given: Given, tmp_path: Path
) -> None:
    told = moved(given, bases[store], bases["postgresql" if store == "mysql" else "mysql"], tmp_path)
    assert seen_as(told, given.told), f"{told}, not {given.told}"
