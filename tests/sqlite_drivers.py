"""Tests of SQLite's plugins run with both drivers, where they import this fixture."""

from __future__ import annotations

import pytest

from starhaul_stores.sqlite import connection


@pytest.fixture(params=["adbc", "sqlite3"], autouse=True)
def driver(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Which of them."""
    if request.param == "sqlite3":
        monkeypatch.setattr(connection, "adbc_installed", lambda: False)
    return str(request.param)
