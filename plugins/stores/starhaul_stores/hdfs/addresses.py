"""Where the name nodes of a cluster answer WebHDFS, from what Hadoop's clients are told: `defaultFS` and the properties
of `hdfs-site.xml` (https://hadoop.apache.org/docs/stable/hadoop-project-dist/hadoop-hdfs/hdfs-default.xml)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import SplitResult, urlsplit

from starhaul import ConfigError

_PORTS = {"http": (9870, 50070), "https": (9871, 50470)}
"""The usual ones, of Hadoop 3 and of Hadoop 2."""
_SCHEMES = {"webhdfs": "http", "swebhdfs": "https"}
_ANY = ("0.0.0.0", "[::]", "")  # noqa: S104  # nosec B104
"""Addresses to listen on, which are none to ask; nothing listens here."""


def authority(default_fs: str) -> str:
    """The part of `defaultFS` that names the cluster: `host:port`, or a name service. `ConfigError` if it is none."""
    parts = urlsplit(default_fs)
    if parts.scheme not in ("hdfs", *_SCHEMES) or not parts.hostname or parts.path.strip("/") or not _has_port(parts):
        hint = "hdfs://HOST:PORT, hdfs://NAMESERVICE, webhdfs://HOST:PORT or swebhdfs://HOST:PORT"
        raise ConfigError("defaultFS", f"{default_fs!r} is no address of HDFS", hint)
    return parts.netloc


def name_nodes(default_fs: str, urls: Sequence[str], hadoop: Mapping[str, Any]) -> tuple[str, ...]:
    """The URLs at which WebHDFS may answer, in the order to be tried: those given, those of the name nodes in the
    configuration, or the usual ports of the host."""
    name = authority(default_fs)
    if urls:
        return tuple(map(_checked, urls))
    scheme = urlsplit(default_fs).scheme
    if scheme in _SCHEMES and name not in _nameservices(hadoop):
        port = urlsplit(default_fs).port or _PORTS[_SCHEMES[scheme]][0]
        return (f"{_SCHEMES[scheme]}://{_host(name)}:{port}",)
    policy = str(hadoop.get("dfs.http.policy", "")).upper()
    secure = scheme == "swebhdfs" or policy == "HTTPS_ONLY"
    return tuple(dict.fromkeys(_of_cluster(name, "https" if secure else "http", hadoop)))


def _has_port(parts: SplitResult) -> bool:
    """Whether the port, if there is one, is a number."""
    try:
        return parts.port is None or parts.port > 0
    except ValueError:
        return False


def _of_cluster(name: str, protocol: str, hadoop: Mapping[str, Any]) -> Iterator[str]:
    if name not in _nameservices(hadoop):
        listed = hadoop.get(f"dfs.namenode.{protocol}-address") if f"dfs.ha.namenodes.{name}" not in hadoop else None
        yield from _urls(protocol, listed, _host(name))
        return
    for node in _names(hadoop.get(f"dfs.ha.namenodes.{name}")) or ("",):
        suffix = f"{name}.{node}" if node else name
        remote = str(hadoop.get(f"dfs.namenode.rpc-address.{suffix}", ""))
        listed = hadoop.get(f"dfs.namenode.{protocol}-address.{suffix}")
        if not (listed or remote):
            key = f"dfs.namenode.{protocol}-address.{suffix}"
            raise ConfigError("hadoopConfig", f"nothing tells where {key} is", "give it, or `webhdfsUrl`")
        yield from _urls(protocol, listed, _host(remote))


def _urls(protocol: str, listed: Any, host: str) -> Iterator[str]:
    """What the configuration says; else the usual ports of the host."""
    if not listed:
        yield from (f"{protocol}://{host}:{port}" for port in _PORTS[protocol])
        return
    named = _host(str(listed))
    port = urlsplit(f"//{listed}").port or _PORTS[protocol][0]
    yield f"{protocol}://{host if named in _ANY and host else named}:{port}"


def _nameservices(hadoop: Mapping[str, Any]) -> Sequence[str]:
    return _names(hadoop.get("dfs.nameservices"))


def _names(text: Any) -> Sequence[str]:
    return [name.strip() for name in str(text or "").split(",") if name.strip()]


def _host(netloc: str) -> str:
    """Without the port."""
    return netloc.rpartition(":")[0] if netloc.rpartition(":")[2].isdigit() and ":" in netloc else netloc


def _checked(url: str) -> str:
    parts = urlsplit(url)
    if parts.scheme not in _PORTS or not parts.hostname or parts.username is not None or not _has_port(parts):
        raise ConfigError("webhdfsUrl", "is no URL such as http://namenode:9870", "the user is `hdfsUsername`")
    port = parts.port or _PORTS[parts.scheme][0]
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    return f"{parts.scheme}://{host}:{port}"
