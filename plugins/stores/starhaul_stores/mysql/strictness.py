"""A session in which the server alters no value in silence."""

from __future__ import annotations

from contextlib import suppress
from functools import reduce

from starhaul import StarhaulError
from starhaul_stores.mysql.connection import Connection

_LENIENT = ("NO_BACKSLASH_ESCAPES", "ALLOW_INVALID_DATES", "EMPTY_STRING_IS_NULL")
_STRICT = (
    "SET SESSION sql_mode = CONCAT("
    + reduce(lambda modes, each: f"REPLACE({modes}, '{each}', 'STRICT_ALL_TABLES')", _LENIENT, "@@sql_mode")
    + ", ',STRICT_ALL_TABLES,STRICT_TRANS_TABLES,NO_AUTO_VALUE_ON_ZERO,NO_ENGINE_SUBSTITUTION')"
)
"""Nothing is cut, rounded or replaced without a warning, and 0 is not a request for the next number. There is no empty
text in it, which may be NULL still."""

_MORE = (
    "SET SESSION max_error_count = 65535",
    "SET SESSION sql_notes = 1",
    "SET SESSION sql_safe_updates = 0",
    "SET SESSION explicit_defaults_for_timestamp = ON",
)
"""All warnings are told, also that blanks at the end were cut off; staged rows are deleted all at once."""


def make_strict(db: Connection) -> None:
    """Set the session to refuse what does not fit."""
    db.execute(_STRICT)
    for statement in _MORE:
        with suppress(StarhaulError):  # not every server has it
            db.execute(statement)
