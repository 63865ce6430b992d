"""Parameters of both sides: where HBase is, and how to speak to it."""

from __future__ import annotations

import codecs
import json
import re
from collections.abc import Mapping
from typing import Any, Literal

from pydantic import Field, field_validator, model_validator

from starhaul import ConfigError, Params

THRIFT_PORT = 9090
QUORUM = "hbase.zookeeper.quorum"
_SERVER = re.compile(r"(?:\[(?P<v6>[^\]]+)\]|(?P<host>[^:\s]+)):(?P<port>\d{1,5})")


class HbaseParams(Params):
    """How to reach a table."""

    hbase_config: dict[str, Any] = Field(default_factory=dict)
    """Settings of HBase, as in DataX. `hbase.zookeeper.quorum` names the hosts of the Thrift servers where
    `thriftServers` is missing; `hbase.regionserver.thrift.port`, `.framed` and `.compact` (all under
    `hbase.regionserver.thrift`) are understood, others are not looked at."""

    thrift_servers: tuple[str, ...] = ()
    """Thrift servers (of Thrift1, as `hbase thrift start` starts them), `host:port` each. Tasks take them in turns, and
    the next one where one does not answer. If missing: the hosts of the ZooKeeper quorum, on port 9090."""

    thrift_transport: Literal["buffered", "framed"] | None = None
    """How the Thrift servers frame messages: `framed` for servers started with `-f`, `--nonblocking`, `-hsha` or
    `-threadedselector`; otherwise `buffered`, which is the default."""

    thrift_protocol: Literal["binary", "compact"] | None = None
    """`compact` for servers started with `-c`; `binary`, which is the default, is several times as fast here."""

    timeout: float = Field(default=60, gt=0)
    """Seconds to wait for an answer of a Thrift server."""

    table: str = Field(min_length=1)
    """The table, `namespace:table` outside of the default namespace."""

    encoding: str = "utf-8"
    """Encoding of texts in cells and row keys."""

    @field_validator("hbase_config", mode="before")
    @classmethod
    def _as_text(cls, value: Any) -> Any:
        return json.loads(value) if isinstance(value, str) and value.strip() else value

    @field_validator("encoding")
    @classmethod
    def _known_encoding(cls, value: str) -> str:
        try:
            codecs.lookup(value)
        except LookupError:
            raise ValueError(f"there is no encoding {value!r}") from None
        return value

    @field_validator("thrift_servers")
    @classmethod
    def _hosts_and_ports(cls, servers: tuple[str, ...]) -> tuple[str, ...]:
        for server in servers:
            if not _SERVER.fullmatch(server.strip()):
                raise ValueError(f"{server!r} is not host:port")
        return servers

    @model_validator(mode="after")
    def _some_server(self) -> HbaseParams:
        if not self.thrift_servers and not _hosts(self.hbase_config):
            raise ValueError(f'name the Thrift servers in `thriftServers`, or "{QUORUM}" in `hbaseConfig`')
        if str(self.hbase_config.get("hbase.security.authentication", "simple")).lower() == "kerberos":
            raise ValueError("Thrift servers that ask for Kerberos are not supported")
        return self

    def servers(self) -> list[tuple[str, int]]:
        """Host and port of each Thrift server."""
        if self.thrift_servers:
            matches = [match for each in self.thrift_servers if (match := _SERVER.fullmatch(each.strip()))]
            return [(match["v6"] or match["host"], int(match["port"])) for match in matches]
        text = str(self.hbase_config.get("hbase.regionserver.thrift.port", THRIFT_PORT))
        if not text.isdecimal():
            raise ConfigError("hbaseConfig", f"hbase.regionserver.thrift.port is {text!r}", "give a number")
        return [(host, int(text)) for host in _hosts(self.hbase_config)]

    def framed(self) -> bool:
        """Whether messages are framed."""
        if self.thrift_transport is None:
            return _true(self.hbase_config, "hbase.regionserver.thrift.framed")
        return self.thrift_transport == "framed"

    def compact(self) -> bool:
        """Whether the protocol is the compact one."""
        if self.thrift_protocol is None:
            return _true(self.hbase_config, "hbase.regionserver.thrift.compact")
        return self.thrift_protocol == "compact"

    def where(self) -> str:
        """How errors name the table."""
        return f'HBase table "{self.table}"'

    def how(self) -> str:
        """The way to the table, a sentence for `starhaul plan`."""
        named = ", ".join(f"{host}:{port}" for host, port in self.servers())
        guessed = "" if self.thrift_servers else f", taken from {QUORUM} (`thriftServers` would name them)"
        transport, protocol = ("buffered", "framed")[self.framed()], ("binary", "compact")[self.compact()]
        return f"through the Thrift servers {named}{guessed}; {transport} transport, {protocol} protocol"


def _hosts(settings: Mapping[str, Any]) -> list[str]:
    """The hosts of the ZooKeeper quorum, without ports."""
    parts = [part.strip() for part in str(settings.get(QUORUM, "")).split(",")]
    return [part.partition(":")[0] for part in parts if part.partition(":")[0]]


def _true(settings: Mapping[str, Any], key: str) -> bool:
    return str(settings.get(key, "")).strip().lower() == "true"
