"""Object stores that refuse what a job wants to do: no permission, credentials that expire, no space."""

from __future__ import annotations

import http.client
import json
import os
import re
import shlex
import subprocess
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

import starhaul
from tests.servers.process import new_folder, started
from tests.servers.s3 import ACCESS, SECRET, Bucket, S3Server

ROWS = 3000
CSV = "".join(f"{n},row {n}\n" for n in range(ROWS))
EXPIRED = b"<?xml version='1.0'?><Error><Code>ExpiredToken</Code><Message>The token has expired.</Message></Error>"


def job(tmp_path: Path, bucket: Bucket, **more: Any) -> dict[str, Any]:
    """Local rows into the bucket, which holds an older object."""
    if not (tmp_path / "in.csv").exists():
        (tmp_path / "in.csv").write_text(CSV)
        bucket.put("out/t_old", b"old")
    target = {"name": "s3writer", **bucket.parameters, "object": "out/t", "writeMode": "truncate", "fileFormat": "csv"}
    source = {"name": "csv", "path": str(tmp_path / "in.csv"), "column": ["*"], "splitSize": 1 << 20}
    return {
        "reader": source, "writer": {**target, **more}, "settings": {"retry": {"attempts": 2, "pause": 0.1}},
    }  # fmt: skip


@pytest.fixture(scope="module")
def guest(s3_server: S3Server) -> dict[str, str]:
    """An account that may do what a bucket's policy says."""
    made = {"accessId": "guest", "accessKey": "guest's secret 1"}
    command = [s3_server.command()[0], "admin", "-a", ACCESS, "-s", SECRET, "--er", s3_server.endpoint, "create-user"]
    subprocess.run([*command, "-a", made["accessId"], "-s", made["accessKey"], "-r", "user"], check=True)
    return made


def allow(bucket: Bucket, *actions: str) -> None:
    """Let the guest do this."""
    here = f"arn:aws:s3:::{bucket.name}"
    statement = [
        {"Effect": "Allow", "Principal": {"AWS": ["guest"]}, "Action": f"s3:{action}",
         "Resource": f"{here}/*" if action.endswith(("Object", "Parts", "Upload")) else here}
        for action in actions
    ]  # fmt: skip
    with bucket.server.client() as client:
        client.put_bucket_policy(Bucket=bucket.name, Policy=json.dumps({"Statement": statement}))


def test_who_may_list_and_not_put(bucket: Bucket, guest: dict[str, str], tmp_path: Path) -> None:
    allow(bucket, "ListBucket", "GetObject", "ListBucketMultipartUploads")
    report = starhaul.run(job(tmp_path, bucket, **guest), state=tmp_path / "state")
    assert report.state == "failed"
    assert report.error is not None
    assert (report.error.kind, report.error.problem) == ("PermanentError", "no permission")
    assert report.error.where.startswith(f"s3://{bucket.name}/out/t__")
    assert bucket.objects() == {"out/t_old": b"old"}
    assert bucket.uploads() == []
    allow(bucket, "ListBucket", "GetObject", "ListBucketMultipartUploads", "PutObject", "DeleteObject",
          "ListMultipartUploadParts", "AbortMultipartUpload")  # fmt: skip
    report = starhaul.resume(report.run, job(tmp_path, bucket, **guest), state=tmp_path / "state")
    assert report.state == "done", report.error
    assert "".join(content.decode() for content in bucket.objects().values()) == CSV


def test_who_may_not_even_list(bucket: Bucket, guest: dict[str, str], tmp_path: Path) -> None:
    with pytest.raises(starhaul.ConfigError, match="no permission"):
        starhaul.run(job(tmp_path, bucket, **guest), state=tmp_path / "state")
    assert bucket.objects() == {"out/t_old": b"old"}


