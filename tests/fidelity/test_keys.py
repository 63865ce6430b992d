"""A row whose key is in the target already fares as the page says."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.fidelity.databases import Database
from tests.fidelity.keys import KEYS, met
from tests.fidelity.values import Store, seen_as


@pytest.mark.parametrize("mode", KEYS)
@pytest.mark.parametrize("target", ["mysql", "postgresql"])
def test_a_key_that_is_there(bases: Mapping[Store, Database], target: Store, mode: str, tmp_path: Path) -> None:
    seen = met(mode, bases["postgresql" if target == "mysql" else "mysql"], bases[target], tmp_path)
    assert seen_as(seen, KEYS[mode]), f"{seen}, not {KEYS[mode]}"
