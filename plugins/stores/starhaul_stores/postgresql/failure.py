"""What PostgreSQL's errors mean for the engine (https://www.postgresql.org/docs/current/errcodes-appendix.html)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from starhaul import ConfigError, PermanentError, StarhaulError, TransientError
from starhaul_stores.relational.refusal import NO_MORE_CONNECTIONS, Refused

if TYPE_CHECKING:
    import psycopg

_TRANSIENT = re.compile(r"08...|40...|55P03|55006|57P0[1-5]|53300|25P03|25P04")
_THE_ROWS = re.compile(r"21000|22...|23...|27000|38...|39...|44000|54...|P0...")
_THE_JOB = re.compile(r"0A000|0LP01|28...|3D000|3F000|42...|2BP01")
_HINTS = {
    "28P01": "check username and password",
    "28000": "check username and password, and pg_hba.conf of the server",
    "3D000": "check the database's name in the URL",
    "42501": "the user lacks this privilege",
    "25006": "the server is a standby or set to read only; name the primary",
    "53100": "make room and resume the run",
    "53200": "the server is out of memory",
    "57014": "see statement_timeout of the server, the database or the user",
}
_ONCE_CONNECTING = (
    (r"password|authentication|pg_hba|no encryption|role .* does not exist", _HINTS["28P01"]),
    (r"database .* does not exist", _HINTS["3D000"]),
    (r"translate host name|Name or service not known|resolve", "check the host in the URL"),
    (r"does not support SSL|certificate|SSL error", "check the ssl options in the URL"),
    (r"invalid (connection option|sslmode|port)|root certificate", "check the options in the URL"),
)
_COLUMN = re.compile(r'^COPY .*?, line \d+, column (?P<column>.*?)(?:: .*)?$', re.MULTILINE)  # fmt: skip


def failure(error: psycopg.Error, where: str) -> StarhaulError:
    """The exception to raise in place of one that psycopg raised on an open connection.

    `Refused` where the rows are to blame, `ConfigError` where the job is, `TransientError` for what another attempt may
    get past (a lost connection, a deadlock, a lock not granted), `PermanentError` for everything else.
    """
    state = error.sqlstate
    if state is None:
        return TransientError(where, f"the connection was lost: {_first_line(error)}")
    problem = _problem(error)
    if _TRANSIENT.fullmatch(state):
        return TransientError(where, problem)
    if _THE_ROWS.fullmatch(state):
        return Refused(where, problem)
    hint = error.diag.message_hint or _HINTS.get(state, "")
    if _THE_JOB.fullmatch(state):
        return ConfigError(where, problem, hint)
    return PermanentError(where, problem, hint)


def connecting_failure(error: psycopg.Error, where: str) -> StarhaulError:
    """The same for an error of connecting, of which libpq passes on nothing but the text. What is wrong with the user
    or the address is the job's fault; all else may pass."""
    text = " ".join(str(error).split())
    if error.sqlstate is not None:
        return failure(error, where)
    for pattern, hint in _ONCE_CONNECTING:
        if re.search(pattern, text):
            return ConfigError(where, text, hint)
    full = re.search(r"too many (connections|clients)|remaining connection slots", text)
    return TransientError(where, text, NO_MORE_CONNECTIONS if full else "is the server up, and reachable from here?")


def _problem(error: psycopg.Error) -> str:
    """The server's own words: message, detail, and the column that it was at."""
    diag = error.diag
    parts = [diag.message_primary or _first_line(error), diag.message_detail or ""]
    found = _COLUMN.search(diag.context or "")
    if found and found["column"] not in parts[0]:
        parts[0] = f"column {found['column']}: {parts[0]}"
    return ": ".join(part for part in parts if part)


def _first_line(error: Exception) -> str:
    lines = str(error).strip().splitlines()
    return lines[0] if lines else type(error).__name__
