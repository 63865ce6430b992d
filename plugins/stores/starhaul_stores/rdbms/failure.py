"""What the errors of drivers mean for the engine, as far as they can be told apart: by class, code and words."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from starhaul import ConfigError, PermanentError, StarhaulError, TransientError
from starhaul_stores.relational.refusal import Refused

if TYPE_CHECKING:
    from sqlalchemy.exc import SQLAlchemyError

_TRANSIENT = re.compile(
    r"deadlock|lock wait timeout|database is locked|database is busy|could not serialize|serialization failure|"
    r"connection (was |has been )?(lost|closed|reset|aborted|timed out)|server (has gone away|closed the connection)|"
    r"server is (shutting down|restarting|not available)|terminating connection|broken pipe|too many connections|"
    r"ORA-(00060|00054|08177|03113|03114|03135|12170|12537|12541|12547|01033|01034|01089|12514|00018|00020)\b|"
    r"DPY-(1001|4011|6005)\b|transaction conflict|conflict on update",
    re.IGNORECASE,
)
_TRANSIENT_CODES = frozenset(
    {1205, 1213, 2006, 2013, 1222, 3960, 40197, 40501, 40613, 49918, 20003, 20004, 20006, 20047}
)
"""Of MySQL and SQL Server. SQL Server's deadlock is 1205, which is MySQL's lock wait."""
_THE_ROWS = frozenset(
    {
        1048, 1062, 1264, 1265, 1292, 1364, 1365, 1366, 1406, 1411, 1452, 1690, 3819, 4025,  # MySQL
        220, 232, 241, 242, 245, 295, 296, 515, 547, 2601, 2627, 2628, 8114, 8115, 8152, 8169, 6522,  # SQL Server
    }
)  # fmt: skip
_OF_THE_ROWS = re.compile(
    r"ORA-(00001|01400|01401|01407|01426|01438|01722|01830|01839|01840|01841|01843|01847|01858|01861|02290|02291|02292|12899"
    r"|22835|40478)\b|constraint|duplicate|out of range|too long|too large for column|string data, right|truncat",
    re.IGNORECASE,
)
_NOT_LET_IN = re.compile(
    r"password|authentication|access denied|login failed|logon denied|not allowed to connect|no pg_hba\.conf|"
    r"unknown database|database .* does not exist|role .* does not exist|cannot open database|unable to open database|"
    r"ORA-(01017|01045|12154|12505|12514|28000|28001|01005)\b|DPY-(4000|4001|4027|6001|6003)\b|"
    r"file is not a database|account is locked",
    re.IGNORECASE,
)
_UNKNOWN_HOST = re.compile(
    r"name or service not known|nodename nor servname|no address associated|failed to resolve|resolution|unknown host|"
    r"getaddrinfo|could not translate host",
    re.IGNORECASE,
)


def failure(error: SQLAlchemyError, where: str) -> StarhaulError:
    """The exception to raise in place of one that SQLAlchemy raised on an open connection.

    `Refused` where the rows are to blame, `TransientError` for what another attempt may get past, `ConfigError` where
    the statement is to blame. Only the driver's words are told: SQLAlchemy's own hold the statement and its values.
    """
    from sqlalchemy import exc

    problem = words(error)
    code = _code(error)
    if isinstance(error, exc.DBAPIError) and error.connection_invalidated:
        return TransientError(where, f"the connection was lost: {problem}")
    state = str(getattr(getattr(error, "orig", None), "sqlstate", None) or "")
    if state[:2] in ("08", "40", "53", "57", "55") or code in _TRANSIENT_CODES or _TRANSIENT.search(problem):
        return TransientError(where, problem)
    if isinstance(error, exc.IntegrityError | exc.DataError) or state[:2] in ("22", "23"):
        return Refused(where, problem)
    if code in _THE_ROWS or (isinstance(error, exc.DBAPIError) and _OF_THE_ROWS.search(problem)):
        return Refused(where, problem)
    if isinstance(error, exc.InterfaceError):
        return TransientError(where, problem)
    if isinstance(error, exc.ProgrammingError | exc.OperationalError | exc.NotSupportedError | exc.NoSuchTableError):
        return ConfigError(where, problem)
    return PermanentError(where, problem)


def connecting_failure(error: Exception, where: str) -> StarhaulError:
    """The same for an error of connecting. What is wrong with the user or the address is the job's fault; all else may
    pass."""
    problem = words(error)
    if _UNKNOWN_HOST.search(problem):
        return ConfigError(where, problem, "check the host in the URL")
    if _NOT_LET_IN.search(problem):
        return ConfigError(where, problem, "check username, password and the database's name in the URL")
    return TransientError(where, problem, "is the server up, and reachable from here?")


def words(error: BaseException) -> str:
    """What the driver said, in one line."""
    from sqlalchemy import exc

    cause: BaseException | None = error.orig if isinstance(error, exc.StatementError) else error
    arguments: tuple[Any, ...] = getattr(cause, "args", ())
    said: object = cause
    if len(arguments) >= 2 and isinstance(arguments[0], int):
        said = arguments[1]
    if isinstance(said, bytes):
        said = said.decode(errors="replace")
    lines = [line.strip() for line in str(said).splitlines() if line.strip()]
    return " ".join(lines[:4]) or type(cause).__name__


def _code(error: BaseException) -> int:
    arguments = getattr(getattr(error, "orig", None), "args", ())
    return arguments[0] if arguments and isinstance(arguments[0], int) else 0
