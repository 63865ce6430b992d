"""The parameters that say which cluster is meant and who asks; the same for reading and writing."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pydantic import Field, SecretStr, field_validator, model_validator

from starhaul import ConfigError, Params
from starhaul_stores.files.places.hdfs import HdfsPlace
from starhaul_stores.hdfs.addresses import authority, name_nodes
from starhaul_stores.hdfs.login import Login
from starhaul_stores.hdfs.tls import Tls


class HdfsParams(Params):
    """Parameters of whatever reaches an HDFS cluster."""

    default_fs: str = Field(alias="defaultFS")
    """The cluster, as in Hadoop's `fs.defaultFS`: `hdfs://HOST:PORT`, `hdfs://NAMESERVICE` with `hadoopConfig`, or
    `webhdfs://HOST:PORT` (`swebhdfs://…` with TLS)."""

    hadoop_config: dict[str, Any] = Field(default={})
    """Properties as in `hdfs-site.xml`. Those that count: `dfs.nameservices`, `dfs.ha.namenodes.*`,
    `dfs.namenode.http-address.*`, `dfs.namenode.https-address.*` and `dfs.namenode.rpc-address.*` (for the host),
    `dfs.http.policy`; for new files `dfs.replication`, `dfs.blocksize`, `fs.permissions.umask-mode`. All others may
    stand there and mean nothing here."""

    webhdfs_url: str | list[str] = Field(default=[])
    """Where the name nodes, or a gateway (HttpFS), answer WebHDFS: `http://HOST:9870`, or several for a cluster with
    standby name nodes. By default the addresses in `hadoopConfig`, else the host of `defaultFS` with the usual ports
    (9870, 50070; 9871, 50470 with TLS)."""

    hdfs_username: str | None = Field(default=None, min_length=1)
    """Who asks, where no Kerberos proves it. By default `HADOOP_USER_NAME` of the environment, else this process'
    user."""

    have_kerberos: bool = False
    """Whether to log in with Kerberos (SPNEGO). Needs `starhaul[kerberos]`."""

    kerberos_principal: str | None = None
    """The principal, such as `etl@EXAMPLE.COM`. By default the one of the tickets that are there (`kinit`)."""

    kerberos_keytab_file_path: Path | None = None
    """The principal's keytab. By default the tickets that are there are used."""

    delegation_token: SecretStr | None = None
    """A delegation token of the cluster in place of a user or Kerberos."""

    tls_ca_file: Path | None = None
    """Certificates of the authorities to trust, in PEM. By default those of the system."""

    tls_certificate_file: Path | None = None
    """The client's own certificate, in PEM, if the cluster asks for one."""

    tls_key_file: Path | None = None
    """Its key, if that is not in the same file."""

    connect_timeout: float = Field(default=10, gt=0, le=3600)
    """Seconds to wait for a connection."""

    timeout: float = Field(default=120, gt=0, le=86400)
    """Seconds without a byte, or without an answer, after which a connection counts as broken."""

    @field_validator("webhdfs_url")
    @classmethod
    def _listed(cls, urls: str | list[str]) -> list[str]:
        return [urls] if isinstance(urls, str) else urls

    @model_validator(mode="after")
    def _sound_cluster(self) -> HdfsParams:
        if self.have_kerberos and self.delegation_token is not None:
            raise ValueError("`delegationToken` and `haveKerberos` are two ways to log in")
        if self.kerberos_keytab_file_path is not None and not self.kerberos_principal:
            raise ValueError("`kerberosKeytabFilePath` needs `kerberosPrincipal`")
        try:
            name_nodes(self.default_fs, self.webhdfs_url, self.hadoop_config)
        except ConfigError as error:
            raise ValueError(f"`{error.where}`: {error.problem} ({error.hint})") from error
        return self

    def place(self) -> HdfsPlace:
        """The cluster."""
        return HdfsPlace(
            authority=authority(self.default_fs),
            urls=name_nodes(self.default_fs, self.webhdfs_url, self.hadoop_config),
            login=self._login(),
            tls=Tls(self.tls_ca_file, self.tls_certificate_file, self.tls_key_file),
            timeouts=(self.connect_timeout, self.timeout),
            properties=self._properties(),
            folder_permission=self._permission(0o777),
        )

    def _login(self) -> Login:
        if not self.have_kerberos:
            return Login(self.hdfs_username, self.delegation_token)
        keytab = self.kerberos_keytab_file_path
        return Login(self.hdfs_username, None, True, self.kerberos_principal, str(keytab) if keytab else None)

    def _properties(self) -> dict[str, Any]:
        config = self.hadoop_config
        asked = {
            "replication": config.get("dfs.replication"),
            "blocksize": _bytes(config.get("dfs.blocksize", config.get("dfs.block.size"))),
            "permission": self._permission(0o666),
        }
        return {name: value for name, value in asked.items() if value is not None}

    def _permission(self, full: int) -> str | None:
        mask = str(self.hadoop_config.get("fs.permissions.umask-mode", ""))
        return f"{full & ~int(mask, 8):o}" if mask and set(mask) <= set("01234567") else None


def _bytes(text: Any) -> int | None:
    """A size as Hadoop has it: `134217728`, `128m`."""
    digits = str(text if text is not None else "").strip().lower()
    unit = {"k": 10, "m": 20, "g": 30}.get(digits[-1:], 0)
    number = digits[:-1] if unit else digits
    return int(number) << unit if number.isdigit() else None
