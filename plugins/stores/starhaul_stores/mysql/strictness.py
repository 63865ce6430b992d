"""A session in which the server alters no value in silence."""

from __future__ import annotations

from contextlib import suppress

from starhaul import StarhaulError
from starhaul_stores.mysql.connection import Connection

_STRICT = (
    "SET SESSION sql_mode = "
    "CONCAT(REPLACE(REPLACE(@@sql_mode, 'NO_BACKSLASH_ESCAPES', ''), 'ALLOW_INVALID_DATES', ''), "
    "',STRICT_ALL_TABLES,STRICT_TRANS_TABLES,NO_AUTO_VALUE_ON_ZERO,NO_ENGINE_SUBSTITUTION')"
)
"""Nothing is cut, rounded or replaced without a warning, and 0 is not a request for the next number."""


def make_strict(db: Connection) -> None:
    """Set the session to refuse what does not fit."""
    db.execute(_STRICT)
    for statement in ("SET SESSION max_error_count = 65535", "SET SESSION explicit_defaults_for_timestamp = ON"):
        with suppress(StarhaulError):  # not every server has it
            db.execute(statement)
