"""The parameters of readers and writers of object stores that speak Amazon S3's API."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Literal
from urllib.parse import quote

from pydantic import Field, SecretStr, field_validator, model_validator

from starhaul import Params
from starhaul_stores.files.places.s3 import S3Place
from starhaul_stores.files.write_params import FileWriterParams


class ObjectStoreParams(Params):
    """Which bucket, and who asks."""

    scheme: ClassVar[str] = "s3"

    bucket: str = Field(min_length=3, max_length=255)
    """The bucket. It must be there."""

    endpoint: str | None = Field(default=None, min_length=1)
    """URL of the store, such as `https://minio.example.com:9000`. By default Amazon's own in the region."""

    access_id: str | None = Field(default=None, min_length=1)
    """Access key ID. Without it the environment gives the credentials, as to every AWS tool: `AWS_ACCESS_KEY_ID` and
    `AWS_SECRET_ACCESS_KEY`, a profile, the role of the machine."""

    access_key: SecretStr | None = None
    """The secret that belongs to `accessId`."""

    session_token: SecretStr | None = None
    """What belongs to credentials that are lent for some time."""

    region: str | None = Field(default=None, min_length=1)
    """The region. By default the environment's; with an `endpoint`, `us-east-1`."""

    addressing: Literal["auto", "path", "virtual"] = "auto"
    """How a request names the bucket: in its path (most stores of one's own want that), or in the name of the host.
    `auto`: in the host's name at Amazon, in the path at an `endpoint`."""

    ca_file: str | None = None
    """Certificates of the authorities that the store's certificate is checked against, in place of the system's."""

    timeout: float = Field(default=60.0, gt=0)
    """Seconds that a connection may take to be made, or be silent."""

    proxy_host: str | None = Field(default=None, min_length=1)
    """Host of an HTTP proxy. By default the environment's `HTTPS_PROXY` and `HTTP_PROXY` count."""

    proxy_port: int = Field(default=8080, ge=1, le=65535)
    """Port of the proxy."""

    proxy_username: str | None = None
    """The user there."""

    proxy_password: SecretStr | None = None
    """The user's password there."""

    @field_validator("endpoint")
    @classmethod
    def _with_scheme(cls, endpoint: str | None) -> str | None:
        return endpoint if endpoint is None or "://" in endpoint else f"https://{endpoint}"

    @model_validator(mode="after")
    def _both_or_none(self) -> ObjectStoreParams:
        if (self.access_id is None) != (self.access_key is None):
            raise ValueError("`accessId` and `accessKey` go together")
        return self

    def place(self, **more: Any) -> S3Place:
        """The bucket."""
        return S3Place(
            bucket=self.bucket,
            endpoint=self.endpoint,
            region=self.region,
            access_id=self.access_id,
            access_key=_told(self.access_key),
            session_token=_told(self.session_token),
            addressing=self.addressing,
            ca_file=self.ca_file,
            timeout=self.timeout,
            proxy=self._proxy(),
            scheme=self.scheme,
            **more,
        )

    def _proxy(self) -> str | None:
        if self.proxy_host is None:
            return None
        user = ""
        if self.proxy_username is not None:
            user = f"{quote(self.proxy_username, '')}:{quote(_told(self.proxy_password) or '', '')}@"
        return f"http://{user}{self.proxy_host}:{self.proxy_port}"


class OssParams(ObjectStoreParams):
    """Where in OSS, by the S3-compatible API of it."""

    scheme: ClassVar[str] = "oss"

    endpoint: str = Field(min_length=1)
    """The region's address, such as `https://oss-cn-hangzhou.aliyuncs.com`; `https://` if it is not said."""

    access_id: str = Field(min_length=1)
    """AccessKey ID."""

    access_key: SecretStr
    """AccessKey secret."""

    addressing: Literal["auto", "path", "virtual"] = "virtual"
    """How a request names the bucket. OSS wants it in the name of the host; `path` is for stores that imitate it."""

    cname: Literal[False] = False
    """Domain names that are bound to a bucket are not understood, so `true` is refused: name the region's address."""

    proxy_domain: str | None = None
    """Accepted for DataX's sake; a proxy that wants NTLM is not supported."""

    proxy_workstation: str | None = None
    """Accepted for DataX's sake; a proxy that wants NTLM is not supported."""


class ObjectWriterParams(FileWriterParams):
    """What the objects are to be called, and how they are sent."""

    object: str = ""
    """Beginning of the objects' keys, such as `exports/orders`, as in DataX's `osswriter`: `path` and `fileName` in
    one."""

    path: str = ""
    """What stands in front of `fileName`, like a folder. Empty: the bucket itself."""

    file_name: str = Field(default="", max_length=100, pattern=r"^[^/\x00]*$")
    """Beginning of the last part of the objects' keys. Each task writes one object, `fileName__RUN_TASK` and the
    suffixes."""

    block_size_in_mb: int = Field(default=8, ge=5, le=1024, alias="blockSizeInMB")
    """MiB of one part of an upload; four parts are in memory. Where a task writes into several partitions, parts have 5
    MiB, and each of up to 32 open objects holds one."""

    encrypt: bool = False
    """Whether the store is told to encrypt the objects with its own keys (AES-256)."""

    write_single_object: Literal[False] = False
    """DataX's wish for one object in all is not fulfilled, so `true` is refused: `channel: 1` and a source in one piece
    make one."""

    generate_empty_file: bool = True
    """Whether a task that got no rows writes an object all the same, with nothing but a header or a footer in it."""

    partition: Any = None
    """DataX's partitions of one table are refused: put `dt=2026-11-22/` into `object` (or `path`), or name columns in
    `partitionColumns`."""

    @field_validator("partition")
    @classmethod
    def _no_partition(cls, given: Any) -> Any:
        if given:
            raise ValueError("put the partition's folder into `object`, or name the columns in `partitionColumns`")
        return given

    @model_validator(mode="before")
    @classmethod
    def _taken_apart(cls, given: Any) -> Any:
        if not isinstance(given, Mapping) or not isinstance(given.get("object"), str) or not given["object"]:
            return given
        folder, _, name = given["object"].strip("/").rpartition("/")
        said = (given.get("path"), given.get("fileName"))
        if any(said) and said != (folder, name):
            raise ValueError("give either `object`, or `path` and `fileName`")
        return {**given, "path": folder, "fileName": name}

    @model_validator(mode="after")
    def _named(self) -> ObjectWriterParams:
        if not self.file_name:
            raise ValueError("`object`, or `path` and `fileName`, must say what the objects are to be called")
        return self

    def sending(self) -> dict[str, Any]:
        """What the place needs to know of uploads."""
        return {"part_size": self.block_size_in_mb << 20, "encrypt": self.encrypt}


def _told(secret: SecretStr | None) -> str | None:
    return None if secret is None else secret.get_secret_value()
