"""An S3 server of the tests' own, which checks signatures: Versity's gateway over a directory.

`install.sh` builds it. Objects are plain files in its directory, so a key cannot be both an object and a folder.
"""

from __future__ import annotations

import os
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from tests.servers.process import ServerProcess, new_folder, started

_EXECUTABLE = Path(__file__).parents[2] / ".cache" / "servers" / "versitygw-v1.8.0"
_numbers = count(1)

ACCESS, SECRET = "testaccess", "testsecret/123+="


class S3Server(ServerProcess):
    """A running server with one account."""

    not_yet = (OSError,)

    @property
    def endpoint(self) -> str:
        """Its URL."""
        return f"http://127.0.0.1:{self.port}"

    def command(self) -> Sequence[str]:
        if not _EXECUTABLE.exists():
            raise RuntimeError("The S3 server is not built: run tests/servers/install.sh")
        iam, data = self.folder / "iam", self.folder / "data"
        iam.mkdir(exist_ok=True)
        data.mkdir(exist_ok=True)
        listen = ["--port", f"127.0.0.1:{self.port}", "--health", "/health", "--region", "us-east-1"]
        return [str(_EXECUTABLE), "--quiet", *listen, "--iam-dir", str(iam), "posix", str(data)]

    def environment(self) -> Mapping[str, str]:
        return {**os.environ, "ROOT_ACCESS_KEY": ACCESS, "ROOT_SECRET_KEY": SECRET}

    def ping(self) -> None:
        with urllib.request.urlopen(f"{self.endpoint}/health", timeout=5):
            pass

    @contextmanager
    def client(self) -> Iterator[Any]:
        """A client that is not the plugins'; the same each time, as one takes a second to be made."""
        yield self._client

    @cached_property
    def _client(self) -> Any:
        from botocore.config import Config
        from botocore.session import Session

        options = {"aws_access_key_id": ACCESS, "aws_secret_access_key": SECRET, "region_name": "us-east-1"}
        config = Config(s3={"addressing_style": "path"}, signature_version="s3v4")
        return Session().create_client("s3", endpoint_url=self.endpoint, config=config, **options)


@dataclass(frozen=True)
class Bucket:
    """A bucket of a test's own."""

    server: S3Server
    name: str

    @property
    def parameters(self) -> dict[str, Any]:
        """For a job."""
        return {"endpoint": self.server.endpoint, "accessId": ACCESS, "accessKey": SECRET, "bucket": self.name}

    def objects(self, client: Any = None) -> dict[str, bytes]:
        """What everybody sees, through a client of the caller's or a new one."""
        if client is None:
            with self.server.client() as client:
                return self.objects(client)
        found = client.list_objects_v2(Bucket=self.name).get("Contents", [])
        keys = [each["Key"] for each in found]
        return {key: client.get_object(Bucket=self.name, Key=key)["Body"].read() for key in keys}

    def uploads(self) -> list[str]:
        """The keys of uploads that are neither completed nor aborted."""
        with self.server.client() as client:
            found = client.list_multipart_uploads(Bucket=self.name)
            return [each["Key"] for each in found.get("Uploads", [])]

    def put(self, key: str, content: bytes) -> None:
        """Put an object."""
        with self.server.client() as client:
            client.put_object(Bucket=self.name, Key=key, Body=content)

    def remove(self, key: str) -> None:
        """Take an object away."""
        with self.server.client() as client:
            client.delete_object(Bucket=self.name, Key=key)


@pytest.fixture(scope="session")
def s3_server() -> Iterator[S3Server]:
    """An S3 server of this run's own."""
    with running() as server:
        yield server


@pytest.fixture
def bucket(s3_server: S3Server) -> Bucket:
    """A bucket of the test's own."""
    name = f"test-{next(_numbers)}"
    with s3_server.client() as client:
        client.create_bucket(Bucket=name)
    return Bucket(s3_server, name)


@contextmanager
def running() -> Iterator[S3Server]:
    """A new server for the time of a `with` block."""
    with new_folder("s3") as folder:
        server = S3Server(folder)
        with started(server):
            yield server
