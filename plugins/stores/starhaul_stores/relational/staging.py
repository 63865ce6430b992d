"""Names of the staging tables of `overwrite`, and when those of dead runs are stale."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

_STALE = timedelta(days=7)


def staging_name(table: str, run: str) -> str:
    """The staging table of a run for a target table (its full name). A run is one stream, so it has one target. At most
    60 characters, lower case, which every store takes as they are."""
    return f"_starhaul_{run}_{hashlib.sha256(table.encode()).hexdigest()[:8]}"


def stale_runs(notes: Mapping[str, tuple[str, str]], table: str, run: str) -> list[str]:
    """The other runs into this table that nobody has resumed for a week, out of `Ledger.notes`, where the note of a run
    is the name of its staging table."""
    return [
        other
        for other, (staging, at) in notes.items()
        if other != run
        and staging == staging_name(table, other)
        and datetime.now(UTC) - datetime.fromisoformat(at) > _STALE
    ]