class _Gate(BaseHTTPRequestHandler):
    """Passes requests on, until the server says that the credentials have expired."""

    def _answer(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        gate = self.server
        assert isinstance(gate, _Gates)
        if gate.expires_at(self.command, self.path):
            self._tell(400, {"Content-Type": "application/xml"}, EXPIRED)
            return
        store = http.client.HTTPConnection("127.0.0.1", gate.behind, timeout=30)
        try:
            store.request(self.command, self.path, body, dict(self.headers))
            answer = store.getresponse()
            self._tell(answer.status, dict(answer.getheaders()), answer.read())
        finally:
            store.close()

    do_GET = do_PUT = do_POST = do_HEAD = do_DELETE = _answer

    def _tell(self, status: int, headers: Mapping[str, str], body: bytes) -> None:
        self.send_response(status)
        for name, value in headers.items():
            if name.lower() not in ("content-length", "transfer-encoding", "connection", "date", "server"):
                self.send_header(name, value)
        length = headers.get("Content-Length", "0") if self.command == "HEAD" else str(len(body))
        self.send_header("Content-Length", length)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing is told."""


class _Gates(ThreadingHTTPServer):
    """A gate to a store. Credentials expire with the first request that `until` matches."""

    def __init__(self, behind: int, until: str) -> None:
        super().__init__(("127.0.0.1", 0), _Gate)
        self.behind = behind
        self.until = until
        self._expired = False

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    def expires_at(self, method: str, path: str) -> bool:
        self._expired = self._expired or bool(re.fullmatch(self.until, f"{method} {path}"))
        return self._expired

    def renew(self) -> None:
        """Whoever asks has new credentials."""
        self.until, self._expired = "", False


@contextmanager
def gate(bucket: Bucket, until: str) -> Iterator[_Gates]:
    """A gate to the store for the time of a `with` block."""
    with _Gates(bucket.server.port, until) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


@pytest.mark.parametrize(
    "until", ["POST .*[?]uploads.*", "PUT .*partNumber=1.*", "POST .*uploadId=.*"], ids=["begin", "part", "publish"]
)
def test_credentials_that_expire(bucket: Bucket, tmp_path: Path, until: str) -> None:
    """In the midst of a run; a resume with others delivers everything once."""
    with gate(bucket, until) as store:
        given = job(tmp_path, bucket, endpoint=store.url)
        report = starhaul.run(given, state=tmp_path / "state")
        assert report.state == "failed"
        assert report.error is not None
        assert (report.error.kind, report.error.problem) == ("ConfigError", "the credentials have expired")
        assert bucket.objects() == {"out/t_old": b"old"}
        store.renew()
        report = starhaul.resume(report.run, given, state=tmp_path / "state")
    assert report.state == "done", report.error
    assert list(bucket.objects().values()) == [CSV.encode()]
    assert bucket.uploads() == []


def test_credentials_that_have_expired(bucket: Bucket, tmp_path: Path) -> None:
    with gate(bucket, ".*") as store, pytest.raises(starhaul.ConfigError, match="have expired") as told:
        starhaul.run(job(tmp_path, bucket, endpoint=store.url, sessionToken="a secret token"), state=tmp_path / "state")
    assert "a secret token" not in str(told.value)


class SmallStore(S3Server):
    """A store on a disk of 6 MiB."""

    def command(self) -> Sequence[str]:
        serve = shlex.join(super().command())
        rootless = [] if os.geteuid() == 0 else ["--map-root-user"]
        mount = f"mount -t tmpfs -o size=6m small {self.folder}/data && exec {serve}"
        return ["unshare", "--mount", *rootless, "sh", "-c", mount]


def test_a_store_without_space(tmp_path: Path) -> None:
    with new_folder("s3") as folder:
        server = SmallStore(folder)
        with started(server):
            bucket = Bucket(server, "small")
            with server.client() as client:
                client.create_bucket(Bucket=bucket.name)
            given = job(tmp_path, bucket)
            source = {"name": "stream", "sliceRecordCount": 400_000, "column": [{"value": "text that fills it"}]}
            report = starhaul.run({**given, "reader": source}, state=tmp_path / "state")
            assert report.state == "failed"
            assert report.error is not None
            assert (report.error.kind, report.error.problem) == ("PermanentError", "there is no space left")
            assert bucket.objects() == {"out/t_old": b"old"}
            assert bucket.uploads() == []
            report = starhaul.run(given, state=tmp_path / "state")
            assert report.state == "done", report.error
            assert list(bucket.objects().values()) == [CSV.encode()]
