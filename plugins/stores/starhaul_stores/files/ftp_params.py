"""The parameters of readers and writers of files on FTP and SFTP servers, in the words of DataX."""

from __future__ import annotations

import codecs
from typing import Annotated, Literal

from pydantic import Field, SecretStr, field_validator, model_validator

from starhaul import Params
from starhaul_stores.files.places.ftp import FtpPlace
from starhaul_stores.files.places.sftp import SftpPlace

_PORTS = {"ftp": 21, "ftps": 21, "sftp": 22}
_IMPLICIT_PORT = 990


class RemoteParams(Params):
    """Which server, who asks, and how far both are trusted."""

    protocol: Literal["ftp", "ftps", "sftp"]
    """`ftp`: nothing is encrypted, the password neither. `ftps`: FTP with TLS. `sftp`: over SSH."""

    host: str = Field(min_length=1)
    """The server."""

    port: int | None = Field(default=None, ge=1, le=65535)
    """Its port. By default 21, for SFTP 22, for implicit TLS 990."""

    username: str
    """The user there; `anonymous` where nobody is asked."""

    password: SecretStr | None = None
    """The user's password."""

    timeout: Annotated[int, Field(ge=1)] | Annotated[str, Field(pattern=r"^[1-9][0-9]*$")] = 60_000
    """Milliseconds that a connection may take to be made, or be silent; as text too, as DataX's jobs have it."""

    connect_pattern: Literal["PASV", "PORT"] = "PASV"
    """Who opens FTP's connections for data: we do, to the server (`PASV`), or the server does, to us (`PORT`)."""

    implicit_tls: bool = False
    """With `ftps`: whether TLS begins at once, as of old on port 990, in place of on demand."""

    verify: bool = True
    """Whether the server must prove who it is: by its certificate (`ftps`), or by a key that is known (`sftp`). `false`
    trusts whoever answers."""

    ca_file: str | None = None
    """With `ftps`: certificates of the authorities that are trusted, in place of the system's."""

    key_file: str | None = None
    """With `sftp`: the file of the user's private key."""

    passphrase: SecretStr | None = None
    """With `sftp`: what the private key is encrypted with."""

    known_hosts: str | None = None
    """With `sftp`: the file of the keys that are known. By default `~/.ssh/known_hosts`."""

    host_key: str | None = None
    """With `sftp`: the one key to trust, `ssh-ed25519 AAAA…`, or its fingerprint, `SHA256:…`, in place of
    `knownHosts`."""

    name_encoding: str = "UTF-8"
    """The encoding of file names on the server, such as `GBK`. Names that are no text in it are kept byte for byte."""

    max_traversal_level: int = Field(default=100, ge=0)
    """How many folders below folders are walked. Deeper ones are an error."""

    @field_validator("name_encoding")
    @classmethod
    def _known(cls, encoding: str) -> str:
        try:
            return codecs.lookup(encoding).name
        except LookupError as error:
            raise ValueError(f"there is no encoding {encoding!r}") from error

    @model_validator(mode="after")
    def _of_the_protocol(self) -> RemoteParams:
        if self.protocol != "ftps" and (self.implicit_tls or self.ca_file is not None):
            raise ValueError("`implicitTls` and `caFile` are for protocol `ftps`")
        keys = (self.key_file, self.passphrase, self.known_hosts, self.host_key)
        if self.protocol != "sftp" and any(key is not None for key in keys):
            raise ValueError("`keyFile`, `passphrase`, `knownHosts` and `hostKey` are for protocol `sftp`")
        if self.protocol != "sftp" and self.password is None:
            raise ValueError("`password` is missing; it may be empty")
        return self

    def place(self) -> FtpPlace | SftpPlace:
        """The server."""
        port = self.port or (_IMPLICIT_PORT if self.implicit_tls else _PORTS[self.protocol])
        if self.protocol == "sftp":
            return SftpPlace(
                self.host,
                port,
                self.username,
                password=_told(self.password),
                key_file=self.key_file,
                passphrase=_told(self.passphrase),
                known_hosts=self.known_hosts,
                host_key=self.host_key,
                verify=self.verify,
                timeout=int(self.timeout) / 1000,
                encoding=self.name_encoding,
                depth=self.max_traversal_level,
            )
        return FtpPlace(
            self.host,
            port,
            self.username,
            _told(self.password) or "",
            tls="none" if self.protocol == "ftp" else "implicit" if self.implicit_tls else "explicit",
            verify=self.verify,
            ca_file=self.ca_file,
            passive=self.connect_pattern == "PASV",
            timeout=int(self.timeout) / 1000,
            encoding=self.name_encoding,
            depth=self.max_traversal_level,
        )


def _told(secret: SecretStr | None) -> str | None:
    return None if secret is None else secret.get_secret_value()
