"""Object stores that speak Amazon S3's API. Bytes go through botocore, the library below boto3.

Nothing can be renamed there. What a writer stages is an upload in parts (a multipart upload): its parts are stored, and
no listing shows them until the upload is completed, which makes the object appear at once.
https://docs.aws.amazon.com/AmazonS3/latest/userguide/mpuoverview.html
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from typing import Any, Literal

from starhaul import ConfigError, PermanentError, TransientError
from starhaul_stores.files.places.place import FileStatus, Place, Session, Staged, Staging, printable
from starhaul_stores.files.places.s3_failure import code_of, told
from starhaul_stores.files.places.s3_upload import Sending, Upload
from starhaul_stores.files.streams import ByteStream

_NOT_THERE = ("404", "NoSuchKey")
_READ_TRIES = 3
_SMALLEST_PART = 5 << 20
"""Bytes that every part of an upload but the last must have."""


@dataclass(frozen=True)
class S3Place(Place):
    """A bucket. Keys are paths without the `/` in front; a key that begins with `/` cannot be reached."""

    bucket: str
    endpoint: str | None = None
    """A URL; None: Amazon's, by the region."""
    region: str | None = None
    access_id: str | None = None
    """None: the environment's credentials, as `AWS_ACCESS_KEY_ID`, profiles, or the role of the machine."""
    access_key: str | None = field(default=None, repr=False)
    session_token: str | None = field(default=None, repr=False)
    addressing: Literal["auto", "path", "virtual"] = "auto"
    """Whether the bucket stands in the path of a URL or in the name of the host."""
    ca_file: str | None = None
    timeout: float = 60.0
    """Seconds that a connection may take to be made, or be silent."""
    proxy: str | None = field(default=None, repr=False)
    """URL of an HTTP proxy, which may hold a password."""
    part_size: int = 8 << 20
    """Bytes of a part of an upload; 5 MiB at least, and just that for an upload that is begun while others of the same
    session go on. Later parts are larger in uploads of more than 16 GiB."""
    encrypt: bool = False
    """Whether the store is to encrypt what is written, with its own keys."""
    scheme: str = "s3"
    """For messages."""
    shares_sessions = True

    @contextmanager
    def session(self) -> Iterator[Session]:
        client = self._client()
        try:
            with Sending() as sending:
                yield S3Session(self, client, sending)
        finally:
            client.close()

    def shown(self, path: str) -> str:
        return f"{self.scheme}://{self.bucket}/{printable(path).lstrip('/')}"

    @property
    def encryption(self) -> dict[str, str]:
        """For requests that begin an object."""
        return {"ServerSideEncryption": "AES256"} if self.encrypt else {}

    def _client(self) -> Any:
        try:
            from botocore.config import Config
            from botocore.session import Session as Botocore
        except ModuleNotFoundError as error:
            raise ConfigError("name", "the package botocore is missing", "pip install 'starhaul[s3]'") from error
        proxies = None if self.proxy is None else {"http": self.proxy, "https": self.proxy}
        config = Config(
            connect_timeout=self.timeout,
            read_timeout=self.timeout,
            retries={"mode": "standard", "total_max_attempts": _READ_TRIES},
            s3={"addressing_style": self.addressing},
            signature_version="s3v4",
            proxies=proxies,
            # Amazon alone understands the checksums that botocore adds by itself since 1.36.
            request_checksum_calculation="when_required",
            response_checksum_validation="when_required",
            user_agent_extra="starhaul",
        )
        log = logging.getLogger("botocore")
        if log.level == logging.NOTSET:
            log.setLevel(logging.INFO)  # its debug messages hold session tokens
        botocore = Botocore()
        botocore.register_component("data_loader", _models())
        with told(self, ""):
            return botocore.create_client(
                "s3",
                region_name=self.region or (None if self.endpoint is None else "us-east-1"),
                endpoint_url=self.endpoint,
                aws_access_key_id=self.access_id,
                aws_secret_access_key=self.access_key,
                aws_session_token=self.session_token,
                verify=self.ca_file,
                config=config,
            )


