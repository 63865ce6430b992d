"""What a reader says of parameters that concern tables, where it reads queries."""

from __future__ import annotations

from collections.abc import Sequence


def without_effect(queries: bool, column: Sequence[str], where: str, split_pk: str | None) -> tuple[str, ...]:
    """For `describe`: which of these parameters are given though there are `queries`, where they do nothing, as in
    DataX. Nothing if none is."""
    given = {"column": tuple(column) != ("*",), "where": bool(where.strip()), "splitPk": bool(split_pk)}
    idle = [name for name, there in given.items() if queries and there]
    return (f"No effect on querySql, which is run as it stands: {', '.join(idle)}.",) if idle else ()
