"""Whether a location that Hive tells is on the cluster that the job names. One cluster has several names: a name
service and the name nodes behind it, hosts with and without a domain, the usual port said or not."""

from __future__ import annotations

import re
import socket
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from ipaddress import ip_address
from urllib.parse import urlsplit

from starhaul import ConfigError, PermanentError
from starhaul_stores.hdfs.params import HdfsParams
from starhaul_stores.hive.connection import Connection

_RPC = 8020
"""The usual port of a name node."""
_SCHEMES = ("hdfs", "webhdfs", "swebhdfs")
_URL = re.compile(r"(?P<scheme>[A-Za-z][A-Za-z0-9+.-]*):(?://(?:[^/@]*@)?(?P<authority>[^/]*))?")
_NAME = re.compile(r"[\w.-]+")


@dataclass(frozen=True, slots=True)
class _Node:
    """A name node, or a name service by its name."""

    host: str
    port: int | None
    """For RPC; None: any."""


class Cluster:
    """The cluster that a job names, and what Hive calls it."""

    def __init__(self, db: Connection, hdfs: HdfsParams, aliases: Sequence[str]) -> None:
        """`aliases` are URLs of the same cluster, of any scheme."""
        self._db = db
        self._hdfs = hdfs
        self._aliases = {_parts(each.lower()) for each in aliases}
        self._holds: dict[tuple[str, str], bool] = {}

    def misses(self, location: str) -> str:
        """Why files of a location cannot be found on the cluster, or an empty text."""
        parts = _parts(location)
        if parts not in self._holds:
            self._holds[parts] = self._has(*parts)
        if self._holds[parts]:
            return ""
        there = f"its files are in {location}"
        if parts[0] not in _SCHEMES:
            return f"{there}, which is not on HDFS"
        return f"{there}, not on {self._hdfs.default_fs} (if that is the same cluster, `hdfsAliases` may say so)"

    def expect(self, location: str, what: str) -> None:
        """Raise `ConfigError` if a location is not on the cluster; `what` is the table or partition of it."""
        if reason := self.misses(location):
            raise ConfigError("hdfs", f"{what} cannot be written: {reason}", "name in `hdfs` where its files are")

    def _has(self, scheme: str, name: str) -> bool:
        if (scheme, name.lower()) in self._aliases:
            return True
        if scheme not in _SCHEMES:
            return False
        own = _parts(self._hdfs.default_fs)
        if not name or (scheme, name) == own:
            return True
        return any(_same(one, other) for one in self._nodes(scheme, name) for other in self._nodes(*own))

    def _nodes(self, scheme: str, name: str) -> Iterator[_Node]:
        """What an authority stands for: itself, and the name nodes of the name service, if it is one."""
        parts = urlsplit(f"//{name}")
        yield _Node(parts.hostname or "", None if scheme != "hdfs" else parts.port or _RPC)
        if parts.port is None and _NAME.fullmatch(name):
            yield from _of_service(name, self._setting)

    def _setting(self, key: str) -> str:
        """A property of Hadoop that the job or the server has, or an empty text."""
        if key in self._hdfs.hadoop_config:
            return str(self._hdfs.hadoop_config[key])
        try:
            rows = self._db.rows(f"SET {key}")
        except PermanentError:  # it does not tell everybody
            return ""
        name, _, value = str(rows[0][0] if rows else "").partition("=")
        return value if name == key else ""


def _of_service(name: str, setting: Callable[[str], str]) -> Iterator[_Node]:
    """The name nodes of a name service, as far as the settings tell."""
    for node in setting(f"dfs.ha.namenodes.{name}").split(","):
        address = setting(f"dfs.namenode.rpc-address.{name}.{node.strip()}") if _NAME.fullmatch(node.strip()) else ""
        parts = urlsplit(f"//{address}")
        if parts.hostname:
            yield _Node(parts.hostname, parts.port or _RPC)


def _parts(url: str) -> tuple[str, str]:
    """Scheme and authority, as they are compared."""
    parts = _URL.match(url)
    return (parts["scheme"].lower(), parts["authority"] or "") if parts else ("hdfs", "")


def _same(one: _Node, other: _Node) -> bool:
    if one.port != other.port and None not in (one.port, other.port):
        return False
    return (
        one.host == other.host
        or _is_short_for(one.host, other.host)
        or _is_short_for(other.host, one.host)
        or (_is_address(one.host) != _is_address(other.host) and bool(_addresses(one.host) & _addresses(other.host)))
    )


def _is_short_for(name: str, host: str) -> bool:
    return "." not in name and host.startswith(f"{name}.")


def _is_address(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True


@cache
def _addresses(host: str) -> frozenset[str]:
    try:
        return frozenset(str(each[4][0]) for each in socket.getaddrinfo(host, None))
    except OSError:
        return frozenset()
