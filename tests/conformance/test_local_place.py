"""The local file system keeps the contract of a place."""

from __future__ import annotations

from pathlib import Path

import pytest

from starhaul_stores.files.places.local import LocalPlace
from tests.places import PlaceConformance


class TestLocalPlace(PlaceConformance):
    @pytest.fixture
    def place(self) -> LocalPlace:
        return LocalPlace()

    @pytest.fixture
    def root(self, tmp_path: Path) -> str:
        return str(tmp_path / "root")
