"""The parameters that say which Hive is meant and who asks; the same for reading and writing."""

from __future__ import annotations

from pathlib import Path
from typing import Literal
from urllib.parse import unquote, urlsplit

from pydantic import Field, SecretStr, model_validator

from starhaul import Params
from starhaul_stores.hdfs.params import HdfsParams


class HiveParams(Params):
    """Parameters of whatever reaches a HiveServer2."""

    url: str
    """HiveServer2: `hive://USER@HOST:PORT/DATABASE`. The port is 10000 and the database `default` unless it says so."""

    password: SecretStr | None = None
    """The user's password, with `auth` `ldap` or `custom`."""

    auth: Literal["none", "nosasl", "ldap", "custom", "kerberos"] = "none"
    """What `hive.server2.authentication` is there. `kerberos` needs `starhaul[kerberos]`, and a ticket (`kinit`) or a
    keytab."""

    kerberos_service_name: str = "hive"
    """The first part of the server's principal."""

    kerberos_principal: str | None = None
    """Who asks, with Kerberos. By default whoever has a ticket."""

    kerberos_keytab_file_path: Path | None = None
    """A keytab with the key of `kerberosPrincipal`. `hdfs` has one of its own."""

    tls: bool = False
    """Whether the connection is encrypted; the server's certificate is verified then."""

    tls_ca_file: Path | None = None
    """Certificates of the authorities to trust, in PEM. By default those of the system."""

    timeout: float = Field(default=3600, gt=0, le=7 * 86400)
    """Seconds without an answer after which the connection counts as broken. A query may run long before it answers."""

    hdfs: HdfsParams | None = None
    """The cluster that the tables' files stand on, in the words of `hdfsreader`: `defaultFS`, `webhdfsUrl`,
    `hadoopConfig`, `hdfsUsername`, `haveKerberos` and so on."""

    hdfs_aliases: list[str] = Field(default=[])
    """Other names of that same cluster in the locations of tables, such as `hdfs://nameservice1` or `viewfs://cluster`.
    Needed only where neither `hadoopConfig` nor HiveServer2 tells that they are. A path must mean the same there."""

    @model_validator(mode="after")
    def _sound_url(self) -> HiveParams:
        parts = urlsplit(self.url)
        if parts.scheme not in ("hive", "hive2") or not parts.hostname:
            raise ValueError("`url` is hive://USER@HOST:PORT/DATABASE")
        if parts.password is not None:
            raise ValueError("a password does not belong into `url`: put it in `password`")
        if "/" in parts.path.strip("/") or "`" in self.database:
            raise ValueError("`url` names one database behind the `/`")
        if any("://" not in each for each in self.hdfs_aliases):
            raise ValueError("`hdfsAliases` are URLs, such as hdfs://NAMESERVICE")
        if self.kerberos_keytab_file_path is not None and not self.kerberos_principal:
            raise ValueError("`kerberosKeytabFilePath` needs `kerberosPrincipal`")
        if self.auth == "ldap" and (not self.user or self.password is None or not self.password.get_secret_value()):
            raise ValueError("`auth` `ldap` needs a user in `url`, and `password`")
        return self

    @property
    def host(self) -> str:
        """Of HiveServer2."""
        return urlsplit(self.url).hostname or ""

    @property
    def port(self) -> int:
        """Of HiveServer2."""
        return urlsplit(self.url).port or 10000

    @property
    def user(self) -> str | None:
        """Who asks."""
        name = urlsplit(self.url).username
        return None if name is None else unquote(name)

    @property
    def database(self) -> str:
        """Where tables are that are named without one."""
        return unquote(urlsplit(self.url).path.strip("/")) or "default"
