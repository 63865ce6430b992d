"""What the errors of MySQL's family mean for the engine (https://mariadb.com/kb/en/mariadb-error-code-reference/)."""

from __future__ import annotations

import re
from ssl import SSLEOFError, SSLError, SSLZeroReturnError
from typing import TYPE_CHECKING

from starhaul import ConfigError, PermanentError, StarhaulError, TransientError
from starhaul_stores.relational.refusal import NO_MORE_CONNECTIONS, Refused

if TYPE_CHECKING:
    import pymysql

DUPLICATE = 1062
DENIED = 1142
"""A statement on a table for which the user lacks the privilege."""
SAME_NAME = 1060
"""Two columns of one name, where there may be none."""
_TRANSIENT = frozenset(
    {
        1040, 1053, 1152, 1158, 1159, 1160, 1161, 1203, 1205, 1213, 1317, 1613, 1614, 1927, 2006, 2013, 2055,
        3058, 4012, 4013, 4030, 4031, 4119, 6002, 6005, 9001, 9002, 9003, 9004, 9005, 9007,
    }
)  # fmt: skip
"""Lost connections, deadlocks, lock waits, a server that goes down or is full; OceanBase's and TiDB's own ones too."""
_THE_ROWS = frozenset(
    {
        1022, 1048, DUPLICATE, 1118, 1216, 1217, 1242, 1263, 1264, 1265, 1292, 1364, 1365, 1366, 1367, 1369, 1406, 1411,
        1416, 1425, 1451, 1452, 1467, 1525, 1526, 1557, 1569, 1586, 1644, 1690, 1694, 1748, 1761, 1762, 1906, 3140,
        3141, 3156, 3617, 3819, 4025, 4078,
    }
)  # fmt: skip
_HINTS = {
    1044: "the user lacks the privilege for this database, or its name is wrong",
    1045: "check username and password",
    1049: "check the database's name in the URL",
    1130: "the server does not let this host in",
    DENIED: "the user lacks this privilege",
    1143: "the user lacks this privilege",
    1227: "the user lacks this privilege",
    1251: "check username and password",
    1290: "the server is a replica or set to read only; name the primary",
    1698: "check username and password",
    1792: "the server is a replica or set to read only; name the primary",
    1836: "the server is a replica or set to read only; name the primary",
    1412: "the table was altered while it was read; run again",
    4138: "the snapshot is older than the server's undo_retention; raise that, or read fewer rows at a time",
    2068: "none was sent; is it a server to trust? LOAD DATA LOCAL in SQL of the job's own does not work here",
    1021: "make room and resume the run",
    1114: "make room and resume the run",
    1969: "see max_statement_time of the server or the user",
    3024: "see max_execution_time of the server or the user",
}
_PERMANENT = frozenset(
    {3, 5, 28, 1021, 1023, 1037, 1038, 1041, 1114, 1153, 1290, 1412, 1792, 1836, 1969, 2068, 3024, 4138, 4184}
)
_FULL = 1114
_NO_ROOM = re.compile(r"\(errno: (28|135)\b")
"""What statements that make or alter tables say, under numbers of their own."""
_FULL_HOUSE = frozenset({1040, 1203, 1226})
"""Of connections, of the server or of the user."""
_WHO_AND_WHERE = frozenset({1044, 1045, 1049, 1130, 1251, 1698, 1820, 1862})
_UNKNOWN_HOST = re.compile(r"Name or service not known|nodename nor servname|No address associated|resolution", re.I)
_PLAIN_TEXT = re.compile(r"insecure transport|secure connection|No authentication methods|cryptography", re.I)
"""What is said where a password or an account is not for connections in plain text: by MySQL and MariaDB with
`require_secure_transport`, by MySQL of `caching_sha2_password`, by Vitess of the same, and by PyMySQL where it lacks
what encrypts a password by itself."""
_ENCRYPT = (
    "let the connection be encrypted: write sslMode=REQUIRED in the URL, in place of useSSL=false or sslMode=DISABLED; "
    "for a MySQL 8 without TLS, whose users log in by caching_sha2_password: pip install 'PyMySQL[rsa]'"
)


def failure(error: pymysql.Error, where: str) -> StarhaulError:
    """The exception to raise in place of one that PyMySQL raised on an open connection.

    `Refused` where the rows are to blame, `TransientError` for what another attempt may get past, `PermanentError` for
    a server that cannot, `ConfigError` where the job is to blame.
    """
    from pymysql import err

    number, problem = _taken_apart(error)
    if number in _TRANSIENT or isinstance(error, err.InterfaceError):
        return TransientError(where, problem or "the connection was lost")
    if _NO_ROOM.search(problem):
        number = _FULL
    hint = _HINTS.get(number, "")
    if number in _PERMANENT:
        return PermanentError(where, problem, hint)
    if number in _THE_ROWS or isinstance(error, err.IntegrityError | err.DataError):
        return Refused(where, problem)
    return ConfigError(where, problem, hint)


def is_number(error: StarhaulError, number: int) -> bool:
    """Whether this is what `failure` made of the error of a number."""
    cause = error.__cause__
    return cause is not None and cause.args[:1] == (number,)


def connecting_failure(error: Exception, where: str) -> StarhaulError:
    """The same for an error of connecting. What is wrong with the user or the address is the job's fault; all else may
    pass."""
    number, problem = _taken_apart(error)
    if number in _WHO_AND_WHERE:
        return ConfigError(where, problem, _HINTS.get(number, ""))
    if _UNKNOWN_HOST.search(problem):
        return ConfigError(where, problem, "check the host in the URL")
    if _PLAIN_TEXT.search(problem):
        return ConfigError(where, problem, _ENCRYPT)
    met = getattr(error, "original_exception", error)  # PyMySQL puts what it met into words
    broken = isinstance(met, SSLEOFError | SSLZeroReturnError)  # the server went away meanwhile
    if (isinstance(met, SSLError) and not broken) or "SSL is required" in problem:
        return ConfigError(where, problem, "check the ssl options in the URL")
    unreachable = "is the server up, and reachable from here?"
    return TransientError(where, problem, NO_MORE_CONNECTIONS if number in _FULL_HOUSE else unreachable)


def _taken_apart(error: Exception) -> tuple[int, str]:
    """The error's number, 0 where there is none, and the server's own words."""
    arguments = error.args
    if len(arguments) >= 2 and isinstance(arguments[0], int):
        return arguments[0], str(arguments[1])
    return 0, str(error) or type(error).__name__