class S3Session(Session):
    """A client of one bucket."""

    def __init__(self, place: S3Place, client: Any, sending: Sending) -> None:
        self.place: S3Place = place
        self._client = client
        self._sending = sending
        self._open = 0

    # --- reading

    def stat(self, path: str) -> FileStatus | None:
        key = key_of(path)
        if key:
            try:
                with told(self.place, path):
                    found = self._client.head_object(Bucket=self.place.bucket, Key=key)
                return _status(path, found["ContentLength"], found)
            except PermanentError as error:
                if code_of(error) == "403":  # a HEAD has no body that would tell why; a listing has
                    self._first(key)
                if code_of(error) not in _NOT_THERE:
                    raise
        return FileStatus(path, 0, "", directory=True) if self._first(_below(path)) else None

    def entries(self, directory: str) -> Iterator[FileStatus]:
        prefix = _below(directory)
        for page in self._pages("list_objects_v2", directory, Prefix=prefix, Delimiter="/"):
            for each in page.get("CommonPrefixes", ()):
                yield FileStatus("/" + each["Prefix"].removesuffix("/"), 0, "", directory=True)
            for each in page.get("Contents", ()):
                if each["Key"] != prefix:  # programs put an empty object there to show a folder
                    yield _status("/" + each["Key"], each["Size"], each)

    def walk(self, directory: str, hidden: Callable[[str], bool]) -> Iterator[FileStatus]:
        prefix = _below(directory)
        for page in self._pages("list_objects_v2", directory, Prefix=prefix):
            for each in page.get("Contents", ()):
                key = each["Key"]
                if not key.endswith("/") and not any(map(hidden, key.removeprefix(prefix).split("/"))):
                    yield _status("/" + key, each["Size"], each)

    @contextmanager
    def open_range(self, file: FileStatus, start: int, end: int) -> Iterator[ByteStream]:
        """The same version of the object only: another one fails, in the midst of a file too."""
        with told(self.place, file.path):
            answer = self._client.get_object(
                Bucket=self.place.bucket, Key=key_of(file.path), Range=f"bytes={start}-{end - 1}", IfMatch=file.mark
            )
        body = answer["Body"]
        try:
            yield _Body(self.place, file.path, body)
        finally:
            body.close()

    # --- writing

    def expect_writable(self, directory: str, where: str) -> None:
        """That the bucket is there and may be listed; whether objects may be put, only putting one tells."""
        try:
            self._first(_below(directory))
        except PermanentError as error:
            raise ConfigError(where, str(error)) from error

    def make_directory(self, path: str) -> None:
        """There are none."""

    @contextmanager
    def stage(self, directory: str, name: str, attempt: int) -> Iterator[Staging]:
        path = f"{directory}/{name}"
        size = _SMALLEST_PART if self._open else self.place.part_size  # each open object holds one
        self._open += 1
        try:
            with Upload(self._client, self.place, path, self._sending, size) as upload:
                staging = Staging(name, attempt, upload.write)
                yield staging
                upload.finish()
                if upload.id is not None:
                    staging.data["upload"] = upload.id
                    self._parts(path, upload.id, staging.written)
        finally:
            self._open -= 1

    def publish(self, directory: str, staged: Sequence[Staged]) -> None:
        for each in staged:
            path = f"{directory}/{each.name}"
            here = {"Bucket": self.place.bucket, "Key": key_of(path)}
            with told(self.place, path):
                if "upload" not in each.data:  # an empty file, which takes no upload
                    self._client.put_object(**here, **self.place.encryption, Body=b"")
                    continue
            try:
                parts = self._parts(path, each.data["upload"], each.size)
                with told(self.place, path):
                    self._client.complete_multipart_upload(
                        **here, UploadId=each.data["upload"], MultipartUpload={"Parts": parts}
                    )
            except PermanentError as error:
                if code_of(error) != "NoSuchUpload":
                    raise
            self._expect_published(path, each.size)

    def abandon(self, directory: str, staged: Sequence[Staged]) -> None:
        for each in staged:
            if "upload" in each.data:
                self._abandon(f"{directory}/{each.name}", each.data["upload"])

    def remove(self, path: str) -> None:
        with told(self.place, path):
            self._client.delete_object(Bucket=self.place.bucket, Key=key_of(path))

    def clear(self, directory: str, start: str, *, before: float | None = None) -> None:
        for page in self._pages("list_multipart_uploads", directory, Prefix=_below(directory)):
            for each in page.get("Uploads", ()):
                path, upload = "/" + each["Key"], each["UploadId"]
                if not path.rpartition("/")[2].startswith(start):
                    continue
                if before is not None and self._last_write(path, each) >= before:
                    continue
                self._abandon(path, upload)

    def _abandon(self, path: str, upload: str) -> None:
        try:
            with told(self.place, path):
                self._client.abort_multipart_upload(Bucket=self.place.bucket, Key=key_of(path), UploadId=upload)
        except PermanentError as error:
            if code_of(error) != "NoSuchUpload":
                raise

    def _last_write(self, path: str, listed: Any) -> float:
        """When an upload was begun, or its last part stored."""
        times = [listed["Initiated"].timestamp()]
        try:
            for page in self._pages("list_parts", path, Key=key_of(path), UploadId=listed["UploadId"]):
                times += [part["LastModified"].timestamp() for part in page.get("Parts", ())]
        except PermanentError as error:
            if code_of(error) != "NoSuchUpload":
                raise
        return max(times)

    def _parts(self, path: str, upload: str, size: int) -> list[dict[str, Any]]:
        """The parts of an upload as the store has them. Raises `TransientError` if they are not of `size` together."""
        parts = [
            part
            for page in self._pages("list_parts", path, Key=key_of(path), UploadId=upload)
            for part in page.get("Parts", ())
        ]
        there = sum(part["Size"] for part in parts)
        if there != size:
            raise TransientError(self.place.shown(path), f"{size} bytes were written, but {there} bytes are there")
        return [{"PartNumber": part["PartNumber"], "ETag": part["ETag"]} for part in parts]

    def _expect_published(self, path: str, size: int) -> None:
        status = self.stat(path)
        if status is None or status.directory or status.size != size:
            raise PermanentError(self.place.shown(path), "the staged file is gone", "start a new run")

    # --- requests

    def _first(self, prefix: str) -> bool:
        """Whether there is an object whose key begins so."""
        with told(self.place, prefix):
            found = self._client.list_objects_v2(Bucket=self.place.bucket, Prefix=prefix, MaxKeys=1)
        return bool(found.get("Contents"))

    def _pages(self, operation: str, path: str, **parameters: str) -> Iterator[Any]:
        pages = iter(self._client.get_paginator(operation).paginate(Bucket=self.place.bucket, **parameters))
        while True:
            with told(self.place, path):
                page = next(pages, None)
            if page is None:
                return
            yield page


class _Body:
    """The bytes of an answer, whose failures are told as Starhaul's errors."""

    def __init__(self, place: S3Place, path: str, body: Any) -> None:
        self._place = place
        self._path = path
        self._body = body

    def read(self, size: int, /) -> bytes:
        with told(self._place, self._path):
            return bytes(self._body.read(size))


@cache
def _models() -> Any:
    """What botocore knows of the API: files of its package, read once. That is nine tenths of the time that a client
    takes to be made."""
    from botocore.loaders import create_loader

    return create_loader()


def key_of(path: str) -> str:
    """The key of the object at an absolute path."""
    return path.lstrip("/")


def _below(directory: str) -> str:
    """What the keys of a directory's objects begin with."""
    key = key_of(directory)
    return f"{key}/" if key else ""


def _status(path: str, size: int, answer: Any) -> FileStatus:
    return FileStatus(path, size, answer["ETag"].strip('"'), answer["LastModified"].timestamp())
