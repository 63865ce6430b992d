"""What SQLite's messages mean for the engine. Both drivers pass them on; only one of them gives codes."""

from __future__ import annotations

import re

from starhaul import ConfigError, PermanentError, StarhaulError, TransientError

_PREFIX = re.compile(r"^(?:[A-Z_]+: )?(?:\[SQLite\] )?(?:[Ff]ailed to [a-z ]+: )?")
_BUSY = ("is locked", "schema has changed")
_FATAL = {
    "disk is full": "make room and resume the run",
    "readonly database": "the file or its directory is not writable for this user",
    "disk I/O error": "look at the disk and the system's log",
    "malformed": "the file is corrupt: try `PRAGMA integrity_check`, restore a copy",
    "file is not a database": "the path must name an SQLite 3 database without encryption",
    "unable to open database": "the directory must exist and be readable, for a writer also writable",
    "out of memory": "read smaller batches",
    "interrupted": "",
    "not authorized": "",
}
_WRONG_SQL = (
    "no such ", "has no column named", "syntax error", "ambiguous column", "incomplete input", "misuse of",
    "wrong number", "unrecognized token", "already exists", "may not be", "cannot modify", "values for",
    "is not a function", "do not have the same number", "does not match any",
)  # fmt: skip


class Refused(PermanentError):  # noqa: N818  it says what happened, as the public ones do
    """SQLite refused a row, for example because of a constraint. `problem` is SQLite's own message."""


def failure(error: Exception, path: str) -> StarhaulError:
    """The exception to raise in place of one that a driver raised; `path` is the database file.

    `TransientError` where somebody else holds a lock, `PermanentError` for a broken environment, `ConfigError` for
    wrong SQL; everything else is said of the rows being written and becomes `Refused`.
    """
    message = sqlite_message(error)
    if any(part in message for part in _BUSY):
        return TransientError(path, message, "another connection is using the database; see busyTimeout")
    for part, hint in _FATAL.items():
        if part in message:
            return PermanentError(path, message, hint)
    if re.search(r"failed to open ", str(error)):  # ADBC's message carries a code that it misreads
        return PermanentError(path, "unable to open database file", _FATAL["unable to open database"])
    if any(part in message for part in _WRONG_SQL):
        return ConfigError(path, message)
    return Refused(path, message)


def sqlite_message(error: Exception) -> str:
    """SQLite's own words, without what a driver wraps around them."""
    return _PREFIX.sub("", str(error).split("\nquery: ", 1)[0], count=1)
