"""What the databases behind SQLAlchemy's dialects can do, and how they differ where SQLAlchemy does not say."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import reduce
from types import MappingProxyType
from typing import Literal, TypeAlias

Upsert: TypeAlias = Literal["conflict", "duplicate", "merge", "probe"]
"""INSERT … ON CONFLICT, INSERT … ON DUPLICATE KEY UPDATE, MERGE; or INSERT, and UPDATE where that is refused."""


@dataclass(frozen=True, slots=True)
class Traits:
    """Of one dialect."""

    upsert: Upsert = "probe"
    from_dual: str = ""
    """What a SELECT without a table needs after it."""
    non_finite: bool = False
    """Whether floats can be NaN and infinite."""
    enforces_lengths: bool = True
    """Whether VARCHAR(3) holds no more than three characters. Where it does, blanks beyond that are rejected here:
    by the standard, databases cut them off without a word."""
    empty_is_null: bool = False
    """Whether an empty text is NULL."""
    folds_to: Literal["lower", "as it is"] = "as it is"
    """What becomes of a name without quotes, in SQLAlchemy's view."""
    unknown_as_text: bool = False
    """Whether a column of a type that Arrow lacks can be read as text, which the database reads back as the same."""
    savepoints: bool = True
    session: tuple[str, ...] = ()
    """Statements to run after those of the job's `session`."""
    brackets: bool = False
    """Whether `[name]` is a quoted name."""


_LENIENT = ("NO_BACKSLASH_ESCAPES", "ALLOW_INVALID_DATES", "EMPTY_STRING_IS_NULL")
_STRICT = (
    "SET SESSION sql_mode = CONCAT("
    + reduce(lambda modes, each: f"REPLACE({modes}, '{each}', 'STRICT_ALL_TABLES')", _LENIENT, "@@sql_mode")
    + ", ',STRICT_ALL_TABLES,STRICT_TRANS_TABLES,NO_AUTO_VALUE_ON_ZERO,NO_ENGINE_SUBSTITUTION')"
)
"""There is no empty text in it, which may be NULL still."""
_MYSQL = Traits("duplicate", session=(_STRICT, "SET SESSION time_zone = '+00:00'", "SET NAMES utf8mb4"))
_TRAITS: Mapping[str, Traits] = MappingProxyType(
    {
        "sqlite": Traits("conflict", enforces_lengths=False),
        "postgresql": Traits(
            "conflict", non_finite=True, folds_to="lower", unknown_as_text=True, session=("SET TimeZone = 'UTC'",)
        ),
        "mysql": _MYSQL,
        "mariadb": _MYSQL,
        "duckdb": Traits(
            "conflict", non_finite=True, enforces_lengths=False, savepoints=False, session=("SET TimeZone = 'UTC'",)
        ),
        "oracle": Traits("merge", " FROM DUAL", non_finite=True, empty_is_null=True, folds_to="lower"),
        "mssql": Traits("merge", brackets=True),
        "firebird": Traits("merge", " FROM RDB$DATABASE", folds_to="lower"),
        "ibm_db_sa": Traits("merge", " FROM SYSIBM.SYSDUMMY1", folds_to="lower"),
        "db2": Traits("merge", " FROM SYSIBM.SYSDUMMY1", folds_to="lower"),
    }
)


def traits_of(dialect: str) -> Traits:
    """Of a dialect by its SQLAlchemy name. Of one that is not known here, what every database can do."""
    return _TRAITS.get(dialect, Traits())
