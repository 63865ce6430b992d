"""What the engine counts."""

from __future__ import annotations

import json
from collections import Counter

from starhaul.engine.progress import Counts


def test_counts_are_stored_and_read_again_with_their_notes() -> None:
    counts = Counts(read=3, written=2, rejected=1, notes=Counter({"zero date made NULL": 2}))
    assert Counts.from_dict(json.loads(json.dumps(counts.as_dict()))) == counts
