"""Hints for misspelt names."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


def did_you_mean(name: str, known: Iterable[str], *, listed: bool = True) -> str:
    """The known name that is most like `name`, as a hint; failing that the known names, if they are to be `listed`."""
    names = list(known)
    lower = {each.lower(): each for each in names}
    close = difflib.get_close_matches(name.lower(), lower, n=1, cutoff=0.66)
    if close:
        return f"did you mean '{lower[close[0]]}'?"
    more = ", …" if len(names) > 12 else ""
    return f"known: {', '.join(names[:12])}{more}" if names and listed else ""
