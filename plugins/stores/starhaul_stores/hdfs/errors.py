"""What WebHDFS answers in place of data, as Starhaul's errors."""

from __future__ import annotations

import json

from starhaul import ConfigError, PermanentError, StarhaulError, TransientError

_NOT_THERE = ("FileNotFoundException", "ParentNotDirectoryException")
_NO_DIRECTORY = "(is not a directory)"
_REFUSED = frozenset({"SecurityException", "InvalidToken", "AuthenticationException", "AuthorizationException"})
_FINAL = {
    "AccessControlException": "",
    "NSQuotaExceededException": "raise the quota of the directory, or remove files",
    "DSQuotaExceededException": "raise the quota of the directory, or remove files",
    "QuotaByStorageTypeExceededException": "raise the quota of the directory, or remove files",
    "QuotaExceededException": "raise the quota of the directory, or remove files",
    "FileAlreadyExistsException": "",
    "PathIsNotEmptyDirectoryException": "",
    "InvalidPathException": "",
    "IllegalArgumentException": "",
    "UnsupportedOperationException": "",
    "MaxDirectoryItemsExceededException": "",
    "PathComponentTooLongException": "",
    "SnapshotException": "",
    "HadoopIllegalArgumentException": "",
} | dict.fromkeys(_NOT_THERE, "")
"""Java exceptions that no other attempt will make go away, and what to do. Every other may be of the moment."""
_HINTS = {
    "SafeModeException": "the name node leaves safe mode by itself, or by `hdfs dfsadmin -safemode leave`",
    "StandbyException": "no name node of the cluster is active",
}
_NO_DATA_NODE = ("Failed to find datanode", "could only be written to 0 of", "are bad. Aborting")
"""What is said before there is a file, at its first byte, and in its midst."""
_IN_SAFE_MODE = "Name node is in safe mode"
_MOST = 300


def not_there(exception: str | None, message: str) -> bool:
    """Whether there is no such path; also where a file stands in place of a directory above it."""
    return exception in _NOT_THERE or (exception == "AccessControlException" and _NO_DIRECTORY in message)


def failure(where: str, exception: str | None, message: str) -> StarhaulError:
    """The error for a Java exception with its message. `exception` is None where there was none in the answer."""
    text = message.strip().partition("\n")[0][:_MOST]
    if exception is None:
        return PermanentError(where, "the answer is not WebHDFS's", "is the address that of a name node's HTTP port?")
    if exception in _REFUSED:
        return ConfigError(where, f"the name node refuses the login: {text}", "check user, Kerberos or token")
    if exception in _FINAL:
        return PermanentError(where, text or exception, _FINAL[exception])
    if _IN_SAFE_MODE in message:
        return TransientError(where, "the name node is in safe mode", _HINTS["SafeModeException"])
    no_node = any(sign in message for sign in _NO_DATA_NODE)
    hint = "is a data node up, with space on its disks?" if no_node else _HINTS.get(exception, "")
    return TransientError(where, f"{exception}: {text}", hint)


def from_body(where: str, status: int, body: bytes) -> StarhaulError:
    """The error that an answer with this status and body tells."""
    if status == 401:
        return unauthorised(where)
    try:
        told = json.loads(body)["RemoteException"]
        return failure(where, str(told["exception"]), str(told.get("message", "")))
    except (ValueError, KeyError, TypeError):
        return TransientError(where, f"the data node answers with HTTP status {status}")


def unauthorised(where: str) -> ConfigError:
    """The error for HTTP status 401."""
    return ConfigError(where, "the login was refused", "check `haveKerberos`, `kerberosPrincipal` or `delegationToken`")
